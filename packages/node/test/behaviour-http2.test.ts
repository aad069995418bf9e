/** HTTP/2 by its frames: which protocol is spoken, streams and their handlers, flow control, deadlines, the end. */
import * as Tls from "node:tls"
import { assert, describe, it } from "@effect/vitest"
import { Http2FrameDecoder, ServerConnection } from "@nvo/protocol"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Http2Wire from "./support/http2Wire.ts"
import * as Certificate from "./support/peersCertificate.ts"
import { type App, serve } from "./support/serve.ts"
import { eventually, settled } from "./support/settle.ts"
import * as Wire from "./support/Wire.ts"

const { connect, get, inOrder, open, post } = Http2Wire

const hello: App = Effect.succeed(HttpServerResponse.text("Hello, World!"))

const byPath = (routes: Readonly<Record<string, App>>): App =>
  Effect.flatMap(HttpServerRequest, ({ url }) => routes[url] ?? hello).pipe(Effect.interruptible)

const reasons = (errors: ReadonlyArray<{ readonly reason: { readonly _tag: string } }>) =>
  errors.map(({ reason }) => reason._tag)

describe("which protocol is spoken", () => {
  const preface = Buffer.from(ServerConnection.PREFACE, "latin1")

  it.live("the preface chooses HTTP/2, however it is split", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(hello)
      for (const cut of [1, 3, 14, 18, 23]) {
        const wire = yield* open(port)
        wire.write(preface.subarray(0, cut))
        yield* Effect.sleep(20)
        wire.write(preface.subarray(cut))
        wire.send({ _tag: "Settings", ack: false, entries: [] }, wire.headers(1, get()))
        yield* wire.sees("DATA 1 13 END")
      }
    })
  )

  it.live("what begins like the preface and goes on otherwise is HTTP/1.1", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(hello)
      for (const cut of [1, 2]) {
        const wire = yield* Wire.connect(port)
        const request = "PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n"
        yield* wire.send(request.slice(0, cut))
        yield* Effect.sleep(20)
        yield* wire.send(request.slice(cut))
        assert.strictEqual((yield* wire.response()).status, 200)
      }
    })
  )

  it.live("without HTTP/2 the preface is a request of HTTP/1.1 that is refused", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(hello, { http2: false })
      const wire = yield* Wire.connect(port)
      yield* wire.send(ServerConnection.PREFACE)
      assert.strictEqual((yield* wire.response()).status, 505)
    })
  )

  it.live("a preface that is not completed in time ends the connection", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(hello, { headTimeout: "100 millis" })
      const wire = yield* open(port)
      wire.write(preface.subarray(0, 10))
      yield* wire.ends
    })
  )

  it.live("the connection is listed as h2, with its requests", () =>
    Effect.gen(function* () {
      const { connections, port } = yield* serve(hello)
      const wire = yield* connect(port)
      wire.send(wire.headers(1, get()), wire.headers(3, get()))
      yield* wire.sees("DATA 3 13 END")
      const [{ protocol, requests }] = yield* connections.list
      assert.deepStrictEqual([protocol, requests], ["h2", 2])
    })
  )
})

