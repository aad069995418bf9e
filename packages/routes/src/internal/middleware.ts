/**
 * The middleware of an endpoint around its inner effect, in Effect's order, with security schemes read directly.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import type * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { AnyEffect } from "./fiberFrame.ts"
import type { Place } from "./original.ts"

type Options = Pick<Place, "endpoint" | "group">
type Wrap = (effect: AnyEffect, options: Options) => AnyEffect
type Attempt = (effect: AnyEffect, options: Options & { readonly credential: unknown }) => AnyEffect

const marker = "~effect/http-api/HttpApiBuilder/HandlerError"

/**
 * What a handler failed with, so that it is not taken for credentials that were refused. A cause that is reported may
 * hold it, so it looks like Effect's.
 */
class HandlerFailed {
  readonly [marker] = marker
  readonly error: unknown
  constructor(error: unknown) {
    this.error = error
  }
}

const text = (value: unknown) => Redacted.make(typeof value === "string" ? value : "")

/** A key's value: once, in its place, or else the empty text. */
const apiKey = ({
  in: place,
  key
}: HttpApiSecurity.ApiKey): ((context: Context.Context<never>) => unknown) => {
  const name = key.toLowerCase()
  switch (place) {
    case "header":
      return (context) => text(Context.getUnsafe(context, HttpServerRequest.HttpServerRequest).headers[name])
    case "cookie":
      return (context) => text(Context.getUnsafe(context, HttpServerRequest.HttpServerRequest).cookies[key])
    case "query":
      return (context) => text(Context.getUnsafe(context, HttpServerRequest.ParsedSearchParams)[key])
  }
}

/** Runs `f` with the credential of the request. */
const withCredential = (
  security: HttpApiSecurity.HttpApiSecurity
): ((f: (credential: unknown) => AnyEffect) => AnyEffect) => {
  if (security._tag === "ApiKey") {
    const read = apiKey(security)
    return (f) => Effect.withFiber((fiber) => f(read(fiber.context)))
  }
  const decode = HttpApiBuilder.securityDecode(security)
  return (f) => Effect.flatMap(decode, f) as AnyEffect
}

// The schemes are tried one after the other. Credentials that were refused lead to the next one, a failure of the
// handler does not; the last refusal is the one that is told.
const trySchemes = (
  schemes: Readonly<Record<string, HttpApiSecurity.HttpApiSecurity>>,
  service: Readonly<Record<string, Attempt>>
): Wrap => {
  const entries = Object.entries(schemes).map(([name, security]) => ({
    run: withCredential(security),
    attempt: service[name]
  }))
  return (effect, options) => {
    const handler = Effect.mapError(effect, (error) => new HandlerFailed(error))
    const from = (index: number): AnyEffect => {
      const { attempt, run } = entries[index]
      const attempted = run((credential) => attempt(handler, { credential, ...options }))
      return Effect.flatMap(Effect.result(attempted), (result) => {
        if (Result.isSuccess(result)) return Effect.succeed(result.success)
        const { failure } = result
        if (failure instanceof HandlerFailed) return Effect.fail(failure.error)
        return index + 1 < entries.length ? from(index + 1) : Effect.fail(failure)
      })
    }
    return Effect.suspend(() => from(0))
  }
}

/** The inner effect of the endpoint with its middleware around it; the first one is the innermost. */
export const apply = (place: Place, services: Context.Context<never>, inner: AnyEffect): AnyEffect => {
  const { endpoint, group } = place
  const options = { group, endpoint }
  let effect = inner
  for (const key of endpoint.middlewares as ReadonlySet<unknown> as ReadonlySet<HttpApiMiddleware.AnyService>) {
    const service: unknown = Context.getUnsafe(services, key)
    const wrap = HttpApiMiddleware.isSecurity(key)
      ? trySchemes(key.security, service as Readonly<Record<string, Attempt>>)
      : (service as Wrap)
    effect = wrap(effect, options)
  }
  return effect
}
