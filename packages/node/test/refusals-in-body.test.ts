/**
 * A message that goes bad in its body, while the application does one thing or another; and the order of answers
 * where a good request stands in front of a bad one.
 */
import { assert, describe, it } from "@effect/vitest"
import { type ConnectionId, Http1Error } from "@nvo/protocol"
import { ApplicationError } from "@nvo/server"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import * as ReadResponse from "./support/ReadResponse.ts"
import { connectionOf, nextError, quiet } from "./support/rawServer.ts"
import { type App, type Running, serve } from "./support/serve.ts"
import * as Wire from "./support/Wire.ts"

const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
const connection = (response: ReadResponse.ReadResponse) => ReadResponse.value(response.fields, "connection")

const readsWhole: App = Effect.flatMap(HttpServerRequest, (request) =>
  Effect.map(request.text, (text) => HttpServerResponse.text(text))
)

/** Connects, and knows how the server names the connection. */
const open = Effect.fnUntraced(function* (server: Running) {
  const wire = yield* Wire.connect(server.port)
  return { wire, id: yield* connectionOf(server, wire) }
})

const badChunk = Effect.fnUntraced(function* (server: Running, id: ConnectionId.ConnectionId) {
  const error = yield* nextError(server)
  assert.instanceOf(error, Http1Error.Http1Error)
  assert.strictEqual(error.reason._tag, "InvalidChunkSize")
  assert.strictEqual(error.connectionId, id)
})

describe("RFC 9112 §7.1 a bad chunk", () => {
  it.live("behind data that the handler has read: 400 in place of its answer, and the end", () =>
    Effect.gen(function* () {
      const seen = Deferred.makeUnsafe<string>()
      const server = yield* serve(
        Effect.flatMap(HttpServerRequest, (request) =>
          request.stream.pipe(
            Stream.tap((bytes) => Deferred.succeed(seen, Buffer.from(bytes).toString())),
            Stream.runDrain,
            Effect.as(HttpServerResponse.text("read"))
          )
        )
      )
      const { id, wire } = yield* open(server)
      wire.sendUnsafe(`${head}3\r\nabc\r\n`)
      assert.strictEqual(yield* Deferred.await(seen), "abc")
      wire.sendUnsafe("x\r\n")
      const response = yield* wire.response()
      assert.deepStrictEqual([response.status, connection(response)], [400, "close"])
      assert.isTrue(yield* wire.end)
      yield* badChunk(server, id)
    })
  )

  it.live("is the application's to answer, where it looks at the failure", () =>
    Effect.gen(function* () {
      const server = yield* serve(
        Effect.flatMap(HttpServerRequest, (request) =>
          Effect.match(request.text, {
            onSuccess: (text) => HttpServerResponse.text(text),
            onFailure: (error) =>
              HttpServerResponse.text(
                error.reason._tag === "RequestParseError" && Http1Error.isHttp1Error(error.reason.cause)
                  ? error.reason.cause.reason._tag
                  : "another error",
                { status: 422 }
              )
          })
        )
      )
      const { id, wire } = yield* open(server)
      wire.sendUnsafe(`${head}x\r\n`)
      const response = yield* wire.response()
      assert.deepStrictEqual(
        [response.status, response.body.toString(), connection(response)],
        [422, "InvalidChunkSize", "close"]
      )
      assert.isTrue(yield* wire.end)
      yield* badChunk(server, id)
    })
  )

  it.live("while the handler runs and does not read: its answer, then the end", () =>
    Effect.gen(function* () {
      const running = Deferred.makeUnsafe<void>()
      const go = Deferred.makeUnsafe<void>()
      const server = yield* serve(
        Effect.gen(function* () {
          yield* Deferred.succeed(running, undefined)
          yield* Deferred.await(go)
          return HttpServerResponse.text("not read")
        })
      )
      const { id, wire } = yield* open(server)
      wire.sendUnsafe(head)
      yield* Deferred.await(running)
      yield* wire.send("x\r\n")
      yield* Deferred.succeed(go, undefined)
      const response = yield* wire.response()
      assert.deepStrictEqual([response.status, response.body.toString()], [200, "not read"])
      assert.isTrue(yield* wire.end)
      assert.strictEqual(wire.rest, "")
      yield* badChunk(server, id)
    })
  )

  it.live("after the handler has answered: the end, without a second answer", () =>
    Effect.gen(function* () {
      const server = yield* serve(Effect.succeed(HttpServerResponse.text("early")))
      const { id, wire } = yield* open(server)
      wire.sendUnsafe(head)
      const response = yield* wire.response()
      assert.deepStrictEqual([response.status, response.body.toString()], [200, "early"])
      wire.sendUnsafe("3\r\nabc\r\nx\r\n")
      assert.isTrue(yield* wire.end)
      assert.strictEqual(wire.rest, "")
      yield* badChunk(server, id)
    })
  )

  it.live("while its octets are streamed back: the response breaks off, and both errors are told", () =>
    Effect.gen(function* () {
      const server = yield* serve(
        Effect.map(HttpServerRequest, (request) => HttpServerResponse.stream(request.stream))
      )
      const { id, wire } = yield* open(server)
      wire.sendUnsafe(`${head}3\r\nabc\r\n`)
      yield* wire.contains("3\r\nabc\r\n")
      wire.sendUnsafe("x\r\n")
      yield* wire.end
      const response = yield* wire.response()
      assert.deepStrictEqual(
        [response.status, response.body.toString(), response.complete],
        [200, "abc", false]
      )
      yield* badChunk(server, id)
      const second = yield* nextError(server, 1)
      assert.instanceOf(second, ApplicationError.ApplicationError)
      assert.strictEqual(second.reason._tag, "ResponseBodyFailed")
      const { cause } = second.reason as ApplicationError.ApplicationErrorReason & {
        _tag: "ResponseBodyFailed"
      }
      assert.include(Cause.pretty(cause), "InvalidChunkSize")
    }).pipe(quiet)
  )

  it.live("is reported on a connection that would have ended anyway", () =>
    Effect.gen(function* () {
      const server = yield* serve(readsWhole)
      const { id, wire } = yield* open(server)
      wire.sendUnsafe(`${head.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")}x\r\n`)
      assert.strictEqual((yield* wire.response()).status, 400)
      assert.isTrue(yield* wire.end)
      yield* badChunk(server, id)
      assert.strictEqual(server.errors.length, 1)
    })
  )
})

