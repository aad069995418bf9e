/**
 * A rate limit over Effect's `RateLimiter`, told to clients in the fields `RateLimit-Policy` and `RateLimit` (the
 * IETF's draft-ietf-httpapi-ratelimit-headers). A request too many is answered with 429 and `Retry-After`.
 *
 * @example
 * ```ts
 * import { RateLimit } from "@nvo/routes"
 * import { Layer } from "effect"
 * import { HttpRouter, HttpServerResponse } from "effect/http"
 * import { RateLimiter } from "effect/persistence"
 *
 * export const App = Layer.mergeAll(
 *   HttpRouter.add("GET", "/", HttpServerResponse.text("hello")),
 *   RateLimit.layer({ limit: 100, window: "1 minute" })
 * ).pipe(Layer.provide(RateLimiter.layer), Layer.provide(RateLimiter.layerStoreMemory))
 * ```
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as RateLimiter from "effect/persistence/RateLimiter"

export interface Options {
  /** Requests in a window, for each key. */
  readonly limit: number
  /** How long a window is. */
  readonly window: Duration.Input
  /** Default: `fixed-window`. */
  readonly algorithm?: "fixed-window" | "token-bucket" | undefined
  /** The name of the policy, in the fields and in the keys of the store. Default: `default`. */
  readonly name?: string | undefined
  /**
   * Whose request it is. Default: the address of the client, which behind a proxy is that of the proxy unless a
   * middleware puts the forwarded one in its place.
   */
  readonly key?: ((request: HttpServerRequest.HttpServerRequest) => string) | undefined
}

const addressOf = (request: HttpServerRequest.HttpServerRequest): string =>
  Option.getOrElse(request.remoteAddress, () => "unknown")

const seconds = (duration: Duration.Duration): number => Math.ceil(Duration.toSeconds(duration))

/** What counts as one key, and the fields that say so. */
const make = ({ algorithm, key = addressOf, limit, name = "default", window }: Options) => {
  const policy = `"${name}";q=${limit};w=${seconds(Duration.fromInputUnsafe(window))}`
  return {
    consume: (limiter: RateLimiter.RateLimiter, request: HttpServerRequest.HttpServerRequest) =>
      limiter.consume({ algorithm, onExceeded: "fail", limit, window, key: `${name}:${key(request)}` }),
    fields: (remaining: number, reset: Duration.Duration) => ({
      "ratelimit-policy": policy,
      ratelimit: `"${name}";r=${Math.max(0, remaining)};t=${seconds(reset)}`
    })
  }
}

/** A store that cannot be asked lets requests through: it is worse to answer nobody. */
const unlimited = (error: RateLimiter.RateLimiterError) =>
  Effect.logWarning("The rate limiter's store failed; the request is let through", error)

export const layer = (
  options: Options
): Layer.Layer<never, never, HttpRouter.HttpRouter | RateLimiter.RateLimiter> => {
  const { consume, fields } = make(options)
  return HttpRouter.middleware(
    Effect.map(
      RateLimiter.RateLimiter,
      (limiter) => (effect) =>
        Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
          Effect.matchEffect(consume(limiter, request), {
            onSuccess: ({ remaining, resetAfter }) =>
              HttpEffect.withPreResponseHandler(effect, (_, response) =>
                Effect.succeed(HttpServerResponse.setHeaders(response, fields(remaining, resetAfter)))
              ),
            onFailure: (error) => {
              const { reason } = error
              return reason._tag === "RateLimitExceeded"
                ? Effect.succeed(
                    HttpServerResponse.empty({
                      status: 429,
                      headers: {
                        ...fields(0, reason.retryAfter),
                        "retry-after": String(Math.max(1, seconds(reason.retryAfter)))
                      }
                    })
                  )
                : Effect.andThen(unlimited(error), effect)
            }
          })
        )
    ),
    { global: true }
  )
}
