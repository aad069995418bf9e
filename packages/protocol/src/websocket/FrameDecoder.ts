/**
 * Octets in, parts of frames out: the framing of RFC 6455 §5.2 as one pure step.
 *
 * It decides where frames begin and end, takes the mask off, and refuses what no frame may be. It knows nothing of
 * messages. A frame comes in parts as its octets come, so that nothing of it is held back: a frame that lies in
 * one chunk is one part. Only a header that is cut by the end of a chunk is kept, 14 octets at the most.
 *
 * A step never throws, and what it says depends on the octets only, not on how they were cut into chunks; whoever
 * edits this must keep that, and the property tests hold them to it.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import * as ConnectionId from "../http/ConnectionId.ts"
import * as Mask from "./internal/mask.ts"
import * as Opcode from "./Opcode.ts"
import * as WebSocketError from "./WebSocketError.ts"
import * as WebSocketLimits from "./WebSocketLimits.ts"

/** Who reads: a server takes masked frames only, a client only those that are not. */
export type Role = "Server" | "Client"

/** What came of one frame. */
export interface FramePart {
  readonly opcode: Opcode.Opcode
  readonly fin: boolean
  readonly rsv1: boolean
  /** Octets of the whole payload. */
  readonly length: number
  /** Octets of the payload before this part. */
  readonly offset: number
  /** This part of the payload, unmasked. Empty only where the frame is. */
  readonly payload: Uint8Array
  /** Which frame, 1 for the first. */
  readonly index: number
}

/** Whether the frame ends with this part. */
export const isLast = (part: FramePart): boolean => part.offset + part.payload.length === part.length

/** Whether the frame begins with this part. */
export const isFirst = (part: FramePart): boolean => part.offset === 0

/** Where a decoder stands between two chunks. A value. `index` is the number of the frame, 1 for the first. */
export type State =
  /** In front of a frame or inside a header, of which `octets` have come. */
  | { readonly _tag: "Header"; readonly index: number; readonly octets: Uint8Array }
  /** Inside a payload. */
  | {
      readonly _tag: "Payload"
      readonly index: number
      readonly opcode: Opcode.Opcode
      readonly fin: boolean
      readonly rsv1: boolean
      readonly length: number
      readonly offset: number
      readonly masked: boolean
      readonly key: number
    }
  /** After a frame that was refused. There is no way on. */
  | { readonly _tag: "Failed"; readonly error: WebSocketError.WebSocketError }

/** What one step gave: the parts in order, and the state behind them, which may be `Failed`. */
export interface Step {
  readonly state: State
  readonly parts: ReadonlyArray<FramePart>
}

/** What a decoder is made with. */
export interface Options {
  readonly connectionId?: ConnectionId.ConnectionId | undefined
  readonly limits?: Partial<WebSocketLimits.WebSocketLimits> | undefined
  /** Default: `Server`. */
  readonly role?: Role | undefined
  /** Whether an extension has given RSV1 a meaning (permessage-deflate). Default: false. */
  readonly rsv1?: boolean | undefined
  /**
   * Whether the mask is taken off in the chunk itself, which then must belong to the decoder. Default: false, and a
   * part is a copy.
   */
  readonly inPlace?: boolean | undefined
}

/** A decoder. It holds no state of its own. */
export interface FrameDecoder {
  readonly connectionId: ConnectionId.ConnectionId
  readonly limits: WebSocketLimits.WebSocketLimits
  readonly role: Role
  readonly rsv1: boolean
  readonly inPlace: boolean
}

/** Makes a decoder. */
export const make = (options?: Options): FrameDecoder => ({
  connectionId: options?.connectionId ?? ConnectionId.none,
  limits: WebSocketLimits.make(options?.limits),
  role: options?.role ?? "Server",
  rsv1: options?.rsv1 ?? false,
  inPlace: options?.inPlace ?? false
})

const NOTHING = new Uint8Array(0)

const header = (index: number, octets: Uint8Array = NOTHING): State => ({ _tag: "Header", index, octets })

/** Before the first frame. */
export const initial: State = header(1)

// The longest header: two octets, a length of eight, a key of four.
const HEADER_BYTES = 14

// What a header says, or what is wrong with it. One is made for each step and filled for each frame.
class Scan {
  opcode: Opcode.Opcode = "Continuation"
  fin = false
  rsv1 = false
  masked = false
  length = 0
  key = 0
  error: WebSocketError.ReasonTag | undefined = undefined
  detail = ""

