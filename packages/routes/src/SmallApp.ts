/**
 * Small apps without ceremony: a route is an endpoint and its handler, an app is some of them. What comes out is an
 * `HttpApi` like any other, with OpenAPI, pages of documentation, typed clients, and compiled routes.
 *
 * @example
 * ```ts
 * import { SmallApp } from "@nvo/routes"
 * import { Effect, Layer, Schema } from "effect"
 * import { HttpRouter } from "effect/http"
 * import { HttpApiEndpoint, HttpApiScalar } from "effect/http-api"
 *
 * const Square = SmallApp.route(
 *   HttpApiEndpoint.get("square", "/square/:n", {
 *     params: { n: Schema.Finite },
 *     success: Schema.Struct({ square: Schema.Finite })
 *   }),
 *   ({ params }) => Effect.succeed({ square: params.n ** 2 })
 * )
 *
 * const App = SmallApp.make("demo", [Square], { openapiPath: "/openapi.json" })
 *
 * export const Served = HttpRouter.serve(Layer.merge(App.layer, HttpApiScalar.layer(App.api)))
 * ```
 */
import type * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Etag from "effect/http/Etag"
import type * as HttpPlatform from "effect/http/HttpPlatform"
import type * as HttpRouter from "effect/http/HttpRouter"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import * as Routes from "./Routes.ts"

/** What a route asks of its surroundings, as `HttpApiBuilder.group` counts it. */
export type Requirements<Endpoint extends HttpApiEndpoint.Constraint, R> =
  | HttpApiEndpoint.Middleware<Endpoint>
  | HttpApiEndpoint.MiddlewareServices<Endpoint>
  | HttpRouter.Request.From<
      "Requires",
      HttpApiEndpoint.ExcludeProvided<Endpoint, R | HttpApiEndpoint.ServerServices<Endpoint>>
    >

/** An endpoint and its handler. `R` is what it needs. */
export interface Route<out Endpoint extends HttpApiEndpoint.Constraint, out R> {
  readonly endpoint: Endpoint
  readonly handler: (request: never) => Effect.Effect<unknown, unknown, unknown>
  readonly options: RouteOptions | undefined
  readonly "~R": R
}

export interface RouteOptions {
  /** Whether the handler goes on when its client leaves. Default: no. */
  readonly uninterruptible?: boolean | undefined
}

/** A route from an endpoint and its handler, which gets the decoded request. */
export const route = <Endpoint extends HttpApiEndpoint.Constraint, R>(
  endpoint: Endpoint,
  handler: HttpApiEndpoint.Handler<Endpoint, HttpApiEndpoint.MiddlewareError<Endpoint>, R>,
  options?: RouteOptions
): Route<Endpoint, Requirements<Endpoint, R>> => ({
  endpoint,
  handler: handler as Route<Endpoint, R>["handler"],
  options,
  "~R": undefined as never
})

type AnyRoute = Route<HttpApiEndpoint.Constraint, unknown>

/** Routes as an `HttpApi`, and the layer that serves it. */
export interface SmallApp<out Id extends string, Endpoints extends HttpApiEndpoint.Constraint, R> {
  /** For `HttpApiClient.make`, `OpenApi.fromApi`, `HttpApiScalar.layer` and whatever else takes an `HttpApi`. */
  readonly api: HttpApi.HttpApi<Id, HttpApiGroup.HttpApiGroup<"routes", Endpoints, true>>
  /** Adds the routes to the router. */
  readonly layer: Layer.Layer<
    never,
    never,
    Etag.Generator | FileSystem.FileSystem | HttpPlatform.HttpPlatform | HttpRouter.HttpRouter | Path.Path | R
  >
}

/**
 * An app of routes. The endpoints are one group of the api, called `routes` and at its top level: a client calls them as
 * `client.name(…)`. `openapiPath` is where the OpenAPI document is served; without it, it is not.
 */
export const make = <const Id extends string, const Routes extends readonly [AnyRoute, ...Array<AnyRoute>]>(
  identifier: Id,
  routes: Routes,
  options?: { readonly openapiPath?: `/${string}` | undefined }
): SmallApp<Id, Routes[number]["endpoint"], Routes[number]["~R"]> => {
  const [first, ...rest] = routes.map(({ endpoint }) => endpoint)
  const api = HttpApi.make(identifier).add(
    HttpApiGroup.make("routes", { topLevel: true }).add(first, ...rest)
  )
  const handlers = Routes.group(api, "routes", (handlers) => {
    const all = handlers as unknown as Unchecked
    return routes.reduce(
      (all, { endpoint, handler, options }) => all.handle(endpoint.identifier, handler, options),
      all
    ) as never
  })
  return {
    api: api as never,
    layer: Layer.provide(HttpApiBuilder.layer(api, options), handlers as Layer.Layer<never>) as never
  }
}

/** `Handlers` of endpoints that nobody knows by type: `route` has checked each of them. */
interface Unchecked {
  readonly handle: (
    identifier: string,
    handler: AnyRoute["handler"],
    options: RouteOptions | undefined
  ) => Unchecked
}
