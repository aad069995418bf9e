/** What only HTTP/1.1 has of the reading of bodies: how a connection ends whose body is not read, or breaks off. */
import { assert, describe, it } from "@effect/vitest"
import { LentBody } from "@nvo/server"
import { ByteSize, Effect, Stream } from "effect"
import { HttpIncomingMessage, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as ReadResponse from "./support/ReadResponse.ts"
import { type App, serve } from "./support/serve.ts"
import * as Wire from "./support/Wire.ts"

type Read = (
  request: HttpServerRequest.HttpServerRequest
) => Effect.Effect<unknown, unknown, HttpServerRequest.HttpServerRequest>

const answering = (read: Read): App =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    Effect.flatMap(read(request), (value) => HttpServerResponse.json(value))
  )

const readText: Read = (request) => request.text

const post = (port: number, body: string) => Wire.exchange(port, Wire.request("POST", "/", {}, body), "POST")

describe("a body over HTTP/1.1", () => {
  it.live("that nobody read ends the connection when it is over drainBytes, and at it does not", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(
        answering((request) => Effect.succeed(request.url)),
        { drainBytes: 100 }
      )
      const within = yield* post(port, "x".repeat(100))
      assert.strictEqual(ReadResponse.value(within.fields, "connection"), undefined)
      const over = yield* post(port, "x".repeat(101))
      assert.strictEqual(ReadResponse.value(over.fields, "connection"), "close")
    })
  )

  it.live("that breaks off fails its reader, and both are told", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serve(answering(readText), { halfClose: true })
      const wire = yield* Wire.connect(port)
      yield* wire.send(Wire.request("POST", "/", { "Content-Length": "10" }))
      yield* wire.send("short")
      yield* wire.finish
      const response = yield* wire.response("POST")
      assert.strictEqual(response.status, 400)
      assert.deepStrictEqual(
        errors.filter(({ _tag }) => _tag !== "ApplicationError").map(({ reason }) => reason._tag),
        ["IncompleteMessage"]
      )
    })
  )

  it.live("that is lent has its memory read into again: what was kept of it is empty", () =>
    Effect.gen(function* () {
      const kept: Array<Uint8Array> = []
      const { port } = yield* serve(
        answering(() =>
          LentBody.runFold(
            () => 0,
            (size, octets) => {
              kept.push(octets)
              return size + octets.length
            }
          )
        )
      )
      const length = 16 * 1_048_576
      const response = yield* post(port, "x".repeat(length))
      assert.strictEqual(JSON.parse(response.body.toString()), length)
      assert.include(
        kept.map((octets) => octets.length),
        0
      )
    })
  )

  it.live("that is lent leaves alone what comes behind it, in the same read and later", () =>
    Effect.gen(function* () {
      const kept: Array<Uint8Array> = []
      const { port } = yield* serve(
        answering((request) =>
          request.url === "/lent"
            ? LentBody.runFold(
                () => 0,
                (size, octets) => size + octets.length
              )
            : Effect.map(Stream.runCollect(request.stream), (chunks) => {
                kept.push(...chunks)
                return chunks.reduce((size, { length }) => size + length, 0)
              })
        )
      )
      const length = 300_000
      const requests = ["/lent", "/kept", "/lent", "/kept", "/lent"]
      const wire = yield* Wire.connect(port)
      yield* wire.send(
        Buffer.concat(requests.map((target) => Wire.request("POST", target, {}, "x".repeat(length))))
      )
      for (const _ of requests) {
        assert.strictEqual(JSON.parse((yield* wire.response("POST")).body.toString()), length)
      }
      assert.isTrue(Buffer.concat(kept).equals(Buffer.alloc(2 * length, "x")))
    })
  )

  it.live("refuses by Content-Length before the body comes", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(
        Effect.provideService(
          answering(readText),
          HttpIncomingMessage.MaxBodySize,
          ByteSize.fromInputUnsafe(10)
        )
      )
      const wire = yield* Wire.connect(port)
      yield* wire.send(Wire.request("POST", "/", { "Content-Length": "100000000" }))
      const response = yield* wire.response("POST")
      assert.strictEqual(response.status, 413)
      assert.strictEqual(ReadResponse.value(response.fields, "connection"), "close")
      assert.isTrue(yield* wire.end)
    })
  )

  it.live("in chunks that are malformed is 400, not 500, for multipart too (RFC 9112 §7.1)", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(answering((request) => Stream.runDrain(request.multipartStream)))
      const wire = yield* Wire.connect(port)
      const fields = { "content-type": "multipart/form-data; boundary=BOUND", "transfer-encoding": "chunked" }
      yield* wire.send(Wire.request("POST", "/", fields))
      yield* wire.send("5\r\n--BOU\r\nzz\r\n")
      assert.strictEqual((yield* wire.response("POST")).status, 400)
      assert.isTrue(yield* wire.end)
    })
  )
})
