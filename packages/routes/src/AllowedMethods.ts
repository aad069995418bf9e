/**
 * Answers for paths that an api has, in methods that it has not: 405 with `Allow` (RFC 9110 §15.5.6), and OPTIONS with
 * 204 and `Allow` (§9.3.7). Without it a router says 404 to both.
 *
 * @example
 * ```ts
 * import { AllowedMethods } from "@nvo/routes"
 * import { HttpApi, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
 *
 * const Api = HttpApi.make("api").add(HttpApiGroup.make("health").add(HttpApiEndpoint.get("ready", "/ready")))
 *
 * // Beside HttpApiBuilder.layer(Api): POST /ready is answered with 405 and `Allow: GET, HEAD, OPTIONS`.
 * export const allowed = AllowedMethods.layer(Api)
 * ```
 */
import * as Effect from "effect/Effect"
import * as FindMyWay from "effect/http/FindMyWay"
import * as HttpRouter from "effect/http/HttpRouter"
import { HttpServerError } from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as HttpApi from "effect/http-api/HttpApi"
import type * as Layer from "effect/Layer"

/** The methods in which a path is served, in the order of the endpoints; none for a path that is not there. */
export const make = (api: HttpApi.Constraint): ((url: string) => ReadonlyArray<string>) => {
  const methods = new Set<string>()
  const router = FindMyWay.make<string>()
  for (const group of Object.values((api as HttpApi.Top).groups)) {
    for (const { method, path } of Object.values(group.endpoints)) {
      methods.add(method)
      router.on(method, path as FindMyWay.PathInput, method)
    }
  }
  return (url) => {
    const found = [...methods].filter((method) => router.find(method, url) !== undefined)
    if (found.length === 0) return found
    // A router answers HEAD with what it has for GET.
    const all = found.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]))
    return [...new Set([...all, "OPTIONS"])]
  }
}

const isNotFound = (error: unknown): boolean =>
  error instanceof HttpServerError && error.reason._tag === "RouteNotFound"

type App<E, R> = Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>

export const layer = (api: HttpApi.Constraint): Layer.Layer<never, never, HttpRouter.HttpRouter> => {
  const allowed = make(api)
  const answer = (error: unknown): App<unknown, HttpServerRequest.HttpServerRequest> =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ method, url }) => {
      const methods = isNotFound(error) ? allowed(url) : []
      return methods.length === 0
        ? Effect.fail(error)
        : Effect.succeed(
            HttpServerResponse.empty({
              status: method === "OPTIONS" ? 204 : 405,
              headers: { allow: methods.join(", ") }
            })
          )
    })
  // That a router fails for lack of a route is not in the type of its effect.
  const middleware = (effect: App<never, never>) => Effect.catch(effect as App<unknown, never>, answer)
  return HttpRouter.middleware(middleware as never, { global: true }) as Layer.Layer<
    never,
    never,
    HttpRouter.HttpRouter
  >
}
