/** Peers that speak HTTP/2: curl, nghttp, h2load, undici, Node's own client (in `application.test.ts`, too), Python's h2. */
import * as Fs from "node:fs"
import * as NodeHttp2 from "node:http2"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Trailers } from "@nvo/server"
import * as Effect from "effect/Effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import { Agent, request } from "undici"
import { app } from "./support/peersApp.ts"
import * as Certificate from "./support/peersCertificate.ts"
import { folder, peerTest, run } from "./support/peersPrograms.ts"
import { type App, serve } from "./support/serve.ts"

const large = Buffer.alloc(3_000_000, "0123456789abcdef")

describe("curl over HTTP/2", () => {
  peerTest("curl", "with prior knowledge: an upload and a download", (curl) =>
    Effect.gen(function* () {
      const server = yield* serve(app)
      const url = `http://127.0.0.1:${server.port}`
      const { stdout } = yield* run(
        curl,
        ["-s", "--http2-prior-knowledge", "-w", "[%{http_version}]", "--data-binary", "@-", `${url}/count`],
        { input: large }
      )
      assert.strictEqual(stdout, `${JSON.stringify({ octets: large.length })}[2]`)
      const down = yield* run(curl, ["-s", "--http2-prior-knowledge", `${url}/stream`])
      assert.deepStrictEqual([down.stdout.length, down.code], [1_048_576, 0])
      assert.deepStrictEqual(server.errors, [])
    })
  )

  peerTest("curl", "agrees on h2 by ALPN, and keeps the connection", (curl) =>
    Effect.gen(function* () {
      const ca = Path.join(yield* folder, "ca.pem")
      Fs.writeFileSync(ca, Certificate.cert)
      const server = yield* serve(app, { tls: Certificate })
      const { stderr, stdout } = yield* run(curl, [
        "-sv",
        "--cacert",
        ca,
        "-w",
        "[%{http_version} %{num_connects}]",
        `https://localhost:${server.port}/tell/tls`,
        `https://localhost:${server.port}/tell/again`
      ])
      assert.strictEqual(stdout, "tls[2 1]again[2 0]")
      assert.match(stderr, /ALPN: server accepted h2/)
      assert.deepStrictEqual(server.errors, [])
    })
  )
})

describe("nghttp", () => {
  peerTest("nghttp", "reads many streams of one connection", (nghttp) =>
    Effect.gen(function* () {
      const server = yield* serve(app)
      const urls = Array.from({ length: 20 }, (_, i) => `http://127.0.0.1:${server.port}/tell/${i}`)
      const { code, stdout } = yield* run(nghttp, ["-n", "-s", ...urls])
      assert.strictEqual(code, 0)
      assert.strictEqual(stdout.match(/ 200 /g)?.length, 20)
      assert.deepStrictEqual(server.errors, [])
    })
  )
})

describe("h2load", () => {
  peerTest("h2load", "1,000 streams at a time over 10 connections", (h2load) =>
    Effect.gen(function* () {
      const server = yield* serve(app)
      const { stdout } = yield* run(h2load, [
        "-n",
        "5000",
        "-c",
        "10",
        "-m",
        "100",
        `http://127.0.0.1:${server.port}/`
      ])
      assert.match(stdout, /5000 succeeded, 0 failed, 0 errored/)
      assert.match(stdout, /status codes: 5000 2xx/)
      assert.deepStrictEqual(server.errors, [])
    })
  )
})

describe("undici over HTTP/2", () => {
  it.live("agrees on h2 by ALPN; a hundred uploads at a time", () =>
    Effect.gen(function* () {
      const server = yield* serve(app, { tls: Certificate })
      const dispatcher = yield* Effect.acquireRelease(
        Effect.sync(() => new Agent({ allowH2: true, connect: { ca: Certificate.cert } })),
        (agent) => Effect.promise(() => agent.destroy())
      )
      const answers = yield* Effect.forEach(
        Array.from({ length: 100 }, (_, i) => String(i).repeat(1_000)),
        (body) =>
          Effect.promise(async () => {
            const url = `https://127.0.0.1:${server.port}/read`
            const response = await request(url, { dispatcher, method: "POST", body })
            return (await response.body.text()) === body
          }),
        { concurrency: 50 }
      )
      assert.isTrue(answers.every((same) => same))
      const [{ protocol }] = yield* server.connections.list
      assert.strictEqual(protocol, "h2")
    })
  )
})