describe("streams and their handlers", () => {
  it.live("a reset interrupts exactly the handler of its stream", () =>
    Effect.gen(function* () {
      const started = yield* Deferred.make<void>()
      const gone = yield* Deferred.make<Exit.Exit<unknown, unknown>>()
      const release = yield* Deferred.make<void>()
      const { errors, port } = yield* serve(
        byPath({
          "/gone": Effect.andThen(Deferred.succeed(started, undefined), Effect.never).pipe(
            Effect.onExit((exit) => Deferred.succeed(gone, exit))
          ),
          "/stays": Effect.as(Deferred.await(release), HttpServerResponse.text("still here"))
        })
      )
      const wire = yield* connect(port)
      wire.send(wire.headers(1, get("/gone")), wire.headers(3, get("/stays")))
      yield* Deferred.await(started)
      wire.send({ _tag: "RstStream", streamId: 1, code: 8 })
      assert.isTrue(Exit.hasInterrupts(yield* Deferred.await(gone)))
      yield* Deferred.succeed(release, undefined)
      yield* wire.sees("DATA 3 10 END")
      yield* eventually("the report", () => errors.length > 0)
      assert.deepStrictEqual(reasons(errors), ["ClientAborted"])
    })
  )

  it.live("a request that is reset in the same batch is not begun", () =>
    Effect.gen(function* () {
      let begun = 0
      const { port } = yield* serve(
        byPath({
          "/gone": Effect.andThen(
            Effect.sync(() => begun++),
            Effect.never
          )
        })
      )
      const wire = yield* connect(port)
      const gone = [wire.headers(1, get("/gone")), { _tag: "RstStream", streamId: 1, code: 8 }] as const
      wire.send(...gone, wire.headers(3, get()))
      yield* wire.sees("DATA 3 13 END")
      assert.strictEqual(begun, 0)
    })
  )

  it.live("the end of the connection interrupts all of them", () =>
    Effect.gen(function* () {
      let live = 0
      const { connections, port } = yield* serve(
        Effect.acquireUseRelease(
          Effect.sync(() => live++),
          () => Effect.never,
          () => Effect.sync(() => live--)
        ).pipe(Effect.interruptible)
      )
      const wire = yield* connect(port)
      for (let id = 1; id < 40; id += 2) wire.send(wire.headers(id, get()))
      yield* eventually("twenty handlers", () => live === 20)
      wire.end()
      yield* eventually("none", () => live === 0)
      yield* eventually("the connection's end", () => Effect.runSync(connections.count) === 0)
    })
  )

  it.live("a stream error is reported, and leaves the others alone", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serve(hello)
      const wire = yield* connect(port)
      wire.send(wire.headers(1, [...get(), ["X-Upper", "v"]]), wire.headers(3, get()))
      yield* wire.sees("DATA 3 13 END")
      assert.include(wire.lines, "RST_STREAM 1 PROTOCOL_ERROR")
      assert.deepStrictEqual(reasons(errors), ["InvalidFieldName"])
    })
  )

  it.live("a connection error is reported, and says so to the peer", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serve(hello)
      const wire = yield* connect(port)
      wire.send({ _tag: "WindowUpdate", streamId: 0, increment: 0 })
      yield* wire.sees("GOAWAY 0 PROTOCOL_ERROR")
      yield* wire.ends
      assert.deepStrictEqual(reasons(errors), ["ZeroConnectionIncrement"])
    })
  )

  it.live("a field section over its limit is answered with 431", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serve(hello, { headBytes: 300 })
      const wire = yield* connect(port)
      wire.send(wire.headers(1, [...get(), ["x", "y".repeat(300)]]), wire.headers(3, get()))
      yield* wire.sees("DATA 3 13 END")
      assert.include(wire.lines, "HEADERS 1 431")
      assert.deepStrictEqual(reasons(errors), ["HeaderListTooLarge"])
    })
  )

  it.live("CONNECT opens a tunnel on its stream", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(
        Effect.flatMap(HttpServerRequest, (request) =>
          Effect.gen(function* () {
            const socket = yield* request.upgrade
            const { pull } = yield* socket.reader
            const { writeAll } = yield* socket.writer
            yield* Effect.ignore(Effect.forever(Effect.flatMap(pull, (chunks) => writeAll([...chunks, "!"]))))
            return HttpServerResponse.empty()
          })
        )
      )
      const wire = yield* connect(port)
      wire.send(
        wire.headers(
          1,
          [
            [":method", "CONNECT"],
            [":authority", "a:1"]
          ],
          false
        )
      )
      yield* wire.sees("HEADERS 1 200")
      wire.send(wire.data(1, 5))
      yield* eventually("the echo", () => wire.received.get(1) === 6)
      wire.send(wire.data(1, 2, true))
      yield* wire.sees("DATA 1 0 END")
      assert.strictEqual(wire.received.get(1), 9)
    })
  )
})

