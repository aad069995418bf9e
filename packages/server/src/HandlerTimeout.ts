/**
 * How long a handler may take to give its response: for one route, where `handlerTimeout` is for all.
 *
 * A handler that takes longer is interrupted and its peer answered with 503. The time ends when the head of the
 * response is sent; a body that is streamed may take as long as it likes. It is measured on the wheel that all
 * deadlines are on, so it costs no timer and no fiber.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import { ServerRequest } from "./internal/serverRequest.ts"

/**
 * From now on, the handler of this request has `duration` left; zero takes its deadline away. Does nothing for
 * requests that another server made.
 */
export const set = (duration: Duration.Input): Effect.Effect<void, never, HttpServerRequest> => {
  const millis = Duration.toMillis(Duration.fromInputUnsafe(duration))
  return Effect.map(HttpServerRequest, (request) => {
    if (request instanceof ServerRequest) request.exchange.limitHandler(millis)
  })
}

/**
 * Gives a handler, or all routes behind a middleware, `duration` for its response.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { HttpRouter, HttpServerResponse } from "effect/http"
 * import * as HandlerTimeout from "@nvo/server/HandlerTimeout"
 *
 * const report = Effect.succeed(HttpServerResponse.text("done"))
 *
 * export const Routes = HttpRouter.add("GET", "/report", report.pipe(HandlerTimeout.within("5 seconds")))
 *
 * export const Slow = HttpRouter.middleware(HandlerTimeout.within("1 minute"), { global: true })
 * ```
 */
export const within =
  (duration: Duration.Input) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | HttpServerRequest> =>
    Effect.andThen(set(duration), self)
