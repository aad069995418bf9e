/** Everything the app answers, ready to be served by any `HttpServer`. */
import { ByteSize, Effect, Layer } from "effect"
import { HttpIncomingMessage, HttpRouter, HttpServerResponse } from "effect/http"
import { HttpApiBuilder, HttpApiMiddleware, HttpApiSwagger } from "effect/http-api"
import { Api } from "../api/Api.ts"
import { maxJsonBytes, ProblemResponses } from "./ProblemResponses.ts"
import { TodosHandlers } from "./TodosHandlers.ts"

const ApiRoutes = HttpApiBuilder.layer(Api, { openapiPath: "/openapi.json" }).pipe(
  Layer.provide(TodosHandlers),
  Layer.provide(HttpApiMiddleware.layerProblemDetails({ includeDetails: true }))
)

/** Script and style are in the page itself: it works without a network. */
const DocsRoute = HttpApiSwagger.layer(Api, { path: "/docs" })

const BrowserRoutes = Layer.mergeAll(
  HttpRouter.add("GET", "/", HttpServerResponse.redirect("/docs")),
  HttpRouter.add("GET", "/favicon.ico", HttpServerResponse.empty())
)

const BodyLimit = HttpRouter.middleware(
  Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(maxJsonBytes)),
  { global: true }
)

export const Routes = Layer.mergeAll(ApiRoutes, DocsRoute, BrowserRoutes, BodyLimit, ProblemResponses)
