/**
 * `node server.ts nvo|nvo-original|platform-node PORT [SERVICES]`: the measured app on one of the Effect servers, as
 * users of each would write it: on nvo its typed routes are compiled, and the body of an upload is lent. `nvo-original`
 * leaves both to Effect.
 */
import * as Http from "node:http"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Layer from "effect/Layer"
import * as App from "./App.ts"

const [name, portText, servicesText = "0"] = process.argv.slice(2)
const where = { port: Number(portText), host: "127.0.0.1" }

// Each imports what it needs: the memory of one server does not hold another, and an earlier revision that is measured
// may have neither compiled routes nor lent bodies.
const servers = {
  nvo: async () => ({
    group: (await import("@nvo/routes")).Routes.group,
    fold: (await import("@nvo/server")).LentBody?.runFold ?? App.fold,
    server: (await import("@nvo/node")).NvoServer.layer(where)
  }),
  "nvo-original": async () => ({
    group: HttpApiBuilder.group,
    fold: App.fold,
    server: (await import("@nvo/node")).NvoServer.layer(where)
  }),
  "platform-node": async () => ({
    group: HttpApiBuilder.group,
    fold: App.fold,
    server: (await import("@effect/platform-node/NodeHttpServer")).layer(
      // Idle connections are measured too, for longer than the five seconds that node:http keeps them.
      () => Http.createServer({ keepAliveTimeout: 0 }),
      where
    )
  })
}

const { fold, group, server } = await servers[name as keyof typeof servers]()

Layer.launch(Layer.provide(App.layer(group, fold, Number(servicesText)), server)).pipe(NodeRuntime.runMain)
