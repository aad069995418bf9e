/** An app with a route for each state in which a connection can break, and for each way in which a handler ends. */
import { EarlyHints, Trailers } from "@nvo/server"
import * as Effect from "effect/Effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import type { Counter } from "./countAll.ts"
import type { App } from "./serve.ts"

const piece = new Uint8Array(4_096).fill(97)
const large = new Uint8Array(16 * 1_048_576).fill(98)

/** What tells a peer that its handler runs. */
const hint = Effect.ignore(EarlyHints.send({ link: "</running>" }))

const echo = Effect.gen(function* () {
  const request = yield* HttpServerRequest
  const socket = yield* request.upgrade
  yield* Effect.scoped(
    Effect.gen(function* () {
      const { pull } = yield* socket.reader
      const { writeAll } = yield* socket.writer
      yield* Effect.forever(Effect.flatMap(pull, writeAll))
    })
  ).pipe(Effect.ignore)
  return HttpServerResponse.empty()
})

const routes: Readonly<Record<string, App>> = {
  "/": Effect.succeed(HttpServerResponse.text("hello")),
  "/read": Effect.flatMap(HttpServerRequest, (request) =>
    Effect.map(request.text, (text) => HttpServerResponse.text(text))
  ),
  "/slow-read": Effect.flatMap(HttpServerRequest, (request) =>
    request.stream.pipe(
      Stream.tap(() => Effect.yieldNow),
      Stream.runDrain,
      Effect.as(HttpServerResponse.empty())
    )
  ),
  "/echo": Effect.map(HttpServerRequest, (request) => HttpServerResponse.stream(request.stream)),
  "/hang": Effect.andThen(hint, Effect.never),
  "/endless": Effect.sync(() => HttpServerResponse.stream(Stream.forever(Stream.make(piece)))),
  "/stuck": Effect.sync(() => HttpServerResponse.stream(Stream.concat(Stream.make(piece), Stream.never))),
  "/large": Effect.sync(() => HttpServerResponse.uint8Array(large)),
  "/upgrade": echo,
  "/fail": Effect.fail(new Error("on purpose")),
  "/die": Effect.die(new Error("on purpose")),
  "/interrupt": Effect.interrupt,
  "/bad-field": Effect.succeed(HttpServerResponse.empty({ headers: { x: "a\nb" } })),
  "/bad-length": Effect.sync(() => HttpServerResponse.stream(Stream.make(piece), { contentLength: 5 })),
  "/bad-stream": Effect.sync(() =>
    HttpServerResponse.stream(Stream.concat(Stream.make(piece), Stream.fail(new Error("on purpose"))))
  ),
  "/bad-trailer": Effect.sync(() =>
    Trailers.withTrailers(HttpServerResponse.stream(Stream.make(piece)), Effect.succeed({ host: "a" }))
  ),
  "/dying-stream": Effect.sync(() => HttpServerResponse.stream(Stream.die(new Error("on purpose"))))
}

/** The app. Each request holds a resource in its Scope, counted by `requests`. */
export const app = (requests: Counter): App =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest
    yield* requests.scoped
    return yield* Effect.interruptible(routes[request.url] ?? Effect.die(new Error(request.url)))
  })