  /** Reads a header. Gives its length, 0 where more octets are needed, -1 where `error` says what is wrong. */
  read(decoder: FrameDecoder, bytes: Uint8Array, at: number, end: number): number {
    const b0 = bytes[at]
    this.fin = (b0 & 0x80) !== 0
    this.rsv1 = (b0 & 0x40) !== 0
    // RFC 6455 §5.2: a reserved bit without an extension that defines it fails the connection.
    if ((b0 & 0x30) !== 0 || (this.rsv1 && !decoder.rsv1)) return this.refuse("ReservedBits", hex(b0))
    const opcode = Opcode.fromCode(b0 & 0x0f)
    if (opcode === undefined) return this.refuse("ReservedOpcode", hex(b0 & 0x0f))
    this.opcode = opcode
    const control = (b0 & 0x08) !== 0
    if (control) {
      // RFC 7692 §6.1: RSV1 marks messages; control frames are none.
      if (this.rsv1) return this.refuse("ReservedBits", hex(b0))
      if (!this.fin) return this.refuse("FragmentedControlFrame", opcode)
    } else if (this.rsv1 && opcode === "Continuation") {
      return this.refuse("CompressedContinuation", "")
    }
    if (end - at < 2) return 0
    const b1 = bytes[at + 1]
    this.masked = (b1 & 0x80) !== 0
    // RFC 6455 §5.1.
    if (decoder.role === "Server") {
      if (!this.masked) return this.refuse("UnmaskedFrame", "")
    } else if (this.masked) return this.refuse("MaskedFrame", "")
    const short = b1 & 0x7f
    if (control && short > 125) return this.refuse("ControlFrameTooLong", "")
    const lengthBytes = short < 126 ? 0 : short === 126 ? 2 : 8
    if (lengthBytes === 0) this.length = short
    else {
      const refused = this.readLength(bytes, at + 2, end, lengthBytes)
      if (refused !== 1) return refused
    }
    // RFC 6455 §10.4: the limit is known from the header, before anything is stored.
    if (this.length > decoder.limits.frameBytes)
      return this.refuse("FrameTooLarge", String(decoder.limits.frameBytes))
    const size = 2 + lengthBytes + (this.masked ? 4 : 0)
    if (end - at < size) return 0
    if (this.masked) {
      const k = at + 2 + lengthBytes
      this.key = (bytes[k] << 24) | (bytes[k + 1] << 16) | (bytes[k + 2] << 8) | bytes[k + 3]
    }
    return size
  }

  // An extended length. Gives 1 where it is known.
  private readLength(bytes: Uint8Array, at: number, end: number, count: number): number {
    // RFC 6455 §5.2: "the most significant bit MUST be 0".
    if (count === 8 && at < end && bytes[at] > 0x7f) return this.refuse("LengthOverflow", "")
    if (end - at < count) return 0
    let length = 0
    for (let i = 0; i < count; i++) length = length * 256 + bytes[at + i]
    // RFC 6455 §5.2: "the minimal number of bytes MUST be used to encode the length".
    if (length < (count === 2 ? 126 : 65_536)) return this.refuse("LengthNotMinimal", String(length))
    this.length = length
    return 1
  }

  private refuse(tag: WebSocketError.ReasonTag, detail: string): -1 {
    this.error = tag
    this.detail = detail
    return -1
  }
}

const hex = (value: number): string => `0x${value.toString(16).padStart(2, "0")}`

/**
 * Feeds a chunk and reads it to its end, or to the frame that is refused.
 *
 * @example
 * ```ts
 * import * as FrameDecoder from "@nvo/protocol/websocket/FrameDecoder"
 *
 * // The masked "Hello" of RFC 6455 §5.7.
 * const bytes = Uint8Array.of(0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58)
 * const { parts } = FrameDecoder.step(FrameDecoder.make(), FrameDecoder.initial, bytes)
 * parts.map((part) => part.opcode) // ["Text"]
 * new TextDecoder().decode(parts[0].payload) // "Hello"
 * ```
 */
