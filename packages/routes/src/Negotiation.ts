/**
 * Content negotiation (RFC 9110 §12.5.1): an endpoint is not run for a client whose `Accept` excludes every media type
 * that it answers with. The answer is 406, with the types that there are.
 *
 * @example
 * ```ts
 * import { Negotiation } from "@nvo/routes"
 * import { Schema } from "effect"
 * import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
 *
 * // Served with `Layer.provide(Negotiation.layer)`.
 * export const Notes = HttpApiGroup.make("notes")
 *   .add(HttpApiEndpoint.get("list", "/notes", { success: Schema.Array(Schema.String) }))
 *   .middleware(Negotiation.Negotiation)
 * ```
 */
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Layer from "effect/Layer"
import * as EffectSchema from "./internal/effectSchema.ts"

/** The middleware; its implementation is `layer`. */
export class Negotiation extends HttpApiMiddleware.Service<Negotiation>()("@nvo/routes/Negotiation") {}

/** The media types of the successes of an endpoint that have a body. */
const typesOf = (endpoint: HttpApiEndpoint.Top): ReadonlyArray<string> => {
  const types = [...endpoint.success].flatMap((schema) => {
    const body = HttpApiSchema.isWithHeaders(schema) ? schema.schema : schema
    if (EffectSchema.isUpgrade(schema) || HttpApiSchema.isNoContent(body.ast)) return []
    return EffectSchema.isStream(body)
      ? [(body as unknown as HttpApiSchema.StreamUint8Array).contentType]
      : [EffectSchema.encodingOf(schema).contentType]
  })
  return [...new Set(types.map((type) => type.split(";", 1)[0].trim().toLowerCase()))]
}

interface Range {
  readonly range: string
  readonly quality: number
}

const rangesOf = (accept: string): ReadonlyArray<Range> =>
  accept.split(",").flatMap((element) => {
    const [range, ...parameters] = element.split(";").map((part) => part.trim().toLowerCase())
    const weight = parameters.find((parameter) => /^q\s*=/.test(parameter))?.replace(/^q\s*=\s*/, "")
    return range === "" ? [] : [{ range, quality: weight === undefined ? 1 : Number(weight) }]
  })

/** How much a client wants a media type, by the most specific range that has it: 0 is not at all. */
export const qualityOf = (accept: string, type: string): number => {
  const ranges = rangesOf(accept)
  // A field that says nothing excludes nothing.
  if (ranges.length === 0) return 1
  for (const range of [type, `${type.split("/", 1)[0]}/*`, "*/*"]) {
    const found = ranges.find((one) => one.range === range)
    // A weight that is no number is no reason to answer nothing.
    if (found !== undefined) return Number.isNaN(found.quality) ? 1 : found.quality
  }
  return 0
}

export const layer: Layer.Layer<Negotiation> = Layer.succeed(Negotiation, (effect, { endpoint }) => {
  const types = typesOf(endpoint as HttpApiEndpoint.Top)
  if (types.length === 0) return effect
  const notAcceptable = HttpServerResponse.text(types.join("\n"), { status: 406 })
  return Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers: { accept } }) =>
    accept === undefined || types.some((type) => qualityOf(accept, type) > 0)
      ? effect
      : Effect.succeed(notAcceptable)
  )
})
