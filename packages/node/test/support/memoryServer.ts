/**
 * Bodies of any size in both directions, handlers that read nothing and never answer, and a text: for those who look at
 * its memory. The limits come from the environment.
 */
import { NodeRuntime } from "@effect/platform-node"
import { NvoServer } from "@nvo/node"
import { LentBody } from "@nvo/server"
import { Console, Effect, Layer, Stream } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { portOf } from "./serve.ts"

const piece = new Uint8Array(65_536)

const routes = Layer.mergeAll(
  HttpRouter.add(
    "POST",
    "/up",
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const length = yield* Stream.runFold(
        request.stream,
        () => 0,
        (sum, bytes) => sum + bytes.length
      )
      return HttpServerResponse.text(String(length))
    })
  ),
  HttpRouter.add(
    "POST",
    "/lent",
    Effect.map(
      LentBody.runFold(
        () => 0,
        (sum, bytes) => sum + bytes.length
      ),
      (length) => HttpServerResponse.text(String(length))
    )
  ),
  HttpRouter.add("POST", "/stall", Effect.never),
  HttpRouter.add("GET", "/never", Effect.never),
  HttpRouter.add("GET", "/", HttpServerResponse.text("Hello, World!")),
  HttpRouter.add(
    "GET",
    "/down",
    Effect.sync(() => HttpServerResponse.stream(Stream.forever(Stream.make(piece))))
  )
)

const told = Layer.effectDiscard(
  Effect.flatMap(HttpServer.HttpServer, ({ address }) => Console.log(`port ${portOf(address)}`))
)

NodeRuntime.runMain(
  Layer.launch(
    Layer.merge(HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }), told).pipe(
      Layer.provide(
        Layer.unwrap(
          Effect.map(NvoServer.config, (options) =>
            NvoServer.layer({ ...options, host: "127.0.0.1", port: 0 })
          )
        )
      )
    )
  )
)
