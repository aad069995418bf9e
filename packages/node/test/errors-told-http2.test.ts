/**
 * No failure of HTTP/2 is silent: each reason is provoked by octets on a running server, and has to arrive as a typed
 * value, in the metric, and in the log. What an application does wrong is told as its own error.
 */
import { assert, describe, it } from "@effect/vitest"
import type { NvoServer } from "@nvo/node"
import { Http2Error, type Http2Frame, ServerConnection } from "@nvo/protocol"
import { EarlyHints, Trailers } from "@nvo/server"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Http2Wire from "./support/http2Wire.ts"
import * as Certificate from "./support/peersCertificate.ts"
import type { App } from "./support/serve.ts"
import { never, type Provoked, type Server, told } from "./support/told.ts"
import * as Wire from "./support/Wire.ts"

const { get, post } = Http2Wire

type Frames = ReadonlyArray<Http2Frame.Frame>

/** Greets, and sends what frames a wire makes. */
const sends = (frames: (wire: Http2Wire.Http2Wire) => Frames, options?: NvoServer.Options): Provoked => ({
  app: never,
  ...(options === undefined ? {} : { options }),
  act: ({ port }) => Effect.map(Http2Wire.connect(port), (wire) => wire.send(...frames(wire)))
})

/** The octets of hexadecimal digits; white space is for the reader. */
const octets = (hex: string): Buffer => Buffer.from(hex.replace(/\s+/g, ""), "hex")

/** Greets, opens stream 1 with a body to come, and sends octets. */
const raw = (hex: string): Provoked => ({
  app: never,
  act: ({ port }) =>
    Effect.map(Http2Wire.connect(port), (wire) => {
      wire.send(wire.headers(1, post(), false))
      wire.write(octets(hex))
    })
})

/** A header block on stream 3, as it is sent. */
const block = (hex: string): Provoked => {
  const length = octets(hex).length.toString(16).padStart(6, "0")
  return raw(`${length} 01 05 00000003 ${hex}`)
}

const request = (fields: Http2Wire.Fields, options?: NvoServer.Options): Provoked =>
  sends((wire) => [wire.headers(1, fields)], options)

const having = (name: string, value: string): Http2Wire.Fields =>
  get().map(([other, old]) => [other, other === name ? value : old])

const without = (name: string): Http2Wire.Fields => get().filter(([other]) => other !== name)

const plus = (...fields: Http2Wire.Fields): Http2Wire.Fields => [...get(), ...fields]

/** A request, and trailers behind its head. */
const trailers = (fields: Http2Wire.Fields, endStream = true, options?: NvoServer.Options): Provoked =>
  sends((wire) => [wire.headers(1, post(), false), wire.headers(1, fields, endStream)], options)

const settings = (...entries: Http2Frame.Settings["entries"]): Http2Frame.Settings => ({
  _tag: "Settings",
  ack: false,
  entries
})

const windowUpdate = (streamId: number, increment: number): Http2Frame.WindowUpdate => ({
  _tag: "WindowUpdate",
  streamId,
  increment
})

const reset = (streamId: number): Http2Frame.RstStream => ({ _tag: "RstStream", streamId, code: 8 })

const times = <A>(count: number, make: (i: number) => ReadonlyArray<A>): ReadonlyArray<A> =>
  Array.from({ length: count }, (_, i) => make(i)).flat()

const unacknowledged = ({ port }: Server): Effect.Effect<void, never, Scope.Scope> =>
  Effect.map(Http2Wire.open(port), (wire) => {
    wire.write(Buffer.from(ServerConnection.PREFACE, "latin1"))
    wire.send(settings())
  })

const MOST = 0x7fffffff

const BURST = 3

