import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, expect, expectTypeOf, it } from "@effect/vitest"
import { SmallApp } from "@nvo/routes"
import { Context, Effect, Layer, Schema } from "effect"
import { HttpClient, HttpRouter } from "effect/http"
import {
  HttpApiClient,
  HttpApiEndpoint,
  HttpApiError,
  HttpApiMiddleware,
  HttpApiScalar,
  OpenApi
} from "effect/http-api"

class Greetings extends Context.Service<Greetings, { readonly word: string }>()("test/Greetings") {}
class Polite extends HttpApiMiddleware.Service<Polite>()("test/Polite", { error: HttpApiError.Forbidden }) {}

const Square = SmallApp.route(
  HttpApiEndpoint.get("square", "/square/:n", {
    params: { n: Schema.Finite },
    success: Schema.Struct({ square: Schema.Finite }),
    error: HttpApiError.BadRequest
  }),
  ({ params }) => {
    expectTypeOf(params).toEqualTypeOf<{ readonly n: number }>()
    return params.n < 0
      ? Effect.fail(new HttpApiError.BadRequest())
      : Effect.succeed({ square: params.n ** 2 })
  }
)

const Greet = SmallApp.route(
  HttpApiEndpoint.post("greet", "/greet", {
    payload: Schema.Struct({ name: Schema.NonEmptyString }),
    success: Schema.String
  }).middleware(Polite),
  ({ payload }) => Effect.map(Greetings, ({ word }) => `${word}, ${payload.name}!`)
)

const App = SmallApp.make("small", [Square, Greet], { openapiPath: "/openapi.json" })

const served = HttpRouter.serve(Layer.merge(App.layer, HttpApiScalar.layer(App.api)), {
  disableLogger: true,
  disableListenLog: true
}).pipe(
  Layer.provide(Layer.succeed(Polite, (effect) => effect)),
  Layer.provide(Layer.succeed(Greetings, { word: "Hello" })),
  Layer.provideMerge(NodeHttpServer.layerTest)
)

describe("a small app", () => {
  it.live("serves its routes, its document and its documentation", () =>
    Effect.gen(function* () {
      const client = yield* HttpApiClient.make(App.api)
      const squared = yield* client.square({ params: { n: 12 } })
      expectTypeOf(squared).toEqualTypeOf<{ readonly square: number }>()
      assert.deepStrictEqual(squared, { square: 144 })
      assert.strictEqual(yield* client.greet({ payload: { name: "Ada" } }), "Hello, Ada!")
      const error = yield* Effect.flip(client.square({ params: { n: -1 } }))
      assert.strictEqual(error._tag, "BadRequest")

      const document = yield* Effect.flatMap(HttpClient.get("/openapi.json"), (response) => response.json)
      assert.deepStrictEqual(document, JSON.parse(JSON.stringify(OpenApi.fromApi(App.api))))
      const page = yield* Effect.flatMap(HttpClient.get("/docs"), (response) => response.text)
      assert.include(page, "<html")
    }).pipe(Effect.provide(served))
  )

  it("says by type what its routes need", () => {
    type Needed = Layer.Services<typeof App.layer>
    expectTypeOf<HttpRouter.Request.Only<"Requires", Needed>>().toEqualTypeOf<Greetings>()
    expectTypeOf<Extract<Needed, Polite>>().toEqualTypeOf<Polite>()
    expectTypeOf<Layer.Error<typeof App.layer>>().toEqualTypeOf<never>()
  })

  it("refuses by type what an endpoint does not declare", () => {
    const endpoint = HttpApiEndpoint.get("one", "/one", { success: Schema.Finite })
    // @ts-expect-error a text is not a number
    SmallApp.route(endpoint, () => Effect.succeed("one"))
    // @ts-expect-error the endpoint has no error
    SmallApp.route(endpoint, () => Effect.fail(new HttpApiError.BadRequest()))
    // @ts-expect-error there are no parameters
    SmallApp.route(endpoint, ({ params }) => Effect.succeed(params))
    // @ts-expect-error an app has at least one route
    expect(() => SmallApp.make("none", [])).toThrow()
    expect(OpenApi.fromApi(App.api).paths).toHaveProperty("/square/{n}")
  })
})
