/**
 * Trailer fields: those of a request, and those to be sent behind a response (RFC 9110 §6.5).
 */
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Headers from "effect/http/Headers"
import type { HttpBody } from "effect/http/HttpBody"
import type { HttpServerError } from "effect/http/HttpServerError"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import * as Fields from "./internal/fields.ts"
import { ServerRequest } from "./internal/serverRequest.ts"

/**
 * The trailer fields of the request; reads what is left of its body. Empty where there are none, and for
 * requests that another server made.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { HttpServerRequest, HttpServerResponse } from "effect/http"
 * import * as Trailers from "@nvo/server/Trailers"
 *
 * export const handler = Effect.gen(function* () {
 *   const request = yield* HttpServerRequest.HttpServerRequest
 *   const body = yield* request.text
 *   const trailers = yield* Trailers.request
 *   return HttpServerResponse.text(`${body.length} characters, checksum ${trailers["x-checksum"]}`)
 * })
 * ```
 */
export const request: Effect.Effect<Headers.Headers, HttpServerError, HttpServerRequest> = Effect.flatMap(
  HttpServerRequest,
  (self) => {
    if (!(self instanceof ServerRequest)) return Effect.succeed(Headers.empty)
    const trailers = Effect.sync(() => Fields.toHeaders(self.exchange.trailers))
    return self.exchange.bodyEnded ? trailers : Effect.andThen(Stream.runDrain(self.stream), trailers)
  }
)

// By body: setting a field or a cookie makes a new response around the same body.
const byBody = new WeakMap<HttpBody, Effect.Effect<Headers.Input>>()

/**
 * Sends trailer fields behind a response whose body is sent in chunks, that is a stream of unknown length on
 * HTTP/1.1. They are asked for when the body has ended. Elsewhere there is no room for them and they are not
 * sent.
 */
export const withTrailers: {
  (trailers: Effect.Effect<Headers.Input>): (self: HttpServerResponse) => HttpServerResponse
  (self: HttpServerResponse, trailers: Effect.Effect<Headers.Input>): HttpServerResponse
} = dual(2, (self: HttpServerResponse, trailers: Effect.Effect<Headers.Input>) => {
  byBody.set(self.body, trailers)
  return self
})

const none: Effect.Effect<Headers.Headers | undefined> = Effect.succeed(undefined)

/** @internal */
export const ofBody = (body: HttpBody): Effect.Effect<Headers.Headers | undefined> => {
  const trailers = byBody.get(body)
  return trailers === undefined ? none : Effect.map(trailers, Headers.fromInput)
}
