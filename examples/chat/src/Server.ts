import { NvoServer } from "@nvo/node"
import { Config } from "effect"

export const ServerLive = NvoServer.layerConfig({
  host: Config.String("HOST").pipe(Config.withDefault("127.0.0.1")),
  port: Config.Int("PORT").pipe(Config.withDefault(3000))
})
