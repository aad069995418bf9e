/**
 * What can be done for an endpoint, from its definition alone, and where something cannot, why.
 */
import * as Context from "effect/Context"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import type * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import * as EffectSchema from "./effectSchema.ts"
import type { Place } from "./original.ts"

/** How the response of an endpoint comes about. */
export type Success =
  | {
      readonly _tag: "Json"
      readonly schema: Schema.Top
      readonly status: number
      readonly contentType: string
      readonly isEmpty: boolean
    }
  /** By Effect's own encoder. */
  | { readonly _tag: "Original"; readonly reason: string }

export type Plan =
  | { readonly _tag: "Compiled"; readonly success: Success }
  | { readonly _tag: "Original"; readonly reason: string }

const original = (reason: string): Plan => ({ _tag: "Original", reason })

const successOf = (schemas: ReadonlyArray<Schema.Top>): Success => {
  if (schemas.length > 1) return { _tag: "Original", reason: `${schemas.length} success schemas` }
  const schema = schemas.length === 0 ? HttpApiSchema.NoContent : schemas[0]
  if (EffectSchema.isStream(schema)) return { _tag: "Original", reason: "the response is a stream" }
  if (EffectSchema.hasHeaders(schema)) return { _tag: "Original", reason: "the response has typed fields" }
  const encoding = EffectSchema.encodingOf(schema)
  if (encoding._tag !== "Json") {
    return { _tag: "Original", reason: `the response is ${encoding.contentType}` }
  }
  return {
    _tag: "Json",
    schema,
    status: EffectSchema.statusOf(schema),
    contentType: encoding.contentType,
    isEmpty: HttpApiSchema.isNoContent(schema.ast)
  }
}

export const make = ({ endpoint }: Place, isRaw: boolean): Plan => {
  const schemas = [...endpoint.success]
  if (schemas.some(EffectSchema.isUpgrade)) return original("the connection is upgraded")
  if (isRaw) return original("the handler is raw")
  if (endpoint.payload.size > 0) return original("the request has a payload")
  if (endpoint.middlewares.size > 0) return original("the endpoint has middleware")
  return { _tag: "Compiled", success: successOf(schemas) }
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
