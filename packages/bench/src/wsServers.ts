/**
 * The servers of the WebSocket benchmark: `wsServers.ts nvo|ws|bare [net|poll] [deflate]` listens on a free port and
 * prints it. `/echo` echoes, of nvo `/socket` too, by Effect's `Socket` and a fiber, `/topic` subscribes, `/publish` publishes to those, and `/collect` collects garbage and
 * says what is in use. `bare` is `node:net` without any protocol: what no server on it can get below.
 */
import * as Http from "node:http"
import * as Net from "node:net"
import { NodeRuntime, NodeWS } from "@effect/platform-node"
import { NvoServer } from "@nvo/node"
import { Topics, WebSocket } from "@nvo/server"
import { Console, Effect, Layer } from "effect"
import { HttpServer, type HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"

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
  const topics = yield* Topics.Topics
  const handlers: Record<
    string,
    Effect.Effect<
      HttpServerResponse.HttpServerResponse,
      HttpServerError.HttpServerError,
      HttpServerRequest.HttpServerRequest
    >
  > = {
    "/echo": yield* WebSocket.toHttpEffect(({ send }) => Effect.succeed(send)),
    "/topic": yield* WebSocket.toHttpEffect((webSocket) =>
      Effect.as(topics.subscribe("news", webSocket), () => Effect.void)
    ),
    "/publish": yield* WebSocket.toHttpEffect(() =>
      Effect.succeed((message: WebSocket.Data) => topics.publish("news", message))
    ),
    "/collect": yield* WebSocket.toHttpEffect(({ send }) =>
      Effect.succeed(() => Effect.suspend(() => send(collect())))
    )
  }
  return Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
    url === "/socket" ? Effect.scoped(echo) : handlers[url]
  )
})

const nvo = (transport: "net" | "poll", deflate: boolean) =>
  Layer.mergeAll(
    Layer.unwrap(Effect.map(app, (app) => HttpServer.serve(app))),
    Layer.effectDiscard(
      Effect.flatMap(HttpServer.HttpServer, ({ address }) =>
        Console.log(`port ${"port" in address ? address.port : 0}`)
      )
    )
  ).pipe(
    Layer.provide(Topics.Topics.layer),
    Layer.provide(NvoServer.layer({ host: "127.0.0.1", port: 0, transport, webSocketDeflate: deflate }))
  )

// As `ws` compresses: each message by itself, from the same size on.
const ws = (deflate: boolean) =>
  Effect.callback<never>(() => {
    const server = Http.createServer()
    const sockets = new NodeWS.WebSocketServer({
      server,
      perMessageDeflate: deflate && {
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        threshold: 0
      }
    })
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
      process.stdout.write(`port ${(server.address() as Net.AddressInfo).port}\n`)
    })
  })

// Knows of frames only how long they are, from the first octets of a chunk: each chunk is answered with as many octets as
// its messages have without their masks, once they are complete.
const bare = Effect.callback<never>(() => {
  const topic = new Set<Net.Socket>()
  const answers = new Map<number, Buffer>()
  const answerTo = (length: number): Buffer => {
    const found = answers.get(length)
    if (found !== undefined) return found
    const made = Buffer.alloc(length, 0x61)
    answers.set(length, made)
    return made
  }
  const server = Net.createServer({ noDelay: true }, (socket) => {
    let target = ""
    let came = 0
    let frame = 0
    socket.on("error", () => {})
    socket.on("close", () => topic.delete(socket))
    socket.on("data", (chunk: Buffer) => {
      if (target === "") {
        const head = chunk.toString("latin1")
        target = head.split(" ", 2)[1]
        socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        if (target === "/topic") topic.add(socket)
      } else if (target === "/echo") {
        if (frame === 0) frame = (chunk[1] & 0x7f) === 126 ? 8 + chunk.readUInt16BE(2) : 6 + (chunk[1] & 0x7f)
        came += chunk.length
        const count = Math.floor(came / frame)
        came -= count * frame
        if (count > 0) socket.write(answerTo(count * (frame - 4)))
      } else if (target === "/publish") for (const one of topic) one.write(answerTo(chunk.length - 4))
      else socket.write(Buffer.concat([Buffer.from([0x81, collect().length]), Buffer.from(collect())]))
    })
  })
  server.listen(0, "127.0.0.1", () => {
    process.stdout.write(`port ${(server.address() as Net.AddressInfo).port}\n`)
  })
})

const [, , server, transport, deflates] = process.argv
const deflate = deflates === "deflate"

NodeRuntime.runMain(
  server === "ws"
    ? ws(deflate)
    : server === "bare"
      ? bare
      : Layer.launch(nvo(transport === "poll" ? "poll" : "net", deflate))
)