describe("flow control is backpressure", () => {
  it.live("a handler that does not read stops its peer at the stream's window, and no other", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(
        byPath({
          "/idle": Effect.never,
          "/count": Effect.flatMap(HttpServerRequest, (request) =>
            Effect.map(request.arrayBuffer, (all) => HttpServerResponse.text(String(all.byteLength)))
          )
        }),
        { http2StreamWindow: 65_536 }
      )
      const wire = yield* connect(port)
      wire.send(wire.headers(1, post("/idle"), false))
      for (let i = 0; i < 4; i++) wire.send(wire.data(1, 16_384))
      wire.send(wire.headers(3, post("/count"), false))
      for (let i = 0; i < 4; i++) wire.send(wire.data(3, 16_384))
      yield* wire.sees(/^WINDOW_UPDATE 3 /)
      wire.send(wire.data(3, 0, true))
      yield* wire.sees("DATA 3 5 END")
      assert.isFalse(wire.lines.some((line) => line.startsWith("WINDOW_UPDATE 1 ")))
    })
  )

  it.live("a peer that opens no window stops the stream that is sent to it", () =>
    Effect.gen(function* () {
      let made = 0
      const { port } = yield* serve(
        byPath({
          "/endless": Effect.succeed(
            HttpServerResponse.stream(
              Stream.forever(Stream.fromEffect(Effect.sync(() => new Uint8Array(10_000).fill(++made & 1))))
            )
          )
        })
      )
      const wire = yield* connect(port)
      wire.send(wire.headers(1, get("/endless")))
      yield* eventually("the window's octets", () => wire.received.get(1) === 65_535)
      const stopped = yield* settled("what was made", () => made)
      // The window, and what waits in front of it.
      assert.isAtMost(stopped * 10_000, 65_535 + 2 * 16_384 + 10_000)
      // Another stream has its own window, but the connection's is used up.
      wire.send({ _tag: "WindowUpdate", streamId: 0, increment: 1_000 })
      wire.send(wire.headers(3, get()))
      yield* wire.sees("DATA 3 13 END")
    })
  )

  it.live("a peer that reads nothing is not written to without end", () =>
    Effect.gen(function* () {
      let made = 0
      const { port } = yield* serve(
        Effect.succeed(
          HttpServerResponse.stream(
            Stream.forever(Stream.fromEffect(Effect.sync(() => new Uint8Array(65_536).fill(++made & 1))))
          )
        )
      )
      const wire = yield* connect(port, [[4, 0x7fffffff]])
      wire.pause(true)
      wire.send({ _tag: "WindowUpdate", streamId: 0, increment: 0x7fffffff - 65_535 })
      wire.send(wire.headers(1, get()))
      const stopped = yield* settled("what was made", () => made)
      // What the sockets of both sides hold.
      assert.isBelow(stopped * 65_536, 32_000_000)
    })
  )

  it.live("streams of one connection share it fairly", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(Effect.succeed(HttpServerResponse.uint8Array(new Uint8Array(1_000_000))))
      const wire = yield* connect(port)
      for (const id of [1, 3, 5, 7]) wire.send(wire.headers(id, get()))
      wire.send({ _tag: "WindowUpdate", streamId: 0, increment: 16_384 * 8 - 65_535 })
      yield* eventually(
        "the connection's window",
        () => [...wire.received.values()].reduce((a, b) => a + b, 0) === 16_384 * 8
      )
      assert.deepStrictEqual(
        [...wire.received.values()],
        Array.from({ length: 4 }, () => 32_768)
      )
    })
  )
})

describe("what waits of a response", () => {
  it.live("http2QueueBytes: with n the stream is suspended, with one less it goes on", () =>
    Effect.gen(function* () {
      for (const [limit, expected] of [
        [5_000, 5],
        [5_001, 6]
      ] as const) {
        let made = 0
        const piece = Effect.sync(() => {
          made++
          return new Uint8Array(1_000)
        })
        const app: App = Effect.sync(() =>
          HttpServerResponse.stream(Stream.forever(Stream.fromEffect(piece)))
        )
        const { port } = yield* serve(app, { http2QueueBytes: limit })
        const wire = yield* connect(port, [[4, 0]])
        wire.send(wire.headers(1, get()))
        yield* eventually("the pieces that wait", () => made === expected)
        yield* Effect.sleep(20)
        assert.strictEqual(made, expected)
      }
    })
  )
})

