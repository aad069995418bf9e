/**
 * The limits and budgets of HTTP/2 over a socket: n is taken, n + 1 is refused with the code that is due; and each flood
 * at full speed, beside a client that is served as if nothing were.
 */
import { assert, describe, it } from "@effect/vitest"
import type { NvoServer } from "@nvo/node"
import type { Http2Frame } from "@nvo/protocol"
import * as Effect from "effect/Effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Http2Wire from "./support/http2Wire.ts"
import { type App, serve } from "./support/serve.ts"
import { eventually } from "./support/settle.ts"

const { connect, get, post } = Http2Wire

const app: App = Effect.flatMap(HttpServerRequest, ({ url }): App => {
  if (url === "/never") return Effect.never
  return Effect.succeed(
    url === "/large"
      ? HttpServerResponse.uint8Array(new Uint8Array(1_000_000))
      : HttpServerResponse.text("Hello, World!")
  )
}).pipe(Effect.interruptible)

const reasons = (errors: ReadonlyArray<{ readonly reason: { readonly _tag: string } }>) =>
  errors.map(({ reason }) => reason._tag)

interface Flood {
  readonly option: keyof NvoServer.Options
  readonly reason: string
  /** What is sent before, and spends nothing of the budget but `spent`. */
  readonly prepare?: (wire: Http2Wire.Http2Wire) => void
  /** What greeting and preparing spend. */
  readonly spent?: number
  /** What the request of the test gives back. */
  readonly earned?: number
  /** Whether each piece is sent by itself: many that come together would be one piece, or a flood of another kind. */
  readonly alone?: boolean
  /** The `i`th piece of work. */
  readonly once: (wire: Http2Wire.Http2Wire, i: number) => ReadonlyArray<Http2Frame.Frame>
}

const bomb = ["x", "y".repeat(3_400)] as const

const cancel = (streamId: number): Http2Frame.RstStream => ({ _tag: "RstStream", streamId, code: 8 })

const floods: Readonly<Record<string, Flood>> = {
  "CVE-2023-44487 rapid reset": {
    option: "http2Resets",
    reason: "RapidReset",
    once: (wire, i) => [wire.headers(1 + i * 2, get("/never")), cancel(1 + i * 2)]
  },
  "CVE-2025-8671 resets that are provoked": {
    option: "http2ProvokedResets",
    reason: "ProvokedResets",
    once: (wire, i) => [
      wire.headers(1 + i * 2, get("/never")),
      { _tag: "WindowUpdate", streamId: 1 + i * 2, increment: 0 }
    ]
  },
  "CVE-2019-9515 SETTINGS": {
    option: "http2Settings",
    reason: "SettingsFlood",
    spent: 2,
    once: () => [{ _tag: "Settings", ack: false, entries: [] }]
  },
  "CVE-2019-9512 PING": {
    option: "http2Pings",
    reason: "PingFlood",
    once: () => [{ _tag: "Ping", ack: false, data: new Uint8Array(8) }]
  },
  "CVE-2019-9518 empty DATA": {
    option: "http2EmptyFrames",
    reason: "EmptyFrameFlood",
    prepare: (wire) => wire.send(wire.headers(1, post("/never"), false)),
    once: (wire) => [wire.data(1, 0)]
  },
  "CVE-2019-9513 priorities": {
    option: "http2Priorities",
    reason: "PriorityFlood",
    once: () => [{ _tag: "Priority", streamId: 1, dependency: { exclusive: true, streamId: 3, weight: 1 } }]
  },
  "CVE-2019-9511 windows of an octet": {
    option: "http2TinyWindows",
    reason: "TinyWindows",
    alone: true,
    prepare: (wire) =>
      wire.send({ _tag: "Settings", ack: false, entries: [[4, 0]] }, wire.headers(1, get("/large"))),
    once: () => [{ _tag: "WindowUpdate", streamId: 1, increment: 1 }]
  },
  "windows that are opened for nothing": {
    option: "http2WindowUpdates",
    reason: "WindowUpdateFlood",
    // Two for the request, four for its DATA.
    earned: 6,
    once: () => [{ _tag: "WindowUpdate", streamId: 0, increment: 1 }]
  },
  "CVE-2016-6581 header lists over the limit": {
    option: "http2Refusals",
    reason: "RefusalFlood",
    alone: true,
    // Behind the first one each field is an octet, which stands for the table's only entry.
    once: (wire, i) => [wire.headers(1 + i * 2, [...get(), ...Array.from({ length: 5 }, () => bomb)])]
  },
  "frames that mean nothing": {
    option: "http2Ignored",
    reason: "IgnoredFrameFlood",
    once: () => [{ _tag: "Extension", type: 0xfa, flags: 0, streamId: 0, payload: new Uint8Array(0) }]
  }
}

