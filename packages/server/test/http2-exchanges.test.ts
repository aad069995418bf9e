/** Exchanges of HTTP/2 that do not simply go well, in simulated time. */

import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@nvo/testing"
import { Effect, Stream } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import * as HandlerTimeout from "../src/HandlerTimeout.ts"
import { Answered, failing, hurriedTooLate } from "./support/apps.ts"
import { greet, request } from "./support/http2Client.ts"
import { type App, type Options, simulate } from "./support/simulated.ts"

const hello = HttpServerResponse.text("hello")
const endless = HttpServerResponse.stream(Stream.concat(Stream.make(Bytes.fromText("part")), Stream.never))

/** What one GET is answered with: its lines, its head and its body. */
const answer = (app: App, options: Options = {}) =>
  simulate(
    app,
    (server) =>
      Effect.gen(function* () {
        const http2 = yield* greet(server.connect)
        yield* http2.send(http2.headers(1, request("GET")))
        yield* Effect.sleep("5 seconds")
        yield* http2.send(http2.ping())
        yield* http2.sees("PING ack")
        return {
          status: http2.heads.get(1)?.[":status"],
          head: http2.heads.get(1),
          body: http2.bodies.get(1),
          lines: http2.lines,
          errors: server.errors
        }
      }),
    options
  )

describe("a request of HTTP/2", () => {
  // RFC 9113 §8.3.1: the authority is what counts.
  it("has its authority as Host, whether it has one or not", () => {
    const app = Effect.map(HttpServerRequest.HttpServerRequest, ({ headers }) =>
      HttpServerResponse.text(String(headers.host))
    )
    const hosts = simulate(app, (server) =>
      Effect.gen(function* () {
        const http2 = yield* greet(server.connect)
        yield* http2.send(
          http2.headers(1, request("GET")),
          http2.headers(3, request("GET", [["host", "a"]])),
          http2.headers(5, request("GET", [["host", "A"]]))
        )
        for (const id of [1, 3, 5]) yield* http2.sees(`DATA ${id} END`)
        return [http2.bodies.get(1), http2.bodies.get(3), http2.bodies.get(5)]
      })
    )
    assert.deepStrictEqual(hosts, ["a", "a", "a"])
  })

  // RFC 9110 §10.1.1: there is no need for 100 once the content has come.
  it("whose body has come is not told to go on", () => {
    const app = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ text }) =>
      Effect.map(Effect.andThen(Effect.sleep(10), text), (body) => HttpServerResponse.text(body))
    )
    const said = (between: number) =>
      simulate(app, (server) =>
        Effect.gen(function* () {
          const http2 = yield* greet(server.connect)
          yield* http2.send(http2.headers(1, request("POST", [["expect", "100-continue"]]), false))
          yield* Effect.sleep(between)
          yield* http2.send(http2.data(1, "some"))
          yield* Effect.sleep(100)
          yield* http2.send(http2.data(1, " more", true))
          yield* http2.sees("DATA 1 END")
          assert.strictEqual(http2.bodies.get(1), "some more")
          return http2.lines.filter((line) => line.startsWith("HEADERS"))
        })
      )
    assert.deepStrictEqual(said(20), ["HEADERS 1 100", "HEADERS 1 200"])
    assert.deepStrictEqual(said(5), ["HEADERS 1 200"])
  })
})

describe("a response of HTTP/2 that cannot be sent as it is", () => {
  for (const [what, response] of [
    ["a stream with a field that may not be", HttpServerResponse.setHeader(endless, "x", "a\nb")],
    ["what is no body", HttpServerResponse.raw(Symbol("no body"))]
  ] as const) {
    it(`is 500 for ${what}, and told`, () => {
      const { errors, lines } = answer(Effect.succeed(response))
      assert.include(lines, "HEADERS 1 500 END")
      assert.deepStrictEqual(errors, ["HandlerFailed"])
    })
  }
})

