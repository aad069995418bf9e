/**
 * What can be done for an endpoint, from its definition alone, and where something cannot, why.
 */
import * as Context from "effect/Context"
import * as HttpMethod from "effect/http/HttpMethod"
import * as HttpApi from "effect/http-api/HttpApi"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import type * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import * as EffectSchema from "./effectSchema.ts"
import type { Place } from "./original.ts"

/** A part of the work that Effect's own code does. */
export interface Left {
  readonly _tag: "Original"
  readonly reason: string
}

/** How the response of an endpoint comes about. */
export type Success =
  | {
      readonly _tag: "Json"
      readonly schema: Schema.Top
      readonly status: number
      readonly contentType: string
      readonly isEmpty: boolean
    }
  | Left

/** How the payload is read: content types of JSON here, all others by Effect. */
export type Payload =
  | { readonly _tag: "None" }
  | { readonly _tag: "Json"; readonly schemas: ReadonlyMap<string, ReadonlyArray<Schema.Top>> }
  | Left

export type Plan = { readonly _tag: "Compiled"; readonly payload: Payload; readonly success: Success } | Left

const left = (reason: string): Left => ({ _tag: "Original", reason })

const successOf = (schemas: ReadonlyArray<Schema.Top>): Success => {
  if (schemas.length > 1) return left(`${schemas.length} success schemas`)
  const schema = schemas.length === 0 ? HttpApiSchema.NoContent : schemas[0]
  if (EffectSchema.isStream(schema)) return left("a stream")
  if (EffectSchema.hasHeaders(schema)) return left("typed fields")
  const encoding = EffectSchema.encodingOf(schema)
  if (encoding._tag !== "Json") return left(encoding.contentType)
  return {
    _tag: "Json",
    schema,
    status: EffectSchema.statusOf(schema),
    contentType: encoding.contentType,
    isEmpty: HttpApiSchema.isNoContent(schema.ast)
  }
}

const payloadOf = ({ method, payload }: HttpApiEndpoint.Top): Payload => {
  if (payload.size === 0) return { _tag: "None" }
  if (!HttpMethod.hasBody(method)) return left("in the query")
  const schemas = new Map(
    [...payload]
      .filter(([_, { encoding }]) => encoding._tag === "Json")
      .map(([contentType, { schemas }]) => [contentType, schemas])
  )
  return schemas.size === 0 ? left([...payload.keys()].join(", ")) : { _tag: "Json", schemas }
}

export const make = ({ endpoint }: Place): Plan => {
  const schemas = [...endpoint.success]
  return schemas.some(EffectSchema.isUpgrade)
    ? left("the connection is upgraded")
    : { _tag: "Compiled", payload: payloadOf(endpoint), success: successOf(schemas) }
}

/** A plan in words. */
export const explain = (plan: Plan): { readonly compiled: boolean; readonly left: ReadonlyArray<string> } =>
  plan._tag === "Original"
    ? { compiled: false, left: [plan.reason] }
    : {
        compiled: true,
        left: [
          ...(plan.payload._tag === "Original" ? [`payload read by Effect (${plan.payload.reason})`] : []),
          ...(plan.success._tag === "Original" ? [`response made by Effect (${plan.success.reason})`] : [])
        ]
      }

export interface SlotOptions {
  readonly params: SchemaAST.ParseOptions | undefined
  readonly query: SchemaAST.ParseOptions | undefined
  readonly headers: SchemaAST.ParseOptions | undefined
  readonly payload: SchemaAST.ParseOptions | undefined
  readonly success: SchemaAST.ParseOptions | undefined
}

/** The parse options of each part of a request, as the annotations of api, group and endpoint say. */
export const optionsOf = ({ api, endpoint, group }: Place): SlotOptions => {
  const annotations = Context.merge(Context.merge(api.annotations, group.annotations), endpoint.annotations)
  const all = Context.getOrUndefined(annotations, HttpApi.ParseOptions)
  return {
    params: Context.getOrUndefined(annotations, HttpApi.ParamsParseOptions) ?? all,
    query: Context.getOrUndefined(annotations, HttpApi.QueryParseOptions) ?? all,
    headers: Context.getOrUndefined(annotations, HttpApi.HeadersParseOptions) ?? all,
    payload: Context.getOrUndefined(annotations, HttpApi.PayloadParseOptions) ?? all,
    success: Context.getOrUndefined(annotations, HttpApi.SuccessParseOptions) ?? all
  }
}
