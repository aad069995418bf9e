/**
 * The body of a request, lent: each piece is valid until its reader is done with it, and then its memory is read into
 * again.
 *
 * The pieces that `request.stream` gives are the application's, for as long as it likes, so each needs memory of its
 * own; of a large upload that memory and its collection cost more than all else. A reader that hashes, counts, parses
 * or writes what comes, and keeps none of it, needs none. What is kept all the same turns empty, or into other octets:
 * copy what has to last (`octets.slice()`).
 */
import * as Effect from "effect/Effect"
import type { LazyArg } from "effect/Function"
import type { HttpServerError } from "effect/http/HttpServerError"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Stream from "effect/Stream"
import * as RequestBody from "./internal/requestBody.ts"
import { ServerRequest } from "./internal/serverRequest.ts"

/**
 * Runs an effect for each piece of the body, one after the other. A piece is valid until its effect is complete.
 * `MaxBodySize` bounds the body, as it does `request.stream`. Requests that another server made are read by their stream.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { HttpServerResponse } from "effect/http"
 * import * as LentBody from "@nvo/server/LentBody"
 *
 * declare const append: (octets: Uint8Array) => Effect.Effect<void>
 *
 * export const save = Effect.as(LentBody.runForEach(append), HttpServerResponse.empty())
 * ```
 */
export const runForEach = <X, E, R>(
  use: (octets: Uint8Array) => Effect.Effect<X, E, R>
): Effect.Effect<void, E | HttpServerError, R | HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest, (request) =>
    request instanceof ServerRequest
      ? Effect.withFiber((fiber) =>
          RequestBody.runForEachLent(request.exchange, request, RequestBody.streamLimit(fiber), use)
        )
      : Stream.runForEach(request.stream, use)
  )

/**
 * Folds the pieces of the body. A piece is valid until `step` returns.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { HttpServerResponse } from "effect/http"
 * import * as LentBody from "@nvo/server/LentBody"
 *
 * const size = LentBody.runFold(() => 0, (size, octets) => size + octets.length)
 *
 * export const handler = Effect.map(size, (size) => HttpServerResponse.text(`${size} octets`))
 * ```
 */
export const runFold = <S>(
  initial: LazyArg<S>,
  step: (state: S, octets: Uint8Array) => S
): Effect.Effect<S, HttpServerError, HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest, (request) =>
    request instanceof ServerRequest
      ? Effect.withFiber((fiber) =>
          RequestBody.runFoldLent(request.exchange, request, RequestBody.streamLimit(fiber), initial(), step)
        )
      : Stream.runFold(request.stream, initial, step)
  )
