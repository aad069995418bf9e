/**
 * Octets in, request events out: the whole of HTTP/1.1 request parsing (RFC 9112) as one pure step.
 *
 * It decides what the octets of a connection mean, up to the end of each message. It knows nothing of sockets,
 * time or answers. A step never throws, never keeps a reference to the chunk it was fed except in the events it
 * returns, and its answer depends on the octets only, not on how they were cut into chunks: whoever edits this
 * must keep that, and the property tests hold them to it.
 *
 * A head may span any number of chunks; what has come is kept in a persistent buffer that never exceeds
 * `Limits.headBytes` (or `Limits.requestLineBytes`, where that is the larger one). Body data is passed through as slices of the chunk.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import * as ByteBuffer from "../http/ByteBuffer.ts"
import * as ConnectionId from "../http/ConnectionId.ts"
import * as FieldSection from "../http/FieldSection.ts"
import * as Latin1 from "../http/Latin1.ts"
import * as Limits from "../http/Limits.ts"
import * as Http1Error from "./Http1Error.ts"
import * as ChunkedScan from "./internal/chunkedScan.ts"
import * as FieldScan from "./internal/fieldScan.ts"
import * as HeadSemantics from "./internal/headSemantics.ts"
import * as RequestLineScan from "./internal/requestLineScan.ts"
import * as RequestEvent from "./RequestEvent.ts"

/**
 * Where a decoder stands between two chunks. A value: a state can be kept, compared and fed again.
 * `index` is the number of the message, 1 for the first.
 */
export type State =
  /** Between messages: nothing of the next one has come but, perhaps, empty lines. */
  | { readonly _tag: "Idle"; readonly index: number }
  /** Inside a head. `buffer` holds it from the first octet of its request line. */
  | {
      readonly _tag: "Head"
      readonly index: number
      readonly buffer: ByteBuffer.ByteBuffer
      readonly line: RequestLineScan.RequestLineScan
      readonly fields: FieldScan.FieldScan | undefined
    }
  /** Inside a body of known length; `remaining` octets are still to come. */
  | { readonly _tag: "Length"; readonly index: number; readonly remaining: number; readonly offset: number }
  /** Inside a chunked body. */
  | {
      readonly _tag: "Chunked"
      readonly index: number
      readonly scan: ChunkedScan.ChunkedScan
      readonly offset: number
    }
  /** Inside the trailer section of a chunked body. */
  | {
      readonly _tag: "Trailers"
      readonly index: number
      readonly buffer: ByteBuffer.ByteBuffer
      readonly scan: FieldScan.FieldScan
      readonly offset: number
    }
  /** After a message that was refused. There is no way on: where the next one begins cannot be known. */
  | { readonly _tag: "Failed"; readonly index: number; readonly error: Http1Error.Http1Error }

/**
 * What a step ended with.
 *
 * - `NeedData`: everything was read; feed the next chunk.
 * - `Paused`: a message ended and octets are left in `rest`. Feed them when the next message is wanted, or hand
 *   them to the protocol that takes over.
 * - `Failed`: the message is refused. Every further step says the same.
 */
export type Outcome =
  | { readonly _tag: "NeedData" }
  | { readonly _tag: "Paused" }
  | { readonly _tag: "Failed"; readonly error: Http1Error.Http1Error }

/** What one step gave. `events` are in order and precede the outcome. `rest` is empty unless `Paused`. */
export interface Step {
  readonly state: State
  readonly events: ReadonlyArray<RequestEvent.RequestEvent>
  readonly outcome: Outcome
  readonly rest: Uint8Array
}

/** What a decoder is made with. */
export interface Options {
  readonly connectionId?: ConnectionId.ConnectionId | undefined
  readonly limits?: Partial<Limits.Limits> | undefined
}

/** A decoder: its limits and the connection it speaks of. It holds no state of its own. */
export interface RequestDecoder {
  readonly connectionId: ConnectionId.ConnectionId
  readonly limits: Limits.Limits
}

