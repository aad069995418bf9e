/** Makes the response of what a handler succeeded with, where that is one JSON text of one status. */
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as SchemaAST from "effect/SchemaAST"
import * as Codec from "./codec.ts"
import type { Success } from "./plan.ts"

/** `undefined` where Effect's own encoder has to say what happens. */
export type ResponseEncoder = (value: unknown) => HttpServerResponse.HttpServerResponse | undefined

const notHere: ResponseEncoder = () => undefined

export const make = (success: Success, options: SchemaAST.ParseOptions | undefined): ResponseEncoder => {
  if (success._tag !== "Json") return notHere
  const { contentType, isEmpty, status } = success
  const encode = Codec.encoder(success.schema, options)
  return (value) => {
    try {
      const encoded = encode(value)
      if (!Codec.isDone(encoded)) return undefined
      if (encoded.value === undefined || isEmpty) return HttpServerResponse.empty({ status })
      return HttpServerResponse.text(JSON.stringify(encoded.value), { status, contentType })
    } catch {
      return undefined
    }
  }
}
