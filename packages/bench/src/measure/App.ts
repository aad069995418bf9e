/**
 * The app that is measured, for nvo and for `@effect/platform-node` alike. It answers what `peers/lib/app.js` says,
 * written as an Effect user would write it: plain routes, and an `HttpApi` for what has types. How the routes of that
 * are made, by Effect or compiled, is the server's to choose, and so is how an upload is read: as a stream, or lent.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import type { HttpServerError } from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Layer from "effect/Layer"
import type * as Pull from "effect/Pull"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

export const PIECE = new Uint8Array(65_536).fill(0x61)
export const PIECES = 1600

const NewUser = Schema.Struct({
  name: Schema.NonEmptyString,
  email: Schema.String.check(Schema.isPattern(/^[^\s@]+@[^\s@]+$/)),
  age: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 150 })),
  bio: Schema.String,
  tags: Schema.Array(Schema.String)
})

const User = Schema.Struct({ id: Schema.Int, name: Schema.String, email: Schema.String })

const Created = Schema.Struct({ id: Schema.Int, ...NewUser.fields }).pipe(HttpApiSchema.status(201))

const Api = HttpApi.make("measured").add(
  HttpApiGroup.make("users")
    .add(HttpApiEndpoint.get("get", "/:id", { params: { id: Schema.Int }, success: User }))
    .add(HttpApiEndpoint.post("create", "/", { payload: NewUser, success: Created }))
    .prefix("/users")
)

const users = (group: typeof HttpApiBuilder.group) =>
  group(Api, "users", (handlers) =>
    handlers.handleAll({
      get: ({ params: { id } }) => Effect.succeed({ id, name: `User ${id}`, email: `user${id}@example.com` }),
      create: ({ payload }) => Effect.succeed({ id: 1, ...payload })
    })
  )

const octets = { contentType: "application/octet-stream" }

/** The pieces of the download, each made when it is asked for. */
const pieces = Stream.fromPull(
  Effect.sync((): Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>> => {
    let left = PIECES
    return Effect.suspend(() => (left-- > 0 ? Effect.succeed(Arr.of(PIECE)) : Cause.done()))
  })
)

/** How a server reads the pieces of a body. */
export type Fold = (
  initial: () => number,
  step: (length: number, chunk: Uint8Array) => number
) => Effect.Effect<number, HttpServerError, HttpServerRequest.HttpServerRequest>

/** As on any server of Effect. */
export const fold: Fold = (initial, step) =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ stream }) => Stream.runFold(stream, initial, step))

const upload = (fold: Fold) =>
  Effect.map(
    fold(
      () => 0,
      (length, chunk) => length + chunk.length
    ),
    (bytes) => HttpServerResponse.jsonUnsafe({ bytes })
  )

// About a fifth of a millisecond of arithmetic: an app that a load generator can overload.
const WORK = 200_000

const work = Effect.sync(() => {
  let sum = 0
  for (let i = 0; i < WORK; i++) sum = (sum * 31 + i) | 0
  return HttpServerResponse.text(String(sum))
})

/** The routes that have no types, with the bodies of uploads read by `fold`. */
export const plain = (fold: Fold) =>
  Layer.mergeAll(
    HttpRouter.add("GET", "/", HttpServerResponse.text("Hello, World!")),
    HttpRouter.add("GET", "/bytes", HttpServerResponse.uint8Array(PIECE, octets)),
    HttpRouter.add(
      "GET",
      "/download",
      Effect.sync(() => HttpServerResponse.stream(pieces, octets))
    ),
    HttpRouter.add("POST", "/upload", upload(fold)),
    HttpRouter.add("GET", "/work", work)
  )

/** So many services that stand in the context of an app, as those of a database, a mailer or a cache do. */
const services = (count: number) =>
  Layer.succeedContext(
    Context.makeUnsafe<never>(
      new Map(Array.from({ length: count }, (_, index) => [`bench/Service${index}`, { index }]))
    )
  )

/** The app in a context of `count` services, its typed routes made by `group` and its uploads read by `fold`. */
export const layer = (group: typeof HttpApiBuilder.group, fold: Fold, count: number) =>
  HttpRouter.serve(Layer.mergeAll(plain(fold), HttpApiBuilder.layer(Api).pipe(Layer.provide(users(group)))), {
    disableLogger: true,
    disableListenLog: true
  }).pipe(Layer.provide(services(count)))
