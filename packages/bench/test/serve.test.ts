/** `npm run serve`: each of the small servers, started by its command line and asked over a socket. */

import { spawnSync } from "node:child_process"
import * as Http2 from "node:http2"
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { request, run, send, start } from "./support.ts"

/** A machine may have no openssl; one that runs everything must. */
const openssl = spawnSync("openssl", ["version"]).status === 0
const withOpenssl = it.live.runIf(openssl || process.env.NVO_REQUIRE_PEERS === "1")

const get = (path: string) => request(`GET ${path}`)

const post = (path: string, body: string, contentType = "application/json") =>
  request(`POST ${path}`, [`Content-Type: ${contentType}`], body)

const hello = Effect.fnUntraced(function* (args: string) {
  const server = yield* start(args)
  const text = yield* send(server.url, get("/"))
  assert.strictEqual(text.status, 200)
  assert.include(text.head, "content-type: text/plain")
  assert.strictEqual(text.body, "Hello, World!")
  const user = yield* send(server.url, get("/users/7"))
  assert.include(user.head, "content-type: application/json")
  assert.deepStrictEqual(JSON.parse(user.body), { id: "7", name: "User 7" })
  const echo = yield* send(server.url, post("/echo", "a body", "text/x-test"))
  assert.include(echo.head, "content-type: text/x-test")
  assert.include(echo.body, "a body")
  assert.strictEqual((yield* send(server.url, get("/nowhere"))).status, 404)
  // One line at the start, and none for a request. Node itself warns of node:ffi, which is experimental.
  const said = (yield* server.stop).filter((line) => !/ExperimentalWarning: FFI|--trace-warnings/.test(line))
  assert.deepStrictEqual(said, [server.line])
  return server.line
})

const api = Effect.fnUntraced(function* (args: string) {
  const server = yield* start(args)
  const user = yield* send(server.url, get("/users/7"))
  assert.strictEqual(user.status, 200)
  assert.deepStrictEqual(JSON.parse(user.body), { id: 7, name: "User 7", email: "user7@example.com" })
  assert.strictEqual((yield* send(server.url, get("/users/seven"))).status, 400)
  const ada = { name: "Ada", email: "ada@example.com" }
  const created = yield* send(server.url, post("/users", JSON.stringify(ada)))
  assert.strictEqual(created.status, 201)
  assert.deepStrictEqual(JSON.parse(created.body), { id: 1, ...ada })
  for (const broken of [
    '{"email":"ada@example.com"}',
    '{"name":"Ada","email":"nobody"}',
    '{"name":"","email":"ada@example.com"}',
    '{"name":'
  ]) {
    assert.strictEqual((yield* send(server.url, post("/users", broken))).status, 400, broken)
  }
  assert.deepStrictEqual(yield* server.stop, [server.line])
})

