/**
 * The handler of a route that does what Effect's does, in one frame and without what can be done beforehand.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Codec from "./codec.ts"
import { type AnyEffect, type Outcome, RouteFrame, type Running } from "./fiberFrame.ts"
import * as Handling from "./handling.ts"
import * as Middleware from "./middleware.ts"
import * as Original from "./original.ts"
import * as Plan from "./plan.ts"
import * as RequestContext from "./requestContext.ts"
import * as ResponseEncoder from "./responseEncoder.ts"
import type { Registered } from "./shape.ts"

/** The handler of the route. `services` are those that the group was built with. */
export const make = Effect.fnUntraced(function* (
  place: Original.Place,
  registered: Registered,
  plan: Extract<Plan.Plan, { readonly _tag: "Compiled" }>,
  services: Context.Context<never>
) {
  const merge = RequestContext.merge(services)
  const handle = yield* Handling.make(place, registered, plan.payload)
  const encode = ResponseEncoder.make(plan.success, Plan.optionsOf(place).success)
  const encodeOriginal = yield* Original.encoding(place)
  const onFailure = yield* Original.failing(place)

  const responseOf = (value: unknown): HttpServerResponse.HttpServerResponse | undefined =>
    HttpServerResponse.isHttpServerResponse(value) ? value : encode(value)

  /** There is a response: the context is as it was. */
  const responded: Outcome = {
    onSuccess: (response, fiber, previous) => {
      fiber.setContext(previous)
      return Exit.succeed(response)
    },
    onFailure
  }

  if (place.endpoint.middlewares.size > 0) {
    const encoded = (value: unknown): AnyEffect => {
      const response = responseOf(value)
      return response === undefined
        ? encodeOriginal(value, Fiber.getCurrent() as Running)
        : Exit.succeed(response)
    }
    const inner = Effect.withFiber((fiber) => {
      const handled = handle(fiber.context)
      return Codec.isDone(handled) ? encoded(handled.value) : Effect.flatMap(handled, encoded)
    })
    const guarded = Middleware.apply(place, services, inner)
    return Effect.withFiber((current) => {
      const fiber = current as Running
      const previous = fiber.context
      fiber.setContext(merge(previous))
      fiber._stack.push(new RouteFrame(responded, previous))
      return guarded
    })
  }

  /** The handler is done: what it gave becomes the response. */
  const handled: Outcome = {
    onSuccess: (value, fiber, previous) => {
      const response = responseOf(value)
      if (response !== undefined) return responded.onSuccess(response, fiber, previous)
      fiber._stack.push(new RouteFrame(responded, previous))
      return encodeOriginal(value, fiber)
    },
    onFailure
  }
  return Effect.withFiber((current) => {
    const fiber = current as Running
    const previous = fiber.context
    const context = merge(previous)
    fiber.setContext(context)
    // What is thrown below is a defect of the route, as in Effect's: from here on the frame answers it.
    fiber._stack.push(new RouteFrame(handled, previous))
    const effect = handle(context)
    if (!Codec.isDone(effect) || fiber._deferredInterrupt) return effect
    // Nothing to wait for: the way through the run loop and back is spared.
    fiber._stack.pop()
    return handled.onSuccess(effect.value, fiber, previous)
  })
})
