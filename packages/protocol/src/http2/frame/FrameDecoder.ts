/**
 * Octets in, frames out, RFC 9113 §4.1, as one pure step.
 *
 * It knows the layout of frames and nothing of streams. A header is judged as soon as its nine octets are there,
 * so that nobody has to send a frame that will be refused; a frame is given when its payload is complete. What is
 * kept between two chunks is less than one frame. The answer depends on the octets only, not on how they were cut.
 */
import * as ByteBuffer from "../../http/ByteBuffer.ts"
import * as Latin1 from "../../http/Latin1.ts"
import { type ReasonTag, reasons } from "../Http2Error.ts"
import * as Frame from "./Frame.ts"
import * as FrameType from "./FrameType.ts"

/** Where a decoder stands between two chunks: what has come of a frame. */
export interface State {
  readonly buffer: ByteBuffer.ByteBuffer
  readonly failure: Failure | undefined
}

/** Why nothing behind a frame can be read. */
export interface Failure {
  readonly reason: ReasonTag
  /** The stream of the frame. */
  readonly streamId: number
}

/** What one step gave: frames in order, and behind them the failure, if there is one. */
export interface Step {
  readonly state: State
  readonly frames: ReadonlyArray<Frame.Frame>
  readonly failure: Failure | undefined
}

export const initial: State = { buffer: ByteBuffer.empty, failure: undefined }

/** SETTINGS_MAX_FRAME_SIZE of a side that has not said otherwise, RFC 9113 §6.5.2. */
export const DEFAULT_MAX_FRAME_BYTES = 16_384

/** Feeds a chunk. Frames that lie in it as a whole are slices of it. */
export const step = (state: State, chunk: Uint8Array, maxFrameBytes = DEFAULT_MAX_FRAME_BYTES): Step => {
  if (state.failure !== undefined) return { state, frames: [], failure: state.failure }
  const frames: Array<Frame.Frame> = []
  const { buffer } = state
  let at = 0
  if (buffer.length > 0) {
    // The frame that was begun is completed in its buffer, and no octet of the next one is copied there.
    let kept = buffer
    const need = FrameType.HEADER_BYTES - buffer.length
    if (need > 0) {
      at = need < chunk.length ? need : chunk.length
      kept = ByteBuffer.append(kept, chunk, 0, at)
      if (kept.length < FrameType.HEADER_BYTES) return more(kept, frames)
    }
    const header = ByteBuffer.toBytes(kept)
    if (need > 0) {
      const fault = headerFault(header, 0, maxFrameBytes)
      if (fault !== undefined) return fail(fault, streamIdAt(header, 0), frames)
    }
    const end = FrameType.HEADER_BYTES + lengthAt(header, 0)
    const missing = end - kept.length
    const to = at + missing < chunk.length ? at + missing : chunk.length
    kept = ByteBuffer.append(kept, chunk, at, to)
    at = to
    if (kept.length < end) return more(kept, frames)
    const failure = push(frames, ByteBuffer.toBytes(kept), 0, end)
    if (failure !== undefined) return fail(failure, streamIdAt(header, 0), frames)
  }
  while (chunk.length - at >= FrameType.HEADER_BYTES) {
    const fault = headerFault(chunk, at, maxFrameBytes)
    if (fault !== undefined) return fail(fault, streamIdAt(chunk, at), frames)
    const end = at + FrameType.HEADER_BYTES + lengthAt(chunk, at)
    if (end > chunk.length) return more(begin(chunk, at, end - at), frames)
    const failure = push(frames, chunk, at, end)
    if (failure !== undefined) return fail(failure, streamIdAt(chunk, at), frames)
    at = end
  }
  return at === chunk.length
    ? { state: initial, frames, failure: undefined }
    : more(ByteBuffer.append(ByteBuffer.empty, chunk, at, chunk.length), frames)
}

// A buffer of a larger frame grows with what comes of it, so that nobody reserves much by a header alone. The largest
// batch of a transport.
const MOST_RESERVED = 65_536

// What has come of a frame whose length is known: its buffer does not grow, which would copy what it holds again.
const begin = (chunk: Uint8Array, at: number, length: number): ByteBuffer.ByteBuffer =>
  ByteBuffer.append(
    ByteBuffer.withCapacity(length < MOST_RESERVED ? length : MOST_RESERVED),
    chunk,
    at,
    chunk.length
  )

/** Whether a part of a HEADERS or CONTINUATION frame has come, its type among it. */
export const isInHeaders = ({ buffer }: State): boolean => {
  if (buffer.length < 4) return false
  const type = ByteBuffer.toBytes(buffer)[3]
  return type === FrameType.HEADERS || type === FrameType.CONTINUATION
}

const more = (buffer: ByteBuffer.ByteBuffer, frames: ReadonlyArray<Frame.Frame>): Step => ({
  state: { buffer, failure: undefined },
  frames,
  failure: undefined
})

const fail = (reason: ReasonTag, streamId: number, frames: ReadonlyArray<Frame.Frame>): Step => {
  const failure = { reason, streamId }
  return { state: { buffer: ByteBuffer.empty, failure }, frames, failure }
}

const lengthAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2]

