/**
 * RFC 8441 on a running server: a WebSocket is a stream of HTTP/2 among others. What it has in common with one over
 * HTTP/1.1 is tested over both, in the other files of WebSocket.
 */
import { assert, describe, it } from "@effect/vitest"
import { FrameEncoder, Http2Frame } from "@nvo/protocol"
import { ServerError, WebSocket } from "@nvo/server"
import { Effect, Exit, Fiber, Layer, Scope, Stream } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Http2Wire from "./support/http2Wire.ts"
import { type App, serve } from "./support/serve.ts"
import { eventually } from "./support/settle.ts"
import * as WsWire from "./support/wsWire.ts"

const { connect, get, inOrder } = Http2Wire

const hello = HttpServerResponse.text("Hello, World!")

const echo: App = Effect.gen(function* () {
  const webSocket = yield* WebSocket.upgrade({ protocols: ["echo"] })
  yield* Stream.runForEach(webSocket.messages, webSocket.send)
  return HttpServerResponse.empty()
})

/** A WebSocket at `/ws`, and a text elsewhere. */
const app: App = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
  url === "/ws" ? echo : Effect.succeed(hello)
)

const handshake = (
  fields: Http2Wire.Fields = [["sec-websocket-version", "13"]],
  protocol = "websocket"
): Http2Wire.Fields => [[":method", "CONNECT"], [":protocol", protocol], ...get("/ws").slice(1), ...fields]

const text = (payload: string, mask = 0x01020304) =>
  FrameEncoder.encodeBytes({ opcode: "Text", payload: Buffer.from(payload) }, mask)

const dataOf = (streamId: number, bytes: Uint8Array, endStream = false) =>
  new Http2Frame.Data(streamId, endStream, bytes)

const closeFrame = (code: number) =>
  FrameEncoder.encodeBytes(
    { opcode: "Close", payload: FrameEncoder.closePayload(code) ?? new Uint8Array(0) },
    7
  )

/** A connection on which a WebSocket is open. */
const opened = (port: number, settings?: Parameters<typeof connect>[1]) =>
  Effect.tap(connect(port, settings), (wire) => {
    wire.send(wire.headers(1, handshake(), false))
    return wire.sees("HEADERS 1 200")
  })

describe("RFC 8441 §3", () => {
  it.live("extended CONNECT is offered, and can be switched off", () =>
    Effect.gen(function* () {
      const on = yield* serve(app)
      assert.strictEqual((yield* WsWire.openStream(on.port, handshakeFields)).head[":status"], 200)
      const off = yield* serve(app, { http2ConnectProtocol: false })
      assert.include(
        String(yield* Effect.exit(WsWire.openStream(off.port, handshakeFields))),
        "Extended CONNECT is not offered"
      )
      const wire = yield* connect(off.port)
      wire.send(wire.headers(1, handshake(), false), wire.headers(3, get()))
      yield* wire.sees("DATA 3 13 END")
      assert.include(wire.lines, "RST_STREAM 1 PROTOCOL_ERROR")
    })
  )
})

const handshakeFields = { ":path": "/ws", "sec-websocket-version": "13" }

describe("RFC 8441 §5: the answer to a handshake", () => {
  it.live("is 200, not 101, without Upgrade, Connection and Sec-WebSocket-Accept", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(app)
      const { head } = yield* WsWire.openStream(port, {
        ...handshakeFields,
        "sec-websocket-protocol": "other, echo"
      })
      const { date, ...fields } = head
      assert.isString(date)
      assert.deepStrictEqual(Object.entries(fields), [
        [":status", 200],
        ["sec-websocket-protocol", "echo"]
      ])
    })
  )

  const refusals: Readonly<Record<string, readonly [status: number, fields: Http2Wire.Fields]>> = {
    "without a version": [400, []],
    "with another version": [400, [["sec-websocket-version", "8"]]],
    "with a subprotocol twice": [
      400,
      [
        ["sec-websocket-version", "13"],
        ["sec-websocket-protocol", "a, a"]
      ]
    ]
  }
  for (const [name, [status, fields]] of Object.entries(refusals)) {
    it.live(`${name}: ${status}, and the error names the connection; other streams go on`, () =>
      Effect.gen(function* () {
        const { errors, port } = yield* serve(app)
        const wire = yield* connect(port)
        wire.send(wire.headers(1, handshake(fields), false), wire.headers(3, get()))
        yield* wire.sees("DATA 3 13 END")
        yield* wire.sees(`HEADERS 1 ${status} END`)
        yield* eventually("the error", () => errors.length > 0)
        assert.strictEqual(errors[0]._tag, "WebSocketError")
        assert.isAbove(errors[0].connectionId, 0)
      })
    )
  }

  it.live("is 501 where the application answers with a response instead: a 2xx would be a tunnel", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(Effect.succeed(hello))
      const wire = yield* connect(port)
      wire.send(wire.headers(1, handshake(), false))
      yield* wire.sees("HEADERS 1 501 END")
    })
  )
})

