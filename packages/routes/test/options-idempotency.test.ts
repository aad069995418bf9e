import { assert, describe, it } from "@effect/vitest"
import { IdempotencyKeys } from "@nvo/routes"
import { Deferred, Effect, Fiber, Layer, Stream } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { serve } from "./support/optionsApp.ts"

const make = (options?: IdempotencyKeys.MemoryOptions) =>
  Effect.gen(function* () {
    const services = yield* Effect.context<never>()
    const gate = yield* Deferred.make<void>()
    let runs = 0
    const count = (status: number) =>
      Effect.sync(() =>
        HttpServerResponse.jsonUnsafe({ run: ++runs }, { status, headers: { "x-run": `${runs}` } })
      )
    const send = yield* serve(
      Layer.mergeAll(
        HttpRouter.add("*", "/paid", count(201)),
        HttpRouter.add("POST", "/refused", count(409)),
        HttpRouter.add("POST", "/broken", count(500)),
        HttpRouter.add("POST", "/died", Effect.andThen(count(200), Effect.die("died"))),
        HttpRouter.add("POST", "/busy", count(429)),
        HttpRouter.add("POST", "/empty", Effect.as(count(204), HttpServerResponse.empty())),
        HttpRouter.add("POST", "/stream", Effect.as(count(200), HttpServerResponse.stream(Stream.empty))),
        HttpRouter.add("POST", "/slow", Effect.andThen(Deferred.await(gate), count(200))),
        IdempotencyKeys.layer()
      ).pipe(
        Layer.provide(IdempotencyKeys.layerStoreMemory(options)),
        Layer.provideMerge(Layer.succeedContext(services))
      )
    )
    const post = (path: string, key: string, headers: Record<string, string> = {}, method = "POST") =>
      Effect.flatMap(send(method, path, { ...headers, "idempotency-key": key }), (response) =>
        Effect.map(
          Effect.promise(() => response.text()),
          (body) => ({ status: response.status, body, run: response.headers.get("x-run") })
        )
      )
    return { post, gate, runs: () => runs }
  })

describe("IdempotencyKeys", () => {
  it.effect("answers a second time what was answered the first time", () =>
    Effect.gen(function* () {
      const { post, runs } = yield* make()
      const first = yield* post("/paid", "a")
      assert.deepStrictEqual(first, { status: 201, body: '{"run":1}', run: "1" })
      assert.deepStrictEqual(yield* post("/paid", "a"), first)
      assert.deepStrictEqual(yield* post("/refused", "b"), yield* post("/refused", "b"))
      assert.deepStrictEqual(yield* post("/empty", "c"), yield* post("/empty", "c"))
      assert.strictEqual(runs(), 3)
      assert.strictEqual((yield* post("/paid", "d")).body, '{"run":4}')
      // Another user's key is another key, and a safe method needs none.
      assert.strictEqual((yield* post("/paid", "a", { authorization: "Bearer b" })).body, '{"run":5}')
      assert.strictEqual((yield* post("/paid", "a", {}, "GET")).body, '{"run":6}')
    })
  )

  it.effect("lets go of a key after a failure of the server, and after a stream", () =>
    Effect.gen(function* () {
      const { post, runs } = yield* make()
      for (const path of ["/broken", "/died", "/busy", "/stream"]) {
        const before = runs()
        yield* post(path, path)
        yield* post(path, path)
        assert.strictEqual(runs(), before + 2, path)
      }
    })
  )

  it.effect("answers 409 while the first is at work, and 422 to another target", () =>
    Effect.gen(function* () {
      const { gate, post } = yield* make()
      const first = yield* Effect.forkChild(post("/slow", "a"), { startImmediately: true })
      assert.strictEqual((yield* post("/slow", "a")).status, 409)
      assert.strictEqual((yield* post("/paid", "a")).status, 422)
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual((yield* Fiber.join(first)).status, 200)
      assert.strictEqual((yield* post("/slow", "a")).body, '{"run":1}')
      assert.strictEqual((yield* post("/paid", "a")).status, 422)
    })
  )

  it.effect("keeps an answer for its time, and as many as it may", () =>
    Effect.gen(function* () {
      const { post, runs } = yield* make({ timeToLive: "1 minute", capacity: 2 })
      yield* post("/paid", "a")
      yield* TestClock.adjust("59 seconds")
      yield* post("/paid", "a")
      assert.strictEqual(runs(), 1)
      yield* TestClock.adjust("1 second")
      yield* post("/paid", "a")
      assert.strictEqual(runs(), 2)
      yield* post("/paid", "b")
      yield* post("/paid", "a")
      assert.strictEqual(runs(), 3)
      yield* post("/paid", "c")
      yield* post("/paid", "b")
      yield* post("/paid", "c")
      assert.strictEqual(runs(), 4)
      yield* post("/paid", "a")
      assert.strictEqual(runs(), 5)
    })
  )

  it.effect("refuses a key that is none", () =>
    Effect.gen(function* () {
      const { post } = yield* make()
      assert.strictEqual((yield* post("/paid", "x".repeat(IdempotencyKeys.maxKeyLength))).status, 201)
      assert.strictEqual((yield* post("/paid", "x".repeat(IdempotencyKeys.maxKeyLength + 1))).status, 400)
      assert.strictEqual((yield* post("/paid", "")).status, 400)
    })
  )
})
