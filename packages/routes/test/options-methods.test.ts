import { assert, describe, it } from "@effect/vitest"
import { AllowedMethods } from "@nvo/routes"
import { Effect, Layer, Schema } from "effect"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { serve } from "./support/optionsApp.ts"

const id = { id: Schema.Int }

const Api = HttpApi.make("api")
  .add(
    HttpApiGroup.make("a").add(
      HttpApiEndpoint.get("read", "/things/:id", { params: id }),
      HttpApiEndpoint.delete("remove", "/things/:id", { params: id }),
      HttpApiEndpoint.post("create", "/things"),
      HttpApiEndpoint.options("own", "/own", { success: Schema.String })
    )
  )
  .prefix("/api")

const routes = Layer.merge(
  HttpApiBuilder.layer(Api).pipe(
    Layer.provide(
      HttpApiBuilder.group(Api, "a", (handlers) =>
        handlers.handleAll({
          read: () => Effect.void,
          remove: () => Effect.void,
          create: () => Effect.void,
          own: () => Effect.succeed("own")
        })
      )
    )
  ),
  AllowedMethods.layer(Api)
)

describe("AllowedMethods", () => {
  it.live("answers 405 with Allow for a path that is there in another method (RFC 9110 §15.5.6)", () =>
    Effect.gen(function* () {
      const send = yield* serve(routes)
      const cases = [
        ["GET", "/api/things/1", 204, null],
        ["HEAD", "/api/things/1", 204, null],
        ["PUT", "/api/things/1", 405, "GET, HEAD, DELETE, OPTIONS"],
        ["PROPFIND", "/api/things/1?a=b", 405, "GET, HEAD, DELETE, OPTIONS"],
        ["GET", "/api/things", 405, "POST, OPTIONS"],
        ["OPTIONS", "/api/things", 204, "POST, OPTIONS"],
        ["OPTIONS", "/api/own", 200, null],
        ["POST", "/api/own", 405, "OPTIONS"],
        ["PUT", "/api/nothing", 404, null],
        ["OPTIONS", "/api/nothing", 404, null]
      ] as const
      for (const [method, path, status, allow] of cases) {
        const response = yield* send(method, path)
        assert.strictEqual(response.status, status, `${method} ${path}`)
        assert.strictEqual(response.headers.get("allow"), allow, `${method} ${path}`)
      }
    })
  )
})
