/** nginx in front that speaks HTTP/2: with its clients, and (as for gRPC) with the server behind it, trailers included. */
import * as NodeHttp2 from "node:http2"
import { assert, describe } from "@effect/vitest"
import { Trailers } from "@nvo/server"
import * as Effect from "effect/Effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import { inFront, type Options } from "./support/nginx.ts"
import { app } from "./support/peersApp.ts"
import { peerTest } from "./support/peersPrograms.ts"
import { type App, serve } from "./support/serve.ts"

interface Answer {
  readonly status: number
  readonly body: Buffer
  readonly trailers: NodeHttp2.IncomingHttpHeaders
}

type Ask = (path: string, body?: Uint8Array) => Effect.Effect<Answer, Error>

const proxied = Effect.fnUntraced(function* (
  nginx: string,
  behind: App,
  how: Pick<Options, "clients" | "servers">
) {
  const server = yield* serve(behind)
  const { port } = yield* inFront(nginx, { upstreams: [server.port], keepalive: 4, ...how })
  const session = yield* Effect.acquireRelease(
    Effect.sync(() => NodeHttp2.connect(`http://127.0.0.1:${port}`)),
    (session) => Effect.sync(() => session.destroy())
  )
  const ask: Ask = (path, body) =>
    Effect.callback((resume) => {
      const stream = session.request({ ":path": path, ":method": body === undefined ? "GET" : "POST" })
      const chunks: Array<Buffer> = []
      let status = 0
      let trailers: NodeHttp2.IncomingHttpHeaders = {}
      stream.on("response", (headers) => {
        status = headers[":status"] ?? 0
      })
      stream.on("trailers", (headers) => {
        trailers = headers
      })
      stream.on("data", (chunk: Buffer) => chunks.push(chunk))
      stream.on("end", () => resume(Effect.succeed({ status, body: Buffer.concat(chunks), trailers })))
      stream.on("error", (error) => resume(Effect.fail(error)))
      stream.end(body)
    })
  return { server, ask }
})

const large = Buffer.alloc(3_000_000, "0123456789abcdef")

// What both ways of proxying have to do: many requests at once, an upload and a download.
const exchanges = Effect.fnUntraced(function* (ask: Ask) {
  const texts = yield* Effect.forEach(
    Array.from({ length: 300 }, (_, i) => String(i)),
    (i) => Effect.map(ask(`/tell/${i}`), ({ body }) => body.toString() === i),
    { concurrency: 50 }
  )
  assert.isTrue(texts.every((same) => same))
  const counted = yield* ask("/count", large)
  assert.deepStrictEqual(JSON.parse(counted.body.toString()), { octets: large.length })
  assert.isTrue((yield* ask("/stream")).body.equals(Buffer.alloc(1_048_576, 97)))
})

describe("nginx in front, over HTTP/2", () => {
  peerTest("nginx", "speaks it with its clients, and HTTP/1.1 with the server", (nginx) =>
    Effect.gen(function* () {
      const { ask, server } = yield* proxied(nginx, app, { clients: "h2" })
      yield* exchanges(ask)
      const connections = yield* server.connections.list
      assert.isTrue(connections.every(({ protocol }) => protocol === "http/1.1"))
      assert.deepStrictEqual(server.errors, [])
    })
  )

  peerTest("nginx", "speaks it with the server, too (grpc_pass): large bodies both ways", (nginx) =>
    Effect.gen(function* () {
      const { ask, server } = yield* proxied(nginx, app, { clients: "h2", servers: "h2" })
      yield* exchanges(ask)
      assert.isTrue((yield* ask("/echo", large)).body.equals(large))
      const connections = yield* server.connections.list
      assert.isAbove(connections.length, 0)
      assert.isTrue(connections.every(({ protocol }) => protocol === "h2"))
      // It resets what it has read to its end.
      assert.deepStrictEqual(
        server.errors.filter(({ _tag }) => _tag === "Http2Error"),
        []
      )
    })
  )

  peerTest("nginx", "hands on trailers that come from the server (grpc_pass)", (nginx) =>
    Effect.gen(function* () {
      const answer: App = Effect.map(HttpServerRequest, () =>
        Trailers.withTrailers(
          HttpServerResponse.stream(Stream.make(Buffer.from("all "), Buffer.from("of it"))),
          Effect.succeed({ "grpc-status": "0", "grpc-message": "fine" })
        )
      )
      const { ask, server } = yield* proxied(nginx, answer, { clients: "h2", servers: "h2" })
      for (let i = 0; i < 20; i++) {
        const { body, status, trailers } = yield* ask("/", Buffer.from("a question"))
        assert.deepStrictEqual([status, body.toString()], [200, "all of it"])
        assert.deepStrictEqual(Object.fromEntries(Object.entries(trailers)), {
          "grpc-status": "0",
          "grpc-message": "fine"
        })
      }
      assert.deepStrictEqual(server.errors, [])
    })
  )
})
