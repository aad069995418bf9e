/**
 * The parts of Effect's own route that a compiled one does not do itself, taken from `HttpApiBuilder.endpoint`.
 *
 * An endpoint is given to Effect with everything left out that is not wanted, and a handler that hands in what is
 * to be worked on. So statuses, bodies and causes of everything that is rare are made by Effect's code.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import type * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import type * as Schema from "effect/Schema"
import type { AnyEffect } from "./fiberFrame.ts"

export interface Place {
  readonly api: HttpApi.Top
  readonly group: HttpApiGroup.Top
  readonly endpoint: HttpApiEndpoint.Top
}

/** What is left out of an endpoint, and what is in its place. */
type Changes = Partial<
  Pick<HttpApiEndpoint.Top, "params" | "query" | "headers" | "payload" | "error" | "middlewares">
>

const nothing: Changes = {
  params: undefined,
  query: undefined,
  headers: undefined,
  payload: new Map(),
  middlewares: new Set()
}

const copy = <A extends object>(value: A, changes: object): A =>
  Object.assign(Object.create(Object.getPrototypeOf(value)), value, changes)

type Handler = (request: Record<string, unknown>) => AnyEffect

/** The whole way: services, middleware, handler, encoding, errors. */
const route = (place: Place, changes: Changes, handler: Handler): Effect.Effect<AnyEffect> => {
  const { api, endpoint, group } = place
  const stub = copy(endpoint, changes)
  return HttpApiBuilder.endpoint(
    copy(api, {
      groups: { [group.identifier]: copy(group, { endpoints: { [endpoint.identifier]: stub } }) }
    }) as never,
    group.identifier as never,
    endpoint.identifier as never,
    handler as never
  ) as unknown as Effect.Effect<AnyEffect>
}

class Capture extends HttpApiMiddleware.Service<Capture>()("@nvo/routes/internal/original/Capture") {}

/** The inner part of it: decoding, handler and encoding, failing with what failed. */
const inner = (place: Place, changes: Changes, handler: Handler): Effect.Effect<AnyEffect> => {
  let captured: AnyEffect | undefined
  const capture = (effect: AnyEffect): AnyEffect => {
    captured = effect
    return effect
  }
  return route(place, { ...changes, middlewares: new Set([Capture as never]) }, handler).pipe(
    Effect.provideService(Capture, capture as never),
    Effect.map((whole) => captured ?? whole)
  )
}

// What middleware may fail with is encoded like the endpoint's own errors.
const errorsOf = ({ endpoint }: Place): ReadonlySet<Schema.Top> => {
  const errors = new Set(endpoint.error)
  for (const middleware of endpoint.middlewares) {
    for (const schema of (middleware as unknown as HttpApiMiddleware.AnyService).error) {
      const encoded = endpoint.disableCodecs
        ? [schema]
        : HttpApiEndpoint.get("error", "/", { error: schema as HttpApiSchema.NoContent }).error
      for (const one of encoded) errors.add(one)
    }
  }
  return errors
}

/** Something a fiber hands to the handler of a stub that it is about to run. */
class Handover<A> {
  private readonly pending = new WeakMap<object, A>()

  give(fiber: Fiber.Fiber<unknown, unknown>, value: A): void {
    this.pending.set(fiber, value)
  }

  take(): A {
    const fiber = Fiber.getCurrent() as object
    const value = this.pending.get(fiber) as A
    this.pending.delete(fiber)
    return value
  }
}

/** Answers a failure of the route as Effect does: reports it, and makes a response of what is declared. */
export const failing = (
  place: Place
): Effect.Effect<(cause: Cause.Cause<unknown>, fiber: Fiber.Fiber<unknown, unknown>) => AnyEffect> => {
  const handover = new Handover<Cause.Cause<unknown>>()
  return Effect.map(
    route(place, { ...nothing, error: errorsOf(place) }, () => Effect.failCause(handover.take())),
    (effect) => (cause, fiber) => {
      handover.give(fiber, cause)
      return effect
    }
  )
}

/** Makes the response of what a handler succeeded with. */
export const encoding = (
  place: Place
): Effect.Effect<(value: unknown, fiber: Fiber.Fiber<unknown, unknown>) => AnyEffect> => {
  const handover = new Handover<unknown>()
  return Effect.map(
    inner(place, nothing, () => Effect.succeed(handover.take())),
    (effect) => (value, fiber) => {
      handover.give(fiber, value)
      return effect
    }
  )
}

/** Reads the payload in whatever way its content type asks for, and calls `handler` with the request it is given. */
export const payload = (
  place: Place,
  handler: (request: Record<string, unknown>) => AnyEffect
): Effect.Effect<(request: Record<string, unknown>) => AnyEffect> => {
  const handover = new Handover<Record<string, unknown>>()
  return Effect.map(
    inner(place, { ...nothing, payload: place.endpoint.payload }, (read) =>
      handler(Object.assign(handover.take(), { payload: read.payload }))
    ),
    (effect) => (request) => {
      handover.give(Fiber.getCurrent() as Fiber.Fiber<unknown, unknown>, request)
      return effect
    }
  )
}
