/** The smallest app: a text, a typed parameter, and a body streamed back. */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"

/** The body of the request, streamed back. */
export const echo = Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
  HttpServerResponse.stream(request.stream, {
    contentType: request.headers["content-type"] ?? "application/octet-stream"
  })
)

const user = Effect.map(HttpRouter.params, (params) =>
  HttpServerResponse.jsonUnsafe({ id: params.id, name: `User ${params.id}` })
)

export const layer = Layer.mergeAll(
  HttpRouter.add("GET", "/", HttpServerResponse.text("Hello, World!")),
  HttpRouter.add("GET", "/users/:id", user),
  HttpRouter.add("POST", "/echo", echo)
)
