/**
 * Whether Effect is what this package was written for. Where it is not, routes stay as Effect made them.
 */
import * as Effect from "effect/Effect"
import type * as HttpRouter from "effect/http/HttpRouter"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as EffectSchema from "./effectSchema.ts"
import * as FiberFrame from "./fiberFrame.ts"
import * as RequestContext from "./requestContext.ts"

/** How an endpoint is handled, as `HttpApiBuilder.group` keeps it. */
export interface Registered {
  readonly endpoint: HttpApiEndpoint.Top
  readonly handler: (request: Record<string, unknown>) => Effect.Effect<unknown, unknown>
  readonly isRaw: boolean
  readonly uninterruptible: boolean
}

/** What `HttpApiBuilder.group` provides. */
export interface GroupService {
  readonly routes: ReadonlyArray<HttpRouter.Route<unknown, unknown>>
  readonly handlers: ReadonlyMap<string, Registered>
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null

// Endpoints are classes.
const isObject = (value: unknown): value is Record<string, unknown> =>
  isRecord(value) || typeof value === "function"

const isRegistered = (value: unknown): value is Registered =>
  isRecord(value) &&
  typeof value.handler === "function" &&
  typeof value.isRaw === "boolean" &&
  isObject(value.endpoint) &&
  value.endpoint.middlewares instanceof Set &&
  value.endpoint.payload instanceof Map &&
  value.endpoint.success instanceof Set

export const isGroupService = (value: unknown): value is GroupService =>
  isRecord(value) &&
  Array.isArray(value.routes) &&
  value.handlers instanceof Map &&
  value.routes.length === value.handlers.size &&
  value.routes.every((route) => isRecord(route) && Effect.isEffect(route.handler)) &&
  [...value.handlers.values()].every(isRegistered)

let known: boolean | undefined

/** Looked at once: it says what the installed Effect is. */
export const isKnownEffect = (): boolean => {
  try {
    known ??= EffectSchema.isKnown() && RequestContext.isKnown() && FiberFrame.isKnown()
  } catch {
    known = false
  }
  return known
}