describe("a pre-response handler that fails, over HTTP/2", () => {
  it("is answered with 500, and told", () => {
    const { errors, lines } = answer(failing(new Error("broken")))
    assert.include(lines, "HEADERS 1 500 END")
    assert.deepStrictEqual(errors, ["HandlerFailed"])
  })

  // The failure has a response of its own, whose body fails: nothing of it may be left behind.
  it("does not keep its connection where the response that it became fails, too", () => {
    const broken = HttpServerResponse.stream(Stream.die(new Error("broken")), { status: 418 })
    const { departure, errors } = simulate(failing(new Answered(broken)), (server) =>
      Effect.gen(function* () {
        const http2 = yield* greet(server.connect)
        yield* http2.send(http2.headers(1, request("GET")))
        yield* http2.sees("HEADERS 1 418")
        yield* http2.sees("RST_STREAM 1 INTERNAL_ERROR")
        yield* server.stop
        return { departure: yield* http2.ends, errors: server.errors }
      })
    )
    assert.strictEqual(departure, "Ended")
    assert.deepStrictEqual(errors, ["ResponseBodyFailed"])
  })

  it("is interrupted where the response that it became goes on when its peer leaves", () => {
    const errors = simulate(failing(new Answered(endless)), (server) =>
      Effect.gen(function* () {
        const http2 = yield* greet(server.connect)
        yield* http2.send(http2.headers(1, request("GET")))
        yield* http2.sees("HEADERS 1 200")
        yield* http2.send(http2.reset(1), http2.ping())
        yield* http2.sees("PING ack")
        assert.strictEqual((yield* server.connections.list)[0].phase, "Idle")
        return server.errors
      })
    )
    assert.deepStrictEqual(errors, ["ClientAborted"])
  })
})

describe("the time that a handler has, over HTTP/2", () => {
  const slow = Effect.as(Effect.sleep("2 seconds"), hello)

  it("can be given to one that has had less, and taken away", () => {
    assert.strictEqual(answer(slow, { config: { handlerTimeout: "1 second" } }).status, "503")
    const longer = Effect.andThen(HandlerTimeout.set("3 seconds"), slow)
    assert.strictEqual(answer(longer, { config: { handlerTimeout: "1 second" } }).status, "200")
    const forEver = Effect.andThen(HandlerTimeout.set(0), slow)
    assert.strictEqual(answer(forEver, { config: { handlerTimeout: "1 second" } }).status, "200")
  })

  it("is over when the head of the response is out, whatever is asked for then", () => {
    const { body, errors } = answer(hurriedTooLate)
    assert.strictEqual(body, "all")
    assert.deepStrictEqual(errors, [])
  })

  it("says nothing more once the peer has left", () => {
    const errors = simulate(
      Effect.uninterruptible(slow),
      (server) =>
        Effect.gen(function* () {
          const http2 = yield* greet(server.connect)
          yield* http2.send(http2.headers(1, request("GET")))
          yield* Effect.sleep(500)
          yield* http2.send(http2.reset(1))
          yield* Effect.sleep("5 seconds")
          return server.errors
        }),
      { config: { handlerTimeout: "1 second" } }
    )
    assert.deepStrictEqual(errors, ["ClientAborted"])
  })
})

describe("a handler of HTTP/2 that reads", () => {
  // The one that came second would take the other's octets, and the first would wait for ever.
  it("is told when two of its fibers read at once", () => {
    const app = Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const reads = Stream.runDrain(request.stream)
      yield* Effect.all([reads, reads], { concurrency: 2 })
      return hello
    })
    const errors = simulate(app, (server) =>
      Effect.gen(function* () {
        const http2 = yield* greet(server.connect)
        yield* http2.send(http2.headers(1, request("POST"), false))
        yield* http2.sees("HEADERS 1 500 END")
        return server.errors
      })
    )
    assert.deepStrictEqual(errors, ["HandlerFailed"])
  })

  it("reads on where another fiber waited and was interrupted", () => {
    const app = Effect.gen(function* () {
      const { stream, text } = yield* HttpServerRequest.HttpServerRequest
      yield* Effect.timeoutOption(Stream.runDrain(stream), 10)
      return HttpServerResponse.text(yield* text)
    })
    const body = simulate(app, (server) =>
      Effect.gen(function* () {
        const http2 = yield* greet(server.connect)
        yield* http2.send(http2.headers(1, request("POST"), false))
        yield* Effect.sleep(20)
        yield* http2.send(http2.data(1, "late", true))
        yield* http2.sees("DATA 1 END")
        return http2.bodies.get(1)
      })
    )
    assert.strictEqual(body, "late")
  })

  it("has a time to wait for octets that begins again with them, and ends", () => {
    const app = Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      return HttpServerResponse.text(yield* request.text)
    })
    const errors = simulate(
      app,
      (server) =>
        Effect.gen(function* () {
          const http2 = yield* greet(server.connect)
          yield* http2.send(http2.headers(1, request("POST"), false))
          for (let i = 0; i < 3; i++) {
            yield* Effect.sleep(900)
            yield* http2.send(http2.data(1, "x".repeat(1_000)))
          }
          assert.deepStrictEqual(server.errors, [])
          yield* http2.sees("HEADERS 1 408")
          return server.errors
        }),
      { config: { bodyTimeout: "1 second", bodyRate: 500 } }
    )
    assert.deepStrictEqual(errors.slice(0, 1), ["BodyTimeout"])
  })
})
