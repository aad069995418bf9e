/**
 * `npm run serve -- APP [--port N] [--host H] [--tls] [--server nvo|platform-node]`: starts one of the small
 * servers that outside tools are pointed at.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { NvoServer } from "@nvo/node"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import { createServer } from "node:http"
import * as Hello from "./hello.ts"

const port = Number(process.argv[4] ?? 3000)
const layer =
  process.env.SERVER === "platform-node"
    ? NodeHttpServer.layer(createServer, { port })
    : NvoServer.layer({ port })

NodeRuntime.runMain(
  Layer.launch(HttpRouter.serve(Hello.layer, { disableLogger: true }).pipe(Layer.provide(layer)))
)
