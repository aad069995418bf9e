import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"

export const Routes = Layer.mergeAll(
  HttpRouter.add("GET", "/", HttpServerResponse.text("Hello, World!\n")),
  HttpRouter.add(
    "GET",
    "/hello/:name",
    Effect.map(HttpRouter.params, ({ name }) => HttpServerResponse.text(`Hello, ${name}!\n`))
  )
)
