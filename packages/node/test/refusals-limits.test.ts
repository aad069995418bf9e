/** Every limit of `ServerConfig` over a socket: n is served, n + 1 is refused with the reason and status of its own. */
import { assert, describe, it } from "@effect/vitest"
import type { NvoServer } from "@nvo/node"
import type { Http1Error } from "@nvo/protocol"
import { ServerConfig } from "@nvo/server"
import * as Effect from "effect/Effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { nextError } from "./support/rawServer.ts"
import { serve } from "./support/serve.ts"
import * as Wire from "./support/Wire.ts"

interface Limit {
  readonly name: keyof ServerConfig.ServerConfig
  readonly n: number
  readonly section: string
  readonly reason: Http1Error.ReasonTag
  readonly status: number
  /** A request that needs exactly `size`. */
  readonly request: (size: number) => string
}

const fill = (head: (filling: string) => string, size: number): string =>
  head("a".repeat(size - head("").length))

const chunked = (body: string) => `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`

const limits: ReadonlyArray<Limit> = [
  {
    name: "requestLineBytes",
    n: 100,
    section: "RFC 9112 §3",
    reason: "RequestLineTooLong",
    status: 414,
    request: (size) => `${fill((a) => `GET /${a} HTTP/1.1`, size)}\r\nHost: a\r\n\r\n`
  },
  {
    name: "methodBytes",
    n: 7,
    section: "RFC 9112 §3",
    reason: "MethodTooLong",
    status: 501,
    request: (size) => `${"M".repeat(size)} / HTTP/1.1\r\nHost: a\r\n\r\n`
  },
  {
    name: "headBytes",
    n: 200,
    section: "RFC 6585 §5",
    reason: "HeadTooLarge",
    status: 431,
    request: (size) => fill((a) => `GET / HTTP/1.1\r\nHost: a\r\nX: ${a}\r\n\r\n`, size)
  },
  {
    name: "fieldCount",
    n: 3,
    section: "RFC 6585 §5",
    reason: "TooManyFields",
    status: 431,
    request: (size) => `GET / HTTP/1.1\r\nHost: a\r\n${"X: a\r\n".repeat(size - 1)}\r\n`
  },
  {
    name: "fieldCount",
    n: 3,
    section: "RFC 9110 §6.5",
    reason: "TooManyFields",
    status: 431,
    request: (size) => chunked(`0\r\n${"X: a\r\n".repeat(size)}\r\n`)
  },
  {
    name: "emptyLines",
    n: 2,
    section: "RFC 9112 §2.2",
    reason: "TooManyEmptyLines",
    status: 400,
    request: (size) => `${"\r\n".repeat(size)}GET / HTTP/1.1\r\nHost: a\r\n\r\n`
  },
  {
    name: "chunkSizeDigits",
    n: 4,
    section: "RFC 9112 §7.1",
    reason: "ChunkSizeTooLong",
    status: 400,
    request: (size) => chunked(`${"3".padStart(size, "0")}\r\nabc\r\n0\r\n\r\n`)
  },
  {
    name: "chunkExtensionBytes",
    n: 20,
    section: "RFC 9112 §7.1.1",
    reason: "ChunkExtensionsTooLarge",
    status: 400,
    // Two chunks: the limit is for the message.
    request: (size) => chunked(`1;a=b\r\nx\r\n1;${"c".repeat(size - 5)}\r\ny\r\n0\r\n\r\n`)
  },
  {
    name: "trailerBytes",
    n: 50,
    section: "RFC 6585 §5",
    reason: "TrailersTooLarge",
    status: 431,
    request: (size) => chunked(`0\r\n${fill((a) => `X: ${a}\r\n\r\n`, size)}`)
  }
]

const reads = Effect.flatMap(HttpServerRequest, (request) =>
  Effect.as(request.text, HttpServerResponse.empty())
)

const limited = (limit: Limit, cut: boolean) =>
  Effect.gen(function* () {
    const server = yield* serve(reads, { [limit.name]: limit.n } as NvoServer.Options)
    const send = Effect.fnUntraced(function* (wire: Wire.Wire, octets: string) {
      if (cut) for (const octet of octets) yield* wire.send(octet)
      else wire.sendUnsafe(octets)
      return yield* wire.response()
    })
    const wire = yield* Wire.connect(server.port)
    assert.strictEqual((yield* send(wire, limit.request(limit.n))).status, 204)
    assert.strictEqual(server.errors.length, 0)
    const response = yield* send(wire, limit.request(limit.n + 1))
    assert.strictEqual(response.status, limit.status)
    assert.strictEqual(JSON.parse(response.body.toString()).reason, limit.reason)
    assert.isTrue(yield* wire.end)
    const error = yield* nextError(server)
    assert.strictEqual(error.reason._tag, limit.reason)
  })