/** Makes a decoder. Defaults: `ConnectionId.none` and `Limits.defaults`. */
export const make = (options?: Options): RequestDecoder => ({
  connectionId: options?.connectionId ?? ConnectionId.none,
  limits: Limits.make(options?.limits)
})

const idle = (index: number): State => ({ _tag: "Idle", index })

/** Before the first message of a connection. */
export const initial: State = idle(1)

const NEED_DATA: Outcome = { _tag: "NeedData" }
const PAUSED: Outcome = { _tag: "Paused" }
const NOTHING = new Uint8Array(0)

// One step under way: mutable, and never seen outside of `step`.
interface Run {
  readonly decoder: RequestDecoder
  readonly bytes: Uint8Array
  readonly events: Array<RequestEvent.RequestEvent>
  index: number
  at: number
}

const failed = (
  run: Run,
  tag: Http1Error.ReasonTag,
  offset: number,
  phase: Http1Error.Phase,
  detail = ""
): State => ({
  _tag: "Failed",
  index: run.index,
  error: Http1Error.make(tag, {
    connectionId: run.decoder.connectionId,
    requestIndex: run.index,
    offset,
    phase,
    detail
  })
})

const quoteAt = (run: Run, at: number): string =>
  at >= 0 && at < run.bytes.length ? Http1Error.quoteOctet(run.bytes[at]) : ""

// The reasons whose offending octet says something; for the others the limit or the sentence is enough.
const namesOctet: ReadonlySet<Http1Error.ReasonTag> = new Set<Http1Error.ReasonTag>([
  "InvalidMethod",
  "InvalidTarget",
  "InvalidVersion",
  "UnsupportedVersion",
  "InvalidFieldName",
  "InvalidFieldValue",
  "InvalidChunkSize",
  "InvalidChunkExtension",
  "MissingChunkTerminator"
])

const failedAt = (
  run: Run,
  tag: Http1Error.ReasonTag,
  at: number,
  offset: number,
  phase: Http1Error.Phase
): State => failed(run, tag, offset, phase, namesOctet.has(tag) ? quoteAt(run, at) : "")

// Methods are looked up in tables by everyone who comes after; a constant is found there by identity, a slice
// has to be interned each time.
const COMMON_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"] as const

const readMethod = (text: string, length: number): string => {
  for (let i = 0; i < COMMON_METHODS.length; i++) {
    const method = COMMON_METHODS[i]
    if (method.length === length && text.startsWith(method)) return method
  }
  return text.slice(0, length)
}

// The head lies in `bytes` from `from` to `to`, its syntax checked; `positions` are relative to `from`.
const readHead = (
  run: Run,
  bytes: Uint8Array,
  from: number,
  to: number,
  methodEnd: number,
  targetEnd: number,
  minorVersion: 0 | 1,
  positions: Array<number>
): State => {
  const text = Latin1.decode(bytes, from, to)
  const method = readMethod(text, methodEnd - from)
  const target = text.slice(methodEnd + 1 - from, targetEnd - from)
  const fields = new FieldSection.FieldSection(text, positions)
  const head = HeadSemantics.read(method, target, minorVersion, fields, to - from, run.decoder.limits)
  if (HeadSemantics.isRefusal(head)) {
    return failed(
      run,
      head.reason,
      head.offset,
      targetReasons.has(head.reason) ? "RequestLine" : "Fields",
      head.detail
    )
  }
  run.events.push(head)
  switch (head.framing._tag) {
    case "Length":
      return { _tag: "Length", index: run.index, remaining: head.framing.length, offset: to - from }
    case "Chunked":
      return { _tag: "Chunked", index: run.index, scan: ChunkedScan.start, offset: to - from }
    default:
      run.events.push(RequestEvent.end)
      return idle(run.index + 1)
  }
}

const targetReasons: ReadonlySet<Http1Error.ReasonTag> = new Set<Http1Error.ReasonTag>([
  "InvalidTarget",
  "TargetFormMismatch"
])

