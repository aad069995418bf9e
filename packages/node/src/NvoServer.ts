/**
 * nvo as a layer: the `HttpServer` that `effect/http` apps are served on.
 *
 * @example
 * ```ts
 * import { NodeRuntime } from "@effect/platform-node"
 * import { Layer } from "effect"
 * import { HttpRouter, HttpServerResponse } from "effect/http"
 * import * as NvoServer from "@nvo/node/NvoServer"
 *
 * const Hello = HttpRouter.add("GET", "/", HttpServerResponse.text("Hello, World!"))
 *
 * export const Main = HttpRouter.serve(Hello).pipe(Layer.provide(NvoServer.layer({ port: 3000 })))
 *
 * export const main = () => NodeRuntime.runMain(Layer.launch(Main))
 * ```
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type * as NodeServices from "@effect/platform-node/NodeServices"
import {
  type Connections,
  Engine,
  type Health,
  ServerConfig,
  ServerErrors,
  Transport,
  TransportError
} from "@nvo/server"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Etag from "effect/http/Etag"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type { HttpClient } from "effect/http/HttpClient"
import type * as HttpPlatform from "effect/http/HttpPlatform"
import * as HttpServer from "effect/http/HttpServer"
import { ServeError } from "effect/http/HttpServerError"
import * as Layer from "effect/Layer"
import * as Descriptors from "./internal/descriptors.ts"
import * as NetTransport from "./NetTransport.ts"
import * as PollTransport from "./PollTransport.ts"
import type { TlsOptions } from "./TlsOptions.ts"
import * as ZlibCodec from "./ZlibCodec.ts"

/** Where to listen, with which limits, and with TLS or without. Everything has a default. */
export interface Options extends Transport.ListenOptions, ServerConfig.Input {
  /** Serves TLS where given. */
  readonly tls?: TlsOptions | undefined
  /**
   * How to reach the sockets: through `node:net` and `node:tls`, or through epoll without them (see
   * `PollTransport`, for Node 26.10 and without TLS). Default: `net`.
   */
  readonly transport?: "net" | "poll" | undefined
}

/** What a running server is known by besides `HttpServer`. */
export type Services =
  | HttpServer.HttpServer
  | Connections.Connections
  | ServerErrors.ServerErrors
  | Health.Health

const listenError = (error: TransportError.TransportError): ServeError =>
  new ServeError({ cause: "cause" in error.reason ? error.reason.cause : error })

const makeServer = (options: Options) =>
  Effect.gen(function* () {
    const transport = yield* Transport.Transport
    const { report } = yield* ServerErrors.ServerErrors
    const listener = yield* transport
      .listen(options)
      .pipe(Effect.tapError(report), Effect.mapError(listenError))
    const config = ServerConfig.make(options)
    const connectionCount = Descriptors.connectionCount(
      config.connectionCount,
      config.surplusCount,
      Descriptors.limit()
    )
    if (connectionCount < config.connectionCount) {
      yield* Effect.logDebug(
        `There are descriptors for ${connectionCount} connections, not for ${config.connectionCount}`
      )
    }
    return yield* Engine.make(listener, { ...config, connectionCount })
  })

/**
 * The server alone, over any `Transport`. `ServeError` carries what the platform said, with its `code`.
 */
export const layerServerWith = (
  options: Options = {}
): Layer.Layer<Services, ServeError, Transport.Transport> =>
  Layer.effect(HttpServer.HttpServer)(makeServer(options)).pipe(
    Layer.provide(ZlibCodec.layer),
    Layer.provideMerge(Engine.layerServices)
  )

const noTls = TransportError.make({
  _tag: "ListenFailed",
  cause: new Error("The poll transport serves no TLS: use the transport net")
})

const layerTransport = (options: Options): Layer.Layer<Transport.Transport, ServeError> => {
  const { tls, transport = "net" } = options
  if (transport === "poll" && tls !== undefined) {
    return Layer.effect(Transport.Transport)(listenError(noTls))
  }
  const { http2, tlsHandshakeTimeout, writeHighWaterMark } = ServerConfig.make(options)
  return transport === "poll"
    ? PollTransport.layer({ writeHighWaterMark }).pipe(
        Layer.catch((cause) => Layer.effect(Transport.Transport)(new ServeError({ cause })))
      )
    : NetTransport.layer({
        tls: http2 && tls !== undefined ? { alpnProtocols: ["h2", "http/1.1"], ...tls } : tls,
        writeHighWaterMark,
        tlsHandshakeTimeout: Duration.toMillis(tlsHandshakeTimeout)
      })
}

/** The server alone, over the transport of the options. */
export const layerServer = (options: Options = {}): Layer.Layer<Services, ServeError> =>
  layerServerWith(options).pipe(Layer.provide(Layer.suspend(() => layerTransport(options))))

/** What every Node application needs with a server. */
export type PlatformServices = NodeServices.NodeServices | HttpPlatform.HttpPlatform | Etag.Generator

/**
 * The server with Node's platform services: what `NodeHttpServer.layer` provides, and `Connections` and
 * `ServerErrors` besides.
 */
export const layer = (options: Options = {}): Layer.Layer<Services | PlatformServices, ServeError> =>
  Layer.mergeAll(layerServer(options), NodeHttpServer.layerHttpServices)

/**
 * Like `layer`, with options from a `Config`. `config` reads all of them from the environment.
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<Services | PlatformServices, ServeError | Config.ConfigError> =>
  Layer.unwrap(Effect.map(Config.unwrap(options), layer))

/**
 * Every option from the environment: `NVO_PORT`, `NVO_HOST`, `NVO_SOCKET_PATH`, `NVO_BACKLOG`,
 * `NVO_REUSE_PORT`, `NVO_TRANSPORT`, and the variables of `ServerConfig`.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import * as NvoServer from "@nvo/node/NvoServer"
 *
 * export const Server = Layer.unwrap(Effect.map(NvoServer.config, NvoServer.layer))
 * ```
 */
export const config: Config.Config<Options> = Config.map(
  Config.all({
    port: optional(Config.Int("NVO_PORT")),
    host: optional(Config.NonEmptyString("NVO_HOST")),
    path: optional(Config.NonEmptyString("NVO_SOCKET_PATH")),
    backlog: optional(Config.Int("NVO_BACKLOG")),
    reusePort: optional(Config.Boolean("NVO_REUSE_PORT")),
    transport: optional(Config.Literals(["net", "poll"], "NVO_TRANSPORT")),
    engine: ServerConfig.config
  }),
  ({ engine, ...listen }) => ({ ...engine, ...listen })
)

function optional<A>(self: Config.Config<A>): Config.Config<A | undefined> {
  return Config.withDefault(self, undefined)
}

/**
 * A server on a free port with an `HttpClient` that is bound to it. It turns no request away because the machine that runs
 * the tests is busy (`loopDelay: 0`).
 */
export const layerTest: Layer.Layer<Services | PlatformServices | HttpClient, ServeError> =
  HttpServer.layerTestClient.pipe(
    Layer.provide(
      Layer.fresh(FetchHttpClient.layer).pipe(
        Layer.provide(Layer.succeed(FetchHttpClient.RequestInit)({ keepalive: false }))
      )
    ),
    Layer.provideMerge(layer({ port: 0, loopDelay: 0 }))
  )
