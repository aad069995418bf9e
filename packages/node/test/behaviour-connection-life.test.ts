/** How long a connection lives, how it is told to end, and what the health endpoints say meanwhile, in every way. */
import { assert, describe, it } from "@effect/vitest"
import { NvoServer } from "@nvo/node"
import { HandlerTimeout, Health } from "@nvo/server"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import * as Gated from "./support/gated.ts"
import { everyWay } from "./support/httpWays.ts"
import * as ReadResponse from "./support/ReadResponse.ts"
import { connectionOf, infoOf } from "./support/rawServer.ts"
import { type App, portOf } from "./support/serve.ts"
import { eventually } from "./support/settle.ts"
import type * as Wires from "./support/Wire.ts"

const hello: App = Effect.succeed(HttpServerResponse.text("hello"))

// The tests keep their side open behind the last response.
const brief = { lingerTimeout: "50 millis" } as const

const sayingOf = ({ fields }: ReadResponse.ReadResponse) => ReadResponse.value(fields, "connection")

everyWay(({ Wire, expected, options, serve, version }) => {
  const ask = Effect.fnUntraced(function* (wire: Wires.Wire, path = "/") {
    yield* wire.send(Wire.request("GET", path))
    return yield* wire.response()
  })

  describe("a connection", () => {
    it.live("ends with its last request: requestsPerConnection n says so, n - 1 does not", () =>
      Effect.gen(function* () {
        const { errors, port } = yield* serve(hello, { ...brief, requestsPerConnection: 3 })
        const wire = yield* Wire.connect(port)
        for (let i = 1; i <= 2; i++) assert.isUndefined(sayingOf(yield* ask(wire)))
        const last = yield* ask(wire)
        assert.strictEqual(last.body.toString(), "hello")
        assert.strictEqual(sayingOf(last), expected.lastConnection)
        yield* wire.end
        assert.strictEqual(wire.rest, "")
        assert.deepStrictEqual(errors, [])
      })
    )

    it.live("ends at its age, and is answered before", () =>
      Effect.gen(function* () {
        const { connections, errors, port } = yield* serve(hello, { ...brief, connectionAge: "300 millis" })
        const wire = yield* Wire.connect(port)
        assert.strictEqual((yield* ask(wire)).status, 200)
        yield* wire.end
        yield* eventually("no connection", () => Effect.runSync(connections.count) === 0)
        assert.deepStrictEqual(errors, [])
      })
    )

    it.live("is told to end by Connections.drain, with the response that is under way", () =>
      Effect.gen(function* () {
        const server = yield* Gated.gated((app, more) => serve(app, { ...brief, ...more }))
        const { connections, errors, go, port, started } = server
        const idle = yield* Wire.connect(port)
        yield* ask(idle)
        const busy = yield* Wire.connect(port)
        yield* busy.send(Wire.request("GET", "/wait"))
        yield* Deferred.await(started)
        const draining = yield* Effect.forkScoped(connections.drain)
        assert.isTrue(yield* idle.end)
        const late = yield* Wire.connect(port)
        assert.isUndefined(sayingOf(yield* ask(late)))
        assert.isUndefined(draining.pollUnsafe())
        yield* Deferred.succeed(go, undefined)
        const last = yield* busy.response()
        assert.strictEqual(last.body.toString(), "finished")
        assert.strictEqual(sayingOf(last), expected.lastConnection)
        yield* busy.end
        yield* Fiber.join(draining)
        assert.strictEqual(yield* connections.count, 1)
        assert.strictEqual(yield* connections.closeIdle, 1)
        assert.isTrue(yield* late.end)
        assert.deepStrictEqual(errors, [])
      })
    )

    it.live("is known with its protocol, its octets in both directions, and since when it is idle", () =>
      Effect.gen(function* () {
        const server = yield* serve(hello)
        const wire = yield* Wire.connect(server.port)
        const id = yield* connectionOf(server, wire)
        yield* ask(wire)
        const before = yield* infoOf(server, wire)
        yield* Effect.sleep(20)
        yield* ask(wire)
        const info = yield* infoOf(server, wire)
        assert.isDefined(before)
        assert.isDefined(info)
        if (before === undefined || info === undefined) return
        assert.strictEqual(info.id, id)
        assert.strictEqual(info.protocol, version === "2" ? "h2" : "http/1.1")
        assert.isAbove(info.bytesRead, before.bytesRead)
        assert.isAbove(info.bytesWritten, before.bytesWritten)
        // A real clock counts whole milliseconds.
        assert.isAtLeast(info.since - info.acceptedAt, 19)
      })
    )
  })

  describe("a handler's deadline", () => {
    it.live("can be set for one route, and taken away", () =>
      Effect.gen(function* () {
        const slow = Effect.interruptible(Effect.delay(hello, "500 millis"))
        const { port } = yield* serve(
          Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }): App => {
            if (url === "/short") return HandlerTimeout.within("20 millis")(slow)
            if (url === "/long") return HandlerTimeout.within(Duration.zero)(slow)
            return Effect.interruptible(Effect.never)
          }),
          { handlerTimeout: "100 millis" }
        )
        for (const [path, status] of [
          ["/short", 503],
          ["/other", 503],
          ["/long", 200]
        ] as const) {
          assert.strictEqual((yield* Wire.exchange(port, Wire.request("GET", path))).status, status, path)
        }
      })
    )

    it.live("ends when the head of the response is sent", () =>
      Effect.gen(function* () {
        const slowly = Stream.make("0;", "1;", "2;").pipe(
          Stream.mapEffect((text) => Effect.delay(Effect.succeed(Buffer.from(text)), "100 millis"))
        )
        const { errors, port } = yield* serve(Effect.succeed(HttpServerResponse.stream(slowly)), {
          handlerTimeout: "150 millis"
        })
        const response = yield* Wire.exchange(port, Wire.request("GET", "/"))
        assert.deepStrictEqual([response.status, response.body.toString()], [200, "0;1;2;"])
        assert.deepStrictEqual(errors, [])
      })
    )
  })

  describe("a server that stops", () => {
    it.live("goes on serving for drainDelay, and each connection ends with its answer meanwhile", () =>
      Effect.gen(function* () {
        const delay = { ...brief, drainDelay: "2 seconds" } as const
        const { close, port } = yield* Gated.gated((app, more) => serve(app, { ...delay, ...more }))
        const kept = yield* Wire.connect(port)
        assert.isUndefined(sayingOf(yield* ask(kept)))
        const stopping = yield* Effect.forkScoped(close)
        yield* Effect.sleep(20)
        const late = yield* Wire.connect(port)
        for (const wire of [kept, late]) {
          const last = yield* ask(wire)
          assert.strictEqual(last.body.toString(), "quick")
          assert.strictEqual(sayingOf(last), expected.lastConnection)
          yield* wire.end
        }
        assert.isUndefined(stopping.pollUnsafe(), "within the delay")
      })
    )
  })

  describe("the health endpoints", () => {
    const answer = Effect.fnUntraced(function* (health: Health.Options<never, never>, path: string) {
      const endpoints = HttpRouter.serve(Health.layerRoutes(health), {
        disableLogger: true,
        disableListenLog: true
      })
      const server = NvoServer.layer({ host: "127.0.0.1", loopDelay: 0, ...options })
      const context = yield* Layer.build(
        Layer.provideMerge(endpoints, server).pipe(Layer.provideMerge(Logger.layer([])))
      )
      const { address } = yield* Effect.provide(HttpServer.HttpServer, context)
      const response = yield* Wire.exchange(portOf(address), Wire.request("GET", path))
      return [response.status, JSON.parse(response.body.toString())]
    })

    it.live("say which checks were passed: failed, died and late ones are not", () =>
      Effect.gen(function* () {
        const ready = {
          fine: Effect.void,
          failed: Effect.fail("no database"),
          died: Effect.die(new Error("a bug")),
          late: Effect.never
        }
        const status = (pass: boolean) => ({ status: pass ? "pass" : "fail" })
        assert.deepStrictEqual(yield* answer({ ready, timeout: "20 millis" }, "/readyz"), [
          503,
          {
            status: "fail",
            checks: {
              serving: status(true),
              fine: status(true),
              failed: status(false),
              died: status(false),
              late: status(false)
            }
          }
        ])
      })
    )

    it.live("can stand elsewhere, and are apart: what is not ready may be alive", () =>
      Effect.gen(function* () {
        const elsewhere = {
          livePath: "/health/live",
          readyPath: "/health/ready",
          live: { loop: Effect.void },
          ready: { cache: Effect.fail("cold") }
        } as const
        const pass = { status: "pass" }
        assert.deepStrictEqual(yield* answer(elsewhere, "/health/live"), [
          200,
          { ...pass, checks: { loop: pass } }
        ])
        assert.strictEqual((yield* answer(elsewhere, "/health/ready"))[0], 503)
      })
    )
  })
})
