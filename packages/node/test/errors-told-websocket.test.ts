/**
 * No failure of a WebSocket is silent: each reason is provoked on a running server, and has to arrive as a typed value, in
 * the metric, and in the log. Those that are no failure of this side, or no failure at all, are listed with why.
 */
import { assert, describe, it } from "@effect/vitest"
import type { NvoServer } from "@nvo/node"
import { FrameEncoder, WebSocketError } from "@nvo/protocol"
import { WebSocket } from "@nvo/server"
import * as Effect from "effect/Effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Socket from "effect/socket/Socket"
import { type App, serve } from "./support/serve.ts"
import { type Provoked, requestOn, told } from "./support/told.ts"
import * as Wire from "./support/Wire.ts"
import * as WsWire from "./support/wsWire.ts"

/** Takes every request for a WebSocket, and reads until it ends. */
const upgrades: App = Effect.gen(function* () {
  const webSocket = yield* WebSocket.upgrade({ protocols: ["a"] })
  yield* Effect.ignore(Stream.runDrain(webSocket.messages))
  return HttpServerResponse.empty()
})

const fields = {
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="
}

const handshake = (changes: Readonly<Record<string, string>> = {}, method = "GET") =>
  Wire.request(method, "/", { ...fields, ...changes })

const lacking = (name: keyof typeof fields) => {
  const { [name]: _, ...others } = fields
  return Wire.request("GET", "/", others)
}

const refused = (request: string | Uint8Array): Provoked => ({
  app: upgrades,
  act: (server) => requestOn(server, request)
})

/** Opens, and sends octets. */
const sends = (
  octets: string | Uint8Array,
  options: NvoServer.Options = {},
  changes: Readonly<Record<string, string>> = {},
  app = upgrades
): Provoked => ({
  app,
  options,
  act: (server) =>
    Effect.gen(function* () {
      const wire = yield* requestOn(server, handshake(changes))
      yield* wire.contains("\r\n\r\n")
      yield* wire.send(octets)
    })
})

// Masked with zeros, which leaves the payload as it is.
const MASK = "\0\0\0\0"

/** A frame by its first octet. */
const frame = (first: number, payload: Uint8Array | string = ""): Buffer =>
  Buffer.from(
    FrameEncoder.encodeBytes({ opcode: "Binary", payload: Buffer.from(payload) }, 0x01020304).map(
      (octet, i) => (i === 0 ? first : octet)
    )
  )

const many = (count: number, octets: Uint8Array) => Buffer.concat(Array.from({ length: count }, () => octets))

const compressing = [
  { webSocketDeflate: true },
  { "Sec-WebSocket-Extensions": "permessage-deflate" }
] as const

const silent: Provoked["act"] = (server) =>
  Effect.gen(function* () {
    const wire = yield* requestOn(server, handshake())
    yield* wire.contains("\r\n\r\n")
  })