// Enough that none comes back while a test runs for a second on a slow machine: a tenth of it is less than one.
const BURST = 8

describe("the budgets of HTTP/2 over a socket", () => {
  for (const [
    name,
    { earned = 0, alone = false, once, option, prepare, reason, spent = 0 }
  ] of Object.entries(floods)) {
    it.live(`${name}: n are taken, one more is ENHANCE_YOUR_CALM`, () =>
      Effect.gen(function* () {
        const { errors, port } = yield* serve(app, { [option]: BURST + spent })
        const wire = yield* connect(port)
        prepare?.(wire)
        const last = 2 * BURST + 1
        for (let i = 0; i < BURST; i++) {
          wire.send(...once(wire, i))
          yield* Effect.sleep(5)
        }
        wire.send(wire.headers(last, get()))
        yield* wire.sees(new RegExp(`^HEADERS ${last} 200`))
        assert.isFalse(wire.lines.some((line) => line.startsWith("GOAWAY")))
        for (let i = BURST; i < BURST + earned + 3; i++) {
          wire.send(...once(wire, i + 1))
          yield* Effect.sleep(5)
        }
        yield* wire.sees(/^GOAWAY \d+ ENHANCE_YOUR_CALM$/)
        yield* wire.ends
        assert.strictEqual(reasons(errors).filter((tag) => tag === reason).length, 1)
      })
    )

    it.live(`${name}: at full speed, beside a client that is served`, () =>
      Effect.gen(function* () {
        const { connections, errors, port } = yield* serve(app)
        const bystander = yield* connect(port)
        const wire = yield* connect(port)
        prepare?.(wire)
        const before = process.memoryUsage().rss
        let served = 0
        for (let i = 0, at = 1; !wire.closed && i < 100_000; ) {
          const frames: Array<Http2Frame.Frame> = []
          for (let n = 0; n < (alone ? 1 : 200); n++) frames.push(...once(wire, i++))
          wire.send(...frames)
          if (i % (alone ? 50 : 1_000) === 0) {
            bystander.send(bystander.headers(at, get()))
            yield* bystander.sees(`DATA ${at} 13 END`)
            at += 2
            served++
          } else yield* Effect.sleep(0)
        }
        yield* wire.ends
        bystander.send(bystander.headers(100_001, get()))
        yield* bystander.sees("DATA 100001 13 END")
        assert.isAtLeast(served, 0)
        assert.include(reasons(errors), reason)
        assert.isBelow(process.memoryUsage().rss - before, 300_000_000)
        yield* eventually("one connection", () => Effect.runSync(connections.count) === 1)
      })
    )
  }
})

