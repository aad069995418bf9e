/**
 * Protection against cross-site request forgery without tokens: a browser says itself where a request comes from, in
 * `Sec-Fetch-Site`, or in `Origin` where it is older. Requests that change something are refused with 403 when they
 * come from another site; programs that are no browsers send neither field and are let through.
 *
 * It protects what cookies and addresses let in. Safe methods (RFC 9110 §9.2.1) are never refused, so they must
 * not change anything.
 *
 * @example
 * ```ts
 * import { CrossSite } from "@nvo/routes"
 * import { Layer } from "effect"
 * import { HttpRouter, HttpServerResponse } from "effect/http"
 *
 * export const App = Layer.mergeAll(
 *   HttpRouter.add("POST", "/transfer", HttpServerResponse.empty()),
 *   CrossSite.layer({ trustedOrigins: ["https://app.example.com"] })
 * )
 * ```
 */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Layer from "effect/Layer"

export interface Options {
  /** Other origins (`https://app.example.com`) whose pages may send requests. Default: none. */
  readonly trustedOrigins?: ReadonlyArray<string> | undefined
}

const safe = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "QUERY"])

const refused = HttpServerResponse.text("Cross-site request refused", { status: 403 })

/** The authority of an origin, as it stands in `Host`. */
const authorityOf = (origin: string): string | undefined =>
  /^https?:\/\/([^/]+)$/.exec(origin)?.[1]?.toLowerCase()

/** Whether a request comes from a page of another site, as far as its fields tell. */
export const isCrossSite = (
  request: Pick<HttpServerRequest.HttpServerRequest, "method" | "headers">,
  options: Options = {}
): boolean => {
  if (safe.has(request.method)) return false
  const { host, origin, "sec-fetch-site": site } = request.headers
  if (origin !== undefined && options.trustedOrigins?.includes(origin)) return false
  // `none`: the user typed it or took a bookmark.
  if (site !== undefined) return site !== "same-origin" && site !== "none"
  if (origin === undefined) return false
  // An opaque origin (`null`) has no authority and equals nothing.
  return host === undefined || authorityOf(origin) !== host.toLowerCase()
}

export const layer = (options: Options = {}): Layer.Layer<never, never, HttpRouter.HttpRouter> =>
  HttpRouter.middleware(
    (effect) =>
      Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
        isCrossSite(request, options) ? Effect.succeed(refused) : effect
      ),
    { global: true }
  )
