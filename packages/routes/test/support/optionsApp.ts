/** An app in memory: requests go in as web requests, and responses come out as web responses. */
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"

/** Gives a function that sends requests to the routes. */
export const serve = (routes: Layer.Layer<never, never, any>) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() =>
        HttpRouter.toWebHandler(
          Layer.provide(routes, HttpServer.layerServices) as Layer.Layer<never, never, HttpRouter.HttpRouter>,
          {
            disableLogger: true
          }
        )
      ),
      ({ dispose }) => Effect.promise(dispose)
    ),
    ({ handler }) =>
      (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
        Effect.promise(() =>
          handler(
            new Request(`http://api.example${path}`, {
              method,
              headers: { host: "api.example", ...headers },
              ...(body === undefined ? {} : { body })
            })
          )
        )
  )
