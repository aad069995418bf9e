/** Trailers, early hints and lent bodies for requests that another server made: an app that uses them runs there too. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import * as EarlyHints from "../src/EarlyHints.ts"
import * as HandlerTimeout from "../src/HandlerTimeout.ts"
import * as LentBody from "../src/LentBody.ts"
import * as RequestSource from "../src/RequestSource.ts"
import * as Trailers from "../src/Trailers.ts"
import * as WebSocket from "../src/WebSocket.ts"

const foreign = Effect.provideServiceEffect(
  HttpServerRequest.HttpServerRequest,
  Effect.sync(() =>
    HttpServerRequest.fromWeb(new Request("http://localhost/", { method: "POST", body: "hello" }))
  )
)

describe("on a request of another server", () => {
  it.effect("there are no trailer fields, and the body is left alone", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual({ ...(yield* Trailers.request) }, {})
      const request = yield* HttpServerRequest.HttpServerRequest
      assert.strictEqual(yield* request.text, "hello")
    }).pipe(foreign)
  )

  it.effect("a lent body is its stream", () =>
    Effect.gen(function* () {
      const size = LentBody.runFold(
        () => 0,
        (size, octets) => size + octets.length
      )
      assert.strictEqual(yield* foreign(size), 5)
      let text = ""
      yield* foreign(
        LentBody.runForEach((octets) =>
          Effect.sync(() => {
            text += new TextDecoder().decode(octets)
          })
        )
      )
      assert.strictEqual(text, "hello")
    })
  )

  it.effect("early hints do nothing, whatever they say", () =>
    Effect.gen(function* () {
      yield* EarlyHints.send({ link: "</style.css>; rel=preload" })
      yield* EarlyHints.interim(102, {})
      yield* EarlyHints.send({ "not a name": "a\r\nb" })
    }).pipe(foreign)
  )

  it.effect("there is no deadline, no source, and no WebSocket", () =>
    Effect.gen(function* () {
      yield* HandlerTimeout.set(1)
      assert.isTrue(Option.isNone(RequestSource.of(yield* HttpServerRequest.HttpServerRequest)))
      const { message } = yield* Effect.flip(WebSocket.upgrade())
      assert.include(message, "The request was not made by this server")
    }).pipe(Effect.scoped, foreign)
  )

  it.effect("trailer fields for the response leave the response as it is", () =>
    Effect.gen(function* () {
      const response = HttpServerResponse.text("hello")
      assert.strictEqual(Trailers.withTrailers(response, Effect.succeed({ "x-sum": "5" })), response)
      assert.strictEqual(response.pipe(Trailers.withTrailers(Effect.succeed({ "x-sum": "6" }))), response)
      const web = HttpServerResponse.toWeb(response)
      assert.strictEqual(web.headers.get("x-sum"), null)
      assert.strictEqual(yield* Effect.promise(() => web.text()), "hello")
    })
  )
})

describe("Trailers.withTrailers", () => {
  it.effect("belong to the body: a response made from the response keeps them, the last ones count", () =>
    Effect.gen(function* () {
      const response = HttpServerResponse.text("hello").pipe(
        Trailers.withTrailers(Effect.succeed({ "X-Sum": "5" })),
        Trailers.withTrailers(Effect.succeed({ "X-Sum": "6" })),
        HttpServerResponse.setHeader("x-other", "1"),
        HttpServerResponse.setStatus(201)
      )
      assert.deepStrictEqual({ ...(yield* Trailers.ofBody(response.body)) }, { "x-sum": "6" })
      assert.strictEqual(yield* Trailers.ofBody(HttpServerResponse.text("hello").body), undefined)
    })
  )
})
