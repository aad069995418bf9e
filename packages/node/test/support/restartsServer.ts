/**
 * An instance that is started again and again: answers a PUT with its body, never ends `/endless`, and says at its
 * end how many requests it began and completed.
 */
import { NodeRuntime } from "@effect/platform-node"
import { NvoServer } from "@nvo/node"
import { Console, Effect, Layer, Stream } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"

let begun = 0
let completed = 0
process.on("exit", () => console.log(`begun ${begun}, completed ${completed}`))

const routes = Layer.mergeAll(
  HttpRouter.add(
    "PUT",
    "/echo",
    Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
      begun++
      return Effect.delay(Effect.map(request.text, HttpServerResponse.text), "15 millis").pipe(
        Effect.tap(() =>
          Effect.sync(() => {
            completed++
          })
        )
      )
    })
  ),
  HttpRouter.add(
    "GET",
    "/endless",
    Effect.sync(() => HttpServerResponse.stream(Stream.forever(Stream.make(new Uint8Array(1_024)))))
  )
)

const port = Number(process.argv[2])

NodeRuntime.runMain(
  Layer.launch(
    HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
      Layer.tap(() => Console.log("ready")),
      Layer.provide(
        NvoServer.layer({ host: "127.0.0.1", port, drainDelay: "300 millis", drainTimeout: "1 second" })
      )
    )
  )
)
