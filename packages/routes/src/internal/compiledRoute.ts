/**
 * The handler of a route that does what Effect's does, in one frame and without what can be done beforehand.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { HttpApiSchemaError } from "effect/http-api/HttpApiError"
import * as Schema from "effect/Schema"
import * as Codec from "./codec.ts"
import { type AnyEffect, type Outcome, RouteFrame, type Running } from "./fiberFrame.ts"
import * as Original from "./original.ts"
import * as Plan from "./plan.ts"
import * as RequestContext from "./requestContext.ts"
import * as ResponseEncoder from "./responseEncoder.ts"
import type { Registered } from "./shape.ts"

/** A part of the request that is decoded before the handler has its turn. */
interface Slot {
  readonly name: string
  readonly kind: HttpApiSchemaError["kind"]
  readonly input: (context: Context.Context<never>) => unknown
  readonly decode: Codec.Codec
}

// In Effect's order: the first part that is wrong is the one that is told.
const slotsOf = (place: Original.Place): ReadonlyArray<Slot> => {
  const { headers, params, query } = place.endpoint
  const options = Plan.optionsOf(place)
  const slots: Array<Slot> = []
  if (params !== undefined) {
    slots.push({
      name: "params",
      kind: "Params",
      input: (context) => Context.getUnsafe(context, HttpRouter.RouteContext).params,
      decode: Codec.decoder(params, options.params)
    })
  }
  if (headers !== undefined) {
    slots.push({
      name: "headers",
      kind: "Headers",
      input: (context) => Context.getUnsafe(context, HttpServerRequest.HttpServerRequest).headers,
      decode: Codec.decoder(headers, options.headers)
    })
  }
  if (query !== undefined) {
    slots.push({
      name: "query",
      kind: "Query",
      input: (context) => Context.getUnsafe(context, HttpServerRequest.ParsedSearchParams),
      decode: Codec.decoder(Schema.toCodecArrayFromSingle(query), options.query)
    })
  }
  return slots
}

/** Decodes the parts of the request and calls the handler. */
const handling = (place: Original.Place, handler: Registered["handler"]) => {
  const { endpoint, group } = place
  const slots = slotsOf(place)

  const from = (at: number, request: Record<string, unknown>, context: Context.Context<never>): AnyEffect => {
    for (let index = at; index < slots.length; index++) {
      const { decode, input, kind, name } = slots[index]
      const decoded = decode(input(context))
      if (!Codec.isDone(decoded)) {
        return Effect.flatMap(HttpApiSchemaError.wrap(kind, decoded), (value) => {
          request[name] = value
          return from(index + 1, request, context)
        }) as AnyEffect
      }
      request[name] = decoded.value
    }
    return handler(request)
  }

  return (context: Context.Context<never>): AnyEffect =>
    from(
      0,
      { request: Context.getUnsafe(context, HttpServerRequest.HttpServerRequest), endpoint, group },
      context
    )
}

/** The handler of the route. `services` are those that the group was built with. */
export const make = Effect.fnUntraced(function* (
  place: Original.Place,
  registered: Registered,
  plan: Extract<Plan.Plan, { readonly _tag: "Compiled" }>,
  services: Context.Context<never>
) {
  const merge = RequestContext.merge(services)
  const handle = handling(place, registered.handler)
  const encode = ResponseEncoder.make(plan.success, Plan.optionsOf(place).success)
  const encodeOriginal = yield* Original.encoding(place)
  const onFailure = yield* Original.failing(place)

  const finished: Outcome = {
    onSuccess: (response, fiber, previous) => {
      fiber.setContext(previous)
      return Exit.succeed(response)
    },
    onFailure
  }
  const outcome: Outcome = {
    onSuccess: (value, fiber, previous) => {
      const response = HttpServerResponse.isHttpServerResponse(value) ? value : encode(value)
      if (response !== undefined) return finished.onSuccess(response, fiber, previous)
      fiber._stack.push(new RouteFrame(finished, previous))
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
    fiber._stack.push(new RouteFrame(outcome, previous))
    const handled = handle(context)
    if (!Codec.isDone(handled) || fiber._deferredInterrupt) return handled
    // Nothing to wait for: the way through the run loop and back is spared.
    fiber._stack.pop()
    return outcome.onSuccess(handled.value, fiber, previous)
  }) as Effect.Effect<HttpServerResponse.HttpServerResponse>
})
