/** Peers that break the rules of WebSocket, or mean harm: each is told why, and nobody else notices. */
import { assert, describe, it } from "@effect/vitest"
import { ZlibCodec } from "@nvo/node"
import { DeflateCodec, FrameEncoder, PerMessageDeflate } from "@nvo/protocol"
import { ServerError } from "@nvo/server"
import { Effect, type Scope } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { type App, type Running, serve } from "./support/serve.ts"
import { eventually } from "./support/settle.ts"
import * as Wire from "./support/Wire.ts"
import * as WsWire from "./support/wsWire.ts"

const echo: App = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const socket = yield* request.upgrade
  const reader = yield* socket.reader
  const writer = yield* socket.writer
  return yield* Effect.forever(Effect.flatMap(reader.pull, writer.writeAll)).pipe(
    Effect.catchTag("SocketError", () => Effect.succeed(HttpServerResponse.empty()))
  )
})

/** Somebody who means well and is served before and after. */
const bystander = (port: number) =>
  Effect.map(WsWire.connect(port), (peer) =>
    Effect.gen(function* () {
      yield* peer.text("hello")
      assert.deepStrictEqual(yield* peer.next, { _tag: "Text", data: "hello" })
    })
  )

const ended = ({ connections }: Running, left: number) =>
  eventually("the end of the connections", () => Effect.runSync(connections.count) === left)

const frame = (first: number, payload: Uint8Array | string): Buffer => {
  const bytes = Buffer.from(payload)
  return Buffer.from(
    FrameEncoder.encodeBytes({ opcode: "Binary", payload: bytes }, 0x01020304).map((octet, i) =>
      i === 0 ? first : octet
    )
  )
}

const many = (count: number, octets: Uint8Array) => Buffer.concat(Array.from({ length: count }, () => octets))

const cases: Readonly<
  Record<
    string,
    readonly [reason: string, code: number, octets: Uint8Array, options?: Parameters<typeof serve>[1]]
  >
> = {
  "a frame that is larger than the limit": [
    "FrameTooLarge",
    1009,
    Uint8Array.of(0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0x10, 0x01)
  ],
  "a frame of 2^63 - 1 octets": [
    "FrameTooLarge",
    1009,
    Uint8Array.of(0x82, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255)
  ],
  "a message that is larger than the limit, in fragments": [
    "MessageTooLarge",
    1009,
    Buffer.concat([frame(0x02, new Uint8Array(60_000)), many(20, frame(0x00, new Uint8Array(60_000)))])
  ],
  "fragments without end": [
    "TooManyFragments",
    1008,
    Buffer.concat([frame(0x01, ""), many(20_000, frame(0x00, ""))])
  ],
  "a flood of Pings": ["ControlFlood", 1008, many(201, frame(0x89, "ping"))],
  "a flood of Pongs": ["ControlFlood", 1008, many(201, frame(0x8a, ""))],
  "a frame without a mask": ["UnmaskedFrame", 1002, Uint8Array.of(0x81, 0x01, 0x61)],
  "a reserved bit": ["ReservedBits", 1002, frame(0xa1, "a")],
  "a reserved opcode": ["ReservedOpcode", 1002, frame(0x83, "a")],
  "a fragmented control frame": ["FragmentedControlFrame", 1002, frame(0x09, "a")],
  "a continuation of nothing": ["UnexpectedContinuation", 1002, frame(0x80, "a")],
  "a Close frame of one octet": ["InvalidClosePayload", 1002, frame(0x88, "a")],
  "a close code that may not be sent": ["InvalidCloseCode", 1002, frame(0x88, Uint8Array.of(0x03, 0xed))],
  "text that is not UTF-8": ["InvalidUtf8", 1007, frame(0x81, Uint8Array.of(0x61, 0xc0, 0xaf))],
  "compressed data where nothing was agreed": ["ReservedBits", 1002, frame(0xc1, "a")],
  "data that is no DEFLATE": [
    "InvalidCompressedData",
    1007,
    frame(0xc1, Uint8Array.of(0xff, 0xff, 0xff)),
    { webSocketDeflate: true }
  ]
}

