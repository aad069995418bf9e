/** How a handler reads a request's body, how often, and how much of it. */
import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { ByteSize, Effect, Schema, Stream } from "effect"
import { HttpIncomingMessage, HttpServerRequest, HttpServerResponse } from "effect/http"
import { everyWay } from "./support/httpWays.ts"
import type * as ReadResponse from "./support/ReadResponse.ts"
import type { App } from "./support/serve.ts"

everyWay(({ Wire, serve }) => {
  type Read = (request: HttpServerRequest.HttpServerRequest) => Effect.Effect<unknown, unknown>

  const answering = (read: Read): App =>
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
      Effect.flatMap(read(request), (value) => HttpServerResponse.json(value))
    )

  const text = (bytes: Uint8Array | ArrayBuffer): string =>
    Buffer.from(bytes as Uint8Array).toString("latin1")

  const collect = (request: HttpServerRequest.HttpServerRequest) =>
    Effect.map(Stream.runCollect(request.stream), (chunks) => text(Buffer.concat(chunks)))

  const readers: Readonly<Record<string, Read>> = {
    text: (request) => request.text,
    json: (request) => request.json,
    urlParamsBody: (request) => Effect.map(request.urlParamsBody, ({ params }) => params),
    arrayBuffer: (request) => Effect.map(request.arrayBuffer, text),
    stream: collect
  }

  const post = (port: number, body: string | Uint8Array, fields: Readonly<Record<string, string>> = {}) =>
    Wire.exchange(port, Wire.request("POST", "/", fields, body), "POST")

  const postChunked = (port: number, pieces: ReadonlyArray<string | Uint8Array>) =>
    Wire.exchange(
      port,
      Buffer.concat([Wire.request("POST", "/", { "Transfer-Encoding": "chunked" }), Wire.chunked(pieces)]),
      "POST"
    )

  const json = (response: ReadResponse.ReadResponse): unknown => JSON.parse(response.body.toString())

  describe("a body", () => {
    const cases: ReadonlyArray<readonly [reader: string, body: string, expected: unknown]> = [
      ["text", "grüße, 世界", "grüße, 世界"],
      ["json", '{"a":[1,null]}', { a: [1, null] }],
      ["json", "", null],
      [
        "urlParamsBody",
        "a=1+2&b=%C3%BC&a=3",
        [
          ["a", "1 2"],
          ["b", "ü"],
          ["a", "3"]
        ]
      ],
      ["urlParamsBody", "?a=1", [["?a", "1"]]],
      ["arrayBuffer", "\u0001\u0002abc", "\u0001\u0002abc"],
      ["stream", "streamed", "streamed"],
      ["stream", "", ""]
    ]
    for (const [reader, body, expected] of cases) {
      it.live(`is read as ${reader}: ${JSON.stringify(body)}`, () =>
        Effect.gen(function* () {
          const { port } = yield* serve(answering(readers[reader]))
          assert.deepStrictEqual(json(yield* post(port, body)), expected)
          const pieces = [...body].map((character) => character)
          assert.deepStrictEqual(json(yield* postChunked(port, pieces)), expected)
        })
      )
    }

    it.live("of text begins behind a byte order mark", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(answering(readers.text))
        const response = yield* post(port, Buffer.from([0xef, 0xbb, 0xbf, 0x61]))
        assert.strictEqual(json(response), "a")
      })
    )

    it.live("as arrayBuffer holds its own octets and no others", () =>
      Effect.gen(function* () {
        // Small chunks come out of a pool that other requests share.
        const { port } = yield* serve(
          Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
            Effect.map(request.arrayBuffer, (buffer) => HttpServerResponse.uint8Array(new Uint8Array(buffer)))
          )
        )
        for (const body of ["a", "secret", "x".repeat(1000), "y".repeat(100_000)]) {
          assert.strictEqual((yield* post(port, body)).body.toString(), body)
        }
      })
    )

    it.live("in many writes is one body", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(answering(readers.text))
        const wire = yield* Wire.connect(port)
        for (const octet of Wire.request("POST", "/", {}, "piece by piece").toString("latin1"))
          yield* wire.send(octet)
        assert.strictEqual(json(yield* wire.response("POST")), "piece by piece")
      })
    )

    it.live("that is large keeps its octets, however many come at once and whoever holds on to them", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          answering((request) =>
            Effect.map(Stream.runCollect(request.stream), (chunks) =>
              createHash("sha256").update(Buffer.concat(chunks)).digest("hex")
            )
          )
        )
        const length = 8 * 1024 * 1024 + 7
        const bodies = [1, 2, 3].map((step) => Buffer.from(Uint8Array.from({ length }, (_, at) => at * step)))
        const hashes = yield* Effect.forEach(bodies, (body) => post(port, body), { concurrency: "unbounded" })
        assert.deepStrictEqual(
          hashes.map(json),
          bodies.map((body) => createHash("sha256").update(body).digest("hex"))
        )
      })
    )

    it.live("is read once and can be asked for twice, in every form", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          answering((request) =>
            Effect.all([
              request.text,
              request.json,
              Effect.map(request.arrayBuffer, text),
              request.text,
              Effect.map(request.urlParamsBody, ({ params }) => params)
            ])
          )
        )
        assert.deepStrictEqual(json(yield* post(port, '{"a":1}')), [
          '{"a":1}',
          { a: 1 },
          '{"a":1}',
          '{"a":1}',
          [['{"a":1}', ""]]
        ])
      })
    )

    it.live("is the same for a request that middleware made of it", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          answering((request) => Effect.all([request.text, request.modify({ url: "/other" }).text]))
        )
        assert.deepStrictEqual(json(yield* post(port, "both")), ["both", "both"])
      })
    )

    it.live("is read by two fibers at once as by one", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          answering((request) =>
            Effect.all([request.text, request.text, request.json], { concurrency: "unbounded" })
          )
        )
        const wire = yield* Wire.connect(port)
        const octets = Wire.request("POST", "/", {}, '"both"')
        yield* wire.send(octets.subarray(0, octets.length - 2))
        yield* wire.send(octets.subarray(octets.length - 2))
        assert.deepStrictEqual(json(yield* wire.response("POST")), ['"both"', '"both"', "both"])
      })
    )

    it.live("is empty as a stream after it was read as a whole", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(answering((request) => Effect.andThen(request.text, collect(request))))
        assert.strictEqual(json(yield* post(port, "gone")), "")
      })
    )

    it.live("that nobody read is skipped before the next request", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(answering((request) => Effect.succeed(request.url)))
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("POST", "/first", {}, "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"))
        assert.strictEqual(json(yield* wire.response("POST")), "/first")
        yield* wire.send(Wire.request("GET", "/second"))
        assert.strictEqual(json(yield* wire.response()), "/second")
      })
    )
  })

  describe("malformed JSON", () => {
    it.live("is 400, not 500", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(answering(readers.json))
        for (const body of ['{"a":', "nope", "\u0000", "[1,]"]) {
          assert.strictEqual((yield* post(port, body)).status, 400, body)
        }
      })
    )

    it.live("is 400 with a schema", () =>
      Effect.gen(function* () {
        const Person = Schema.Struct({ name: Schema.String })
        const { port } = yield* serve(
          Effect.flatMap(HttpServerRequest.schemaBodyJson(Person), (person) =>
            HttpServerResponse.json(person)
          )
        )
        assert.strictEqual((yield* post(port, '{"name":')).status, 400)
        assert.strictEqual((yield* post(port, '{"name":1}')).status, 400)
        assert.deepStrictEqual(json(yield* post(port, '{"name":"Ann"}')), { name: "Ann" })
      })
    )
  })

  describe("MaxBodySize", () => {
    const LIMIT = 10
    const limited = (read: Read): App =>
      Effect.provideService(answering(read), HttpIncomingMessage.MaxBodySize, ByteSize.fromInputUnsafe(LIMIT))
    const bodyOf: Readonly<Record<string, (length: number) => string>> = {
      json: (length) => `"${"x".repeat(length - 2)}"`
    }
    for (const reader of Object.keys(readers)) {
      it.live(`holds for ${reader}: n octets are read, n + 1 are 413, by length and in chunks`, () =>
        Effect.gen(function* () {
          const { port } = yield* serve(limited(readers[reader]))
          const body = bodyOf[reader] ?? ((length: number) => "x".repeat(length))
          assert.strictEqual((yield* post(port, body(LIMIT))).status, 200)
          assert.strictEqual((yield* post(port, body(LIMIT + 1))).status, 413)
          assert.strictEqual((yield* postChunked(port, [...body(LIMIT)])).status, 200)
          assert.strictEqual((yield* postChunked(port, [...body(LIMIT + 1)])).status, 413)
          assert.strictEqual((yield* postChunked(port, [body(LIMIT + 1)])).status, 413)
        })
      )
    }

    it.live("counts what was streamed before by another reader", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          limited((request) =>
            Effect.andThen(Stream.runDrain(Stream.take(request.stream, 1)), collect(request))
          )
        )
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("POST", "/", { "Transfer-Encoding": "chunked" }))
        yield* wire.send("6\r\nabcdef\r\n")
        yield* wire.send("6\r\nghijkl\r\n0\r\n\r\n")
        assert.strictEqual((yield* wire.response("POST")).status, 413)
      })
    )
  })

  describe("bufferedBodyBytes", () => {
    const MEBIBYTE = 1_048_576

    it.live("is 1 MiB where nothing is set: n octets are read, n + 1 are 413", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          answering((request) => Effect.map(request.text, ({ length }) => length))
        )
        assert.strictEqual(json(yield* post(port, Buffer.alloc(MEBIBYTE, 0x61))), MEBIBYTE)
        assert.strictEqual((yield* post(port, Buffer.alloc(MEBIBYTE + 1, 0x61))).status, 413)
        assert.strictEqual((yield* postChunked(port, [Buffer.alloc(MEBIBYTE, 0x61), "x"])).status, 413)
      })
    )

    it.live("leaves streams unbounded", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          answering((request) =>
            Stream.runFold(
              request.stream,
              () => 0,
              (sum, chunk) => sum + chunk.length
            )
          ),
          { bufferedBodyBytes: 10 }
        )
        assert.strictEqual(json(yield* post(port, Buffer.alloc(200_000))), 200_000)
      })
    )
  })

  describe("what came with the head", () => {
    it.live("is read as search parameters, cookies and fields", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          Effect.gen(function* () {
            const request = yield* HttpServerRequest.HttpServerRequest
            const search = yield* HttpServerRequest.schemaSearchParams(
              Schema.Struct({ q: Schema.String, tag: Schema.Array(Schema.String) })
            ).pipe(
              Effect.provideService(HttpServerRequest.ParsedSearchParams, {
                ...HttpServerRequest.searchParamsFromURL(new URL(request.url, "http://localhost"))
              })
            )
            const { accept } = request.headers
            return yield* HttpServerResponse.json({ search, cookies: request.cookies, accept })
          })
        )
        const response = yield* Wire.exchange(
          port,
          "GET /?q=%C3%BC+b&tag=1&tag=2 HTTP/1.1\r\nHost: a\r\nAccept: x\r\nACCEPT: y\r\nCookie: a=1; b=%20\r\nCookie: c=3\r\n\r\n"
        )
        assert.deepStrictEqual(json(response), {
          search: { q: "ü b", tag: ["1", "2"] },
          cookies: { a: "1", b: " ", c: "3" },
          accept: "x, y"
        })
      })
    )
  })
})