/** What a peer can do. */
const provoked: { readonly [T in WebSocketError.ReasonTag]?: Provoked } = {
  MethodNotGet: refused(handshake({}, "POST")),
  HandshakeNotHttp11: refused(handshake().toString("latin1").replace("HTTP/1.1", "HTTP/1.0")),
  MissingUpgrade: refused(lacking("Upgrade")),
  MissingConnectionUpgrade: refused(lacking("Connection")),
  MissingKey: refused(lacking("Sec-WebSocket-Key")),
  DuplicateKey: refused(handshake({ "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" })),
  InvalidKey: refused(handshake({ "Sec-WebSocket-Key": "short" })),
  MissingVersion: refused(lacking("Sec-WebSocket-Version")),
  UnsupportedVersion: refused(handshake({ "Sec-WebSocket-Version": "8" })),
  InvalidProtocols: refused(handshake({ "Sec-WebSocket-Protocol": "a b" })),
  DuplicateProtocol: refused(handshake({ "Sec-WebSocket-Protocol": "a, a" })),
  InvalidExtensions: refused(handshake({ "Sec-WebSocket-Extensions": "a;;" })),
  ReservedBits: sends(`\xb1\x80${MASK}`),
  ReservedOpcode: sends(`\x83\x80${MASK}`),
  UnmaskedFrame: sends("\x81\x00"),
  FragmentedControlFrame: sends(`\x09\x80${MASK}`),
  ControlFrameTooLong: sends(`\x89\xfe\x00\x7e${MASK}`),
  LengthNotMinimal: sends(`\x81\xfe\x00\x01${MASK}a`),
  LengthOverflow: sends(`\x81\xff\x80\0\0\0\0\0\0\0${MASK}`),
  FrameTooLarge: sends(`\x82\xff\0\0\0\x01\0\0\0\0${MASK}`),
  UnexpectedContinuation: sends(`\x80\x80${MASK}`),
  InterruptedMessage: sends(`\x01\x80${MASK}\x81\x80${MASK}`),
  InvalidUtf8: sends(`\x81\x81${MASK}\xff`),
  InvalidClosePayload: sends(`\x88\x81${MASK}\x03`),
  InvalidCloseCode: sends(`\x88\x82${MASK}\x03\xed`),
  InvalidCloseReason: sends(`\x88\x83${MASK}\x03\xe8\xff`),
  CompressedContinuation: sends(Buffer.concat([frame(0x01), frame(0xc0)]), ...compressing),
  MessageTooLarge: sends(
    Buffer.concat([frame(0x02, new Uint8Array(1_500)), frame(0x80, new Uint8Array(1_500))]),
    { webSocketMessageBytes: 2_000, webSocketFragmentBytes: 1 }
  ),
  TooManyFragments: sends(Buffer.concat([frame(0x01), many(20_000, frame(0x00))])),
  InvalidCompressedData: sends(frame(0xc1, Uint8Array.of(0xff, 0xff, 0xff)), ...compressing),
  InvalidMessage: sends(
    frame(0x81, "{}"),
    {},
    {},
    Effect.gen(function* () {
      const webSocket = yield* WebSocket.upgradeSchema({ incoming: Schema.Finite, outgoing: Schema.Finite })
      yield* Effect.ignore(Stream.runDrain(webSocket.messages))
      return HttpServerResponse.empty()
    })
  ),
  ControlFlood: sends(many(3, frame(0x89)), { webSocketControlRate: 2 }),
  MessageFlood: sends(many(3, frame(0x81)), { webSocketMessageRate: 2 }),
  ConnectionLost: {
    app: upgrades,
    act: (server) =>
      Effect.gen(function* () {
        const wire = yield* requestOn(server, handshake())
        yield* wire.contains("\r\n\r\n")
        yield* wire.reset
      })
  },
  PingTimeout: {
    app: upgrades,
    options: { webSocketPingInterval: "50 millis", webSocketPingTimeout: "50 millis" },
    act: silent
  },
  CloseTimeout: {
    app: Effect.gen(function* () {
      const webSocket = yield* WebSocket.upgrade()
      yield* webSocket.close()
      return HttpServerResponse.empty()
    }),
    options: { webSocketCloseTimeout: "50 millis" },
    act: silent
  },
  SlowConsumer: {
    app: Effect.gen(function* () {
      const webSocket = yield* WebSocket.upgrade({ slowConsumer: "close" })
      const megabyte = new Uint8Array(1_000_000)
      yield* Effect.ignore(Effect.forever(webSocket.send(megabyte)))
      return HttpServerResponse.empty()
    }),
    act: (server) =>
      Effect.map(requestOn(server, handshake()), (wire) => {
        wire.socket.pause()
      })
  }
}

const client = "what a client refuses, and this is a server"

const own = "no failure of anybody's: what was asked for on this side, told to whoever reads or sends"

/** What is not told as an error of the server, and why. */
const untold: { readonly [T in WebSocketError.ReasonTag]?: string } = {
  StatusNot101: client,
  AnswerNotWebSocket: client,
  WrongAccept: client,
  UnrequestedExtension: client,
  InvalidExtensionAnswer: client,
  UnrequestedProtocol: client,
  MaskedFrame: client,
  PeerClosed: "no failure: the peer ends the closing handshake, and the application reads with which code",
  ServerStopping: own,
  ApplicationClosed: own,
  InvalidCloseArguments: "the failure of the call that was given them, which the application handles"
}

describe("WebSocketError", () => {
  for (const [reason, how] of Object.entries(provoked)) {
    it.live(`${reason} is told as a value, counted and logged`, () =>
      told("WebSocketError", reason, "Peer", how)
    )
  }

  it("every reason is provoked, or listed with why it is not", () => {
    assert.sameMembers(
      [...Object.keys(provoked), ...Object.keys(untold)],
      Object.keys(WebSocketError.reasons)
    )
  })

  it.live("InvalidCloseArguments is the failure of the call, and names the connection", () =>
    Effect.gen(function* () {
      const failures = yield* Queue.unbounded<unknown>()
      const { port } = yield* serve(
        Effect.gen(function* () {
          const request = yield* HttpServerRequest
          if (request.url === "/socket") {
            const socket = yield* request.upgrade
            yield* socket.reader
            const { write } = yield* socket.writer
            const error = yield* Effect.flip(write(new Socket.CloseEvent(1006)))
            yield* Queue.offer(failures, "cause" in error.reason ? error.reason.cause : error)
          } else {
            const webSocket = yield* WebSocket.upgrade()
            yield* Queue.offer(failures, yield* Effect.flip(webSocket.close(1006)))
          }
          return HttpServerResponse.empty()
        })
      )
      for (const path of ["/service", "/socket"]) {
        yield* WsWire.connect(port, { path })
        const error = yield* Queue.take(failures)
        if (!WebSocketError.isWebSocketError(error)) return assert.fail(String(error))
        assert.strictEqual(error.reason._tag, "InvalidCloseArguments")
        assert.isAbove(error.connectionId, 0, path)
      }
    })
  )
})
