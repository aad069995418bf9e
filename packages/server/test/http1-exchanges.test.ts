/** Exchanges of HTTP/1.1 that do not simply go well, in simulated time. */

import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@nvo/testing"
import { Effect, Stream } from "effect"
import { HttpEffect, HttpServerRespondable, HttpServerResponse } from "effect/http"
import { type App, type Client, simulate } from "./support/simulated.ts"

const hello = HttpServerResponse.text("hello")
const endless = HttpServerResponse.stream(Stream.concat(Stream.make(Bytes.fromText("part")), Stream.never))
const get = Bytes.fromText("GET / HTTP/1.1\r\nHost: a\r\n\r\n")

/** Everything that comes, with the way in which the server left at the end. */
const readAll = Effect.fnUntraced(function* (client: Client) {
  let text = ""
  while (true) {
    const next = yield* client.receive
    if (typeof next === "string") return `${text} ${next}`
    text += Bytes.toText(next)
  }
})

/** A failure that says itself what it is answered with. */
class Answered extends Error {
  readonly response: HttpServerResponse.HttpServerResponse
  constructor(response: HttpServerResponse.HttpServerResponse) {
    super("answered")
    this.response = response
  }
  [HttpServerRespondable.symbol]() {
    return Effect.succeed(this.response)
  }
}

const failing = (failure: unknown): App =>
  Effect.andThen(
    HttpEffect.appendPreResponseHandler(() => Effect.fail(failure) as Effect.Effect<never>),
    Effect.succeed(hello)
  )

describe("a pre-response handler that fails", () => {
  it("ends as others do where the response that it became fails, too", () => {
    const broken = HttpServerResponse.stream(Stream.die(new Error("broken")), { status: 418 })
    const { errors, text } = simulate(failing(new Answered(broken)), (server) =>
      Effect.gen(function* () {
        const client = yield* server.connect
        yield* client.send(get)
        return { text: yield* readAll(client), errors: server.errors }
      })
    )
    assert.match(text, /^HTTP\/1\.1 418 .*\r\n\r\n Ended$/s)
    assert.deepStrictEqual(errors, ["ResponseBodyFailed"])
  })

  it("is interrupted where the response that it became goes on when its peer leaves", () => {
    const errors = simulate(failing(new Answered(endless)), (server) =>
      Effect.gen(function* () {
        const client = yield* server.connect
        yield* client.send(get)
        yield* client.receive
        yield* client.reset
        yield* Effect.sleep(100)
        assert.strictEqual(yield* server.connections.count, 0)
        return server.errors
      })
    )
    assert.deepStrictEqual(errors, ["ClientAborted"])
  })
})
