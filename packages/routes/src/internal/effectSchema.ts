/**
 * What Effect knows of a response schema and keeps to itself: status, encoding, and which kind it is.
 *
 * Whoever edits this: these are exports of effect/http-api/HttpApiSchema that its types leave out. `isKnown` says
 * whether they are there.
 */
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import type * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"

export type ResponseEncoding =
  | { readonly _tag: "Json" | "Text" | "Uint8Array"; readonly contentType: string }
  | { readonly _tag: "FormUrlEncoded"; readonly contentType: string }

interface Kept {
  readonly isStreamSchema: (schema: unknown) => boolean
  readonly isUpgrade: (schema: unknown) => boolean
  readonly getWithHeadersAnnotation: (ast: SchemaAST.AST) => unknown
  readonly getStatusSuccessSchema: (schema: Schema.Top) => number
  readonly getResponseEncodingSchema: (schema: Schema.Top) => ResponseEncoding
}

const kept = HttpApiSchema as unknown as Kept

export const isKnown = (): boolean =>
  typeof kept.isStreamSchema === "function" &&
  typeof kept.isUpgrade === "function" &&
  typeof kept.getWithHeadersAnnotation === "function" &&
  kept.getStatusSuccessSchema(HttpApiSchema.NoContent) === 204 &&
  kept.getResponseEncodingSchema(HttpApiSchema.NoContent)._tag === "Json"

export const isStream = (schema: Schema.Top): boolean => kept.isStreamSchema(schema)

export const isUpgrade = (schema: Schema.Top): boolean => kept.isUpgrade(schema)

/** The response carries fields that the schema describes. */
export const hasHeaders = (schema: Schema.Top): boolean =>
  HttpApiSchema.isWithHeaders(schema) || kept.getWithHeadersAnnotation(schema.ast) !== undefined

export const statusOf = (schema: Schema.Top): number => kept.getStatusSuccessSchema(schema)

export const encodingOf = (schema: Schema.Top): ResponseEncoding => kept.getResponseEncodingSchema(schema)
