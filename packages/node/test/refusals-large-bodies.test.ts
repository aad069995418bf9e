/** Bodies that are refused or not wanted while their peer goes on sending: the answer arrives all the same. */
import { assert, describe, it } from "@effect/vitest"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import * as ReadResponse from "./support/ReadResponse.ts"
import { drained } from "./support/rawServer.ts"
import { serve } from "./support/serve.ts"
import * as Wire from "./support/Wire.ts"

const MIB = 1_048_576
const piece = Buffer.alloc(65_536, 97)

const reads = Effect.flatMap(HttpServerRequest, (request) =>
  Effect.as(request.text, HttpServerResponse.empty())
)

/** Sends the whole body whatever comes back, and reads only then. */
const sendAll = (wire: Wire.Wire, total: number, wrap: (piece: Buffer) => Buffer): Effect.Effect<void> =>
  Effect.gen(function* () {
    wire.socket.pause()
    for (let sent = 0; sent < total; sent += piece.length) yield* wire.send(wrap(piece))
    wire.socket.resume()
  })

const chunk = (bytes: Buffer) =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")])

const bodies = [
  ["Content-Length", `Content-Length: ${10 * MIB}`, (bytes: Buffer) => bytes],
  ["chunks", "Transfer-Encoding: chunked", chunk]
] as const

describe("RFC 9112 §9.6 a peer that goes on sending 10 MB", () => {
  for (const [framing, field, wrap] of bodies) {
    it.live(`with ${framing} reads the 413 to a body over its limit, and no reset takes it away`, () =>
      Effect.gen(function* () {
        const server = yield* serve(reads)
        const wire = yield* Wire.connect(server.port)
        wire.sendUnsafe(`POST / HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n`)
        yield* sendAll(wire, 10 * MIB, wrap)
        assert.strictEqual((yield* wire.response()).status, 413)
        assert.isTrue(yield* wire.end)
        yield* wire.finish
        yield* drained(server)
      })
    )

    it.live(`with ${framing} reads the answer of a handler that did not look at the body`, () =>
      Effect.gen(function* () {
        const server = yield* serve(Effect.succeed(HttpServerResponse.text("no, thanks", { status: 403 })))
        const wire = yield* Wire.connect(server.port)
        wire.sendUnsafe(`POST / HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n`)
        yield* sendAll(wire, 10 * MIB, wrap)
        const response = yield* wire.response()
        assert.deepStrictEqual([response.status, response.body.toString()], [403, "no, thanks"])
        assert.isTrue(yield* wire.end)
      })
    )

    it.live(`with ${framing} reads the 413 of MaxBodySize on request.stream`, () =>
      Effect.gen(function* () {
        const server = yield* serve(
          Effect.flatMap(HttpServerRequest, (request) => Stream.runDrain(request.stream)).pipe(
            Effect.as(HttpServerResponse.empty()),
            Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(100_000))
          )
        )
        const wire = yield* Wire.connect(server.port)
        wire.sendUnsafe(`POST / HTTP/1.1\r\nHost: a\r\n${field}\r\n\r\n`)
        yield* sendAll(wire, 10 * MIB, wrap)
        assert.strictEqual((yield* wire.response()).status, 413)
        assert.isTrue(yield* wire.end)
      })
    )
  }

  it.live("behind a head that was refused reads the refusal", () =>
    Effect.gen(function* () {
      const server = yield* serve(reads)
      const wire = yield* Wire.connect(server.port)
      wire.sendUnsafe(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 2\r\n\r\n`)
      yield* sendAll(wire, 10 * MIB, (bytes) => bytes)
      assert.strictEqual((yield* wire.response()).status, 400)
      assert.isTrue(yield* wire.end)
    })
  )

  it.live("and does not stop is cut off at lingerTimeout", () =>
    Effect.gen(function* () {
      const server = yield* serve(reads, { lingerTimeout: "50 millis" })
      const wire = yield* Wire.connect(server.port)
      wire.sendUnsafe("GET / HTTP/9.9\r\n\r\n")
      assert.strictEqual((yield* wire.response()).status, 505)
      assert.isTrue(yield* wire.end)
      yield* drained(server)
      while (!wire.closed) {
        wire.sendUnsafe(piece)
        yield* Effect.sleep(1)
      }
      assert.oneOf(wire.error?.code, ["ECONNRESET", "EPIPE"])
    })
  )
})

describe("RFC 9112 §9.3 a body that the handler left unread", () => {
  const ignores = Effect.map(HttpServerRequest, (request) => HttpServerResponse.text(request.url))
  const options = { drainBytes: 1_000 }

  it.live("with Content-Length of drainBytes is thrown away, and one octet more ends the connection", () =>
    Effect.gen(function* () {
      const server = yield* serve(ignores, options)
      const wire = yield* Wire.connect(server.port)
      wire.sendUnsafe("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
      assert.strictEqual((yield* wire.response()).body.toString(), "/1")
      wire.sendUnsafe("a".repeat(1_000))
      wire.sendUnsafe("POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n")
      const last = yield* wire.response()
      // The length is known, so the end is said.
      assert.deepStrictEqual(
        [last.body.toString(), ReadResponse.value(last.fields, "connection")],
        ["/2", "close"]
      )
      assert.isTrue(yield* wire.end)
    })
  )

  it.live("with chunks of drainBytes is thrown away, and one octet more ends the connection", () =>
    Effect.gen(function* () {
      const server = yield* serve(ignores, options)
      const wire = yield* Wire.connect(server.port)
      const head = (target: string) =>
        `POST ${target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`
      wire.sendUnsafe(`${head("/1")}3e8\r\n${"a".repeat(1_000)}\r\n`)
      assert.strictEqual((yield* wire.response()).body.toString(), "/1")
      wire.sendUnsafe(`0\r\n\r\n${head("/2")}3e9\r\n${"a".repeat(1_000)}`)
      assert.strictEqual((yield* wire.response()).body.toString(), "/2")
      wire.sendUnsafe("a")
      assert.isTrue(yield* wire.end)
    })
  )
})
