import { createServer } from "node:http"
import { NodeHttpServer } from "@effect/platform-node"
import { Config } from "effect"

export const ServerLive = NodeHttpServer.layerConfig(createServer, {
  port: Config.Int("PORT").pipe(Config.withDefault(3000))
})
