/**
 * One step of a request decoder under way, and the ways in which it can end badly.
 */
import * as Http1Error from "../Http1Error.ts"
import type { RequestDecoder, State } from "../RequestDecoder.ts"
import type { RequestEvent } from "../RequestEvent.ts"

/** Mutable, and never seen outside of `RequestDecoder.step`. */
export interface Run {
  readonly decoder: RequestDecoder
  readonly bytes: Uint8Array
  events: Array<RequestEvent>
  index: number
  at: number
}

/** The message is refused. */
export const failed = (
  run: Run,
  tag: Http1Error.ReasonTag,
  offset: number,
  phase: Http1Error.Phase,
  detail: string
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

// The reasons whose offending octet says something, and is at hand; for the others the limit or the sentence is enough.
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

/** The message is refused for the octet at `at`. */
export const failedAt = (
  run: Run,
  tag: Http1Error.ReasonTag,
  at: number,
  offset: number,
  phase: Http1Error.Phase
): State => failed(run, tag, offset, phase, namesOctet.has(tag) ? Http1Error.quoteOctet(run.bytes[at]) : "")

/** Between messages; `index` is the number of the next one. */
export const idle = (index: number): State => ({ _tag: "Idle", index })
