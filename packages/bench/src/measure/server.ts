/** `node server.ts nvo|platform-node PORT`: the measured app on one of the Effect servers. */
import * as Http from "node:http"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { NvoServer } from "@nvo/node"
import { Layer } from "effect"
import * as App from "./App.ts"

const [name, portText] = process.argv.slice(2)
const where = { port: Number(portText), host: "127.0.0.1" }

const servers = {
  nvo: () => NvoServer.layer(where),
  "platform-node": () =>
    // Idle connections are measured too, for longer than the five seconds that node:http keeps them.
    NodeHttpServer.layer(() => Http.createServer({ keepAliveTimeout: 0 }), where)
}

const server = servers[name as keyof typeof servers]

Layer.launch(Layer.provide(App.layer, server())).pipe(NodeRuntime.runMain)
