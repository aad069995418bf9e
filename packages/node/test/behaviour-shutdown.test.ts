/** The end of a server: nothing new, what is in flight finishes, what does not is cut. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scope, Stream } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Gated from "./support/gated.ts"
import { everyWay } from "./support/httpWays.ts"
import * as ReadResponse from "./support/ReadResponse.ts"
import type { App } from "./support/serve.ts"
import { eventually } from "./support/settle.ts"

everyWay(({ Wire, expected, serve }) => {
  const gated = Gated.gated(serve)

  // A server that is told to end while it waits for the first of the requests that a connection has sent.
  const ending = (...requests: ReadonlyArray<Buffer>) =>
    Effect.gen(function* () {
      const { close, go, port, started } = yield* gated
      const wire = yield* Wire.connect(port)
      yield* wire.send(Buffer.concat([Wire.request("GET", "/wait"), ...requests]))
      yield* Deferred.await(started)
      const closing = yield* Effect.forkChild(close)
      yield* Effect.sleep(50)
      return { closing, go, port, wire }
    })

  describe("a server that ends", () => {
    it.live("lets a request in flight finish, says that it is the last, and waits for it", () =>
      Effect.gen(function* () {
        const { closing, go, wire } = yield* ending()
        assert.isUndefined(closing.pollUnsafe(), "not yet closed")
        yield* Deferred.succeed(go, undefined)
        const response = yield* wire.response()
        assert.strictEqual(response.body.toString(), "finished")
        assert.strictEqual(ReadResponse.value(response.fields, "connection"), expected.lastConnection)
        assert.isTrue(yield* wire.end)
        yield* Fiber.join(closing)
      })
    )

    it.live("closes idle connections, new ones and used ones", () =>
      Effect.gen(function* () {
        const { close, port } = yield* gated
        const fresh = yield* Wire.connect(port)
        const used = yield* Wire.connect(port)
        yield* used.send(Wire.request("GET", "/"))
        yield* used.response()
        yield* close
        assert.isTrue(yield* fresh.end)
        assert.isTrue(yield* used.end)
      })
    )

    it.live("refuses new connections while it waits", () =>
      Effect.gen(function* () {
        const { closing, go, port, wire } = yield* ending()
        const refused = yield* Effect.exit(Wire.connect(port))
        assert.isTrue(Exit.isFailure(refused))
        yield* Deferred.succeed(go, undefined)
        assert.strictEqual((yield* wire.response()).status, 200)
        yield* Fiber.join(closing)
      })
    )

    it.live("answers what it has begun of several requests, and nothing else", () =>
      Effect.gen(function* () {
        const { closing, go, wire } = yield* ending(Wire.request("GET", "/"))
        yield* Deferred.succeed(go, undefined)
        assert.strictEqual((yield* wire.response()).body.toString(), "finished")
        if (expected.handled === "at once") {
          assert.strictEqual((yield* wire.response()).body.toString(), "quick")
        }
        assert.isTrue(yield* wire.end)
        assert.strictEqual(wire.rest, "")
        yield* Fiber.join(closing)
      })
    )

    it.live("finishes a response that is being streamed", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const go = yield* Deferred.make<void>()
        const body = Stream.concat(
          Stream.make(Buffer.from("begun ")),
          Stream.fromEffect(Effect.as(Deferred.await(go), Buffer.from("and ended")))
        )
        const { port } = yield* Scope.provide(serve(Effect.succeed(HttpServerResponse.stream(body))), scope)
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("GET", "/"))
        yield* wire.contains("begun ")
        const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
        yield* Effect.sleep(20)
        yield* Deferred.succeed(go, undefined)
        const response = yield* wire.response()
        assert.strictEqual(response.body.toString(), "begun and ended")
        assert.isTrue(response.complete)
        assert.isTrue(yield* wire.end)
        yield* Fiber.join(closing)
      })
    )

    it.live("cuts at drainTimeout what is left, interrupting its handler", () =>
      Effect.gen(function* () {
        const interrupted = yield* Deferred.make<void>()
        const started = yield* Deferred.make<void>()
        const scope = yield* Scope.make()
        const app: App = Effect.andThen(Deferred.succeed(started, undefined), Effect.never).pipe(
          Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined)),
          Effect.interruptible
        )
        const { port } = yield* Scope.provide(serve(app, { drainTimeout: "50 millis" }), scope)
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("GET", "/"))
        yield* Deferred.await(started)
        yield* Scope.close(scope, Exit.void)
        yield* Deferred.await(interrupted)
        yield* wire.end
      })
    )

    it.live("cuts at drainTimeout a peer that does not read, and one that does not finish its request", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const piece = new Uint8Array(65_536)
        const { connections, port } = yield* Scope.provide(
          serve(
            Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
              request.url === "/unfinished"
                ? Effect.map(request.text, (text) => HttpServerResponse.text(text))
                : Effect.succeed(HttpServerResponse.stream(Stream.forever(Stream.make(piece))))
            ),
            { drainTimeout: "50 millis" }
          ),
          scope
        )
        const deaf = yield* Wire.connect(port)
        deaf.socket.pause()
        yield* deaf.send(Wire.request("GET", "/"))
        const slow = yield* Wire.connect(port)
        yield* slow.send(
          Buffer.concat([Wire.request("POST", "/unfinished", { "Content-Length": "10" }), Buffer.from("abc")])
        )
        yield* eventually("both to be there", () => {
          const list = Effect.runSync(connections.list)
          return list.length === 2 && list.every(({ requests }) => requests === 1)
        })
        yield* Scope.close(scope, Exit.void)
        yield* slow.end
        yield* eventually("no connection", () => Effect.runSync(connections.count) === 0)
      })
    )

    it.live("can be followed by another on the same port at once", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const { port } = yield* Scope.provide(serve(Effect.succeed(HttpServerResponse.text("first"))), scope)
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("GET", "/"))
        yield* wire.response()
        yield* Scope.close(scope, Exit.void)
        yield* serve(Effect.succeed(HttpServerResponse.text("second")), { port })
        assert.strictEqual((yield* Wire.exchange(port, Wire.request("GET", "/"))).body.toString(), "second")
      })
    )
  })

  describe("Connections", () => {
    it.live("lists who is there, in which phase, and closes one of them", () =>
      Effect.gen(function* () {
        const { connections, go, port, started } = yield* gated
        const idle = yield* Wire.connect(port)
        yield* idle.send(Wire.request("GET", "/"))
        yield* idle.response()
        const busy = yield* Wire.connect(port)
        yield* busy.send(Wire.request("GET", "/wait"))
        yield* Deferred.await(started)
        const list = yield* connections.list
        assert.deepStrictEqual(
          list.map(({ peerAddress, phase, requests }) => ({ peerAddress, phase, requests })),
          [
            { peerAddress: "127.0.0.1", phase: "Idle", requests: 1 },
            { peerAddress: "127.0.0.1", phase: "Handling", requests: 1 }
          ]
        )
        assert.strictEqual(list[0].peerPort, idle.socket.localPort)
        assert.isTrue(yield* connections.close(list[0].id))
        yield* idle.end
        yield* eventually("one connection", () => Effect.runSync(connections.count) === 1)
        assert.isFalse(yield* connections.close(list[0].id))
        yield* Deferred.succeed(go, undefined)
        assert.strictEqual((yield* busy.response()).body.toString(), "finished")
        yield* connections.closeAll
        yield* busy.end
        yield* eventually("no connection", () => Effect.runSync(connections.count) === 0)
      })
    )
  })
})
