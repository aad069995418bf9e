/** Readers of a request's body that outlive its exchange: they get nothing of what comes after it. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Stream } from "effect"
import { HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import { everyWay } from "./support/httpWays.ts"
import * as ReadResponse from "./support/ReadResponse.ts"
import type { App } from "./support/serve.ts"

const collect = (request: HttpServerRequest.HttpServerRequest) =>
  Effect.map(Stream.runCollect(request.stream), (chunks) => Buffer.concat(chunks).toString("latin1"))

type Late = Fiber.Fiber<string, HttpServerError.HttpServerError>

// `/late` answers at once and leaves a fiber behind that reads its body when `go` is given; other requests are
// answered with their body.
const app = (go: Deferred.Deferred<void>, late: Deferred.Deferred<Late>): App =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    if (request.url !== "/late") return HttpServerResponse.text(yield* collect(request))
    const fiber = yield* Effect.forkDetach(Effect.andThen(Deferred.await(go), collect(request)))
    yield* Deferred.succeed(late, fiber)
    return HttpServerResponse.text("answered")
  })

everyWay(({ Wire, expected, serve }) => {
  describe("a reader that outlives its exchange", () => {
    it.live("fails, and takes nothing of the next request's body", () =>
      Effect.gen(function* () {
        const go = Deferred.makeUnsafe<void>()
        const late = Deferred.makeUnsafe<Late>()
        const { errors, port } = yield* serve(app(go, late))
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("POST", "/late", {}, "first body"))
        assert.strictEqual((yield* wire.response()).body.toString(), "answered")
        yield* wire.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nsecond")
        yield* Effect.sleep(50)
        yield* Deferred.succeed(go, undefined)
        const exit = yield* Fiber.await(yield* Deferred.await(late))
        assert.isTrue(Exit.isFailure(exit))
        if (Exit.isFailure(exit)) assert.instanceOf(Cause.squash(exit.cause), HttpServerError.HttpServerError)
        yield* wire.send(" body")
        assert.strictEqual((yield* wire.response()).body.toString(), "second body")
        assert.deepStrictEqual(errors, [])
      })
    )

    it.live("and waits for octets when it ends, gets no other request's octets, and no defect", () =>
      Effect.gen(function* () {
        const reading = Deferred.makeUnsafe<Late>()
        const { errors, port } = yield* serve(
          Effect.gen(function* () {
            const request = yield* HttpServerRequest.HttpServerRequest
            const fiber: Late = yield* Effect.forkDetach(collect(request), { startImmediately: true })
            yield* Deferred.succeed(reading, fiber)
            return HttpServerResponse.text("answered")
          })
        )
        const wire = yield* Wire.connect(port)
        yield* wire.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n")
        const response = yield* wire.response()
        assert.strictEqual(response.body.toString(), "answered")
        assert.strictEqual(ReadResponse.value(response.fields, "connection"), expected.lastConnection)
        const exit = yield* Fiber.await(yield* Deferred.await(reading))
        assert.isTrue(Exit.isFailure(exit))
        if (expected.broken === "connection") assert.isTrue(yield* wire.end)
        else {
          // What was still to come is thrown away, and the connection goes on.
          yield* wire.send("eleven more")
          yield* wire.send(Wire.request("GET", "/"))
          assert.strictEqual((yield* wire.response()).status, 200)
        }
        assert.deepStrictEqual(
          errors.map(({ reason }) => reason._tag),
          []
        )
      })
    )

    it.live("finds an empty rest where the whole body was read before", () =>
      Effect.gen(function* () {
        const go = Deferred.makeUnsafe<void>()
        const late = Deferred.makeUnsafe<Late>()
        const { port } = yield* serve(app(go, late))
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("GET", "/late"))
        assert.strictEqual((yield* wire.response()).body.toString(), "answered")
        yield* Deferred.succeed(go, undefined)
        assert.strictEqual(yield* Fiber.join(yield* Deferred.await(late)), "")
      })
    )
  })
})
