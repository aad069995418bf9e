/**
 * Conditional requests for JSON answers (RFC 9110 §13): what GET answers with 200 gets an `ETag`, made of its octets,
 * and a client that has it already, as its `If-None-Match` says, gets 304 without them. A response that has an
 * `ETag` of its own keeps it and is compared by it.
 *
 * The handler runs all the same: this saves the network, not the work.
 *
 * @example
 * ```ts
 * import { EntityTags } from "@nvo/routes"
 * import { Layer } from "effect"
 * import { HttpRouter, HttpServerResponse } from "effect/http"
 *
 * export const App = Layer.mergeAll(
 *   HttpRouter.add("GET", "/config", HttpServerResponse.jsonUnsafe({ colour: "red" })),
 *   EntityTags.layer
 * )
 * ```
 */
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Layer from "effect/Layer"

/** Octets of SHA-256 that make a tag: two bodies with the same 128 bits will not be seen. */
const TAG_OCTETS = 16

// Weak (§8.8.3): whoever compresses the response on its way need not change the tag.
const tagOf = (octets: Uint8Array): Effect.Effect<string> =>
  Effect.map(
    Effect.promise(() => globalThis.crypto.subtle.digest("SHA-256", octets as Uint8Array<ArrayBuffer>)),
    (digest) => `W/"${Hex.encode(new Uint8Array(digest, 0, TAG_OCTETS))}"`
  )

const isJson = (contentType: string): boolean => /^application\/(?:[^;]+\+)?json *(?:;|$)/i.test(contentType)

const opaque = (tag: string): string => tag.replace(/^W\//, "")

/** Whether a list of entity tags has one that is weakly equal to `tag` (RFC 9110 §8.8.3.2). */
export const matches = (list: string, tag: string): boolean =>
  list.trim() === "*" || (list.match(/(?:W\/)?"[^"]*"/g) ?? []).some((one) => opaque(one) === opaque(tag))

const conclude = (
  response: HttpServerResponse.HttpServerResponse,
  tag: string,
  ifNoneMatch: string | undefined
): HttpServerResponse.HttpServerResponse => {
  const tagged = HttpServerResponse.setHeader(response, "etag", tag)
  return ifNoneMatch !== undefined && matches(ifNoneMatch, tag)
    ? HttpServerResponse.setBody(HttpServerResponse.setStatus(tagged, 304), HttpBody.empty)
    : tagged
}

export const layer: Layer.Layer<never, never, HttpRouter.HttpRouter> = HttpRouter.middleware(
  HttpEffect.withPreResponseHandler(({ headers, method }, response) => {
    if (response.status !== 200 || (method !== "GET" && method !== "HEAD")) return Effect.succeed(response)
    const { body } = response
    const own = response.headers.etag
    const ifNoneMatch = headers["if-none-match"]
    if (own !== undefined) return Effect.succeed(conclude(response, own, ifNoneMatch))
    if (body._tag !== "Uint8Array" || !isJson(body.contentType)) return Effect.succeed(response)
    return Effect.map(tagOf(body.body), (tag) => conclude(response, tag, ifNoneMatch))
  }),
  { global: true }
)