const stepHead = (run: Run, state: State & { readonly _tag: "Idle" | "Head" }): State => {
  const { bytes } = run
  const { limits } = run.decoder
  const from = run.at
  const resumed = state._tag === "Head"
  const buffered = resumed ? state.buffer.length : 0
  const knownFields = resumed ? state.fields : undefined

  // The request line.
  let fieldsFrom = from
  let lineStart = from - buffered
  if (knownFields === undefined) {
    RequestLineScan.scan(bytes, from, bytes.length, resumed ? state.line : RequestLineScan.start, limits)
    const line = RequestLineScan.result
    if (line.outcome === "Failed") {
      return failedAt(run, line.reason, line.index, line.index - line.lineStart, "RequestLine")
    }
    // Empty lines in front are not part of the head.
    if (buffered === 0) lineStart = line.state.length === 0 ? bytes.length : Math.max(line.lineStart, from)
    if (line.outcome === "More") {
      run.at = bytes.length
      return {
        _tag: "Head",
        index: run.index,
        buffer: ByteBuffer.append(
          resumed ? state.buffer : ByteBuffer.empty,
          bytes,
          Math.max(lineStart, from),
          bytes.length
        ),
        line: line.state,
        fields: undefined
      }
    }
    fieldsFrom = line.index
  }
  const line =
    knownFields === undefined ? RequestLineScan.result.state : (state as State & { _tag: "Head" }).line

  // The field section, up to the limit of the whole head.
  const limit = lineStart + limits.headBytes
  const to = limit < bytes.length ? limit : bytes.length
  const positions: Array<number> = []
  if (fieldsFrom > to) {
    return failed(run, "HeadTooLarge", limits.headBytes, "Fields", `${limits.headBytes} octets`)
  }
  FieldScan.scan(
    bytes,
    fieldsFrom,
    to,
    knownFields ?? FieldScan.start,
    limits.fieldCount,
    positions,
    lineStart
  )
  const fields = FieldScan.result
  switch (fields.outcome) {
    case "Failed":
      return failedAt(run, fields.reason, fields.index, fields.index - lineStart, "Fields")
    case "More":
      if (to < bytes.length) {
        return failed(run, "HeadTooLarge", limits.headBytes, "Fields", `${limits.headBytes} octets`)
      }
      run.at = bytes.length
      return {
        _tag: "Head",
        index: run.index,
        buffer: ByteBuffer.append(
          resumed ? state.buffer : ByteBuffer.empty,
          bytes,
          Math.max(lineStart, from),
          bytes.length
        ),
        line,
        fields: { phase: fields.phase, count: fields.count }
      }
    case "Done": {
      run.at = fields.index
      if (!resumed || buffered === 0) {
        const { methodEnd, targetEnd } = RequestLineScan.result
        return readHead(
          run,
          bytes,
          lineStart,
          fields.index,
          methodEnd,
          targetEnd,
          line.minorVersion,
          positions
        )
      }
      // The head came in pieces. It is known to be sound, so one more pass finds where everything is.
      const head = ByteBuffer.toBytes(ByteBuffer.append(state.buffer, bytes, from, fields.index))
      RequestLineScan.scan(head, 0, head.length, RequestLineScan.start, limits)
      const { index, methodEnd, targetEnd } = RequestLineScan.result
      const all: Array<number> = []
      FieldScan.scan(head, index, head.length, FieldScan.start, limits.fieldCount, all, 0)
      return readHead(run, head, 0, head.length, methodEnd, targetEnd, line.minorVersion, all)
    }
  }
}

const stepLength = (run: Run, state: State & { readonly _tag: "Length" }): State => {
  const available = run.bytes.length - run.at
  const take = state.remaining < available ? state.remaining : available
  const from = run.at
  run.at += take
  run.events.push(
    new RequestEvent.BodyData(take === run.bytes.length ? run.bytes : run.bytes.subarray(from, run.at))
  )
  if (take < state.remaining) {
    return {
      _tag: "Length",
      index: run.index,
      remaining: state.remaining - take,
      offset: state.offset + take
    }
  }
  run.events.push(RequestEvent.end)
  return idle(run.index + 1)
}

