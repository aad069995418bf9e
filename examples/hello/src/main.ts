import { NodeRuntime } from "@effect/platform-node"
import { Layer } from "effect"
import { HttpRouter } from "effect/http"
import { Routes } from "./Routes.ts"
import { ServerLive } from "./Server.ts"

HttpRouter.serve(Routes).pipe(Layer.provide(ServerLive), Layer.launch, NodeRuntime.runMain)
