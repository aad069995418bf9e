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
import type * as ByteBuffer from "../http/ByteBuffer.ts"
import * as ConnectionId from "../http/ConnectionId.ts"
import * as Limits from "../http/Limits.ts"
import * as Http1Error from "./Http1Error.ts"
import * as BodySteps from "./internal/bodySteps.ts"
import type * as ChunkedScan from "./internal/chunkedScan.ts"
import * as DecoderRun from "./internal/decoderRun.ts"
import type * as FieldScan from "./internal/fieldScan.ts"
import * as HeadStep from "./internal/headStep.ts"
import type * as RequestLineScan from "./internal/requestLineScan.ts"
import type * as RequestEvent from "./RequestEvent.ts"

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

/** Before the first message of a connection. */
export const initial: State = DecoderRun.idle(1)

const NEED_DATA: Outcome = { _tag: "NeedData" }
const PAUSED: Outcome = { _tag: "Paused" }
const NOTHING = new Uint8Array(0)

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
  const run: DecoderRun.Run = { decoder, bytes: chunk, events: [], index, at: 0 }
  let current: State = state
  while (run.at < chunk.length) {
    switch (current._tag) {
      case "Idle":
      case "Head":
        current = HeadStep.stepHead(run, current)
        break
      case "Length":
        current = BodySteps.stepLength(run, current)
        break
      case "Chunked":
        current = BodySteps.stepChunked(run, current)
        break
      case "Trailers":
        current = BodySteps.stepTrailers(run, current)
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

/** Whether a request line has been read whose head is not complete: its sender can be told of a timeout. */
export const hasRequestLine = (state: State): boolean => state._tag === "Head" && state.fields !== undefined

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
          }
          return events
        }

        const finish = Effect.suspend((): Pull.Pull<never, Http1Error.Http1Error> => {
          const outcome = end(decoder, state)
          return outcome._tag === "Failed" ? Effect.fail(outcome.error) : Cause.done()
        })

        const pull: Pull.Pull<
          Arr.NonEmptyReadonlyArray<RequestEvent.RequestEvent>,
          E | Http1Error.Http1Error
        > = Effect.suspend((): typeof pull => {
          if (state._tag === "Failed") return Effect.fail(state.error)
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