describe("the limits of HTTP/2 over a socket", () => {
  it.live("http2Streams: n at a time, one more is REFUSED_STREAM", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serve(app, { http2Streams: 2 })
      const wire = yield* connect(port)
      for (const id of [1, 3, 5]) wire.send(wire.headers(id, get("/never")))
      yield* wire.sees("RST_STREAM 5 REFUSED_STREAM")
      assert.deepStrictEqual(reasons(errors), ["TooManyStreams"])
      assert.isFalse(wire.lines.some((line) => /RST_STREAM [13] /.test(line)))
    })
  )

  it.live("http2FrameBytes: n octets, one more is FRAME_SIZE_ERROR", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serve(app, { http2FrameBytes: 20_000 })
      const wire = yield* connect(port)
      wire.send(wire.headers(1, post("/never"), false), wire.data(1, 20_000), wire.headers(3, get()))
      yield* wire.sees("DATA 3 13 END")
      wire.send(wire.data(1, 20_001))
      yield* wire.sees("GOAWAY 3 FRAME_SIZE_ERROR")
      assert.include(reasons(errors), "FrameTooLarge")
    })
  )

  it.live("http2HeaderBlockBytes: n octets, one more is ENHANCE_YOUR_CALM", () =>
    Effect.gen(function* () {
      const probe = yield* serve(app)
      const length = (yield* connect(probe.port)).headers(1, get()).fragment.length
      const exact = yield* serve(app, { http2HeaderBlockBytes: length })
      const wire = yield* connect(exact.port)
      wire.send(wire.headers(1, get()))
      yield* wire.sees("DATA 1 13 END")
      const { errors, port } = yield* serve(app, { http2HeaderBlockBytes: length - 1 })
      const other = yield* connect(port)
      other.send(other.headers(1, get()))
      yield* other.sees("GOAWAY 0 ENHANCE_YOUR_CALM")
      assert.deepStrictEqual(reasons(errors), ["HeaderBlockTooLarge"])
    })
  )

  it.live("http2Continuations: n, one more is ENHANCE_YOUR_CALM (VU#421644)", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serve(app, { http2Continuations: 2 })
      const inPieces = (wire: Http2Wire.Http2Wire, streamId: number, pieces: number) => {
        const { fragment } = wire.headers(streamId, [...get(), ["x", "y".repeat(100)]])
        const first = new Uint8Array([0, 0, 1, 1, 1, 0, 0, 0, streamId, fragment[0]])
        wire.write(first)
        for (let i = 1; i <= pieces; i++) {
          const bytes = i === pieces ? fragment.subarray(i) : fragment.subarray(i, i + 1)
          wire.send({ _tag: "Continuation", streamId, endHeaders: i === pieces, fragment: bytes })
        }
      }
      const wire = yield* connect(port)
      inPieces(wire, 1, 2)
      yield* wire.sees("DATA 1 13 END")
      inPieces(wire, 3, 3)
      yield* wire.sees("GOAWAY 1 ENHANCE_YOUR_CALM")
      assert.deepStrictEqual(reasons(errors), ["ContinuationFlood"])
    })
  )

  it.live("http2TableBytes: a peer that goes on with a larger table is refused with COMPRESSION_ERROR", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serve(app, { http2TableBytes: 100 })
      const wire = yield* connect(port)
      wire.send(wire.headers(1, get()))
      yield* wire.sees("GOAWAY 0 COMPRESSION_ERROR")
      assert.deepStrictEqual(reasons(errors), ["HpackTableSizeUpdate"])
    })
  )

  it.live("http2StreamWindow: n octets, one more is FLOW_CONTROL_ERROR of the stream", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serve(app, { http2StreamWindow: 1_000 })
      const wire = yield* connect(port)
      wire.send(wire.headers(1, post("/never"), false), wire.data(1, 1_000), wire.headers(3, get()))
      yield* wire.sees("DATA 3 13 END")
      assert.deepStrictEqual(errors, [])
      wire.send(wire.data(1, 1))
      yield* wire.sees("RST_STREAM 1 FLOW_CONTROL_ERROR")
      yield* eventually("the report", () => errors.length > 0)
      assert.strictEqual(reasons(errors)[0], "WindowExceeded")
    })
  )

  it.live("http2ConnectionWindow: n octets, one more is FLOW_CONTROL_ERROR of the connection", () =>
    Effect.gen(function* () {
      const { errors, port } = yield* serve(app, { http2ConnectionWindow: 65_535 })
      const wire = yield* connect(port)
      wire.send(wire.headers(1, post("/never"), false))
      for (let i = 0; i < 3; i++) wire.send(wire.data(1, 16_384))
      wire.send(wire.data(1, 16_383), wire.headers(3, get()))
      yield* wire.sees("DATA 3 13 END")
      assert.deepStrictEqual(errors, [])
      wire.send(wire.data(1, 1))
      yield* wire.sees("GOAWAY 3 FLOW_CONTROL_ERROR")
      assert.include(reasons(errors), "ConnectionWindowExceeded")
    })
  )
})
