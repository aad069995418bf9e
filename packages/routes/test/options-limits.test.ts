/** Deadlines and body limits of endpoints, negotiation, and rate limits. */
import { assert, describe, it } from "@effect/vitest"
import { Negotiation, RateLimit, RouteLimits, Routes } from "@nvo/routes"
import { ByteSize, Effect, Layer, Schema } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { RateLimiter } from "effect/persistence"
import { TestClock } from "effect/testing"
import { serve } from "./support/optionsApp.ts"

const json = { "content-type": "application/json" }

describe("RouteLimits", () => {
  const LIMIT = 10
  const Api = HttpApi.make("api").add(
    HttpApiGroup.make("a")
      .add(
        HttpApiEndpoint.get("slow", "/slow", { success: Schema.String }).annotate(
          RouteLimits.Deadline,
          "20 millis"
        ),
        HttpApiEndpoint.get("quick", "/quick", { success: Schema.String }),
        HttpApiEndpoint.post("small", "/small", { payload: Schema.String, success: Schema.String }).annotate(
          RouteLimits.BodyLimit,
          ByteSize.bytes(LIMIT)
        ),
        HttpApiEndpoint.post("large", "/large", { payload: Schema.String, success: Schema.String })
      )
      .annotate(RouteLimits.Deadline, "1 hour")
      .middleware(RouteLimits.RouteLimits)
  )

  for (const [name, group] of [
    ["Effect's routes", HttpApiBuilder.group],
    ["compiled routes", Routes.group]
  ] as const) {
    it.live(`hold for ${name}`, () =>
      Effect.gen(function* () {
        let interrupted = false
        const handlers = group(Api, "a", (handlers) =>
          handlers.handleAll({
            slow: () =>
              Effect.onInterrupt(Effect.never, () =>
                Effect.sync(() => {
                  interrupted = true
                })
              ),
            quick: () => Effect.succeed("quick"),
            small: ({ payload }) => Effect.succeed(payload),
            large: ({ payload }) => Effect.succeed(payload)
          })
        )
        const send = yield* serve(
          HttpApiBuilder.layer(Api).pipe(Layer.provide(handlers), Layer.provide(RouteLimits.layer))
        )
        assert.strictEqual((yield* send("GET", "/slow")).status, 503)
        assert.isTrue(interrupted)
        assert.strictEqual((yield* send("GET", "/quick")).status, 200)
        const body = (octets: number) => JSON.stringify("x".repeat(octets - 2))
        assert.strictEqual((yield* send("POST", "/small", json, body(LIMIT))).status, 200)
        assert.strictEqual((yield* send("POST", "/small", json, body(LIMIT + 1))).status, 413)
        assert.strictEqual((yield* send("POST", "/large", json, body(LIMIT + 1))).status, 200)
      })
    )
  }
})

describe("Negotiation", () => {
  const Api = HttpApi.make("api").add(
    HttpApiGroup.make("a")
      .add(
        HttpApiEndpoint.get("both", "/both", {
          success: [Schema.Finite, Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/csv" }))]
        }),
        HttpApiEndpoint.get("none", "/none")
      )
      .middleware(Negotiation.Negotiation)
  )

  it.live("answers 406 to a client that takes none of the types (RFC 9110 §12.5.1)", () =>
    Effect.gen(function* () {
      const handlers = Routes.group(Api, "a", (handlers) =>
        handlers.handleAll({ both: () => Effect.succeed(1), none: () => Effect.void })
      )
      const send = yield* serve(
        HttpApiBuilder.layer(Api).pipe(Layer.provide(handlers), Layer.provide(Negotiation.layer))
      )
      const cases: ReadonlyArray<readonly [accept: string, status: number]> = [
        ["*/*", 200],
        ["", 200],
        ["application/json", 200],
        ["APPLICATION/JSON; q=0.1", 200],
        ["text/*;q=0.5, image/png", 200],
        ["image/png", 406],
        ["text/plain", 406],
        ["application/json;q=0, text/csv;q=0.000", 406],
        ["*/*, application/json;q=0", 200],
        ["*/*, application/json;q=0, text/*;q=0", 406]
      ]
      for (const [accept, status] of cases) {
        assert.strictEqual((yield* send("GET", "/both", { accept })).status, status, accept)
      }
      const refused = yield* send("GET", "/both", { accept: "image/png" })
      assert.strictEqual(yield* Effect.promise(() => refused.text()), "application/json\ntext/csv")
      assert.strictEqual((yield* send("GET", "/none", { accept: "image/png" })).status, 204)
    })
  )
})

describe("RateLimit", () => {
  it.effect("answers a request too many with 429, and tells where a client stands", () =>
    Effect.gen(function* () {
      const send = yield* serveLimited
      const first = yield* send("GET", "/", { "x-user": "ann" })
      assert.strictEqual(first.status, 200)
      assert.strictEqual(first.headers.get("ratelimit-policy"), '"default";q=2;w=60')
      assert.strictEqual(first.headers.get("ratelimit"), '"default";r=1;t=30')
      // Answers that are errors count and tell, too.
      const second = yield* send("GET", "/nowhere", { "x-user": "ann" })
      assert.strictEqual(second.status, 404)
      assert.strictEqual(second.headers.get("ratelimit"), '"default";r=0;t=60')
      yield* TestClock.adjust("30 seconds")
      const third = yield* send("GET", "/", { "x-user": "ann" })
      assert.strictEqual(third.status, 429)
      assert.strictEqual(third.headers.get("retry-after"), "30")
      assert.strictEqual(third.headers.get("ratelimit"), '"default";r=0;t=30')
      assert.strictEqual((yield* send("GET", "/", { "x-user": "bob" })).status, 200)
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* send("GET", "/", { "x-user": "ann" })).status, 200)
    })
  )

  const serveLimited = Effect.gen(function* () {
    const clock = yield* Effect.context<never>()
    return yield* serve(
      Layer.mergeAll(
        HttpRouter.add("GET", "/", HttpServerResponse.text("hello")),
        RateLimit.layer({
          limit: 2,
          window: "1 minute",
          key: ({ headers }) => headers["x-user"] ?? ""
        })
      ).pipe(
        Layer.provide(RateLimiter.layer),
        Layer.provide(RateLimiter.layerStoreMemory),
        Layer.provideMerge(Layer.succeedContext(clock))
      )
    )
  })
})