describe("deadlines", () => {
  it.live("h2 was agreed on by ALPN and no preface comes: HeadTimeout, and the peer is not told", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serve(hello, { tls: Certificate, headTimeout: "100 millis" })
      const socket = yield* Effect.acquireRelease(
        Effect.sync(() =>
          Tls.connect({ host: "127.0.0.1", port, ALPNProtocols: ["h2"], rejectUnauthorized: false })
        ),
        (socket) => Effect.sync(() => socket.destroy())
      )
      const octets = yield* Effect.callback<Buffer>((resume) => {
        const chunks: Array<Buffer> = []
        socket.on("data", (chunk: Buffer) => chunks.push(chunk))
        socket.on("end", () => resume(Effect.succeed(Buffer.concat(chunks))))
      })
      assert.deepStrictEqual(reasons(errors), ["HeadTimeout"])
      // The server's own preface, and no GOAWAY behind it.
      const { frames } = Http2FrameDecoder.step(Http2FrameDecoder.initial, octets)
      assert.deepStrictEqual(
        frames.map(({ _tag }) => _tag),
        ["Settings", "WindowUpdate"]
      )
    })
  )

  it.live("settings that are not acknowledged: SETTINGS_TIMEOUT", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serve(hello, { headTimeout: "100 millis" })
      const wire = yield* open(port)
      wire.write(Buffer.from(ServerConnection.PREFACE, "latin1"))
      wire.send({ _tag: "Settings", ack: false, entries: [] })
      yield* wire.sees("GOAWAY 0 SETTINGS_TIMEOUT")
      yield* wire.ends
      assert.deepStrictEqual(reasons(errors), ["SettingsTimeout"])
    })
  )

  it.live("a connection that only owes the rest of a body that nobody wants is idle", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serve(hello, { idleTimeout: "100 millis" })
      const wire = yield* connect(port)
      wire.send(wire.headers(1, post(), false))
      yield* wire.sees("DATA 1 13 END")
      yield* wire.sees("GOAWAY 1 NO_ERROR")
      yield* wire.ends
      assert.deepStrictEqual(errors, [])
    })
  )

  it.live("an idle connection is told and ended", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serve(hello, { idleTimeout: "100 millis" })
      const wire = yield* connect(port)
      wire.send(wire.headers(1, get()))
      yield* wire.sees("DATA 1 13 END")
      yield* wire.sees("GOAWAY 1 NO_ERROR")
      yield* wire.ends
      assert.deepStrictEqual(errors, [])
    })
  )

  it.live("a header block that is not completed: HeadTimeout", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serve(hello, { headTimeout: "100 millis" })
      const wire = yield* connect(port)
      wire.write(Uint8Array.of(0, 0, 1, 1, 1, 0, 0, 0, 1, 0x82))
      yield* wire.ends
      assert.deepStrictEqual(reasons(errors), ["HeadTimeout"])
    })
  )

  it.live("a body that does not come is answered with 408, and other streams go on", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serve(
        byPath({
          "/read": Effect.flatMap(HttpServerRequest, (request) =>
            Effect.map(request.text, (text) => HttpServerResponse.text(text))
          )
        }),
        { bodyTimeout: "100 millis" }
      )
      const wire = yield* connect(port)
      wire.send(wire.headers(1, post("/read"), false))
      yield* wire.sees("HEADERS 1 408")
      // RFC 9113 §8.1: the rest is not waited for.
      yield* wire.sees("RST_STREAM 1 NO_ERROR")
      wire.send(wire.headers(3, get()))
      yield* wire.sees("DATA 3 13 END")
      yield* eventually("the report", () => errors.length > 0)
      assert.strictEqual(reasons(errors)[0], "BodyTimeout")
    })
  )

  it.live("a window that stays closed ends its stream: WriteTimeout", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serve(
        byPath({ "/large": Effect.succeed(HttpServerResponse.uint8Array(new Uint8Array(100_000))) }),
        { writeTimeout: "100 millis" }
      )
      const wire = yield* connect(port, [[4, 10]])
      wire.send(wire.headers(1, get("/large")))
      yield* wire.sees("RST_STREAM 1 CANCEL")
      wire.send({ _tag: "Settings", ack: false, entries: [[4, 65_535]] }, wire.headers(3, get()))
      yield* wire.sees("DATA 3 13 END")
      assert.deepStrictEqual(reasons(errors), ["WriteTimeout"])
    })
  )

  it.live("a connection has as many requests as it may, and is told", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(hello, { requestsPerConnection: 2 })
      const wire = yield* connect(port)
      wire.send(wire.headers(1, get()), wire.headers(3, get()))
      yield* wire.sees("PING")
      inOrder(wire.lines, "GOAWAY 2147483647 NO_ERROR", "PING", "DATA 3 13 END")
      wire.send({ _tag: "Ping", ack: true, data: new TextEncoder().encode("nvo stop") })
      yield* wire.sees("GOAWAY 3 NO_ERROR")
      yield* wire.ends
    })
  )
})

