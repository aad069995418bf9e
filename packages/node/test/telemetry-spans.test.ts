/** What the server span of a request says, and what becomes of it where spans are not sampled. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { everyWay } from "./support/httpWays.ts"
import * as Observed from "./support/observed.ts"
import { eventually } from "./support/settle.ts"

const cut = Stream.concat(Stream.make(new Uint8Array(3)), Stream.die(new Error("cut")))

const routes = Layer.mergeAll(
  HttpRouter.add("GET", "/users/:id", HttpServerResponse.text("user")),
  HttpRouter.add("GET", "/broken", Effect.die(new Error("broken"))),
  HttpRouter.add("GET", "/cut", HttpServerResponse.stream(cut))
)

const ended = (seen: Observed.Observed) =>
  Effect.map(
    eventually("the span's end", () => seen.spans[0]?.status._tag === "Ended"),
    () => {
      assert.strictEqual(seen.spans.length, 1, "one span for a request")
      return seen.spans[0]
    }
  )

everyWay(({ options, version, Wire }) => {
  const spanOf = (target: string) =>
    Effect.gen(function* () {
      const seen = yield* Observed.serveRoutes(routes, Observed.recorder({ traces: true }), options)
      const wire = yield* Wire.connect(seen.port)
      wire.sendUnsafe(Wire.request("GET", target, { "X-Request-Id": "theirs" }))
      yield* wire.response()
      const { attributes, kind } = yield* ended(seen)
      return { attributes: Object.fromEntries(attributes), kind, port: wire.socket.localPort }
    })

  describe("the server span", () => {
    it.live("is one, and has route, request, connection and peer", () =>
      Effect.gen(function* () {
        const { attributes, kind, port } = yield* spanOf("/users/12")
        assert.strictEqual(kind, "server")
        assert.isAbove(attributes["nvo.connection.id"] as number, 0)
        assert.strictEqual(attributes["nvo.request.index"], 1)
        assert.strictEqual(attributes["nvo.request.id"], "theirs")
        assert.strictEqual(attributes["http.request.method"], "GET")
        assert.strictEqual(attributes["http.route"], "/users/:id")
        assert.strictEqual(attributes["http.response.status_code"], 200)
        assert.strictEqual(attributes["network.protocol.version"], version)
        assert.strictEqual(attributes["network.peer.address"], "127.0.0.1")
        assert.strictEqual(attributes["network.peer.port"], port)
        assert.notProperty(attributes, "error.type")
      })
    )

    it.live("has error.type: the status of a failed handler, the reason of a body that broke off", () =>
      Effect.gen(function* () {
        assert.strictEqual((yield* spanOf("/broken")).attributes["error.type"], "500")
        assert.strictEqual((yield* spanOf("/cut")).attributes["error.type"], "ResponseBodyFailed")
      })
    )

    it.live("has no error.type for an answer that is the peer's fault", () =>
      Effect.gen(function* () {
        const { attributes } = yield* spanOf("/nowhere")
        assert.strictEqual(attributes["http.response.status_code"], 404)
        assert.notProperty(attributes, "error.type")
      })
    )

    it.live("has error.type for a peer that left", () =>
      Effect.gen(function* () {
        const { began, route: waits } = yield* Observed.waiting
        const seen = yield* Observed.serveRoutes(waits, Observed.recorder({ traces: true }), options)
        const wire = yield* Wire.connect(seen.port)
        wire.sendUnsafe(Wire.request("GET", "/waits"))
        yield* began
        yield* wire.leave
        const { attributes } = yield* ended(seen)
        assert.strictEqual(attributes.get("error.type"), "ClientAborted")
      })
    )

    for (const sampled of [true, false]) {
      it.live(`leaves the metrics their route where it is ${sampled ? "" : "not "}sampled`, () =>
        Effect.gen(function* () {
          const seen = yield* Observed.serveRoutes(
            routes,
            Observed.recorder({ traces: true, sampled }),
            options
          )
          yield* Wire.exchange(seen.port, Wire.request("GET", "/users/12"))
          const duration = () => seen.series("http.server.request.duration")
          yield* eventually("the request's end", () => duration()[0]?.value === 1)
          assert.strictEqual(duration()[0].attributes["http.route"], "/users/:id")
        })
      )
    }
  })
})
