/** Streams of responses as only HTTP/1.0 has them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { everyHttp1Way } from "./support/httpWays.ts"

everyHttp1Way(({ Wire, scheme, serve }) => {
  describe("a response stream for HTTP/1.0", () => {
    it.live("that fails resets the connection, since its end would look like the body's", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          Effect.succeed(
            HttpServerResponse.stream(
              Stream.concat(Stream.make(Buffer.from("begun")), Stream.fail("no more"))
            )
          )
        )
        const wire = yield* Wire.connect(port)
        yield* wire.send("GET / HTTP/1.0\r\n\r\n")
        // TLS has no reset: the connection is dropped without a close_notify (RFC 8446 §6.1).
        assert.strictEqual(yield* wire.end, scheme === "https")
        assert.strictEqual(wire.error?.code, scheme === "https" ? undefined : "ECONNRESET")
      })
    )

    it.live("ends with the connection where it does not fail", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          Effect.succeed(HttpServerResponse.stream(Stream.make(Buffer.from("whole "), Buffer.from("body"))))
        )
        const wire = yield* Wire.connect(port)
        yield* wire.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert.isTrue(yield* wire.end)
        const response = yield* wire.response()
        assert.strictEqual(response.framing, "Close")
        assert.strictEqual(response.body.toString(), "whole body")
      })
    )
  })
})
