import { NvoServer } from "@nvo/node"
import { Config } from "effect"

export const ServerLive = NvoServer.layerConfig({
  port: Config.Int("PORT").pipe(Config.withDefault(3000))
})
