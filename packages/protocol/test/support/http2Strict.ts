/**
 * A strict client's view of what a server sends, RFC 9113: what is wrong with it, if anything. It reads octets, not the
 * frames of the library, so that nothing of a header is taken for granted.
 */
import * as FrameType from "@nvo/protocol/http2/frame/FrameType"

// The flags that a server has a use for: it pads nothing and says no priorities.
const flagsOf: ReadonlyMap<number, number> = new Map([
  [FrameType.DATA, FrameType.END_STREAM],
  [FrameType.HEADERS, FrameType.END_STREAM | FrameType.END_HEADERS],
  [FrameType.RST_STREAM, 0],
  [FrameType.SETTINGS, FrameType.ACK],
  [FrameType.PING, FrameType.ACK],
  [FrameType.GOAWAY, 0],
  [FrameType.WINDOW_UPDATE, 0],
  [FrameType.CONTINUATION, FrameType.END_HEADERS]
])

const uint32 = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(at)

/** What is wrong with all that a server has sent to a client whose SETTINGS_MAX_FRAME_SIZE is 16,384. */
export const violations = (bytes: Uint8Array): ReadonlyArray<string> => {
  const found: Array<string> = []
  const ended = new Set<number>()
  const gone = new Set<number>()
  let block = 0
  let last = Number.POSITIVE_INFINITY
  let at = 0
  const wrong = (what: string) => found.push(`${what}, at ${at}`)
  while (at < bytes.length) {
    const length = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2]
    const type = bytes[at + 3]
    const flags = bytes[at + 4]
    const word = uint32(bytes, at + 5)
    const streamId = word & 0x7fffffff
    const payload = at + FrameType.HEADER_BYTES
    if (at === 0 && (type !== FrameType.SETTINGS || flags !== 0)) wrong("§3.4: SETTINGS are not first")
    if (payload + length > bytes.length) wrong("§4.1: a frame is cut off")
    if (length > 16_384) wrong("§4.2: a frame is larger than the client takes")
    if (word > 0x7fffffff) wrong("§4.1: the reserved bit is set")
    const allowed = flagsOf.get(type)
    if (allowed === undefined) wrong(`§6: a server does not send type ${type}`)
    else if ((flags & ~allowed) !== 0) wrong(`§4.1: flags ${flags} of type ${type}`)
    if (block !== 0 && (type !== FrameType.CONTINUATION || streamId !== block)) {
      wrong("§4.3: a field block is interrupted")
    }
    if (block === 0 && type === FrameType.CONTINUATION) wrong("§6.10: CONTINUATION continues nothing")
    if (streamId !== 0 && streamId % 2 === 0) wrong("§5.1.1: a server opens no streams")
    if (gone.has(streamId)) wrong(`§5.1: type ${type} on stream ${streamId}, which is reset`)
    if (
      ended.has(streamId) &&
      type !== FrameType.RST_STREAM &&
      type !== FrameType.WINDOW_UPDATE &&
      block === 0
    ) {
      wrong(`§5.1: type ${type} behind END_STREAM of stream ${streamId}`)
    }
    switch (type) {
      case FrameType.HEADERS:
      case FrameType.CONTINUATION:
        block = (flags & FrameType.END_HEADERS) === 0 ? streamId : 0
        break
      case FrameType.RST_STREAM:
        gone.add(streamId)
        break
      case FrameType.WINDOW_UPDATE: {
        const increment = uint32(bytes, payload)
        if (increment === 0 || increment > 0x7fffffff) wrong(`§6.9: an increment of ${increment}`)
        break
      }
      case FrameType.SETTINGS:
        if ((flags & FrameType.ACK) !== 0 && length !== 0)
          wrong("§6.5: an acknowledgement that says something")
        for (let i = payload; i < payload + length; i += 6) {
          if (bytes[i + 1] === 2) wrong("§6.5.2: ENABLE_PUSH is said")
        }
        break
      case FrameType.GOAWAY: {
        const named = uint32(bytes, payload)
        if (named > last) wrong(`§6.8: the last stream rises from ${last} to ${named}`)
        last = named
        break
      }
    }
    if (
      (type === FrameType.DATA || type === FrameType.HEADERS) &&
      (flags & FrameType.END_STREAM) !== 0 &&
      streamId !== 0
    ) {
      ended.add(streamId)
    }
    at = payload + length
  }
  if (block !== 0) found.push("§4.3: a field block is not complete")
  return found
}
