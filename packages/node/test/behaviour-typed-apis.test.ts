/** HttpApi and RPC apps, served unchanged. */

import { NodeWS } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { NvoServer } from "@nvo/node"
import { Context, Effect, Layer, Schema, Stream } from "effect"
import { FetchHttpClient, HttpRouter, HttpServer } from "effect/http"
import { HttpApi, HttpApiBuilder, HttpApiClient, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { Rpc, RpcClient, RpcGroup, RpcSerialization, RpcServer } from "effect/rpc"
import * as Socket from "effect/socket/Socket"
import { everyWay } from "./support/httpWays.ts"
import type * as ReadResponse from "./support/ReadResponse.ts"
import { type App, portOf } from "./support/serve.ts"
import { withTransport } from "./support/transport.ts"

everyWay(({ name, serve, Wire }) => {
  class Missing extends Schema.TaggedError<Missing>()(
    "Missing",
    { id: Schema.Int },
    { httpApiStatus: 404 }
  ) {}

  const User = Schema.Struct({ id: Schema.Int, name: Schema.String })

  class Users extends HttpApiGroup.make("users")
    .add(
      HttpApiEndpoint.get("find", "/users/:id", {
        params: { id: Schema.FiniteFromString.check(Schema.isInt()) },
        success: User,
        error: Missing
      })
    )
    .add(
      HttpApiEndpoint.post("create", "/users", {
        payload: Schema.Struct({ name: Schema.NonEmptyString }),
        query: { notify: Schema.optional(Schema.Literals(["yes", "no"])) },
        success: User
      })
    ) {}

  class Api extends HttpApi.make("api").add(Users) {}

  const UsersLive = HttpApiBuilder.group(Api, "users", (handlers) =>
    Effect.succeed(
      handlers.handleAll({
        find: ({ params }) =>
          params.id === 1
            ? Effect.succeed({ id: 1, name: "Ann" })
            : Effect.fail(new Missing({ id: params.id })),
        create: ({ payload }) => Effect.succeed({ id: 2, name: payload.name })
      })
    )
  )

  const api = Effect.gen(function* () {
    const app = yield* HttpRouter.toHttpEffect(
      HttpApiBuilder.layer(Api, { openapiPath: "/openapi.json" }).pipe(
        Layer.provide(UsersLive),
        Layer.provide(HttpServer.layerServices)
      )
    )
    return yield* serve(app as App)
  })

  const json = (response: ReadResponse.ReadResponse): unknown => JSON.parse(response.body.toString())

  describe("an HttpApi", () => {
    it.live("answers what fits its schemas", () =>
      Effect.gen(function* () {
        const { port } = yield* api
        assert.deepStrictEqual(json(yield* Wire.exchange(port, Wire.request("GET", "/users/1"))), {
          id: 1,
          name: "Ann"
        })
        const created = yield* Wire.exchange(
          port,
          Wire.request("POST", "/users?notify=yes", { "Content-Type": "application/json" }, '{"name":"Bob"}'),
          "POST"
        )
        assert.deepStrictEqual(json(created), { id: 2, name: "Bob" })
      })
    )

    const refused: Readonly<Record<string, readonly [octets: Buffer, status: number]>> = {
      "a parameter of the wrong type": [Wire.request("GET", "/users/one"), 400],
      "a typed error": [Wire.request("GET", "/users/7"), 404],
      "a payload that does not fit": [
        Wire.request("POST", "/users", { "Content-Type": "application/json" }, '{"name":""}'),
        400
      ],
      "malformed JSON": [
        Wire.request("POST", "/users", { "Content-Type": "application/json" }, '{"name":'),
        400
      ],
      "no payload": [Wire.request("POST", "/users", { "Content-Type": "application/json" }), 400],
      "a query that does not fit": [
        Wire.request("POST", "/users?notify=maybe", { "Content-Type": "application/json" }, '{"name":"x"}'),
        400
      ],
      "a content type that it does not take": [
        Wire.request("POST", "/users", { "Content-Type": "text/csv" }, "name"),
        415
      ],
      "an unknown path": [Wire.request("GET", "/nobody"), 404],
      "an unknown method": [Wire.request("DELETE", "/users/1"), 404]
    }
    for (const [name, [octets, status]] of Object.entries(refused)) {
      it.live(`answers ${name} with ${status}`, () =>
        Effect.gen(function* () {
          const { errors, port } = yield* api
          const method = octets.toString("latin1").split(" ")[0]
          assert.strictEqual((yield* Wire.exchange(port, octets, method)).status, status)
          assert.deepStrictEqual(errors, [], "an answer is no error of the server")
        })
      )
    }

    // Node's fetch, which the client is made of, knows neither our certificate nor HTTP/2 in clear text.
    if (name === "h1")
      it.live("serves its OpenAPI document and is called by its typed client", () =>
        Effect.gen(function* () {
          const { port } = yield* api
          const document = json(yield* Wire.exchange(port, Wire.request("GET", "/openapi.json"))) as {
            paths: object
          }
          assert.deepStrictEqual(Object.keys(document.paths), ["/users/{id}", "/users"])
          const client = yield* HttpApiClient.make(Api, { baseUrl: `http://127.0.0.1:${port}` }).pipe(
            Effect.provide(FetchHttpClient.layer)
          )
          assert.deepStrictEqual(yield* client.users.find({ params: { id: 1 } }), { id: 1, name: "Ann" })
          const error = yield* Effect.flip(client.users.find({ params: { id: 3 } }))
          assert.instanceOf(error, Missing)
        })
      )
  })

  class Calls extends RpcGroup.make(
    Rpc.make("add", { payload: { a: Schema.Int, b: Schema.Int }, success: Schema.Int }),
    Rpc.make("fail", { error: Schema.String }),
    Rpc.make("count", { payload: { to: Schema.Int }, success: Schema.Int, stream: true })
  ) {}

  const CallsLive = Calls.toLayer({
    add: ({ a, b }) => Effect.succeed(a + b),
    fail: () => Effect.fail("refused"),
    count: ({ to }) => Stream.range(1, to)
  })

  /** Calls of every kind, over whatever carries them. */
  const callAll = (client: RpcClient.FromGroup<typeof Calls, unknown>) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* client.add({ a: 2, b: 3 }), 5)
      assert.strictEqual(yield* Effect.flip(client.fail()), "refused")
      assert.deepStrictEqual(
        yield* Stream.runCollect(client.count({ to: 1000 })),
        Array.from({ length: 1000 }, (_, i) => i + 1)
      )
      const sums = yield* Effect.all(
        Array.from({ length: 50 }, (_, i) => client.add({ a: i, b: i })),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        sums,
        Array.from({ length: 50 }, (_, i) => 2 * i)
      )
    })

  const serveCalls = (
    protocol: "http" | "websocket",
    serialization: Layer.Layer<RpcSerialization.RpcSerialization>
  ) =>
    Effect.gen(function* () {
      const server = RpcServer.layerHttp({ group: Calls, path: "/rpc", protocol }).pipe(
        Layer.provide(CallsLive),
        Layer.provide(serialization)
      )
      const context = yield* Layer.build(
        HttpRouter.serve(server, { disableListenLog: true, disableLogger: true }).pipe(
          Layer.provideMerge(NvoServer.layer(withTransport({ port: 0, host: "127.0.0.1" })))
        )
      )
      return portOf(Context.get(context, HttpServer.HttpServer).address)
    })

  const serializations = { ndjson: RpcSerialization.layerNdjson, json: RpcSerialization.layerJson }

  describe("RPC over HTTP", () => {
    for (const [name, serialization] of Object.entries(serializations)) {
      it.live(`answers calls, failures and streams (${name})`, () =>
        Effect.gen(function* () {
          const port = yield* serveCalls("http", serialization)
          const client = yield* RpcClient.make(Calls).pipe(
            Effect.provide(
              RpcClient.layerProtocolHttp({ url: `http://127.0.0.1:${port}/rpc` }).pipe(
                Layer.provide(FetchHttpClient.layer),
                Layer.provide(serialization)
              )
            )
          )
          yield* callAll(client)
        })
      )
    }
  })

  describe("RPC over WebSocket", () => {
    const clients = {
      ws: NodeWS.layerWebSocketConstructor,
      "the WebSocket of Node": Socket.layerWebSocketConstructorGlobal
    }
    for (const [name, constructor] of Object.entries(clients)) {
      it.live(`answers calls, failures and streams (${name})`, () =>
        Effect.gen(function* () {
          const port = yield* serveCalls("websocket", RpcSerialization.layerJson)
          yield* Effect.flatMap(RpcClient.make(Calls), callAll).pipe(
            Effect.provide(
              RpcClient.layerProtocolSocket().pipe(
                Layer.provide(Socket.layerWebSocket(`ws://127.0.0.1:${port}/rpc`)),
                Layer.provide(constructor),
                Layer.provide(RpcSerialization.layerJson)
              )
            )
          )
        })
      )
    }
  })
})