for (const [carrier, connect] of Object.entries(WsWire.carriers)) {
  describe(`over ${carrier}, a peer that sends`, () => {
    for (const [name, [reason, code, octets, options]] of Object.entries(cases)) {
      it.live(`${name} is told ${code}, ${reason}, and nobody else notices`, () =>
        Effect.gen(function* () {
          const running = yield* serve(echo, { lingerTimeout: "100 millis", ...options })
          const speak = yield* bystander(running.port)
          const peer = yield* connect(running.port, options === undefined ? {} : { client: { deflate: {} } })
          yield* peer.wire.send(octets)
          assert.deepStrictEqual(yield* peer.closed, { _tag: "Close", code, reason })
          yield* speak
          // The peer neither answers nor leaves: the server does.
          yield* ended(running, 1)
          assert.deepStrictEqual(running.errors.map(ServerError.reasonOf), [reason])
          assert.isAbove(running.errors[0].connectionId, 0)
        })
      )
    }

    it.live("text that is not UTF-8 is told 1007 wherever its octets are cut", () =>
      Effect.gen(function* () {
        const running = yield* serve(echo, { lingerTimeout: "50 millis" })
        const octets = frame(0x81, Uint8Array.of(0xe2, 0x82, 0x28))
        for (let at = 1; at < octets.length; at++) {
          const peer = yield* connect(running.port)
          yield* peer.wire.send(octets.subarray(0, at))
          yield* Effect.yieldNow
          yield* peer.wire.send(octets.subarray(at))
          assert.deepStrictEqual(yield* peer.closed, { _tag: "Close", code: 1007, reason: "InvalidUtf8" })
          yield* peer.wire.leave
        }
        yield* ended(running, 0)
      })
    )

    it.live("bombs is told 1009 for each, and holds no memory", () =>
      Effect.gen(function* () {
        const running = yield* serve(echo, { webSocketDeflate: true, lingerTimeout: "50 millis" })
        const codec = yield* DeflateCodec.DeflateCodec
        const deflater = yield* codec.deflater({ windowBits: 15, contextTakeover: false })
        // 256 MiB in 255 KiB, of which 1 MiB may come out.
        const bomb = frame(
          0xc2,
          PerMessageDeflate.compress(deflater, false, new Uint8Array(256 * 1024 * 1024))
        )
        const speak = yield* bystander(running.port)
        const before = process.memoryUsage().arrayBuffers
        for (let i = 0; i < 20; i++) {
          const peer = yield* connect(running.port, { client: { deflate: {} } })
          yield* peer.wire.send(bomb)
          assert.deepStrictEqual(yield* peer.closed, { _tag: "Close", code: 1009, reason: "MessageTooLarge" })
          yield* peer.wire.leave
        }
        yield* speak
        // Less than one bomb, whatever was collected by now.
        assert.isBelow(process.memoryUsage().arrayBuffers - before, 128 * 1024 * 1024)
      }).pipe(Effect.provide(ZlibCodec.layer))
    )

    it.live("Pings and reads nothing is answered the last one, and no Pong waits for the others", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(echo, { webSocketControlRate: 0 })
        const peer = yield* connect(port)
        peer.wire.socket.pause()
        const count = 200_000
        const pings = Array.from({ length: 1_000 }, (_, i) => i)
        for (let from = 0; from < count; from += pings.length) {
          const octets = pings.map((i) => frame(0x89, String(from + i).padStart(120, " ")))
          yield* Effect.raceFirst(peer.wire.send(Buffer.concat(octets)), Effect.sleep(100))
        }
        yield* peer.text("the end")
        peer.wire.socket.resume()
        let pongs = 0
        let last = ""
        for (let event = yield* peer.next; event._tag !== "Text"; event = yield* peer.next) {
          if (event._tag !== "Pong") return assert.fail(event._tag)
          pongs++
          last = Buffer.from(event.payload).toString().trim()
        }
        assert.isBelow(pongs, count)
        yield* peer.ping("after")
        const after = yield* peer.next
        assert.isTrue(after._tag === "Pong", last)
      })
    )
  })
}

// A handshake, a message in two fragments with a Ping between them, and a Close frame.
const frames = Buffer.concat([
  frame(0x01, "hel"),
  frame(0x89, "p"),
  frame(0x80, "lo"),
  frame(0x88, Uint8Array.of(0x03, 0xe8))
])
const conversation = Buffer.concat([Wire.request("GET", "/", WsWire.handshakeFields()), frames])

type Leave = (port: number, at: number) => Effect.Effect<void, Error, Scope.Scope>

const leaving: Readonly<Record<string, readonly [octets: number, leave: Leave]>> = {
  "by a reset": [
    conversation.length,
    (port, at) =>
      Effect.gen(function* () {
        const wire = yield* Wire.connect(port)
        yield* wire.send(conversation.subarray(0, at))
        yield* wire.reset
      })
  ],
  "by ending its side": [
    conversation.length,
    (port, at) =>
      Effect.gen(function* () {
        const wire = yield* Wire.connect(port)
        yield* wire.send(conversation.subarray(0, at))
        yield* wire.finish
        yield* wire.end
      })
  ],
  "by RST_STREAM": [
    frames.length,
    (port, at) =>
      Effect.gen(function* () {
        const { wire } = yield* WsWire.connectStream(port)
        yield* wire.send(frames.subarray(0, at))
        yield* wire.reset
      })
  ],
  "by END_STREAM": [
    frames.length,
    (port, at) =>
      Effect.gen(function* () {
        const { wire } = yield* WsWire.connectStream(port)
        yield* wire.send(frames.subarray(0, at))
        yield* wire.finish
        yield* wire.end
      })
  ]
}

describe("a peer that leaves at every octet", () => {
  for (const [name, [octets, leave]] of Object.entries(leaving)) {
    it.live(`${name}: nothing is left of it, and nobody else notices`, () =>
      Effect.gen(function* () {
        const running = yield* serve(echo, { lingerTimeout: "50 millis", webSocketCloseTimeout: "50 millis" })
        const speak = yield* bystander(running.port)
        yield* Effect.forEach(
          Array.from({ length: octets + 1 }, (_, at) => at),
          (at) => Effect.scoped(leave(running.port, at)),
          { concurrency: 8, discard: true }
        )
        yield* speak
        yield* ended(running, 1)
        assert.deepStrictEqual(
          running.errors.map(ServerError.reasonOf).filter((reason) => reason === "EngineDefect"),
          []
        )
      })
    )
  }
})