describe("npm run serve --", () => {
  it.live("hello", () =>
    Effect.gen(function* () {
      assert.match(yield* hello("hello"), /^hello on nvo listens on http:\/\/127\.0\.0\.1:\d+$/)
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.live("hello --transport poll", () =>
    Effect.gen(function* () {
      assert.match(
        yield* hello("hello --transport poll"),
        /^hello on nvo listens on http:\/\/127\.0\.0\.1:\d+$/
      )
    }).pipe(Effect.provide(NodeServices.layer))
  )

  for (const server of ["nvo", "platform-node", "node-http"]) {
    it.live(`hello --server ${server} --h2c`, () =>
      Effect.gen(function* () {
        const { url } = yield* start(`hello --server ${server} --h2c`)
        const body = yield* Effect.promise(
          () =>
            new Promise<string>((resolve, reject) => {
              const session = Http2.connect(url)
              session.on("error", reject)
              let text = ""
              session
                .request({ ":path": "/" })
                .setEncoding("latin1")
                .on("data", (chunk: string) => {
                  text += chunk
                })
                .on("end", () => {
                  session.close()
                  resolve(text)
                })
                .end()
            })
        )
        assert.strictEqual(body, "Hello, World!")
      }).pipe(Effect.provide(NodeServices.layer))
    )
  }

  withOpenssl("hello --tls", () =>
    Effect.gen(function* () {
      assert.match(yield* hello("hello --tls"), /^hello on nvo listens on https:\/\/127\.0\.0\.1:\d+$/)
    }).pipe(Effect.provide(NodeServices.layer))
  )

  for (const server of ["platform-node", "node-http"]) {
    it.live(`hello --server ${server}`, () =>
      Effect.gen(function* () {
        assert.include(yield* hello(`hello --server ${server}`), ` on ${server} listens on http://`)
      }).pipe(Effect.provide(NodeServices.layer))
    )

    withOpenssl(`hello --server ${server} --tls`, () =>
      Effect.gen(function* () {
        assert.include(yield* hello(`hello --server ${server} --tls`), ` on ${server} listens on https://`)
      }).pipe(Effect.provide(NodeServices.layer))
    )
  }

  it.live("hello --host", () =>
    Effect.gen(function* () {
      const server = yield* start("hello --host ::1")
      assert.match(server.line, /http:\/\/\[::1\]:\d+$/)
      assert.strictEqual((yield* send(server.url, get("/"))).body, "Hello, World!")
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.live("api", () => api("api").pipe(Effect.provide(NodeServices.layer)))
  it.live("routes", () => api("routes").pipe(Effect.provide(NodeServices.layer)))
  it.live("api --server platform-node", () =>
    api("api --server platform-node").pipe(Effect.provide(NodeServices.layer))
  )
})

describe("npm run serve -- echo", () => {
  it.live("tells the request as it was understood, on nvo", () =>
    Effect.gen(function* () {
      const { url, stop, line } = yield* start("echo")

      const odd = yield* send(url, request("BREW /a%2Fb?x=1&x=2", ["X-Two: b", "x-two: a", "Empty:"]))
      assert.strictEqual(odd.status, 200)
      assert.deepStrictEqual(JSON.parse(odd.body), {
        method: "BREW",
        target: "/a%2Fb?x=1&x=2",
        fields: [
          ["Host", "localhost"],
          ["Connection", "close"],
          ["X-Two", "b"],
          ["x-two", "a"],
          ["Empty", ""]
        ],
        bodyLength: 0,
        trailers: {}
      })

      const chunked = yield* send(url, [
        request("POST http://example.com/x", ["Transfer-Encoding: chunked"]),
        "5\r\nhello\r\n1;a=b\r\n!\r\n0\r\nX-Sum: 6\r\n\r\n"
      ])
      const understood = JSON.parse(chunked.body)
      assert.strictEqual(understood.target, "http://example.com/x")
      assert.strictEqual(understood.bodyLength, 6)
      assert.deepStrictEqual(understood.trailers, { "x-sum": "6" })

      // Three times what is read into memory at the most.
      const size = 3 * 1024 * 1024
      const large = yield* send(url, request("PUT /large", [], "a".repeat(size)))
      assert.strictEqual(JSON.parse(large.body).bodyLength, size)

      const asterisk = yield* send(url, request("OPTIONS *"))
      assert.strictEqual(JSON.parse(asterisk.body).target, "*")

      const head = yield* send(url, request("HEAD /"))
      assert.deepStrictEqual([head.status, head.body], [200, ""])

      // RFC 9110 §9.3.6: a 2xx would open a tunnel.
      const connect = yield* send(url, request("CONNECT example.com:443"))
      assert.strictEqual(connect.status, 501)
      assert.strictEqual(JSON.parse(connect.body).target, "example.com:443")

      assert.deepStrictEqual(yield* stop, [line])
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.live("tells it on platform-node", () =>
    Effect.gen(function* () {
      const { url } = yield* start("echo --server platform-node")
      const odd = yield* send(url, request("PUT /a%2Fb?x=1", ["X-Two: b", "x-two: a"], "hello"))
      assert.deepStrictEqual(JSON.parse(odd.body), {
        method: "PUT",
        target: "/a%2Fb?x=1",
        fields: [
          ["Host", "localhost"],
          ["Connection", "close"],
          ["X-Two", "b"],
          ["x-two", "a"],
          ["Content-Length", "5"]
        ],
        bodyLength: 5,
        trailers: {}
      })
    }).pipe(Effect.provide(NodeServices.layer))
  )
})

describe("npm run serve -- ws", () => {
  for (const [server, flags] of [
    ["nvo", ""],
    ["nvo", "--deflate"],
    ["platform-node", ""],
    ["node-http", ""]
  ]) {
    it.live(`echoes on every path on ${server} ${flags}`, () =>
      Effect.gen(function* () {
        const { url } = yield* start(`ws --server ${server} ${flags}`.trim())
        const echoed = yield* Effect.callback<{ readonly text: unknown; readonly extensions: string }>(
          (resume) => {
            const socket = new WebSocket(`${url.href.replace("http", "ws")}some/path?x`)
            socket.onopen = () => socket.send("hello ".repeat(1_000))
            socket.onmessage = ({ data }) => {
              resume(Effect.succeed({ text: data, extensions: socket.extensions }))
              socket.close()
            }
            socket.onerror = () => resume(Effect.die(new Error("The WebSocket failed")))
          }
        )
        assert.strictEqual(echoed.text, "hello ".repeat(1_000))
        assert.strictEqual(echoed.extensions.includes("permessage-deflate"), flags === "--deflate")
      }).pipe(Effect.provide(NodeServices.layer))
    )
  }
})

describe("npm run serve says what it has not, and exits with 1:", () => {
  const cases: ReadonlyArray<readonly [args: string, words: string]> = [
    ["hello --transport poll --tls", "The poll transport serves no TLS"],
    ["hello --h2c --tls", "--h2c is HTTP/2 without TLS"],
    ["hello --transport pull", 'Invalid value for flag --transport: "pull"'],
    ["echo --server node-http", "There is no echo for node-http"],
    ["hello --deflate", "hello does not compress"],
    ["goodbye", 'Invalid value for argument <app>: "goodbye"'],
    ["hello --port 65536", "65535"]
  ]
  for (const [args, words] of cases) {
    it.live(args, () =>
      Effect.gen(function* () {
        const { exitCode, said } = yield* run(args)
        assert.include(said, words)
        assert.strictEqual(exitCode, 1)
      }).pipe(Effect.provide(NodeServices.layer))
    )
  }

  it.live("--tls, without openssl", () =>
    Effect.gen(function* () {
      const { exitCode, said } = yield* run("hello --tls", { PATH: "/nowhere" })
      assert.include(said, "--tls needs the program openssl")
      assert.strictEqual(exitCode, 1)
    }).pipe(Effect.provide(NodeServices.layer))
  )
})
