/**
const apps = { hello, api: Api.layer, routes: Api.compiled, echo: Echo.layer, ws: Ws.layer }

const app = Argument.Literals("app", ["hello", "api", "routes", "echo", "ws"]).pipe(
  Argument.withDescription(
    "hello: three routes. api: an HttpApi. routes: the same, compiled. echo: answers with the request as it was understood. ws: a WebSocket on every path that echoes messages up to 64 MiB"
 * `--help` lists the rest. The limits of nvo come from the environment (`NVO_HEAD_BYTES=32768`…).
 */
import * as Http from "node:http"
import * as Http2 from "node:http2"
import * as Https from "node:https"
import { NodeHttpServer, NodeRuntime, NodeServices } from "@effect/platform-node"
import { NvoServer } from "@nvo/node"
import type { ServerConfig } from "@nvo/server"
import { Config, Console, Data, Effect, Layer, Schema } from "effect"
import { Argument, CliError, Command, Flag } from "effect/cli"
import { HttpRouter, HttpServer } from "effect/http"
import { NetAddress } from "effect/net"
import * as Api from "./api.ts"
import * as Echo from "./echo.ts"
import * as Hello from "./hello.ts"
import * as NodeHttp from "./nodeHttp.ts"
import * as NodeWs from "./nodeWs.ts"
import * as SelfSigned from "./selfSigned.ts"
import * as Ws from "./ws.ts"

/** A combination of options that there is no server for. */
class NotAvailable extends Data.TaggedError("NotAvailable")<{ readonly message: string }> {
  override get [CliError.userMessage](): string {
    return this.message
  }
}

const hello = HttpRouter.serve(Hello.layer, { disableLogger: true, disableListenLog: true })

const apps = { hello, api: Api.layer, routes: Api.compiled, echo: Echo.layer, ws: Ws.layer }

const app = Argument.Literals("app", ["hello", "api", "routes", "echo", "ws"]).pipe(
  Argument.withDescription(
    "hello: three routes. api: an HttpApi. routes: the same, compiled. echo: answers with the request as it was understood. ws: a WebSocket on every path that echoes messages up to 64 MiB"
  )
)

const flags = {
  port: Flag.Int("port").pipe(
    Flag.withDescription("Port to listen on; 0 is any that is free"),
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 }))),
    Flag.withDefault(3000)
  ),
  host: Flag.String("host").pipe(Flag.withDescription("Address to listen on"), Flag.withDefault("127.0.0.1")),
  tls: Flag.Boolean("tls").pipe(
    Flag.withDescription("Serve TLS, with a certificate that is made at the start"),
    Flag.withDefault(false)
  ),
  deflate: Flag.Boolean("deflate").pipe(
    Flag.withDescription("ws: compress messages where the client offers it"),
    Flag.withDefault(false)
  ),
  h2c: Flag.Boolean("h2c").pipe(
    Flag.withDescription(
      "Serve HTTP/2 without TLS to clients that know beforehand. nvo does so anyway, beside HTTP/1.1; the others then speak nothing else"
    ),
    Flag.withDefault(false)
  ),
  transport: Flag.Literals("transport", ["net", "poll"]).pipe(
    Flag.withDescription("How nvo reaches the sockets: net, or poll (epoll); NVO_TRANSPORT says it, too"),
    Flag.withFallbackConfig(Config.Literals(["net", "poll"], "NVO_TRANSPORT")),
    Flag.withDefault("net")
  ),
  server: Flag.Literals("server", ["nvo", "platform-node", "node-http"]).pipe(
    Flag.withDescription(
      "nvo, or one to compare it with (node-http: hello and ws only, without a framework)"
    ),
    Flag.withDefault("nvo")
  )
}

interface Where {
  readonly port: number
  readonly host: string
  readonly tls: SelfSigned.Certificate | undefined
  /** The limits of the WebSockets of this app, where it has any. */
  readonly webSocket: ServerConfig.Input | undefined
  readonly transport: "net" | "poll"
  readonly h2c: boolean
}

const servers = {
  nvo: ({ h2c: _, webSocket, ...where }: Where) =>
    Layer.unwrap(
      Effect.map(NvoServer.config, (options) => NvoServer.layer({ ...options, ...webSocket, ...where }))
    ),
  "platform-node": ({ h2c, host, port, tls, webSocket }: Where) =>
    NodeHttpServer.layer(
      () =>
        h2c
          ? // The compatibility API of node:http2 has what the server asks of one of node:http.
            (Http2.createServer() as unknown as Http.Server)
          : tls === undefined
            ? Http.createServer()
            : Https.createServer({ ...tls }),
      {
        host,
        port,
        ...(webSocket === undefined
          ? {}
          : {
              websocket: {
                maxPayload: Ws.MESSAGE_BYTES,
                perMessageDeflate: webSocket.webSocketDeflate === true
              }
            })
      }
    )
}

const say = (name: string, url: string) => Console.log(`${name} listens on ${url}`)

const serve = Command.make(
  "serve",
  { app, ...flags },
  Effect.fnUntraced(function* ({ app, deflate, h2c, host, port, server, tls, transport }) {
    if (h2c && tls) {
      return yield* new NotAvailable({ message: "--h2c is HTTP/2 without TLS: leave out one of the two" })
    }
    if (transport === "poll" && tls) {
      return yield* new NotAvailable({ message: "The poll transport serves no TLS: use net" })
    }
    if (deflate && app !== "ws") {
      return yield* new NotAvailable({ message: `${app} does not compress: --deflate is for ws` })
    }
    if (server === "node-http" && app === "ws") {
      const taken = yield* NodeWs.serve(port, host, deflate)
      yield* say("ws on node-http", `http://${NetAddress.formatUrlHostString(host)}:${taken}`)
      return yield* Effect.never
    }
    if (server === "node-http" && app !== "hello") {
      return yield* new NotAvailable({
        message: `There is no ${app} for node-http: it has hello and ws only`
      })
    }
    const certificate = tls ? yield* SelfSigned.make : undefined
    const scheme = tls ? "https" : "http"
    const name = `${app} on ${server}`
    if (server === "node-http") {
      const taken = yield* NodeHttp.serve(port, host, certificate, h2c)
      yield* say(name, `${scheme}://${NetAddress.formatUrlHostString(host)}:${taken}`)
      return yield* Effect.never
    }
    const listening = Layer.effectDiscard(
      Effect.flatMap(HttpServer.HttpServer, ({ address }) =>
        say(name, NetAddress.formatUrlUnsafe(address, scheme))
      )
    )
    return yield* Layer.launch(
      Layer.provide(listening, apps[app]).pipe(
        Layer.provide(
          servers[server]({
            port,
            host,
            tls: certificate,
            transport,
            h2c,
            webSocket: app === "ws" ? Ws.config(deflate) : undefined
          })
        )
      )
    )
  }, Effect.scoped)
).pipe(Command.withDescription("Starts one of the small servers that outside tools are pointed at"))

Command.run(serve, { version: "0.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
