/**
 * The servers of the WebSocket benchmark: `wsServers.ts nvo|ws [net|poll]` listens on a free port and prints it.
 * `/echo` echoes, `/topic` subscribes, `/publish` publishes to those, and `/collect` collects garbage and says what is in use.
 */
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { NodeRuntime, NodeWS } from "@effect/platform-node"
import { NvoServer } from "@nvo/node"
import { Topics, WebSocket } from "@nvo/server"
import { Console, Effect, Layer, Stream } from "effect"
import { HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"

/** Collects garbage and says how many octets are in use, in the heap and beside it. */
const collect = (): string => {
  for (let i = 0; i < 3; i++) (globalThis as { gc?: () => void }).gc?.()
  const { external, heapUsed } = process.memoryUsage()
  return String(heapUsed + external)
}

const done = () => Effect.succeed(HttpServerResponse.empty())

const echo = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const socket = yield* request.upgrade
  const reader = yield* socket.reader
  const writer = yield* socket.writer
  return yield* Effect.catchTag(
    Effect.forever(Effect.flatMap(reader.pull, writer.writeAll), { disableYield: true }),
    "SocketError",
    done
  )
})

const app = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  if (request.url === "/echo") return yield* echo
  const topics = yield* Topics.Topics
  const webSocket = yield* WebSocket.upgrade()
  if (request.url === "/topic") yield* topics.subscribe("news", webSocket)
  const publishes = request.url === "/publish"
  yield* Stream.runForEach(webSocket.messages, (message) =>
    publishes ? Effect.asVoid(topics.publish("news", message)) : Effect.asVoid(webSocket.send(collect()))
  ).pipe(Effect.ignore)
  return HttpServerResponse.empty()
})

const nvo = (transport: "net" | "poll") =>
  Layer.mergeAll(
    HttpServer.serve(app),
    Layer.effectDiscard(
      Effect.flatMap(HttpServer.HttpServer, ({ address }) =>
        Console.log(`port ${"port" in address ? address.port : 0}`)
      )
    )
  ).pipe(
    Layer.provide(Topics.Topics.layer),
    Layer.provide(NvoServer.layer({ host: "127.0.0.1", port: 0, transport }))
  )

const ws = Effect.callback<never>(() => {
  const server = Http.createServer()
  const sockets = new NodeWS.WebSocketServer({ server, perMessageDeflate: false })
  const topic = new Set<NodeWS.WebSocket>()
  sockets.on("connection", (socket, request) => {
    socket.on("error", () => {})
    if (request.url === "/topic") {
      topic.add(socket)
      socket.on("close", () => topic.delete(socket))
    }
    socket.on("message", (data, binary) => {
      if (request.url === "/echo") socket.send(data, { binary })
      else if (request.url === "/publish") for (const one of topic) one.send(data, { binary })
      else socket.send(collect())
    })
  })
  server.listen(0, "127.0.0.1", () => {
    process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`)
  })
})

const [, , server, transport] = process.argv

NodeRuntime.runMain(server === "ws" ? ws : Layer.launch(nvo(transport === "poll" ? "poll" : "net")))