/** What a peer can do. */
const provoked: { readonly [T in Http2Error.ReasonTag]?: Provoked } = {
  // Without TLS, what does not begin with the preface is HTTP/1.1.
  InvalidPreface: {
    options: { tls: { cert: Certificate.cert, key: Certificate.key, alpnProtocols: ["h2"] } },
    act: ({ port }) =>
      Effect.flatMap(
        Wire.connectTls({ host: "127.0.0.1", port, ALPNProtocols: ["h2"], rejectUnauthorized: false }),
        (wire) => wire.send("GET / HTTP/1.1\r\n")
      )
  },
  MissingSettings: {
    act: ({ port }) =>
      Effect.map(Http2Wire.open(port), (wire) => {
        wire.write(Buffer.from(ServerConnection.PREFACE, "latin1"))
        wire.send(wire.headers(1, get()))
      })
  },
  FrameTooLarge: raw("004001 00 00 00000001"),
  InvalidFrameLength: raw("000007 06 00 00000000 00000000000000"),
  InvalidPriorityLength: raw("000004 02 00 00000001 00000000"),
  InvalidPadding: raw("000003 00 08 00000001 03 0000"),
  MissingStreamId: raw("000000 00 00 00000000"),
  UnexpectedStreamId: raw("000000 04 00 00000001"),
  ContinuationExpected: raw("000001 01 00 00000003 82 000000 00 00 00000001"),
  UnexpectedContinuation: raw("000000 09 04 00000001"),
  PushFromClient: raw("000005 05 04 00000001 00000002 82"),
  HpackTruncated: block("00 85"),
  HpackIntegerOverflow: block("ff ff ff ff ff ff 0f"),
  HpackIndexOutOfRange: block("ff 7f"),
  // The padding of a string is not of ones.
  HpackInvalidHuffman: block("00 81 00 01 61"),
  HpackTableSizeUpdate: block("82 20"),
  InvalidSetting: sends(() => [settings([2, 2])]),
  InvalidInitialWindow: sends(() => [settings([4, 0x80000000])]),
  SettingsTimeout: { options: { headTimeout: "100 millis" }, act: unacknowledged },
  InadequateSecurity: {
    options: { tls: { cert: Certificate.cert, key: Certificate.key, alpnProtocols: ["h2"] } },
    act: ({ port }) =>
      Wire.connectTls({
        host: "127.0.0.1",
        port,
        ALPNProtocols: ["h2"],
        rejectUnauthorized: false,
        maxVersion: "TLSv1.2",
        ciphers: "ECDHE-ECDSA-AES128-SHA"
      })
  },
  InvalidStreamId: sends((wire) => [wire.headers(2, get())]),
  StreamIdNotRising: sends((wire) => [wire.headers(5, get()), wire.headers(3, get())]),
  IdleStream: sends((wire) => [wire.data(1, 1)]),
  HalfClosedStream: sends((wire) => [wire.headers(1, get()), wire.data(1, 1)]),
  ClosedStream: sends((wire) => [wire.headers(1, post(), false), reset(1), wire.data(1, 1)]),
  TooManyStreams: sends((wire) => [wire.headers(1, get()), wire.headers(3, get())], { http2Streams: 1 }),
  SelfDependency: sends((wire) => [
    wire.headers(1, post(), false),
    { _tag: "Priority", streamId: 1, dependency: { exclusive: true, streamId: 1, weight: 1 } }
  ]),
  InvalidPriorityUpdate: sends(() => [{ _tag: "PriorityUpdate", prioritizedStreamId: 2, value: "u=0" }]),
  TooManyPrioritized: sends(
    () =>
      times(3, (i) => [{ _tag: "PriorityUpdate", prioritizedStreamId: 1 + i * 2, value: "u=0" } as const]),
    { http2Streams: 2 }
  ),
  ZeroWindowIncrement: sends((wire) => [wire.headers(1, post(), false), windowUpdate(1, 0)]),
  ZeroConnectionIncrement: sends(() => [windowUpdate(0, 0)]),
  WindowOverflow: sends((wire) => [wire.headers(1, post(), false), windowUpdate(1, MOST)]),
  ConnectionWindowOverflow: sends(() => [windowUpdate(0, MOST)]),
  WindowExceeded: sends((wire) => [wire.headers(1, post(), false), wire.data(1, 1_001)], {
    http2StreamWindow: 1_000
  }),
  ConnectionWindowExceeded: sends(
    (wire) => [wire.headers(1, post(), false), ...times(5, () => [wire.data(1, 16_000)])],
    { http2ConnectionWindow: 65_535 }
  ),
  InvalidFieldName: request(plus(["X-Upper", "v"])),
  InvalidFieldValue: request(plus(["x", " v"])),
  ConnectionSpecificField: request(plus(["connection", "close"])),
  UnknownPseudoField: request([[":status", "200"], ...get()]),
  DuplicatePseudoField: request(plus([":path", "/"])),
  MisplacedPseudoField: request([["x", "y"], ...get()]),
  MissingPseudoField: request(without(":path")),
  InvalidMethod: request(having(":method", "G T")),
  InvalidScheme: request(having(":scheme", "1http")),
  InvalidPath: request(having(":path", "a")),
  InvalidAuthority: request(having(":authority", "a b")),
  MissingAuthority: request(without(":authority")),
  AuthorityMismatch: request(plus(["host", "b"])),
  InvalidConnect: request([[":method", "CONNECT"]]),
  HeadersInTunnel: {
    app: Effect.flatMap(HttpServerRequest, ({ upgrade }) =>
      Effect.flatMap(upgrade, ({ reader }) => Effect.andThen(Effect.scoped(reader), Effect.never))
    ),
    act: ({ port }) =>
      Effect.gen(function* () {
        const wire = yield* Http2Wire.connect(port)
        const connect = [
          [":method", "CONNECT"],
          [":authority", "a:1"]
        ] as const
        wire.send(wire.headers(1, connect, false))
        yield* wire.sees("HEADERS 1 200")
        wire.send(wire.headers(1, [["x", "y"]]))
      })
  },
  InvalidExtendedConnect: request([[":method", "GET"], [":protocol", "websocket"], ...get().slice(1)]),
  InvalidContentLength: request(plus(["content-length", "+0"])),
  ContentLengthMismatch: request(plus(["content-length", "1"])),
  MissingEndOfTrailers: trailers([["x", "y"]], false),
  ForbiddenTrailer: trailers([["content-length", "1"]]),
  TrailersTooLarge: trailers(
    times(5, (i) => [[`x${i}`, ""] as const]),
    true,
    { fieldCount: 4 }
  ),
  HeaderListTooLarge: request(plus(["x", "y"]), { fieldCount: 4 }),
  UnknownExpectation: request(plus(["expect", "magic"])),
  HeaderBlockTooLarge: request(plus(["x", "y".repeat(100)]), { http2HeaderBlockBytes: 64 }),
  ContinuationFlood: {
    options: { http2Continuations: 2 },
    act: ({ port }) =>
      Effect.map(Http2Wire.connect(port), (wire) =>
        wire.write(octets(`000001 01 01 00000001 82 ${"000000 09 00 00000001".repeat(3)}`))
      )
  },
  RapidReset: sends((wire) => times(2 * BURST, (i) => [wire.headers(1 + 2 * i, get()), reset(1 + 2 * i)]), {
    http2Resets: BURST
  }),
  ProvokedResets: sends(
    (wire) => times(2 * BURST, (i) => [wire.headers(1 + 2 * i, get()), windowUpdate(1 + 2 * i, 0)]),
    { http2ProvokedResets: BURST }
  ),
  // The greeting has spent two.
  SettingsFlood: sends(() => times(2 * BURST, () => [settings()]), { http2Settings: BURST + 2 }),
  PingFlood: sends(
    () => times(2 * BURST, () => [{ _tag: "Ping", ack: false, data: new Uint8Array(8) } as const]),
    { http2Pings: BURST }
  ),
  EmptyFrameFlood: sends(
    (wire) => [wire.headers(1, post(), false), ...times(2 * BURST, () => [wire.data(1, 0)])],
    { http2EmptyFrames: BURST }
  ),
  PriorityFlood: sends(
    () =>
      times(2 * BURST, () => [
        { _tag: "Priority", streamId: 1, dependency: { exclusive: true, streamId: 3, weight: 1 } } as const
      ]),
    { http2Priorities: BURST }
  ),
  TinyWindows: {
    options: { http2TinyWindows: BURST },
    app: Effect.sync(() => HttpServerResponse.uint8Array(new Uint8Array(1_000))),
    act: ({ port }) =>
      Effect.gen(function* () {
        const wire = yield* Http2Wire.connect(port)
        wire.send(settings([4, 0]), wire.headers(1, get()))
        yield* wire.sees(/^HEADERS 1 200/)
        // Windows that are opened in one turn are one.
        for (let i = 1; !wire.closed && i <= 3 * BURST; i++) {
          wire.send(windowUpdate(1, 1))
          yield* Effect.sleep("5 millis")
        }
      })
  },
  WindowUpdateFlood: sends(() => times(2 * BURST, () => [windowUpdate(0, 1)]), {
    http2WindowUpdates: BURST
  }),
  RefusalFlood: sends(
    (wire) => times(2 * BURST, (i) => [wire.headers(1 + i * 2, plus(["expect", "something"]))]),
    { http2Refusals: BURST }
  ),
  IgnoredFrameFlood: sends(
    () =>
      times(2 * BURST, () => [
        { _tag: "Extension", type: 0xfa, flags: 0, streamId: 0, payload: new Uint8Array(0) } as const
      ]),
    { http2Ignored: BURST }
  )
}

