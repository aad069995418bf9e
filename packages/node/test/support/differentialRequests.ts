/** Every way to read a request, by name: each answers with what it read, as JSON. */
import { ByteSize, Effect, FileSystem, Option, Schema, Stream } from "effect"
import {
  HttpIncomingMessage,
  HttpServerRequest,
  HttpServerResponse,
  type Multipart,
  UrlParams
} from "effect/http"
import type { App } from "./serve.ts"

const Request = HttpServerRequest.HttpServerRequest

const base64 = (bytes: Uint8Array | ArrayBuffer): string =>
  Buffer.from(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes)).toString("base64")

const collect = <E, R>(stream: Stream.Stream<Uint8Array, E, R>): Effect.Effect<string, E, R> =>
  Effect.map(Stream.runCollect(stream), (chunks) => base64(Buffer.concat(chunks)))

const answer = <A, E>(
  read: (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<A, E, any>
): App =>
  Effect.flatMap(Request, (request) =>
    Effect.flatMap(read(request), (value) => HttpServerResponse.json({ value }))
  ) as App

const describePart = (part: Multipart.Part): Effect.Effect<unknown, Multipart.MultipartError> =>
  part._tag === "Field"
    ? Effect.succeed({ field: part.key, contentType: part.contentType, value: part.value })
    : Effect.map(part.contentEffect, (content) => ({
        file: part.key,
        name: part.name,
        contentType: part.contentType,
        content: base64(content)
      }))

const describePersisted = (persisted: Multipart.Persisted) =>
  Effect.gen(function* () {
    const fileSystem = yield* FileSystem.FileSystem
    const entries: Record<string, unknown> = {}
    for (const [key, value] of Object.entries(persisted)) {
      entries[key] =
        typeof value === "string"
          ? value
          : yield* Effect.forEach(
              value as ReadonlyArray<string | Multipart.PersistedFile>,
              (item): Effect.Effect<unknown, unknown> =>
                typeof item === "string"
                  ? Effect.succeed(item)
                  : Effect.map(fileSystem.readFile(item.path), (content) => ({
                      name: item.name,
                      contentType: item.contentType,
                      content: base64(content)
                    }))
            )
    }
    return entries
  })

const Person = Schema.Struct({ name: Schema.String, age: Schema.FiniteFromString })

/** Octets that the `limited` readers allow. */
export const LIMIT = 64

const plain = {
  ignored: answer(() => Effect.succeed("not read")),
  text: answer((request) => request.text),
  json: answer((request) => request.json),
  urlParams: answer((request) => Effect.map(request.urlParamsBody, (params) => [...params.params])),
  arrayBuffer: answer((request) => Effect.map(request.arrayBuffer, base64)),
  stream: answer((request) => collect(request.stream)),
  multipart: answer((request) => Effect.flatMap(request.multipart, describePersisted)),
  multipartStream: answer((request) =>
    Stream.runCollect(Stream.mapEffect(request.multipartStream, describePart))
  )
} satisfies Record<string, App>

const limited = (app: App): App =>
  Effect.provideService(app, HttpIncomingMessage.MaxBodySize, ByteSize.fromInputUnsafe(LIMIT))

export const readers: Readonly<Record<string, App>> = {
  ...plain,
  ...Object.fromEntries(Object.entries(plain).map(([name, app]) => [`limited-${name}`, limited(app)])),
  "text-twice": answer((request) => Effect.all([request.text, request.text, request.json])),
  "all-buffered": answer((request) =>
    Effect.all([
      request.text,
      Effect.map(request.arrayBuffer, base64),
      Effect.map(request.urlParamsBody, UrlParams.toString)
    ])
  ),
  "stream-after-text": answer((request) =>
    Effect.andThen(request.text, Effect.isSuccess(collect(request.stream)))
  ),
  "schema-json": answer(() => HttpServerRequest.schemaBodyJson(Person)),
  "schema-urlParams": answer(() => HttpServerRequest.schemaBodyUrlParams(Person)),
  "schema-form": answer(() => HttpServerRequest.schemaBodyForm(Person)),
  "schema-search": answer(() => HttpServerRequest.schemaSearchParams(Person)),
  "schema-headers": answer(() => HttpServerRequest.schemaHeaders(Schema.Struct({ "x-name": Schema.String }))),
  search: answer((request) =>
    Effect.map(Effect.fromOption(HttpServerRequest.toURL(request)), (url) => [...url.searchParams])
  ),
  cookies: answer((request) => Effect.succeed(request.cookies)),
  headers: answer((request) => Effect.succeed({ ...request.headers })),
  head: answer((request) =>
    Effect.succeed({
      method: request.method,
      url: request.url,
      original: request.originalUrl,
      remote: Option.isSome(request.remoteAddress),
      text: String(request)
    })
  )
}
