/**
 * The answer to a message that was refused: the status of its reason, and a problem document (RFC 9457) that
 * says what was wrong. The connection ends with it, since where the next message begins cannot be known.
 */
import { type Http1Error, Status } from "@nvo/protocol"
import * as Duration from "effect/Duration"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { DeadlineError } from "../DeadlineError.ts"
import * as OverloadError from "../OverloadError.ts"
import * as ServerError from "../ServerError.ts"

/** Why a request is answered by the engine in place of the application. */
export type Refusal = Http1Error.Http1Error | DeadlineError

/** A problem document that says what was wrong. */
export const problem = (
  error: { readonly message: string; readonly reason: { readonly _tag: string } },
  status: number
): string =>
  JSON.stringify({
    type: "about:blank",
    title: Status.reasonPhrase(status),
    status,
    detail: error.message,
    reason: error.reason._tag
  })
    // The body is written as one octet for each character.
    .replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** The answer to a body that was refused while the application read it, where the application has no other. */
export const bodyRefused = (error: Refusal): HttpServerResponse.HttpServerResponse => {
  // A body that breaks off has no status of its own; a peer that ended its side only can still read one.
  const status = ServerError.statusOf(error) || 400
  return problemResponse(error, status)
}

/** The answer to an error as a response. */
export const problemResponse = (error: Refusal, status: number): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(problem(error, status), { status, contentType: "application/problem+json" })

const turnedAwayBodies = Object.fromEntries(
  Object.entries(OverloadError.reasons).map(([reason, { text }]) => [
    reason,
    JSON.stringify({
      type: "about:blank",
      title: Status.reasonPhrase(503),
      status: 503,
      detail: text,
      reason
    })
  ])
)

// Nothing in them is of the request, so that each is made once: 24 µs.
const turnedAwayResponses = new Map<string, HttpServerResponse.HttpServerResponse>()

/** The answer to a request that an overloaded server does not begin: the same for all. */
export const turnedAway = (
  { _tag }: OverloadError.OverloadErrorReason,
  retryAfter: Duration.Duration
): HttpServerResponse.HttpServerResponse => {
  // RFC 9110 §10.2.3: whole seconds.
  const seconds = Math.ceil(Duration.toSeconds(retryAfter))
  const key = `${_tag} ${seconds}`
  let response = turnedAwayResponses.get(key)
  if (response === undefined) {
    response = HttpServerResponse.text(turnedAwayBodies[_tag], {
      status: 503,
      contentType: "application/problem+json",
      headers: { "retry-after": String(seconds) }
    })
    turnedAwayResponses.set(key, response)
  }
  return response
}
