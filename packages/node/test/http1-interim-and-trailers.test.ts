/** Interim responses and trailers, where HTTP/1.0 or the framing of HTTP/1.1 has no room for them. */
import { assert, describe, it } from "@effect/vitest"
import { EarlyHints, Trailers } from "@nvo/server"
import { Effect, Stream } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { everyHttp1Way } from "./support/httpWays.ts"

everyHttp1Way(({ Wire, serve }) => {
  describe("what is not for HTTP/1.0", () => {
    it.live("Expect: 100-continue is ignored (RFC 9110 §10.1.1)", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
            Effect.map(request.text, (text) => HttpServerResponse.text(text))
          )
        )
        const wire = yield* Wire.connect(port)
        yield* wire.send("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        yield* Effect.sleep(20)
        assert.strictEqual(wire.received.length, 0)
        yield* wire.send("body")
        assert.deepStrictEqual((yield* wire.response("POST")).interim, [])
      })
    )

    it.live("early hints are not sent", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          Effect.as(EarlyHints.send({ link: "</style.css>; rel=preload" }), HttpServerResponse.text("page"))
        )
        const response = yield* Wire.exchange(port, "GET / HTTP/1.0\r\n\r\n")
        assert.deepStrictEqual(response.interim, [])
      })
    )
  })

  describe("response trailers", () => {
    it.live("are left out where there is no room: with a length, and for HTTP/1.0", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          Effect.map(HttpServerRequest.HttpServerRequest, ({ url }) =>
            HttpServerResponse.stream(Stream.make(Buffer.from("body")), {
              contentLength: url === "/length" ? 4 : undefined
            }).pipe(Trailers.withTrailers(Effect.succeed({ "x-a": "1" })))
          )
        )
        for (const octets of [Wire.request("GET", "/length"), "GET / HTTP/1.0\r\n\r\n"]) {
          const response = yield* Wire.exchange(port, octets)
          assert.deepStrictEqual(response.trailers, [])
          assert.isTrue(response.complete)
        }
      })
    )
  })
})