export const step = (decoder: FrameDecoder, state: State, chunk: Uint8Array): Step => {
  const parts: Array<FramePart> = []
  if (state._tag === "Failed" || chunk.length === 0) return { state, parts }
  const scan = new Scan()
  const end = chunk.length
  let at = 0
  let { index } = state
  let offset = 0
  let inPayload = state._tag === "Payload"
  if (state._tag === "Payload") {
    Object.assign(scan, { opcode: state.opcode, fin: state.fin, rsv1: state.rsv1 })
    Object.assign(scan, { length: state.length, masked: state.masked, key: state.key })
    offset = state.offset
  } else if (state.octets.length > 0) {
    // A header that was cut: what has come of it and as much of the chunk as it can need.
    const cut = state.octets.length
    const bytes = new Uint8Array(Math.min(HEADER_BYTES, cut + end))
    bytes.set(state.octets)
    bytes.set(chunk.subarray(0, bytes.length - cut), cut)
    const size = scan.read(decoder, bytes, 0, bytes.length)
    if (size < 0) return { state: failed(decoder, scan, index), parts }
    if (size === 0) return { state: header(index, bytes), parts }
    at = size - cut
    inPayload = true
  }
  while (inPayload || at < end) {
    if (!inPayload) {
      const size = scan.read(decoder, chunk, at, end)
      if (size < 0) return { state: failed(decoder, scan, index), parts }
      if (size === 0) return { state: header(index, chunk.slice(at)), parts }
      at += size
      offset = 0
      inPayload = true
    }
    const { fin, key, length, masked, opcode, rsv1 } = scan
    const to = Math.min(end, at + length - offset)
    if (to === at && length > 0) break
    const payload = masked && !decoder.inPlace ? chunk.slice(at, to) : chunk.subarray(at, to)
    if (masked) Mask.mask(payload, 0, payload.length, key, offset)
    parts.push({ opcode, fin, rsv1, length, offset, payload, index })
    offset += to - at
    at = to
    if (offset < length) break
    inPayload = false
    index++
    offset = 0
  }
  if (!inPayload) return { state: header(index), parts }
  const { fin, key, length, masked, opcode, rsv1 } = scan
  return { state: { _tag: "Payload", index, opcode, fin, rsv1, length, offset, masked, key }, parts }
}

const failed = (decoder: FrameDecoder, scan: Scan, index: number): State => ({
  _tag: "Failed",
  error: WebSocketError.make(scan.error as WebSocketError.ReasonTag, {
    connectionId: decoder.connectionId,
    frameIndex: index,
    detail: scan.detail
  })
})

/**
 * The state behind so many whole frames more, where it is between frames.
 *
 * @internal
 */
export const afterFrames = (state: State, count: number): State =>
  state._tag === "Header" ? header(state.index + count) : state

/** Whether a peer that ends now leaves no frame unfinished. */
export const isBetweenFrames = (state: State): boolean => state._tag === "Header" && state.octets.length === 0

/**
 * The decoder as a transform of streams. Parts that precede a refused frame are emitted before the stream fails. An
 * end inside a frame is `ConnectionLost`.
 */
export const decode =
  (options?: Options) =>
  <E, R>(
    self: Stream.Stream<Uint8Array, E, R>
  ): Stream.Stream<FramePart, E | WebSocketError.WebSocketError, R> =>
    Stream.transformPull(self, (upstream) =>
      Effect.sync(() => {
        const decoder = make(options)
        let state: State = initial
        const pull: Pull.Pull<
          Arr.NonEmptyReadonlyArray<FramePart>,
          E | WebSocketError.WebSocketError
        > = Effect.suspend((): typeof pull => {
          if (state._tag === "Failed") return Effect.fail(state.error)
          return Pull.catchDone(
            Effect.flatMap(upstream, (chunks) => {
              const parts: Array<FramePart> = []
              for (const chunk of chunks) {
                const result = step(decoder, state, chunk)
                state = result.state
                for (const part of result.parts) parts.push(part)
              }
              return Arr.isArrayNonEmpty(parts) ? Effect.succeed(parts) : pull
            }),
            (): typeof pull =>
              isBetweenFrames(state)
                ? Cause.done()
                : Effect.fail(
                    state._tag === "Failed"
                      ? state.error
                      : WebSocketError.make("ConnectionLost", {
                          connectionId: decoder.connectionId,
                          frameIndex: state.index
                        })
                  )
          )
        })
        return pull
      })
    )