describe("the end of a server", () => {
  const stopping = Effect.fnUntraced(function* (app: App, drainTimeout: "100 millis" | "5 seconds") {
    const scope = yield* Scope.make()
    const running = yield* Scope.provide(serve(app, { drainTimeout }), scope)
    return { ...running, stop: Effect.forkChild(Scope.close(scope, Exit.void)) }
  })

  it.live(
    "is told in two steps; what is under way is finished, and so is what came before the peer knew",
    () =>
      Effect.gen(function* () {
        const release = yield* Deferred.make<void>()
        const { port, stop } = yield* stopping(
          byPath({ "/slow": Effect.as(Deferred.await(release), HttpServerResponse.text("done")) }),
          "5 seconds"
        )
        const wire = yield* connect(port)
        wire.send(wire.headers(1, get("/slow")))
        yield* Effect.sleep(50)
        yield* stop
        yield* wire.sees("PING")
        wire.send(wire.headers(3, get()))
        yield* wire.sees("DATA 3 13 END")
        wire.send({ _tag: "Ping", ack: true, data: new TextEncoder().encode("nvo stop") })
        yield* wire.sees("GOAWAY 3 NO_ERROR")
        // Beyond the last stream: not looked at.
        wire.send(wire.headers(5, get()))
        assert.isFalse(wire.closed)
        yield* Deferred.succeed(release, undefined)
        yield* wire.sees("DATA 1 4 END")
        yield* wire.ends
        inOrder(
          wire.lines,
          "GOAWAY 2147483647 NO_ERROR",
          "DATA 3 13 END",
          "GOAWAY 3 NO_ERROR",
          "DATA 1 4 END"
        )
        assert.isFalse(wire.lines.some((line) => line.includes(" 5 ")))
      })
  )

  it.live("a silent peer without streams ends with it", () =>
    Effect.gen(function* () {
      const { port, stop } = yield* stopping(hello, "5 seconds")
      const wire = yield* connect(port)
      wire.send(wire.headers(1, get()))
      yield* wire.sees("DATA 1 13 END")
      yield* stop
      yield* wire.ends
      inOrder(wire.lines, "GOAWAY 2147483647 NO_ERROR", "GOAWAY 1 NO_ERROR")
    })
  )

  it.live("what is under way at the deadline is cut", () =>
    Effect.gen(function* () {
      const ended = yield* Deferred.make<Exit.Exit<unknown, unknown>>()
      const { port, stop } = yield* stopping(
        Effect.onExit(Effect.never, (exit) => Deferred.succeed(ended, exit)).pipe(Effect.interruptible),
        "100 millis"
      )
      const wire = yield* connect(port)
      wire.send(wire.headers(1, get()))
      yield* Effect.sleep(50)
      yield* stop
      yield* wire.ends
      assert.isTrue(Exit.hasInterrupts(yield* Deferred.await(ended)))
    })
  )

  it.live("one connection can be told to end, and others are not", () =>
    Effect.gen(function* () {
      const { connections, port } = yield* serve(hello)
      const wire = yield* connect(port)
      wire.send(wire.headers(1, get()))
      yield* wire.sees("DATA 1 13 END")
      const [{ id }] = yield* connections.list
      yield* connections.entries.get(id)?.retire ?? Effect.void
      yield* wire.ends
      const other = yield* connect(port)
      other.send(other.headers(1, get()))
      yield* other.sees("DATA 1 13 END")
    })
  )
})
