/**
 * Interim responses from inside a handler: 103 (Early Hints, RFC 8297) and 102.
 */
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import { HttpServerError, InternalError } from "effect/http/HttpServerError"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import { ServerRequest } from "./internal/serverRequest.ts"

/**
 * Sends an interim response with `status`. Does nothing for HTTP/1.0 peers, after the final response has begun,
 * and for requests that another server made. Fails where a field cannot be sent.
 */
export const interim = (
  status: 102 | 103,
  fields: Headers.Input
): Effect.Effect<void, HttpServerError, HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest, (request) => {
    if (!(request instanceof ServerRequest)) return Effect.void
    const { exchange } = request
    if (exchange.status !== 0 || exchange.switched !== undefined || exchange.aborted) return Effect.void
    return Effect.mapError(
      exchange.interim(status, Headers.fromInput(fields)),
      (cause) =>
        new HttpServerError({ reason: new InternalError({ request, description: cause.message, cause }) })
    )
  })

/**
 * Tells the peer what it will need before the answer is ready.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { HttpServerResponse } from "effect/http"
 * import * as EarlyHints from "@nvo/server/EarlyHints"
 *
 * export const page = Effect.gen(function* () {
 *   yield* EarlyHints.send({ link: "</style.css>; rel=preload; as=style" })
 *   return HttpServerResponse.html("<link rel=stylesheet href=/style.css>")
 * })
 * ```
 */
export const send = (fields: Headers.Input): Effect.Effect<void, HttpServerError, HttpServerRequest> =>
  interim(103, fields)
