/**
 * The request as it was sent, behind the request that `effect/http` shows: raw target, fields in their order and
 * case, and the connection that it came on.
 */
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Option from "effect/Option"
import { type RequestSource, ServerRequest } from "./internal/serverRequest.ts"

export type { RequestSource }

/**
 * The source of a request that this engine made; `None` for requests that another server made.
 *
 * @example
 * ```ts
 * import { Effect, Option } from "effect"
 * import { HttpServerRequest, HttpServerResponse } from "effect/http"
 * import * as RequestSource from "@nvo/server/RequestSource"
 *
 * export const handler = Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
 *   Option.match(RequestSource.of(request), {
 *     onNone: () => HttpServerResponse.empty(),
 *     onSome: ({ connectionId, head }) => HttpServerResponse.text(`${connectionId}: ${head.rawTarget}`)
 *   })
 * )
 * ```
 */
export const of = (request: HttpServerRequest): Option.Option<RequestSource> =>
  request instanceof ServerRequest ? Option.some(request.source) : Option.none()
