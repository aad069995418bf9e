/** The end of a server while a head of HTTP/1.1 is on its way. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { gated } from "./support/gated.ts"
import { everyHttp1Way } from "./support/httpWays.ts"
import * as ReadResponse from "./support/ReadResponse.ts"
import { eventually } from "./support/settle.ts"

everyHttp1Way(({ Wire, serve }) => {
  describe("a server that ends", () => {
    it.live("answers a request of which a part had come, and closes behind it", () =>
      Effect.gen(function* () {
        const { close, connections, port } = yield* gated(serve)
        const wire = yield* Wire.connect(port)
        yield* wire.send("GET / HTTP/1.1\r\nHo")
        yield* eventually("the part to be read", () =>
          Effect.runSync(connections.list).some(({ phase }) => phase === "Reading")
        )
        const closing = yield* Effect.forkChild(close)
        yield* Effect.sleep(20)
        yield* wire.send("st: a\r\n\r\n")
        const response = yield* wire.response()
        assert.strictEqual(response.body.toString(), "quick")
        assert.strictEqual(ReadResponse.value(response.fields, "connection"), "close")
        yield* Fiber.join(closing)
      })
    )

    it.live("cuts at drainTimeout a peer that does not finish its head", () =>
      Effect.gen(function* () {
        const { close, connections, port } = yield* gated(serve, { drainTimeout: "50 millis" })
        const wire = yield* Wire.connect(port)
        yield* wire.send("GET / HTTP/1.1\r\nHo")
        yield* eventually("the part to be read", () =>
          Effect.runSync(connections.list).some(({ phase }) => phase === "Reading")
        )
        yield* close
        yield* wire.end
        yield* eventually("no connection", () => Effect.runSync(connections.count) === 0)
      })
    )
  })
})
