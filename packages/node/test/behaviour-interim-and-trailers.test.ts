/** What is sent before and behind a message: 100, 103 and trailer fields. */
import { assert, describe, it } from "@effect/vitest"
import { EarlyHints, Trailers } from "@nvo/server"
import { Deferred, Effect, Stream } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { everyWay } from "./support/httpWays.ts"
import * as ReadResponse from "./support/ReadResponse.ts"
import type { App } from "./support/serve.ts"

const echoText: App = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
  Effect.map(request.text, (text) => HttpServerResponse.text(text))
)

everyWay(({ Wire, expected, serve }) => {
  const expecting = (body: string, fields: Readonly<Record<string, string>> = {}) =>
    Wire.request("POST", "/", { Expect: "100-continue", "Content-Length": String(body.length), ...fields })

  const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n"

  describe("Expect: 100-continue (RFC 9110 §10.1.1)", () => {
    it.live("is answered with 100 when the body is first read, once", () =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        const { port } = yield* serve(Effect.andThen(Deferred.await(gate), echoText))
        const wire = yield* Wire.connect(port)
        yield* wire.send(expecting("body"))
        yield* Effect.sleep(30)
        assert.strictEqual(wire.received.length, 0, "nothing before the handler reads")
        yield* Deferred.succeed(gate, undefined)
        assert.strictEqual(yield* wire.contains("\r\n\r\n"), CONTINUE)
        yield* wire.send("bo")
        yield* Effect.sleep(10)
        yield* wire.send("dy")
        const response = yield* wire.response("POST")
        assert.deepStrictEqual(
          response.interim.map(({ status }) => status),
          [100]
        )
        assert.strictEqual(response.body.toString(), "body")
        yield* wire.send(Wire.request("POST", "/", {}, "next"))
        assert.deepStrictEqual((yield* wire.response("POST")).interim, [])
      })
    )

    it.live("is not answered where the body came with the head", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(echoText)
        const response = yield* Wire.exchange(
          port,
          Buffer.concat([expecting("body"), Buffer.from("body")]),
          "POST"
        )
        assert.deepStrictEqual(response.interim, [])
        assert.strictEqual(response.body.toString(), "body")
      })
    )

    it.live("of a body that nobody reads gets the final status, and what waits for it closes", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(Effect.succeed(HttpServerResponse.text("no", { status: 403 })))
        const wire = yield* Wire.connect(port)
        yield* wire.send(expecting("body"))
        const response = yield* wire.response("POST")
        assert.strictEqual(response.status, 403)
        assert.deepStrictEqual(response.interim, [])
        assert.strictEqual(ReadResponse.value(response.fields, "connection"), expected.lastConnection)
        if (expected.broken === "connection") return assert.isTrue(yield* wire.end)
        // The stream is reset, and the connection goes on.
        yield* wire.send("body")
        yield* wire.send(Wire.request("GET", "/"))
        assert.strictEqual((yield* wire.response()).status, 403)
      })
    )

    it.live("is answered for a stream, for form data and before an upgrade", () =>
      Effect.gen(function* () {
        const readers: ReadonlyArray<App> = [
          Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
            Effect.as(Stream.runDrain(request.stream), HttpServerResponse.empty())
          ),
          Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
            Effect.as(Stream.runDrain(request.multipartStream), HttpServerResponse.empty())
          )
        ]
        for (const reader of readers) {
          const { port } = yield* serve(reader)
          const wire = yield* Wire.connect(port)
          const body = '--B\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--B--\r\n'
          yield* wire.send(expecting(body, { "Content-Type": "multipart/form-data; boundary=B" }))
          yield* wire.contains(CONTINUE)
          yield* wire.send(body)
          assert.strictEqual((yield* wire.response("POST")).status, 204)
        }
      })
    )
  })

  describe("early hints (RFC 8297)", () => {
    const link = "</style.css>; rel=preload; as=style"

    it.live("arrive before the response is made", () =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        const { port } = yield* serve(
          Effect.gen(function* () {
            yield* EarlyHints.send({ link })
            yield* Deferred.await(gate)
            return HttpServerResponse.text("page")
          })
        )
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("GET", "/"))
        assert.strictEqual(
          yield* wire.contains("\r\n\r\n"),
          `HTTP/1.1 103 Early Hints\r\nlink: ${link}\r\n\r\n`
        )
        yield* Deferred.succeed(gate, undefined)
        const response = yield* wire.response()
        assert.deepStrictEqual(response.interim, [{ status: 103, fields: [["link", link]] }])
        assert.strictEqual(response.body.toString(), "page")
      })
    )

    it.live("may come more than once, and 102 with them", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          Effect.gen(function* () {
            yield* EarlyHints.interim(102, {})
            yield* EarlyHints.send({ link })
            yield* EarlyHints.send({ link })
            return HttpServerResponse.text("page")
          })
        )
        const response = yield* Wire.exchange(port, Wire.request("GET", "/"))
        assert.deepStrictEqual(
          response.interim.map(({ status }) => status),
          [102, 103, 103]
        )
      })
    )

    it.live("with a field that would split the response fail, and nothing of it is sent", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          Effect.as(EarlyHints.send({ link: "a\r\nx-injected: 1" }), HttpServerResponse.text("page"))
        )
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("GET", "/"))
        const response = yield* wire.response()
        assert.strictEqual(response.status, 500)
        assert.deepStrictEqual(response.interim, [])
        assert.notInclude(wire.received.toString(), "injected")
      })
    )
  })

  describe("request trailers (RFC 9110 §6.5)", () => {
    const withTrailers: App = Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const text = request.url === "/read" ? yield* request.text : ""
      const trailers = yield* Trailers.request
      return yield* HttpServerResponse.json({ text, trailers })
    })
    const chunks = (target: string) =>
      Buffer.concat([
        Wire.request("POST", target, { "Transfer-Encoding": "chunked" }),
        Wire.chunked(["body"], "X-Checksum: 42\r\nX-List: a\r\nx-list: b\r\n")
      ])

    for (const [name, target, text] of [
      ["after the body was read", "/read", "body"],
      ["and read the body themselves where nobody did", "/unread", ""]
    ] as const) {
      it.live(`are there ${name}`, () =>
        Effect.gen(function* () {
          const { port } = yield* serve(withTrailers)
          const response = yield* Wire.exchange(port, chunks(target), "POST")
          assert.deepStrictEqual(JSON.parse(response.body.toString()), {
            text,
            trailers: { "x-checksum": "42", "x-list": "a, b" }
          })
        })
      )
    }

    it.live("are empty where there are none", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(withTrailers)
        const response = yield* Wire.exchange(port, Wire.request("POST", "/read", {}, "body"), "POST")
        assert.deepStrictEqual(JSON.parse(response.body.toString()).trailers, {})
      })
    )

    it.live("are not taken for fields of the head", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
            Effect.flatMap(request.text, () => HttpServerResponse.json({ ...request.headers }))
          )
        )
        const response = yield* Wire.exchange(port, chunks("/"), "POST")
        assert.notProperty(JSON.parse(response.body.toString()), "x-checksum")
      })
    )
  })

  describe("response trailers", () => {
    const stream = (trailers: Effect.Effect<Record<string, string>>) =>
      HttpServerResponse.stream(Stream.make(Buffer.from("body"))).pipe(Trailers.withTrailers(trailers))

    it.live("stand behind a body in chunks, and are made when it has ended", () =>
      Effect.gen(function* () {
        let sent = 0
        const body = Stream.make(Buffer.from("one"), Buffer.from("two")).pipe(
          Stream.tap(() =>
            Effect.sync(() => {
              sent++
            })
          )
        )
        const { port } = yield* serve(
          Effect.sync(() =>
            HttpServerResponse.stream(body).pipe(
              Trailers.withTrailers(Effect.sync(() => ({ "x-pieces": String(sent) }))),
              HttpServerResponse.setHeader("trailer", "x-pieces")
            )
          )
        )
        const wire = yield* Wire.connect(port)
        for (const pieces of ["2", "4"]) {
          yield* wire.send(Wire.request("GET", "/"))
          const response = yield* wire.response()
          assert.strictEqual(response.body.toString(), "onetwo")
          assert.deepStrictEqual(response.trailers, [["x-pieces", pieces]])
        }
      })
    )

    it.live("are left out where there is no room: for HEAD", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(Effect.succeed(stream(Effect.succeed({ "x-a": "1" }))))
        const response = yield* Wire.exchange(port, Wire.request("HEAD", "/"), "HEAD")
        assert.deepStrictEqual(response.trailers, [])
        assert.isTrue(response.complete)
      })
    )

    for (const [name, fields] of Object.entries({
      "would frame the message": { "content-length": "1" },
      "would split it": { "x-a": "1\r\n\r\nHTTP/1.1 200 OK" }
    })) {
      it.live(`with a field that ${name} are not sent, and the body is left without an end`, () =>
        Effect.gen(function* () {
          const { port } = yield* serve(Effect.succeed(stream(Effect.succeed(fields))))
          const wire = yield* Wire.connect(port)
          yield* wire.send(Wire.request("GET", "/"))
          yield* wire.end
          const response = yield* wire.response()
          assert.isFalse(response.complete)
          assert.strictEqual(wire.rest, "")
        })
      )
    }
  })
})
