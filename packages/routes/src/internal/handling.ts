/** Decodes a request part by part and calls the handler with them. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import { HttpApiSchemaError } from "effect/http-api/HttpApiError"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as Codec from "./codec.ts"
import type { AnyEffect } from "./fiberFrame.ts"
import * as Original from "./original.ts"
import * as Plan from "./plan.ts"
import * as RequestParts from "./requestParts.ts"
import type { Registered } from "./shape.ts"

type Request = Record<string, unknown>

/** Reads the payload of a request whose other parts are decoded, and calls the handler. */
type Last = (request: Request) => AnyEffect

// `application/json; charset=utf-8`, in any case, is application/json.
const mediaType = (contentType: string): string => contentType.toLowerCase().split(";", 1)[0].trim()

/** A decoder for each content type of JSON. */
const jsonDecoders = (
  schemas: ReadonlyMap<string, ReadonlyArray<Schema.Top>>,
  options: SchemaAST.ParseOptions | undefined
) =>
  new Map(
    [...schemas].map(([contentType, alternatives]) => [
      contentType,
      {
        decode: Codec.decoder(Schema.Union(alternatives), options),
        // What an empty body stands for.
        empty: alternatives.some(({ ast }) => SchemaAST.isNull(SchemaAST.toEncoded(ast))) ? null : undefined
      }
    ])
  )

const jsonPayload = (
  place: Original.Place,
  schemas: ReadonlyMap<string, ReadonlyArray<Schema.Top>>,
  handler: Registered["handler"],
  original: Last
): Last => {
  const decoders = jsonDecoders(schemas, Plan.optionsOf(place).payload)
  return (request) => {
    const http = request.request as HttpServerRequest.HttpServerRequest
    const contentType = http.headers["content-type"] ?? "application/json"
    const decoder = decoders.get(contentType) ?? decoders.get(mediaType(contentType))
    if (decoder === undefined) return original(request)
    const { text } = http
    const read = (text: string): AnyEffect => {
      let decoded: Effect.Effect<unknown, Schema.SchemaError, unknown>
      try {
        decoded = decoder.decode(text === "" ? decoder.empty : JSON.parse(text))
      } catch {
        // Not JSON. The body has been read and is kept by the request, so Effect can say so.
        return original(request)
      }
      if (!Codec.isDone(decoded)) {
        return Effect.flatMap(HttpApiSchemaError.wrap("Payload", decoded), (payload) => {
          request.payload = payload
          return handler(request)
        }) as AnyEffect
      }
      request.payload = decoded.value
      return handler(request)
    }
    return Codec.isDone(text) ? read(text.value as string) : Effect.flatMap(Effect.orDie(text), read)
  }
}

/** Gives what the handler gives, or the response that is given in its place. */
export const make = Effect.fnUntraced(function* (
  place: Original.Place,
  registered: Registered,
  payload: Plan.Payload
) {
  const { endpoint, group } = place
  const { handler, isRaw } = registered
  const parts = RequestParts.make(place)
  const last: Last =
    isRaw || payload._tag === "None"
      ? handler
      : payload._tag === "Original"
        ? yield* Original.payload(place, handler)
        : jsonPayload(place, payload.schemas, handler, yield* Original.payload(place, handler))

  const from = (at: number, request: Request, context: Context.Context<never>): AnyEffect => {
    for (let index = at; index < parts.length; index++) {
      const { decode, input, kind, name, read } = parts[index]
      const raw = input(context)
      const value = read?.(raw)
      if (value !== undefined) {
        request[name] = value
        continue
      }
      const decoded = decode(raw)
      if (!Codec.isDone(decoded)) {
        return Effect.flatMap(HttpApiSchemaError.wrap(kind, decoded), (value) => {
          request[name] = value
          return from(index + 1, request, context)
        }) as AnyEffect
      }
      request[name] = decoded.value
    }
    return last(request)
  }

  return (context: Context.Context<never>): AnyEffect =>
    from(
      0,
      { request: Context.getUnsafe(context, HttpServerRequest.HttpServerRequest), endpoint, group },
      context
    )
})
