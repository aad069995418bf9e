import { fileURLToPath } from "node:url"
import { NodeRuntime } from "@effect/platform-node"
import { Topics } from "@nvo/server"
import { Config, Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import { History } from "./History.ts"
import { Page } from "./Page.ts"
import { Rooms } from "./Rooms.ts"
import { ServerLive } from "./Server.ts"

/** Beside the example's sources, so that it is the same file wherever the program is started from. */
const defaultFilename = fileURLToPath(new URL("../chat.sqlite", import.meta.url))

const HistoryLive = Layer.unwrap(
  Effect.map(Config.String("CHAT_DB").pipe(Config.withDefault(defaultFilename)), History.layer)
)

HttpRouter.serve(Layer.mergeAll(Page, Rooms)).pipe(
  Layer.provide([HistoryLive, Topics.Topics.layer, ServerLive]),
  Layer.launch,
  NodeRuntime.runMain
)
