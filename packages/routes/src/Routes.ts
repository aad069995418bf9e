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
  const routes = yield* Effect.forEach(service.routes, (route, index) => {
    const registered = handlers[index]
    const place = { api, group, endpoint: registered.endpoint }
    const plan = Plan.make(place, registered.isRaw)
    return plan._tag === "Original"
      ? Effect.succeed(route)
      : Effect.map(CompiledRoute.make(place, registered, plan, services), (handler) => ({
          ...route,
          handler
        }))
  })
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