describe("an application", () => {
  it.live("has one route for both: the handshake is a GET with Upgrade to it", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const Routes = HttpRouter.add(
        "GET",
        "/ws",
        Effect.gen(function* () {
          const { headers, method, url } = yield* HttpServerRequest.HttpServerRequest
          seen.push([method, url, headers.upgrade, headers.connection, typeof headers.host])
          return yield* echo
        })
      )
      const routed = yield* HttpRouter.toHttpEffect(Layer.mergeAll(Routes))
      const { port } = yield* serve(routed)
      for (const connectOver of Object.values(WsWire.carriers)) {
        const peer = yield* connectOver(port, { path: "/ws" })
        yield* peer.text("hello")
        assert.deepStrictEqual(yield* peer.next, { _tag: "Text", data: "hello" })
      }
      const [first, second] = seen
      assert.deepStrictEqual(first, ["GET", "/ws", "websocket", "Upgrade", "string"])
      assert.deepStrictEqual(second, first)
    })
  )

  it.live("takes any other protocol as a socket of octets, and sees it as CONNECT", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(
        Effect.gen(function* () {
          const request = yield* HttpServerRequest.HttpServerRequest
          assert.strictEqual(request.method, "CONNECT")
          const socket = yield* request.upgrade
          const { pull } = yield* socket.reader
          const { writeAll } = yield* socket.writer
          return yield* Effect.forever(Effect.flatMap(pull, writeAll))
        })
      )
      const wire = yield* connect(port)
      wire.send(wire.headers(1, handshake([], "other"), false))
      yield* wire.sees("HEADERS 1 200")
      wire.send(wire.data(1, 5))
      yield* wire.sees("DATA 1 5")
    })
  )
})

describe("RFC 8441 §5: a stream is the connection", () => {
  it.live("many of them and requests share one, and one that ends leaves the others alone", () =>
    Effect.gen(function* () {
      const { connections, port } = yield* serve(app)
      const wire = yield* connect(port)
      for (const id of [1, 3, 5]) wire.send(wire.headers(id, handshake(), false))
      for (const id of [1, 3, 5]) yield* wire.sees(`HEADERS ${id} 200`)
      wire.send(dataOf(3, closeFrame(1000), true))
      yield* wire.sees("DATA 3 4 END")
      wire.send(wire.headers(7, get()), dataOf(1, text("one")), dataOf(5, text("five!")))
      yield* wire.sees("DATA 7 13 END")
      yield* wire.sees("DATA 1 5")
      yield* wire.sees("DATA 5 7")
      assert.strictEqual(yield* connections.count, 1)
    })
  )

  it.live("frames may be cut by the frames of HTTP/2 anywhere", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(app)
      const wire = yield* opened(port)
      for (const octet of text("cut")) wire.send(dataOf(1, Uint8Array.of(octet)))
      yield* wire.sees("DATA 1 5")
    })
  )

  it.live("END_STREAM without a Close frame is the orderly end of TCP: the WebSocket is lost, 1006", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serve(app)
      const wire = yield* opened(port)
      wire.send(wire.data(1, 0, true))
      yield* wire.sees("DATA 1 0 END")
      yield* eventually("the error", () => errors.length === 1)
      assert.deepStrictEqual(errors.map(ServerError.reasonOf), ["ConnectionLost"])
    })
  )

  it.live("RST_STREAM is the reset of TCP: the WebSocket is lost, and no other stream", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serve(app)
      const wire = yield* opened(port)
      wire.send({ _tag: "RstStream", streamId: 1, code: 8 }, wire.headers(3, get()))
      yield* wire.sees("DATA 3 13 END")
      yield* eventually("the error", () => errors.length === 1)
      assert.deepStrictEqual(errors.map(ServerError.reasonOf), ["ConnectionLost"])
    })
  )

  it.live("the server's reset is RST_STREAM with CANCEL: a peer that answers no Close frame", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serve(
        Effect.gen(function* () {
          yield* WebSocket.upgrade()
          return HttpServerResponse.empty()
        }),
        { webSocketCloseTimeout: "100 millis" }
      )
      const wire = yield* opened(port)
      yield* wire.sees("RST_STREAM 1 CANCEL")
      assert.deepStrictEqual(errors.map(ServerError.reasonOf), ["CloseTimeout"])
      wire.send(wire.headers(3, get("/ws")))
      yield* wire.sees("HEADERS 3 400 END")
    })
  )

  it.live("a silent peer is sent a Ping and then reset: PingTimeout", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serve(app, {
        webSocketPingInterval: "100 millis",
        webSocketPingTimeout: "100 millis"
      })
      const wire = yield* opened(port)
      yield* wire.sees("DATA 1 2")
      yield* wire.sees("RST_STREAM 1 CANCEL")
      yield* eventually("the error", () => errors.length === 1)
      assert.deepStrictEqual(errors.map(ServerError.reasonOf), ["PingTimeout"])
    })
  )

  it.live("the loss of the connection ends all of them", () =>
    Effect.gen(function* () {
      const { connections, errors, port } = yield* serve(app)
      const wire = yield* connect(port)
      for (const id of [1, 3, 5]) wire.send(wire.headers(id, handshake(), false))
      for (const id of [1, 3, 5]) yield* wire.sees(`HEADERS ${id} 200`)
      wire.end()
      yield* eventually("the connection's end", () => Effect.runSync(connections.count) === 0)
      assert.deepStrictEqual(errors.map(ServerError.reasonOf), [
        "ConnectionLost",
        "ConnectionLost",
        "ConnectionLost"
      ])
    })
  )
})