const stepChunked = (run: Run, state: State & { readonly _tag: "Chunked" }): State => {
  const { bytes } = run
  const { limits } = run.decoder
  const origin = run.at - state.offset
  let scan = state.scan
  while (run.at < bytes.length) {
    ChunkedScan.scan(bytes, run.at, bytes.length, scan, limits)
    const result = ChunkedScan.result
    switch (result.outcome) {
      case "Failed":
        return failedAt(run, result.reason, result.index, result.index - origin, "Body")
      case "Data":
        run.events.push(new RequestEvent.BodyData(bytes.subarray(result.dataStart, result.index)))
        break
      case "Last": {
        run.at = result.index
        return {
          _tag: "Trailers",
          index: run.index,
          buffer: ByteBuffer.empty,
          scan: FieldScan.start,
          offset: run.at - origin
        }
      }
    }
    run.at = result.index
    scan = result.state
  }
  return { _tag: "Chunked", index: run.index, scan, offset: bytes.length - origin }
}

// RFC 9110 §6.5.1: fields that frame or route a message may not come behind it.
const forbiddenTrailers = [
  "content-length",
  "transfer-encoding",
  "host",
  "trailer",
  "content-encoding"
] as const

const stepTrailers = (run: Run, state: State & { readonly _tag: "Trailers" }): State => {
  const { bytes } = run
  const { limits } = run.decoder
  const from = run.at
  const sectionStart = from - state.buffer.length
  const limit = sectionStart + limits.trailerBytes
  const to = limit < bytes.length ? limit : bytes.length
  const positions: Array<number> = []
  FieldScan.scan(bytes, from, to, state.scan, limits.fieldCount, positions, sectionStart)
  const { count, index, outcome, phase, reason } = FieldScan.result
  switch (outcome) {
    case "Failed":
      return failedAt(run, reason, index, state.offset + index - sectionStart, "Trailers")
    case "More":
      if (to < bytes.length) {
        const offset = state.offset + limits.trailerBytes
        return failed(run, "TrailersTooLarge", offset, "Trailers", `${limits.trailerBytes} octets`)
      }
      run.at = bytes.length
      return {
        _tag: "Trailers",
        index: run.index,
        buffer: ByteBuffer.append(state.buffer, bytes, from, bytes.length),
        scan: { phase, count },
        offset: state.offset
      }
    case "Done": {
      run.at = index
      if (count === 0) {
        run.events.push(RequestEvent.end)
        return idle(run.index + 1)
      }
      const section = ByteBuffer.toBytes(ByteBuffer.append(state.buffer, bytes, from, index))
      const all: Array<number> = []
      FieldScan.scan(section, 0, section.length, FieldScan.start, limits.fieldCount, all, 0)
      const trailers = new FieldSection.FieldSection(Latin1.decode(section, 0, section.length), all)
      for (let i = 0; i < trailers.size; i++) {
        if (forbiddenTrailers.some((name) => trailers.is(i, name))) {
          const offset = state.offset + all[i << 2]
          return failed(run, "ForbiddenTrailer", offset, "Trailers", Http1Error.quote(trailers.name(i)))
        }
      }
      run.events.push(new RequestEvent.RequestEnd(trailers))
      return idle(run.index + 1)
    }
  }
}

/**
 * Feeds a chunk. Reads to the end of the chunk or of the message, whichever comes first.
 *
 * @example
 * ```ts
 * import * as RequestDecoder from "@nvo/protocol/http1/RequestDecoder"
 *
 * const bytes = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
 * const step = RequestDecoder.step(RequestDecoder.make(), RequestDecoder.initial, bytes)
 * step.events.map((event) => event._tag) // ["RequestHead", "RequestEnd"]
 * ```
 */
