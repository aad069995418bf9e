/** The HTTP server, on `HOST` and `PORT`. */
import { NvoServer } from "@nvo/node"
import { Config, Schema } from "effect"

/** 0 is any port that is free. */
const Port = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65535 }))

export const ServerLive = NvoServer.layerConfig({
  host: Config.String("HOST").pipe(Config.withDefault("127.0.0.1")),
  port: Config.schema(Port, "PORT").pipe(Config.withDefault(3000))
})