const cut = Stream.succeed(new Uint8Array(3))

const hello: App = Effect.sync(() => HttpServerResponse.text("Hello"))

const header = (name: string, value: string): App =>
  Effect.map(hello, HttpServerResponse.setHeader(name, value))

const asks: Provoked["act"] = sends((wire) => [wire.headers(1, get())]).act

const answers = (app: App): Provoked => ({ app, act: asks })

/** What an application can do, and the error of the application that tells it. */
const applied: {
  readonly [T in Http2Error.ReasonTag]?: readonly ["HandlerFailed" | "ResponseBodyFailed", Provoked]
} = {
  InvalidStatus: ["HandlerFailed", answers(Effect.map(hello, HttpServerResponse.setStatus(600)))],
  InvalidInterimStatus: [
    "HandlerFailed",
    // Its type allows two.
    answers(Effect.as(EarlyHints.interim(200 as 103, {}), HttpServerResponse.empty()))
  ],
  InvalidResponseFieldName: ["HandlerFailed", answers(header("a b", "c"))],
  InvalidResponseFieldValue: ["HandlerFailed", answers(header("a", "b\r\nc: d"))],
  InvalidResponseLength: ["HandlerFailed", answers(header("content-length", "-1"))],
  ResponseLengthMismatch: ["HandlerFailed", answers(header("content-length", "3"))],
  ResponseTooLong: [
    "ResponseBodyFailed",
    answers(Effect.sync(() => HttpServerResponse.stream(cut, { contentLength: 2 })))
  ],
  ResponseTooShort: [
    "ResponseBodyFailed",
    answers(Effect.sync(() => HttpServerResponse.stream(cut, { contentLength: 4 })))
  ],
  ConnectWithoutTunnel: [
    "HandlerFailed",
    {
      app: hello,
      act: sends((wire) => [
        wire.headers(1, [
          [":method", "CONNECT"],
          [":authority", "a:1"]
        ])
      ]).act
    }
  ],
  ForbiddenResponseTrailer: [
    "ResponseBodyFailed",
    answers(
      Effect.sync(() =>
        Trailers.withTrailers(HttpServerResponse.stream(cut), Effect.succeed({ "set-cookie": "a" }))
      )
    )
  ]
}

describe("Http2Error", () => {
  for (const [reason, how] of Object.entries(provoked)) {
    it.live(`${reason} is told as a value, counted and logged`, () => told("Http2Error", reason, "Peer", how))
  }

  for (const [reason, [tag, how]] of Object.entries(applied)) {
    it.live(`${reason} is told as ${tag} of the application, which names it`, () =>
      Effect.map(told("ApplicationError", tag, "Application", how), (error) => {
        if (error._tag !== "ApplicationError" || !("cause" in error.reason)) return assert.fail(error._tag)
        assert.include(Cause.pretty(error.reason.cause as Cause.Cause<unknown>), reason)
      })
    )
  }

  it("every reason is one of these", () => {
    const { reasons } = Http2Error
    const by = (initiator: Http2Error.Initiator) =>
      Object.keys(reasons).filter((tag) => reasons[tag as Http2Error.ReasonTag].initiator === initiator)
    assert.sameMembers(Object.keys(provoked), by("Peer"))
    assert.sameMembers(Object.keys(applied), by("Application"))
  })
})
