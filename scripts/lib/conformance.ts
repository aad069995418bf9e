// The servers that the conformance suite compares: each answers every request with 200 when it has read its body.
import * as Http from "node:http"
import type * as Net from "node:net"
import { NodeHttpServer } from "@effect/platform-node"
import { NvoServer } from "@nvo/node"
import { Context, Effect, Layer, Logger } from "effect"
import { HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { readManifest, root } from "./workspace.ts"

const app = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  yield* request.text
  return HttpServerResponse.text("ok")
})

const serving = <E, R>(layer: Layer.Layer<HttpServer.HttpServer | R, E>) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(Layer.provideMerge(layer, Logger.layer([])))
    yield* Effect.provideContext(HttpServer.serveEffect(app) as Effect.Effect<void>, context as never)
    const { address } = Context.get(context as Context.Context<HttpServer.HttpServer>, HttpServer.HttpServer)
    return "port" in address ? Number(address.port) : 0
  })

const nodeHttp = Effect.map(
  Effect.acquireRelease(
    Effect.callback<Http.Server>((resume) => {
      const server = Http.createServer((request, response) => {
        request.on("error", () => {})
        request.on("end", () => response.end("ok"))
        request.resume()
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
  ),
  (server) => (server.address() as Net.AddressInfo).port
)

const platformVersion = readManifest(root).devDependencies?.["@effect/platform-node"] ?? ""

/** The servers by their names: what they are, and how to start them; starting gives the port. */
export const servers = {
  nvo: {
    title: "nvo",
    start: serving(NvoServer.layer({ host: "127.0.0.1" }))
  },
  "platform-node": {
    title: `@effect/platform-node ${platformVersion}`,
    start: serving(NodeHttpServer.layer(() => Http.createServer(), { host: "127.0.0.1", port: 0 }))
  },
  "node-http": { title: `node:http of Node ${process.versions.node}`, start: nodeHttp }
} as const

export type ServerName = keyof typeof servers
