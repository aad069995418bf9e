/** The parts of a request that are decoded before the handler has its turn, except for the payload. */
import * as Context from "effect/Context"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type { HttpApiSchemaError } from "effect/http-api/HttpApiError"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import * as Codec from "./codec.ts"
import type { Place } from "./original.ts"
import * as Plan from "./plan.ts"
import * as StringsReader from "./stringsReader.ts"

export interface RequestPart {
  /** Reads what is plain and right. */
  readonly read: StringsReader.StringsReader | undefined
  readonly name: string
  readonly kind: HttpApiSchemaError["kind"]
  readonly input: (context: Context.Context<never>) => unknown
  readonly decode: Codec.Codec
}

const codec = (
  schema: Schema.Top,
  options: SchemaAST.ParseOptions | undefined
): Pick<RequestPart, "read" | "decode"> => ({
  read: options === undefined ? StringsReader.make(schema) : undefined,
  decode: Codec.decoder(schema, options)
})

/** In Effect's order: the first part that is wrong is the one that is told. */
export const make = (place: Place): ReadonlyArray<RequestPart> => {
  const { headers, params, query } = place.endpoint
  const options = Plan.optionsOf(place)
  const parts: Array<RequestPart> = []
  if (params !== undefined) {
    parts.push({
      name: "params",
      kind: "Params",
      input: (context) => Context.getUnsafe(context, HttpRouter.RouteContext).params,
      ...codec(params, options.params)
    })
  }
  if (headers !== undefined) {
    parts.push({
      name: "headers",
      kind: "Headers",
      input: (context) => Context.getUnsafe(context, HttpServerRequest.HttpServerRequest).headers,
      ...codec(headers, options.headers)
    })
  }
  if (query !== undefined) {
    parts.push({
      name: "query",
      kind: "Query",
      input: (context) => Context.getUnsafe(context, HttpServerRequest.ParsedSearchParams),
      ...codec(Schema.toCodecArrayFromSingle(query), options.query)
    })
  }
  return parts
}