// Limits that are no reason of the protocol's, and what else the configuration holds.
const elsewhere: Readonly<Partial<Record<keyof ServerConfig.ServerConfig, string>>> = {
  bufferedBodyBytes: "below and in refusals-large-bodies",
  drainBytes: "refusals-large-bodies",
  lingerTimeout: "refusals-large-bodies",
  drainTimeout: "cleanup-phases",
  halfClose: "a choice, not a number",
  targetGrammar: "a choice, not a number",
  http2: "behaviour-http2",
  http2ConnectProtocol: "rfc8441-websocket",
  http2Streams: "refusals-http2",
  http2FrameBytes: "refusals-http2",
  http2HeaderBlockBytes: "refusals-http2",
  http2Continuations: "refusals-http2",
  http2TableBytes: "refusals-http2",
  http2StreamWindow: "refusals-http2",
  http2ConnectionWindow: "refusals-http2",
  http2Resets: "refusals-http2",
  http2ProvokedResets: "refusals-http2",
  http2Settings: "refusals-http2",
  http2Pings: "refusals-http2",
  http2EmptyFrames: "refusals-http2",
  http2Priorities: "refusals-http2",
  http2TinyWindows: "refusals-http2",
  http2WindowUpdates: "refusals-http2",
  http2Refusals: "refusals-http2",
  http2QueueBytes: "behaviour-http2",
  http2Ignored: "refusals-http2",
  webSocketMessageBytes: "websocket-*",
  webSocketFrameBytes: "websocket-*",
  webSocketFragmentBytes: "websocket-*",
  webSocketMessageRate: "websocket-*",
  webSocketControlRate: "websocket-*",
  webSocketReadAhead: "websocket-*",
  webSocketPingInterval: "websocket-*",
  webSocketPingTimeout: "websocket-*",
  webSocketCloseTimeout: "websocket-*",
  webSocketDeflate: "websocket-*",
  webSocketDeflateTakeover: "websocket-*",
  webSocketDeflateFrom: "websocket-*",
  metrics: "telemetry-metrics",
  accessLogRate: "telemetry-access-log",
  requestIdHeader: "telemetry-access-log",
  requestIdResponse: "telemetry-access-log",
  excerptLength: "telemetry-errors",
  writeHighWaterMark: "transport-contract",
  headTimeout: "faults-*",
  idleTimeout: "faults-*",
  tlsHandshakeTimeout: "faults-*",
  bodyTimeout: "faults-*",
  bodyRate: "faults-*",
  writeTimeout: "faults-*",
  writeRate: "faults-*",
  handlerTimeout: "faults-*",
  connectionAge: "faults-*",
  requestsPerConnection: "faults-*",
  drainDelay: "faults-*",
  connectionCount: "faults-*",
  connectionPolicy: "faults-*",
  surplusCount: "faults-*",
  inFlightCount: "faults-*",
  queueCount: "faults-*",
  queueTimeout: "faults-*",
  loopDelay: "faults-*",
  retryAfter: "faults-*",
  acceptPause: "faults-*",
  turnRequests: "faults-*"
}

describe("limits over a socket", () => {
  it("have a test for every value of the configuration", () => {
    assert.deepStrictEqual(
      [...new Set([...limits.map(({ name }) => name), ...Object.keys(elsewhere)])].sort(),
      Object.keys(ServerConfig.ServerConfig.fields).sort()
    )
  })

  for (const limit of limits) {
    it.live(`${limit.section}: ${limit.name} n is served, n + 1 is ${limit.reason}, ${limit.status}`, () =>
      limited(limit, false)
    )
  }

  it.live("count the same where each octet comes alone", () =>
    Effect.forEach(limits, (limit) => limited(limit, true))
  )

  for (const [framing, body] of [
    ["Content-Length", (size: number) => `Content-Length: ${size}\r\n\r\n${"a".repeat(size)}`],
    ["chunks", (size: number) => `Transfer-Encoding: chunked\r\n\r\n${`1\r\na\r\n`.repeat(size)}0\r\n\r\n`]
  ] as const) {
    it.live(`RFC 9110 §15.5.14: bufferedBodyBytes n is read, n + 1 is 413, with ${framing}`, () =>
      Effect.gen(function* () {
        const server = yield* serve(reads, { bufferedBodyBytes: 10 })
        const wire = yield* Wire.connect(server.port)
        wire.sendUnsafe(`POST / HTTP/1.1\r\nHost: a\r\n${body(10)}`)
        assert.strictEqual((yield* wire.response()).status, 204)
        wire.sendUnsafe(`POST / HTTP/1.1\r\nHost: a\r\n${body(11)}`)
        assert.strictEqual((yield* wire.response()).status, 413)
        // A body this small is thrown away, and the connection goes on.
        wire.sendUnsafe(`POST / HTTP/1.1\r\nHost: a\r\n${body(10)}`)
        assert.strictEqual((yield* wire.response()).status, 204)
      })
    )
  }

  it.live("RFC 9112 §3.2: targetGrammar decides about the octets that browsers leave unencoded", () =>
    Effect.gen(function* () {
      const target = "GET /?a[]={b|c}\\^` HTTP/1.1\r\nHost: a\r\n\r\n"
      const strict = yield* serve(reads)
      assert.strictEqual((yield* Wire.exchange(strict.port, target)).status, 400)
      const browsers = yield* serve(reads, { targetGrammar: "whatwg" })
      assert.strictEqual((yield* Wire.exchange(browsers.port, target)).status, 204)
    })
  )
})
