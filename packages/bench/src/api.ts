/** An `HttpApi`: typed parameters and payloads in, structs out as JSON. */
import { Routes } from "@nvo/routes"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

export const NewUser = Schema.Struct({
  name: Schema.NonEmptyString,
  email: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^[^\s@]+@[^\s@]+$/)))
})

export const User = Schema.Struct({ id: Schema.Int, ...NewUser.fields })

const Api = HttpApi.make("api").add(
  HttpApiGroup.make("users")
    .add(HttpApiEndpoint.get("get", "/:id", { params: { id: Schema.Int }, success: User }))
    .add(
      HttpApiEndpoint.post("create", "/", {
        payload: NewUser,
        success: User.pipe(HttpApiSchema.status(201))
      })
    )
    .prefix("/users")
)

/** The server of the api, with its group built by Effect's `HttpApiBuilder.group` or by one in its place. */
const serve = (group: typeof HttpApiBuilder.group) => {
  const handlers = group(
    Api,
    "users",
    Effect.fnUntraced(function* (handlers) {
      return handlers.handleAll({
        get: ({ params }) =>
          Effect.succeed({ id: params.id, name: `User ${params.id}`, email: `user${params.id}@example.com` }),
        create: ({ payload }) => Effect.succeed({ id: 1, ...payload })
      })
    })
  )
  return HttpRouter.serve(HttpApiBuilder.layer(Api).pipe(Layer.provide(handlers)), {
    disableLogger: true,
    disableListenLog: true
  })
}

export const layer = serve(HttpApiBuilder.group)

/** The same, with compiled routes. */
export const compiled = serve(Routes.group)
