/**
 * Typed routes, compiled when their layer is built.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as CompiledRoute from "./internal/compiledRoute.ts"
import * as Plan from "./internal/plan.ts"
import * as Shape from "./internal/shape.ts"

let warned = false

const unknownEffect = Effect.suspend(() => {
  if (warned) return Effect.void
  warned = true
  return Effect.logWarning(
    "@nvo/routes does not know this version of effect: routes are served as HttpApiBuilder makes them"
  )
})

const compileGroup = Effect.fnUntraced(function* (
  api: HttpApi.Top,
  group: HttpApiGroup.Top,
  service: Shape.GroupService
) {
  const services = Context.omit(Scope.Scope)(yield* Effect.context<never>()) as Context.Context<never>
  const handlers = [...service.handlers.values()]
  const routes: Array<Shape.GroupService["routes"][number]> = []
  for (const [index, route] of service.routes.entries()) {
    const registered = handlers[index]
    const place = { api, group, endpoint: registered.endpoint }
    const plan = Plan.make(place)
    routes.push(
      plan._tag === "Original"
        ? route
        : {
            ...route,
            handler: (yield* CompiledRoute.make(place, registered, plan, services)) as typeof route.handler
          }
    )
  }
  return { ...service, routes }
})

const compileLayer = (
  api: HttpApi.Top,
  identifier: string,
  original: Layer.Layer<never>
): Layer.Layer<never> =>
  Layer.flatMap(original, (context) =>
    Layer.effectContext(
      Effect.suspend(() => {
        const group = api.groups[identifier]
        const service: unknown = context.mapUnsafe.get(group.key)
        return Shape.isKnownEffect() && Shape.isGroupService(service)
          ? Effect.map(compileGroup(api, group, service), (compiled) =>
              Context.makeUnsafe<never>(new Map([[group.key, compiled]]))
            )
          : Effect.as(unknownEffect, context)
      })
    )
  )

/**
 * `HttpApiBuilder.group`, with every endpoint compiled that can be: same arguments, same types, same behaviour to
 * the byte.
 */
export const group: typeof HttpApiBuilder.group = (api, identifier, build) =>
  compileLayer(api as never, identifier, HttpApiBuilder.group(api, identifier, build) as never) as never

/** What becomes of an endpoint, and which of its parts are left to Effect's own code. */
export interface Explanation {
  readonly group: string
  readonly endpoint: string
  readonly method: string
  readonly path: string
  /** Whether a compiled route takes the place of Effect's. */
  readonly compiled: boolean
  /** What is done by Effect's code, and why. */
  readonly left: ReadonlyArray<string>
}

/** What `group` makes of each endpoint of an api. */
export const explanations = (api: HttpApi.Constraint): ReadonlyArray<Explanation> =>
  Object.values((api as HttpApi.Top).groups).flatMap((group) =>
    Object.values(group.endpoints).map((endpoint) => ({
      group: group.identifier,
      endpoint: endpoint.identifier,
      method: endpoint.method,
      path: endpoint.path,
      ...Plan.explain(Plan.make({ api: api as HttpApi.Top, group, endpoint }))
    }))
  )

/**
 * What `group` makes of each endpoint of an api, as a table to print: compiled or not, and why.
 *
 * @example
 * ```ts
 * import { Routes } from "@nvo/routes"
 * import { Console } from "effect"
 * import { HttpApi, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
 *
 * const Api = HttpApi.make("api").add(HttpApiGroup.make("health").add(HttpApiEndpoint.get("ready", "/ready")))
 *
 * // GET /ready  health.ready  compiled
 * export const program = Console.log(Routes.explain(Api))
 * ```
 */
export const explain = (api: HttpApi.Constraint): string => {
  const rows = explanations(api).map(({ compiled, endpoint, group, left, method, path }) => [
    `${method} ${path}`,
    `${group}.${endpoint}`,
    [compiled ? "compiled" : "not compiled", ...left].join("; ")
  ])
  const width = (column: number) => Math.max(...rows.map((row) => row[column].length))
  const [first, second] = [width(0), width(1)]
  return rows.map(([a, b, c]) => `${a.padEnd(first)}  ${b.padEnd(second)}  ${c}`).join("\n")
}