export const step = (decoder: RequestDecoder, state: State, chunk: Uint8Array): Step => {
  if (state._tag === "Failed") {
    return { state, events: [], outcome: { _tag: "Failed", error: state.error }, rest: NOTHING }
  }
  const index = state.index
  const run: Run = { decoder, bytes: chunk, events: [], index, at: 0 }
  let current: State = state
  while (run.at < chunk.length) {
    switch (current._tag) {
      case "Idle":
      case "Head":
        current = stepHead(run, current)
        break
      case "Length":
        current = stepLength(run, current)
        break
      case "Chunked":
        current = stepChunked(run, current)
        break
      case "Trailers":
        current = stepTrailers(run, current)
        break
    }
    if (current._tag === "Failed") {
      const outcome: Outcome = { _tag: "Failed", error: current.error }
      return { state: current, events: run.events, outcome, rest: NOTHING }
    }
    // The message has ended.
    if (current.index !== index) break
  }
  return run.at === chunk.length
    ? { state: current, events: run.events, outcome: NEED_DATA, rest: NOTHING }
    : { state: current, events: run.events, outcome: PAUSED, rest: chunk.subarray(run.at) }
}

/** Whether a peer that closes now leaves no message unfinished. */
export const isBetweenMessages = (state: State): boolean =>
  state._tag === "Idle" || (state._tag === "Head" && state.buffer.length === 0)

/**
 * Says that no more octets will come. Between messages that is a proper end (`NeedData`); inside one it is
 * `IncompleteMessage`, which has no answer.
 */
export const end = (decoder: RequestDecoder, state: State): Outcome => {
  if (state._tag === "Failed") return { _tag: "Failed", error: state.error }
  if (isBetweenMessages(state)) return NEED_DATA
  const phase: Http1Error.Phase =
    state._tag === "Head"
      ? state.fields === undefined
        ? "RequestLine"
        : "Fields"
      : state._tag === "Trailers"
        ? "Trailers"
        : "Body"
  return {
    _tag: "Failed",
    error: Http1Error.make("IncompleteMessage", {
      connectionId: decoder.connectionId,
      requestIndex: state.index,
      phase,
      offset: ("offset" in state ? state.offset : 0) + ("buffer" in state ? state.buffer.length : 0)
    })
  }
}

/**
 * The decoder as a transform of streams: all messages of a connection, one after the other. Events that
 * precede a refused message's error are emitted before the stream fails with it.
 *
 * @example
 * ```ts
 * import { Effect, Stream } from "effect"
 * import * as RequestDecoder from "@nvo/protocol/http1/RequestDecoder"
 *
 * const events = Stream.make(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n")).pipe(
 *   RequestDecoder.decode()
 * )
 * export const program = Effect.map(Stream.runCollect(events), (all) => all.map((event) => event._tag))
 * ```
 */
export const decode =
  (options?: Options) =>
  <E, R>(
    self: Stream.Stream<Uint8Array, E, R>
  ): Stream.Stream<RequestEvent.RequestEvent, E | Http1Error.Http1Error, R> =>
    Stream.transformPull(self, (upstream) =>
      Effect.sync(() => {
        const decoder = make(options)
        let state = initial as State
        let done = false
        let failure: Http1Error.Http1Error | undefined

        const feed = (chunks: ReadonlyArray<Uint8Array>): Array<RequestEvent.RequestEvent> => {
          const events: Array<RequestEvent.RequestEvent> = []
          for (const chunk of chunks) {
            let rest = chunk
            do {
              const result = step(decoder, state, rest)
              state = result.state
              for (const event of result.events) events.push(event)
              rest = result.rest
            } while (rest.length > 0)
            if (state._tag === "Failed") {
              failure = state.error
              break
            }
          }
          return events
        }

        const finish = Effect.suspend((): Pull.Pull<never, Http1Error.Http1Error> => {
          done = true
          const outcome = end(decoder, state)
          return outcome._tag === "Failed" ? Effect.fail(outcome.error) : Cause.done()
        })

        const pull: Pull.Pull<
          Arr.NonEmptyReadonlyArray<RequestEvent.RequestEvent>,
          E | Http1Error.Http1Error
        > = Effect.suspend((): typeof pull => {
          if (failure !== undefined) return Effect.fail(failure)
          if (done) return Cause.done()
          return Pull.catchDone(
            Effect.flatMap(upstream, (chunks) => {
              const events = feed(chunks)
              return Arr.isArrayNonEmpty(events) ? Effect.succeed(events) : pull
            }),
            () => finish
          )
        })
        return pull
      })
    )
