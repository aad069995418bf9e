/**
 * The response fields that tell browsers to be careful, on every response of an app, errors included. A field that a
 * response has already stays as it is.
 *
 * @example
 * ```ts
 * import { SecurityHeaders } from "@nvo/routes"
 * import { Layer } from "effect"
 * import { HttpRouter, HttpServerResponse } from "effect/http"
 *
 * export const App = Layer.mergeAll(
 *   HttpRouter.add("GET", "/", HttpServerResponse.text("hello")),
 *   SecurityHeaders.layer({ strictTransportSecurity: "max-age=63072000" })
 * )
 * ```
 */
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Layer from "effect/Layer"

/** The value of each field; `false` leaves it out. */
export interface Options {
  /** For everything but pages. Default: `default-src 'none'; frame-ancestors 'none'`: such a response loads nothing. */
  readonly contentSecurityPolicy?: string | false | undefined
  /** For pages (`text/html`), which know best what they load. Default: none. */
  readonly pageContentSecurityPolicy?: string | false | undefined
  /** Default: none, since it must not be said without TLS (RFC 6797 §7.2). */
  readonly strictTransportSecurity?: string | false | undefined
  /** Default: `no-referrer`. */
  readonly referrerPolicy?: string | false | undefined
  /** Default: `same-origin`. */
  readonly crossOriginResourcePolicy?: string | false | undefined
  /** Default: `same-origin`. */
  readonly crossOriginOpenerPolicy?: string | false | undefined
  /** Default: `DENY`. */
  readonly frameOptions?: string | false | undefined
  /** Default: `nosniff`. */
  readonly contentTypeOptions?: string | false | undefined
}

const isPage = (response: HttpServerResponse.HttpServerResponse): boolean =>
  response.headers["content-type"]?.startsWith("text/html") === true

/** The fields of responses and of pages. */
const fieldsOf = (options: Options) => {
  const given = (value: string | false | undefined, otherwise?: string): string | undefined =>
    value === false ? undefined : (value ?? otherwise)
  const fields = (policy: string | undefined): Readonly<Record<string, string>> =>
    Object.fromEntries(
      [
        ["content-security-policy", policy],
        ["strict-transport-security", given(options.strictTransportSecurity)],
        ["referrer-policy", given(options.referrerPolicy, "no-referrer")],
        ["cross-origin-resource-policy", given(options.crossOriginResourcePolicy, "same-origin")],
        ["cross-origin-opener-policy", given(options.crossOriginOpenerPolicy, "same-origin")],
        ["x-frame-options", given(options.frameOptions, "DENY")],
        ["x-content-type-options", given(options.contentTypeOptions, "nosniff")]
      ].filter((field): field is [string, string] => field[1] !== undefined)
    )
  return {
    page: fields(given(options.pageContentSecurityPolicy)),
    other: fields(given(options.contentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'"))
  }
}

export const layer = (options: Options = {}): Layer.Layer<never, never, HttpRouter.HttpRouter> => {
  const fields = fieldsOf(options)
  return HttpRouter.middleware(
    HttpEffect.withPreResponseHandler((_, response) => {
      const own = isPage(response) ? fields.page : fields.other
      const merged = Headers.merge(Headers.fromRecordUnsafe(own), response.headers)
      return Effect.succeed(HttpServerResponse.setHeaders(response, merged))
    }),
    { global: true }
  )
}