describe("Node's client", () => {
  // Its windows leave a rest of an octet with every second update: no attack, however many there are.
  it.live("with windows of 65,535 octets: 64 MiB are streamed back", () =>
    Effect.gen(function* () {
      const server = yield* serve(app)
      const session = yield* Effect.acquireRelease(
        Effect.sync(() => NodeHttp2.connect(`http://127.0.0.1:${server.port}`)),
        (session) => Effect.sync(() => session.destroy())
      )
      const octets = yield* Effect.callback<number, Error>((resume) => {
        const stream = session.request({ ":method": "POST", ":path": "/echo" })
        let got = 0
        stream.on("data", (chunk: Buffer) => {
          got += chunk.length
        })
        stream.on("end", () => resume(Effect.succeed(got)))
        stream.on("error", (error) => resume(Effect.fail(error)))
        session.on("error", (error) => resume(Effect.fail(error)))
        const piece = Buffer.alloc(65_536)
        let left = 1_024
        const send = () => {
          while (left-- > 0) if (!stream.write(piece)) return void stream.once("drain", send)
          stream.end()
        }
        send()
      })
      assert.strictEqual(octets, 64 * 1_048_576)
      assert.deepStrictEqual(server.errors, [])
    })
  )
})

const script = `
import socket, sys
import h2.connection, h2.config, h2.events
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
c = h2.connection.H2Connection(config=h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
c.initiate_connection()
body = b"x" * 30000
c.send_headers(1, [(":method", "POST"), (":scheme", "http"), (":path", "/echo"), (":authority", "a")])
for at in range(0, len(body), 10000):
    c.send_data(1, body[at:at + 10000], end_stream=at + 10000 == len(body))
s.sendall(c.data_to_send())
got, done = b"", False
while not done:
    for e in c.receive_data(s.recv(65536)):
        if isinstance(e, h2.events.ResponseReceived):
            status = dict(e.headers)[":status"]
        elif isinstance(e, h2.events.DataReceived):
            got += e.data
            c.acknowledge_received_data(e.flow_controlled_length, e.stream_id)
        elif isinstance(e, h2.events.StreamEnded):
            done = True
    s.sendall(c.data_to_send())
c.close_connection()
s.sendall(c.data_to_send())
print(status, got == body)
`

const trailers = `
import socket, sys
import h2.connection, h2.config, h2.events
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
c = h2.connection.H2Connection(config=h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
c.initiate_connection()
c.send_headers(1, [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a"), ("te", "trailers")])
c.send_data(1, b"body")
c.send_headers(1, [("x-sum", "4")], end_stream=True)
s.sendall(c.data_to_send())
got, done = b"", False
while not done:
    for e in c.receive_data(s.recv(65536)):
        if isinstance(e, h2.events.DataReceived):
            got += e.data
        elif isinstance(e, h2.events.TrailersReceived):
            print(got.decode(), sorted(e.headers))
        elif isinstance(e, h2.events.StreamEnded):
            done = True
`

/** Answers with the body, and behind it with the trailers that came. */
const withTrailers: App = Effect.gen(function* () {
  const request = yield* HttpServerRequest
  const text = yield* request.text
  const fields = yield* Trailers.request
  return Trailers.withTrailers(
    HttpServerResponse.stream(Stream.succeed(Buffer.from(text))),
    Effect.succeed(fields)
  )
})

describe("Python's h2", () => {
  peerTest("python3-h2", "trailers of the request, and trailers of the response", (python) =>
    Effect.gen(function* () {
      const server = yield* serve(withTrailers)
      const { stderr, stdout } = yield* run(python, ["-c", trailers, String(server.port)])
      assert.strictEqual(stdout.trim(), "body [('x-sum', '4')]", stderr)
      assert.deepStrictEqual(server.errors, [])
    })
  )

  peerTest("python3-h2", "a strict client: an upload that is streamed back", (python) =>
    Effect.gen(function* () {
      const server = yield* serve(app)
      const { stderr, stdout } = yield* run(python, ["-c", script, String(server.port)])
      assert.strictEqual(stdout.trim(), "200 True", stderr)
      assert.deepStrictEqual(server.errors, [])
    })
  )
})
