/** Streams of both directions over every way: pressure, endings, and failures on the way. */

import { Readable } from "node:stream"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Stream } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { everyWay } from "./support/httpWays.ts"
import { eventually, settled } from "./support/settle.ts"

const MEBIBYTE = 1_048_576
const piece = new Uint8Array(65_536).fill(0x61)

// What two socket buffers on one machine may hold, with room to spare.
const HELD_BY_THE_SYSTEM = 48 * MEBIBYTE

/** A stream without end that counts what was taken of it. */
const endless = () => {
  const counter = { octets: 0, exit: undefined as Exit.Exit<unknown, unknown> | undefined }
  const stream = Stream.forever(Stream.make(piece)).pipe(
    Stream.tap((chunk) =>
      Effect.sync(() => {
        counter.octets += chunk.length
      })
    ),
    Stream.onExit((exit) =>
      Effect.sync(() => {
        counter.exit = exit
      })
    )
  )
  return { counter, stream }
}

everyWay(({ Wire, departures, expected, serve }) => {
  describe("a request stream", () => {
    it.live("that the handler does not read stops the peer, and one that it reads lets it go on", () =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        const { port } = yield* serve(
          Effect.gen(function* () {
            const request = yield* HttpServerRequest.HttpServerRequest
            yield* Deferred.await(gate)
            const length = yield* Stream.runFold(
              request.stream,
              () => 0,
              (sum, chunk) => sum + chunk.length
            )
            return HttpServerResponse.text(String(length))
          })
        )
        const wire = yield* Wire.connect(port)
        const total = 128 * MEBIBYTE
        let taken = 0
        wire.sendUnsafe(Wire.request("POST", "/", { "Content-Length": String(total) }))
        for (let sent = 0; sent < total; sent += piece.length) {
          wire.socket.write(piece, () => {
            taken += piece.length
          })
        }
        const held = yield* settled("what the peer got rid of", () => taken)
        assert.isBelow(held, HELD_BY_THE_SYSTEM)
        yield* Deferred.succeed(gate, undefined)
        assert.strictEqual((yield* wire.response("POST")).body.toString(), String(total))
      })
    )

    it.live("is answered while it is still being sent", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
            HttpServerResponse.stream(request.stream)
          )
        )
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("POST", "/", { "Transfer-Encoding": "chunked" }))
        yield* wire.send("3\r\none\r\n")
        yield* wire.contains("3\r\none\r\n")
        yield* wire.send("3\r\ntwo\r\n0\r\n\r\n")
        assert.strictEqual((yield* wire.response("POST")).body.toString(), "onetwo")
      })
    )

    it.live("that is read in part leaves the connection usable", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          Effect.gen(function* () {
            const request = yield* HttpServerRequest.HttpServerRequest
            yield* Stream.runDrain(Stream.take(request.stream, 1))
            return HttpServerResponse.text(request.url)
          })
        )
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("POST", "/a", { "Transfer-Encoding": "chunked" }))
        yield* wire.send("3\r\none\r\n")
        assert.strictEqual((yield* wire.response("POST")).body.toString(), "/a")
        yield* wire.send("3\r\ntwo\r\n0\r\n\r\n")
        yield* wire.send(Wire.request("GET", "/b"))
        assert.strictEqual((yield* wire.response()).body.toString(), "/b")
      })
    )
  })

  describe("a response stream", () => {
    // Pieces around the size of a record of TLS, of what the transport holds, and of what it joins.
    for (const size of [16_384, 65_516, 65_536, 65_537, 131_072, 147_456, 300_000]) {
      it.live(`comes to its last octet before the next is made, in pieces of ${size}`, () =>
        Effect.gen(function* () {
          const gate = yield* Deferred.make<void>()
          const made = [1, 2, 3, 4].map((number) => {
            const octets = Buffer.alloc(size, `piece ${number}, `)
            octets[size - 1] = number
            return octets
          })
          const waits = Stream.drain(Stream.fromEffect(Deferred.await(gate)))
          const body = Stream.concat(Stream.fromIterable(made.slice(0, 3)).pipe(Stream.rechunk(1)), waits)
          const whole = Stream.concat(body, Stream.make(made[3]))
          const { port } = yield* serve(Effect.succeed(HttpServerResponse.stream(whole)))
          const wire = yield* Wire.connect(port)
          yield* wire.send(Wire.request("GET", "/"))
          yield* wire.contains("\u0003")
          yield* Deferred.succeed(gate, undefined)
          const response = yield* wire.response()
          assert.isTrue(response.complete)
          assert.isTrue(Buffer.concat(made).equals(response.body))
        })
      )
    }

    it.live("waits for a peer that does not read, and goes on when it does", () =>
      Effect.gen(function* () {
        const { counter, stream } = endless()
        const { port } = yield* serve(Effect.succeed(HttpServerResponse.stream(stream)))
        const wire = yield* Wire.connect(port)
        wire.socket.pause()
        yield* wire.send(Wire.request("GET", "/"))
        yield* eventually("the first piece", () => counter.octets > 0)
        const held = yield* settled("what was made", () => counter.octets)
        assert.isBelow(held, HELD_BY_THE_SYSTEM)
        assert.isUndefined(counter.exit)
        wire.socket.removeAllListeners("data")
        wire.socket.on("data", () => {})
        wire.socket.resume()
        yield* eventually("more to be made", () => counter.octets > held + 8 * MEBIBYTE)
      })
    )

    for (const { ends, leave, name } of departures.filter(({ isGone }) => isGone)) {
      it.live(`is interrupted by ${name} while it waits`, () =>
        Effect.gen(function* () {
          const { counter, stream } = endless()
          const { connections, port } = yield* serve(Effect.succeed(HttpServerResponse.stream(stream)))
          const wire = yield* Wire.connect(port)
          wire.socket.pause()
          yield* wire.send(Wire.request("GET", "/"))
          yield* eventually("the first piece", () => counter.octets > 0)
          yield* settled("what was made", () => counter.octets)
          yield* leave(wire)
          yield* eventually("the stream's end", () => counter.exit !== undefined)
          assert.isTrue(Exit.hasInterrupts(counter.exit!))
          const left = ends === "connection" ? 0 : 1
          yield* eventually("the connection's end", () => Effect.runSync(connections.count) === left)
        })
      )
    }

    for (const { leave, name } of departures) {
      it.live(`is interrupted by ${name} while nothing is made`, () =>
        Effect.gen(function* () {
          let exit: Exit.Exit<unknown, unknown> | undefined
          const stream = Stream.concat(Stream.make(piece), Stream.never).pipe(
            Stream.onExit((end) =>
              Effect.sync(() => {
                exit = end
              })
            )
          )
          const { port } = yield* serve(Effect.succeed(HttpServerResponse.stream(stream)))
          const wire = yield* Wire.connect(port)
          yield* wire.send(Wire.request("GET", "/"))
          yield* wire.contains("aaaa")
          yield* leave(wire)
          yield* eventually("the stream's end", () => exit !== undefined)
          assert.isTrue(Exit.hasInterrupts(exit!))
        })
      )
    }

    it.live("of a Node stream is destroyed when the peer leaves", () =>
      Effect.gen(function* () {
        const readable = new Readable({ read() {} })
        readable.push("begun")
        const { port } = yield* serve(Effect.succeed(HttpServerResponse.raw(readable)))
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("GET", "/"))
        yield* wire.contains("begun")
        yield* wire.leave
        yield* eventually("the source's end", () => readable.destroyed)
      })
    )

    it.live("of a web stream is cancelled when the peer leaves", () =>
      Effect.gen(function* () {
        let cancelled = false
        const web = new ReadableStream<Uint8Array>({
          start: (controller) => controller.enqueue(Buffer.from("begun")),
          cancel: () => {
            cancelled = true
          }
        })
        const { port } = yield* serve(Effect.succeed(HttpServerResponse.raw(web)))
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("GET", "/"))
        yield* wire.contains("begun")
        yield* wire.leave
        yield* eventually("the source's end", () => cancelled)
      })
    )

    it.live("of a web stream is cancelled for HEAD without being read", () =>
      Effect.gen(function* () {
        let cancelled = false
        const web = new ReadableStream<Uint8Array>({
          cancel: () => {
            cancelled = true
          }
        })
        const { port } = yield* serve(Effect.succeed(HttpServerResponse.raw(web)))
        assert.strictEqual((yield* Wire.exchange(port, Wire.request("HEAD", "/"), "HEAD")).status, 200)
        assert.isTrue(cancelled)
      })
    )

    it.live("of a Node stream is destroyed for HEAD without being read", () =>
      Effect.gen(function* () {
        const readable = new Readable({ read() {} })
        const { port } = yield* serve(Effect.succeed(HttpServerResponse.raw(readable)))
        assert.strictEqual((yield* Wire.exchange(port, Wire.request("HEAD", "/"), "HEAD")).status, 200)
        assert.isTrue(readable.destroyed)
      })
    )
  })

  describe("a response stream that fails on its way", () => {
    const failing = (contentLength?: number, when: Effect.Effect<void> = Effect.void) =>
      Effect.succeed(
        HttpServerResponse.stream(
          Stream.concat(
            Stream.make(Buffer.from("begun")),
            Stream.fromEffect(Effect.andThen(when, Effect.fail("no more")))
          ),
          { contentLength }
        )
      )

    for (const { contentLength, framing, name } of [
      {
        name: "leaves a body of unknown length without its end",
        contentLength: undefined,
        framing: "Chunked"
      },
      { name: "leaves a body shorter than its Content-Length", contentLength: 100, framing: "Length" }
    ]) {
      it.live(name, () =>
        Effect.gen(function* () {
          const seen = yield* Deferred.make<void>()
          const { connections, errors, port } = yield* serve(failing(contentLength, Deferred.await(seen)))
          const wire = yield* Wire.connect(port)
          yield* wire.send(Wire.request("GET", "/"))
          yield* wire.contains("begun")
          yield* Deferred.succeed(seen, undefined)
          assert.isTrue(yield* wire.end)
          const response = yield* wire.response()
          assert.strictEqual(response.framing, framing)
          assert.strictEqual(response.body.toString(), "begun")
          assert.isFalse(response.complete)
          assert.deepStrictEqual(
            errors.map(({ reason }) => reason._tag),
            ["ResponseBodyFailed"]
          )
          // What is broken ends: the connection, or its stream alone.
          const left = expected.broken === "connection" ? 0 : 1
          yield* eventually("the end", () => Effect.runSync(connections.count) === left)
        })
      )
    }

    it.live("that is longer than its Content-Length sends no octet too many", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          Effect.succeed(
            HttpServerResponse.stream(Stream.make(Buffer.from("abc"), Buffer.from("HTTP/1.1 200 OK")), {
              contentLength: 5
            })
          )
        )
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("GET", "/"))
        yield* wire.end
        assert.isAtMost((yield* wire.response()).body.length, 5)
        assert.strictEqual(wire.rest, "")
      })
    )

    it.live("does not keep other connections from being served", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
            url === "/fail" ? failing() : Effect.succeed(HttpServerResponse.text("fine"))
          )
        )
        const bystander = yield* Wire.connect(port)
        yield* Wire.exchange(port, Wire.request("GET", "/fail"))
        yield* bystander.send(Wire.request("GET", "/"))
        assert.strictEqual((yield* bystander.response()).body.toString(), "fine")
      })
    )
  })
})
