/** Makes the response of what a handler succeeded with, where that is one JSON text of one status. */
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as SchemaAST from "effect/SchemaAST"
import * as Codec from "./codec.ts"
import * as JsonWriter from "./jsonWriter.ts"
import type { Success } from "./plan.ts"

/** `undefined` where Effect's own encoder has to say what happens. */
export type ResponseEncoder = (value: unknown) => HttpServerResponse.HttpServerResponse | undefined

const notHere: ResponseEncoder = () => undefined

export const make = (success: Success, options: SchemaAST.ParseOptions | undefined): ResponseEncoder => {
  if (success._tag !== "Json") return notHere
  const { contentType, isEmpty, schema, status } = success
  const response = { status, contentType }
  const encode = Codec.encoder(schema, options)
  const write = isEmpty || options !== undefined ? undefined : JsonWriter.make(schema)
  return (value) => {
    try {
      const text = write?.(value)
      if (text !== undefined) return HttpServerResponse.text(text, response)
      const encoded = encode(value)
      if (!Codec.isDone(encoded)) return undefined
      if (encoded.value === undefined || isEmpty) return HttpServerResponse.empty({ status })
      return HttpServerResponse.text(JSON.stringify(encoded.value), response)
    } catch {
      return undefined
    }
  }
}
