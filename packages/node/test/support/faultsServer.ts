/** A small server that says its port and its errors on standard output. */
import { NodeRuntime } from "@effect/platform-node"
import { NvoServer } from "@nvo/node"
import { ServerErrors } from "@nvo/server"
import { Console, Effect, Layer, Stream } from "effect"
import { HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import { portOf } from "./serve.ts"

const told = Layer.effectDiscard(
  Effect.gen(function* () {
    const { address } = yield* HttpServer.HttpServer
    const errors = yield* Effect.flatMap(ServerErrors.ServerErrors, ({ subscribe }) => subscribe)
    yield* Effect.forkScoped(Stream.runForEach(errors, (error) => Console.log(error.message)))
    yield* Console.log(`port ${portOf(address)}`)
  })
)

const hello = HttpRouter.serve(HttpRouter.add("GET", "/", HttpServerResponse.text("hello")), {
  disableLogger: true,
  disableListenLog: true
})

NodeRuntime.runMain(
  Layer.launch(
    Layer.provide(Layer.merge(hello, told), NvoServer.layer({ host: "127.0.0.1", idleTimeout: "1 minute" }))
  )
)