describe("flow control is backpressure", () => {
  it.live("a WebSocket that is not read stops its peer at the stream's window, and nobody else", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(
        Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
          url === "/ws"
            ? Effect.andThen(WebSocket.upgrade(), Effect.never).pipe(Effect.interruptible)
            : Effect.succeed(hello)
        ),
        { http2StreamWindow: 65_536, webSocketReadAhead: 1_000 }
      )
      const wire = yield* opened(port)
      const message = FrameEncoder.encodeBytes({ opcode: "Binary", payload: new Uint8Array(8_180) }, 9)
      for (let i = 0; i < 8; i++) wire.send(dataOf(1, message))
      wire.send(wire.headers(3, get("/")))
      yield* wire.sees("DATA 3 13 END")
      assert.isFalse(wire.lines.some((line) => line.startsWith("WINDOW_UPDATE 1 ")))
    })
  )

  it.live("a peer that opens no window is cut off when a send has waited for `writeTimeout`", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serve(
        Effect.gen(function* () {
          const webSocket = yield* WebSocket.upgrade()
          yield* Effect.ignore(webSocket.send(new Uint8Array(500_000)))
          return HttpServerResponse.empty()
        }),
        { writeTimeout: "100 millis" }
      )
      const wire = yield* opened(port)
      yield* wire.sees("RST_STREAM 1 CANCEL")
      assert.strictEqual(wire.received.get(1), 65_535)
      assert.deepStrictEqual(errors.map(ServerError.reasonOf), ["SlowConsumer"])
    })
  )
})

describe("a server that stops", () => {
  it.live("tells each with 1001, and the connection in two steps", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { port } = yield* Scope.provide(serve(app, { drainTimeout: "1 hour" }), scope)
      const wire = yield* opened(port)
      const stopped = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* wire.sees("PING")
      // Two octets of code, and the reason: "the server stops".
      yield* wire.sees("DATA 1 20")
      wire.send({ _tag: "Ping", ack: true, data: new TextEncoder().encode("nvo stop") })
      yield* wire.sees("GOAWAY 1 NO_ERROR")
      assert.isFalse(wire.closed)
      wire.send(dataOf(1, closeFrame(1001), true))
      yield* wire.ends
      inOrder(wire.lines, "GOAWAY 2147483647 NO_ERROR", "GOAWAY 1 NO_ERROR", "DATA 1 0 END")
      yield* Fiber.join(stopped)
    })
  )
})
