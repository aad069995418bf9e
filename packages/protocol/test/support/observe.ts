/**
 * Feeds a decoder and writes down what it says in a form that can be compared: data of one message merged, heads
 * and trailers as plain values, errors with everything they carry.
 */
import type * as Http1Error from "@nvo/protocol/http1/Http1Error"
import * as RequestDecoder from "@nvo/protocol/http1/RequestDecoder"
import type * as RequestEvent from "@nvo/protocol/http1/RequestEvent"
import { Bytes } from "@nvo/testing"

export type Seen =
  | { readonly _tag: "Head"; readonly head: ReturnType<typeof plainHead> }
  | { readonly _tag: "Data"; readonly text: string }
  | { readonly _tag: "End"; readonly trailers: ReadonlyArray<readonly [string, string]> }

export interface SeenError {
  readonly reason: Http1Error.ReasonTag
  readonly status: number
  readonly offset: number
  readonly detail: string
  readonly phase: Http1Error.Phase
  readonly requestIndex: number
  readonly connectionId: number
  readonly message: string
}

export interface Observed {
  readonly seen: ReadonlyArray<Seen>
  readonly error: SeenError | undefined
  /** What the end of input would say now. */
  readonly atEnd: SeenError | undefined
}

const plainHead = (head: RequestEvent.RequestHead) => ({
  method: head.method,
  rawTarget: head.rawTarget,
  form: head.form,
  minorVersion: head.minorVersion,
  fields: [...head.fields],
  framing: head.framing,
  persistent: head.persistent,
  expectContinue: head.expectContinue,
  upgrade: head.upgrade
})

export const plainError = (error: Http1Error.Http1Error): SeenError => ({
  reason: error.reason._tag,
  status: error.status,
  offset: error.reason.offset,
  detail: error.reason.detail,
  phase: error.phase,
  requestIndex: error.requestIndex,
  connectionId: error.connectionId,
  message: error.message
})

/** Events in order, neighbouring data of a message as one. */
export const plainEvents = (events: Iterable<RequestEvent.RequestEvent>): ReadonlyArray<Seen> => {
  const seen: Array<Seen> = []
  for (const event of events) {
    switch (event._tag) {
      case "RequestHead":
        seen.push({ _tag: "Head", head: plainHead(event) })
        break
      case "BodyData": {
        const text = Bytes.toText(event.bytes)
        const last = seen[seen.length - 1]
        if (last?._tag === "Data") seen[seen.length - 1] = { _tag: "Data", text: last.text + text }
        else seen.push({ _tag: "Data", text })
        break
      }
      case "RequestEnd":
        seen.push({ _tag: "End", trailers: [...event.trailers] })
        break
    }
  }
  return seen
}

/** Feeds chunk after chunk, each with what a step leaves of it, and calls `each` with every step. */
export const feed = (
  decoder: RequestDecoder.RequestDecoder,
  chunks: Iterable<Uint8Array>,
  each: (step: RequestDecoder.Step) => void,
  from: RequestDecoder.State = RequestDecoder.initial
): RequestDecoder.State => {
  let state = from
  for (const chunk of chunks) {
    let rest = chunk
    do {
      const step = RequestDecoder.step(decoder, state, rest)
      each(step)
      state = step.state
      rest = step.rest
    } while (rest.length > 0)
  }
  return state
}

/** Everything that a decoder says of these chunks. */
export const observe = (
  chunks: Iterable<Uint8Array>,
  options?: RequestDecoder.Options,
  from?: RequestDecoder.State
): Observed => {
  const decoder = RequestDecoder.make(options)
  const events: Array<RequestEvent.RequestEvent> = []
  const state = feed(decoder, chunks, (step) => events.push(...step.events), from)
  const outcome = RequestDecoder.end(decoder, state)
  return {
    seen: plainEvents(events),
    error: state._tag === "Failed" ? plainError(state.error) : undefined,
    atEnd: outcome._tag === "Failed" ? plainError(outcome.error) : undefined
  }
}
