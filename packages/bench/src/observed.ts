/**
 * `node observed.ts off|metrics|log PORT`: what `bench:telemetry` compares. `hello` with nothing that is told of it,
 * with the metrics, and with the metrics and a line of the access log for every request.
 */
import { NodeRuntime } from "@effect/platform-node"
import { JsonLogger, NvoServer } from "@nvo/node"
import { Layer } from "effect"
import { HttpRouter } from "effect/http"
import * as Hello from "./hello.ts"

const [told, port] = process.argv.slice(2)

const server = NvoServer.layer({
  port: Number(port),
  host: "127.0.0.1",
  metrics: told !== "off",
  accessLogRate: told === "log" ? 1 : 0
})

Layer.launch(
  HttpRouter.serve(Hello.layer, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provide(server),
    Layer.provide(told === "log" ? JsonLogger.layer() : Layer.empty)
  )
).pipe(NodeRuntime.runMain)
