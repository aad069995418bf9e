/** A small API, served right or with one bug at a time: each is a middleware in front of what is right. */

import { NvoServer } from "@nvo/node"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import type { HttpClient } from "effect/http/HttpClient"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import type { ServeError } from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

export const TOKEN = "a-good-token"
export const MAX_BODY = 10_000

const Item = Schema.Struct({ id: Schema.Int, name: Schema.String })
const Denied = Schema.Struct({ denied: Schema.Literal(true) }).pipe(HttpApiSchema.status(401))

export class Auth extends HttpApiMiddleware.Service<Auth>()("Auth", {
  error: Denied,
  security: { bearer: HttpApiSecurity.bearer }
}) {}

export const Api = HttpApi.make("shop").add(
  HttpApiGroup.make("items")
    .add(
      HttpApiEndpoint.get("get", "/items/:id", {
        params: {
          id: Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 0, maximum: 999 }))
        },
        success: Item
      })
    )
    .add(
      HttpApiEndpoint.post("create", "/items", {
        payload: Schema.Struct({
          name: Schema.String.check(Schema.isMinLength(1)),
          price: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))
        }),
        success: Item.pipe(HttpApiSchema.status(201))
      })
    )
    .add(HttpApiEndpoint.get("secret", "/secret", { success: Item }).middleware(Auth))
)

/** What the app holds: requests that have acquired something. */
export const held = { count: 0 }

const ItemsLive = HttpApiBuilder.group(
  Api,
  "items",
  Effect.fn(function* (handlers) {
    return handlers.handleAll({
      get: ({ params }) => Effect.as(Effect.yieldNow, { id: params.id, name: `item ${params.id}` }),
      create: ({ payload }) => Effect.succeed({ id: 1, name: payload.name }),
      secret: () => Effect.succeed({ id: 7, name: "secret" })
    })
  })
)

const authLayer = (lets: (token: string) => boolean) =>
  Layer.succeed(Auth)({
    bearer: (httpEffect, { credential }) =>
      lets(Redacted.value(credential)) ? httpEffect : Effect.fail({ denied: true as const })
  })

type Next = Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest>

/** What stands in front of the app; `next` is the app. */
export type Bug = (request: HttpServerRequest.HttpServerRequest, next: Next) => Next

const json = (body: unknown, status = 200) => Effect.succeed(HttpServerResponse.jsonUnsafe(body, { status }))

const on =
  (method: string, path: RegExp, answer: Bug): Bug =>
  (request, next) =>
    request.method === method && path.test(request.url) ? answer(request, next) : next

const ITEM = /^\/items\/\d+$/
let shared = ""

/** The bugs, and the rule that each breaks. */
export const bugs: Readonly<Record<string, { readonly rule: string; readonly bug: Bug }>> = {
  "a status that is not declared": {
    rule: "AnswersAsDeclared",
    bug: on("GET", ITEM, () => json({ id: 1, name: "a" }, 202))
  },
  "a body of another schema": {
    rule: "AnswersAsDeclared",
    bug: on("GET", ITEM, () => json({ id: "1" }))
  },
  "a failure for some valid input": {
    rule: "AnswersAsDeclared",
    bug: on("GET", /^\/items\/[5-9]\d\d$/, () => json({ error: "overflow" }, 500))
  },
  "500 for malformed JSON": {
    rule: "RefusesInvalid",
    bug: on("POST", /^\/items$/, (request, next) =>
      Effect.flatMap(Effect.orDie(request.text), (text) => {
        try {
          JSON.parse(text)
          return next
        } catch {
          return json({ error: "unexpected" }, 500)
        }
      })
    )
  },
  "invalid input that is taken": {
    rule: "RefusesInvalid",
    bug: on("POST", /^\/items$/, (request, next) =>
      Effect.flatMap(Effect.orDie(request.text), (text) =>
        text.includes('"price":-1.5') ? json({ id: 1, name: "a" }, 201) : next
      )
    )
  },
  "a media type that is not looked at": {
    rule: "RefusesInvalid",
    bug: on("POST", /^\/items$/, (request, next) =>
      request.headers["content-type"]?.startsWith("text/plain") === true
        ? json({ id: 1, name: "a" }, 201)
        : next
    )
  },
  "a limit that is ignored": {
    rule: "RefusesInvalid",
    bug: on("POST", /^\/items$/, (request, next) =>
      Number(request.headers["content-length"]) > MAX_BODY ? json({ id: 1, name: "a" }, 201) : next
    )
  },
  "security that is skipped": {
    rule: "AsksForCredentials",
    bug: on("GET", /^\/secret$/, () => json({ id: 7, name: "secret" }))
  },
  "a HEAD that is not like GET": {
    rule: "HeadIsLikeGet",
    bug: on("HEAD", ITEM, () => Effect.succeed(HttpServerResponse.empty({ status: 204 })))
  },
  "requests that see each other": {
    rule: "KeepsRequestsApart",
    bug: on("GET", ITEM, (request) =>
      Effect.suspend(() => {
        shared = request.url
        return Effect.flatMap(Effect.sleep(2), () => json({ id: 1, name: shared }))
      })
    )
  },
  "a Scope that is not closed": {
    rule: "ReleasesAll",
    bug: on("GET", ITEM, (_request, next) =>
      Effect.andThen(
        Effect.sync(() => held.count++),
        next
      )
    )
  }
}

const right: Bug = (_request, next) =>
  Effect.acquireUseRelease(
    Effect.sync(() => held.count++),
    () => next,
    () => Effect.sync(() => held.count--)
  )

/** The API on nvo, with that bug or without any, and a client that is bound to it. */
export const layer = (bug: Bug = right): Layer.Layer<HttpClient, ServeError> => {
  const Front = HttpRouter.middleware(
    (httpEffect) =>
      Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
        bug(request, httpEffect as never)
      ) as never,
    { global: true }
  )
  const Limit = HttpRouter.middleware(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(MAX_BODY)),
    { global: true }
  )
  const Routes = Layer.mergeAll(
    HttpApiBuilder.layer(Api).pipe(
      Layer.provide(ItemsLive),
      Layer.provide(authLayer((token) => token === TOKEN))
    ),
    Front,
    Limit
  )
  return HttpRouter.serve(Routes, { disableListenLog: true, disableLogger: true }).pipe(
    Layer.provideMerge(NvoServer.layerTest),
    Layer.provide(Logger.layer([]))
  ) as Layer.Layer<HttpClient, ServeError>
}
