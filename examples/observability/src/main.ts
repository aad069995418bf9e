import { NodeRuntime } from "@effect/platform-node"
import { NvoServer } from "@nvo/node"
import { Config, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { Metrics } from "./Metrics.ts"
import { Routes } from "./Routes.ts"
import { Telemetry } from "./Telemetry.ts"

const Server = NvoServer.layerConfig({
  port: Config.Int("PORT").pipe(Config.withDefault(3000)),
  host: Config.String("HOST").pipe(Config.withDefault("127.0.0.1")),
  accessLogRate: Config.succeed(1),
  requestIdResponse: Config.succeed(true)
})

// The access log is the engine's, so the router's logger is off.
const App = HttpRouter.serve(Routes, { disableLogger: true }).pipe(Layer.provide(Server))

Layer.mergeAll(App, Metrics).pipe(Layer.provide(Telemetry), Layer.launch, NodeRuntime.runMain)