// §4.1: the reserved bit is ignored.
const streamIdAt = (bytes: Uint8Array, at: number): number => uint32(bytes, at + 5) & 0x7fffffff

const uint32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0

// Stream errors leave the frame out when it is complete; a connection error does not wait for the payload.
const headerFault = (bytes: Uint8Array, at: number, maxFrameBytes: number): ReasonTag | undefined => {
  const fault = FrameType.headerFault(
    bytes[at + 3],
    bytes[at + 4],
    streamIdAt(bytes, at),
    lengthAt(bytes, at),
    maxFrameBytes
  )
  return fault !== undefined && reasons[fault].scope === "Connection" ? fault : undefined
}

const dependencyAt = (bytes: Uint8Array, at: number): Frame.Dependency => ({
  exclusive: bytes[at] >= 0x80,
  streamId: uint32(bytes, at) & 0x7fffffff,
  weight: bytes[at + 4] + 1
})

// Takes the frame from `at` to `end` apart. Its header has been judged.
const push = (
  frames: Array<Frame.Frame>,
  bytes: Uint8Array,
  at: number,
  end: number
): ReasonTag | undefined => {
  const type = bytes[at + 3]
  const flags = bytes[at + 4]
  const streamId = streamIdAt(bytes, at)
  let from = at + FrameType.HEADER_BYTES
  let to = end
  let padding: number | undefined
  // §6.1, §6.2, §6.6: the pad length counts as part of the frame, so that padding as long as the rest is too long.
  if (
    (flags & FrameType.PADDED) !== 0 &&
    (type === FrameType.DATA || type === FrameType.HEADERS || type === FrameType.PUSH_PROMISE)
  ) {
    if (from === to) return "InvalidFrameLength"
    padding = bytes[from++]
    to -= padding
    if (to < from) return "InvalidPadding"
  }
  switch (type) {
    case FrameType.DATA:
      frames.push(
        new Frame.Data(streamId, (flags & FrameType.END_STREAM) !== 0, bytes.subarray(from, to), padding)
      )
      return undefined
    case FrameType.HEADERS: {
      let dependency: Frame.Dependency | undefined
      if ((flags & FrameType.PRIORITY_FLAG) !== 0) {
        if (to - from < 5) return padding === undefined ? "InvalidFrameLength" : "InvalidPadding"
        dependency = dependencyAt(bytes, from)
        from += 5
      }
      frames.push(
        new Frame.Headers(
          streamId,
          (flags & FrameType.END_STREAM) !== 0,
          (flags & FrameType.END_HEADERS) !== 0,
          bytes.subarray(from, to),
          dependency,
          padding
        )
      )
      return undefined
    }
    case FrameType.PRIORITY:
      frames.push(
        to - from === 5
          ? { _tag: "Priority", streamId, dependency: dependencyAt(bytes, from) }
          : { _tag: "Invalid", streamId, reason: "InvalidPriorityLength" }
      )
      return undefined
    case FrameType.RST_STREAM:
      frames.push({ _tag: "RstStream", streamId, code: uint32(bytes, from) })
      return undefined
    case FrameType.SETTINGS: {
      const entries: Array<readonly [number, number]> = []
      for (let i = from; i < to; i += 6) {
        entries.push([(bytes[i] << 8) | bytes[i + 1], uint32(bytes, i + 2)])
      }
      frames.push({ _tag: "Settings", ack: (flags & FrameType.ACK) !== 0, entries })
      return undefined
    }
    case FrameType.PUSH_PROMISE:
      if (to - from < 4) return "InvalidPadding"
      frames.push({
        _tag: "PushPromise",
        streamId,
        endHeaders: (flags & FrameType.END_HEADERS) !== 0,
        promisedStreamId: uint32(bytes, from) & 0x7fffffff,
        fragment: bytes.subarray(from + 4, to),
        padding
      })
      return undefined
    case FrameType.PING:
      frames.push({ _tag: "Ping", ack: (flags & FrameType.ACK) !== 0, data: bytes.subarray(from, to) })
      return undefined
    case FrameType.GOAWAY:
      frames.push({
        _tag: "GoAway",
        lastStreamId: uint32(bytes, from) & 0x7fffffff,
        code: uint32(bytes, from + 4),
        debug: bytes.subarray(from + 8, to)
      })
      return undefined
    case FrameType.WINDOW_UPDATE:
      frames.push({ _tag: "WindowUpdate", streamId, increment: uint32(bytes, from) & 0x7fffffff })
      return undefined
    case FrameType.CONTINUATION:
      frames.push({
        _tag: "Continuation",
        streamId,
        endHeaders: (flags & FrameType.END_HEADERS) !== 0,
        fragment: bytes.subarray(from, to)
      })
      return undefined
    case FrameType.PRIORITY_UPDATE:
      frames.push({
        _tag: "PriorityUpdate",
        prioritizedStreamId: uint32(bytes, from) & 0x7fffffff,
        value: Latin1.decode(bytes, from + 4, to)
      })
      return undefined
    default:
      frames.push({ _tag: "Extension", type, flags, streamId, payload: bytes.subarray(from, to) })
      return undefined
  }
}