describe("RFC 9112 §9.3.2 a refused message behind good ones", () => {
  const good = (body: string) => Wire.request("POST", "/", {}, body).toString("latin1")

  it.live("is answered after them, and names its place on the connection", () =>
    Effect.gen(function* () {
      const server = yield* serve(Effect.delay(readsWhole, 20))
      const wire = yield* Wire.connect(server.port)
      wire.sendUnsafe(`${good("one")}${good("two")}GET / HTTP/3.0\r\n\r\n${good("four")}`)
      const answers: Array<readonly [status: number, body: string]> = []
      for (let i = 0; i < 2; i++) {
        const { body, status } = yield* wire.response()
        answers.push([status, body.toString()])
      }
      assert.deepStrictEqual(answers, [
        [200, "one"],
        [200, "two"]
      ])
      const last = yield* wire.response()
      assert.deepStrictEqual([last.status, connection(last)], [505, "close"])
      assert.isTrue(yield* wire.end)
      assert.strictEqual(wire.rest, "")
      const error = yield* nextError(server)
      assert.instanceOf(error, Http1Error.Http1Error)
      assert.strictEqual((error as Http1Error.Http1Error).requestIndex, 3)
    })
  )

  it.live("hides nothing from the application but itself", () =>
    Effect.gen(function* () {
      const targets: Array<string> = []
      const server = yield* serve(
        Effect.map(HttpServerRequest, (request) => {
          targets.push(request.url)
          return HttpServerResponse.empty()
        })
      )
      const wire = yield* Wire.connect(server.port)
      const get = (target: string) => Wire.request("GET", target).toString("latin1")
      // A smuggler's message: what stands behind the refused head is nobody's request.
      wire.sendUnsafe(
        `${get("/first")}POST /second HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n` +
          `0\r\n\r\n${get("/smuggled")}`
      )
      assert.strictEqual((yield* wire.response()).status, 204)
      assert.strictEqual((yield* wire.response()).status, 400)
      assert.isTrue(yield* wire.end)
      assert.deepStrictEqual(targets, ["/first"])
    })
  )
})
