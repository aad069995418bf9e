/** Serves an app in the Scope of a test. */
import { NvoServer } from "@nvo/node"
import { Connections, type ServerError, ServerErrors } from "@nvo/server"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { HttpPlatform } from "effect/http/HttpPlatform"
import * as HttpServer from "effect/http/HttpServer"
import type { ServeError } from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { withTransport } from "./transport.ts"

/** What an app may use. */
export type AppServices = HttpServerRequest | Scope.Scope | NvoServer.PlatformServices | HttpPlatform

export type App = Effect.Effect<HttpServerResponse, unknown, AppServices>

export interface Running {
  readonly port: number
  readonly address: NetAddress.SocketAddress
  readonly connections: Connections.Connections["Service"]
  /** Every error since the start, filled while the test runs. */
  readonly errors: ReadonlyArray<ServerError.ServerError>
}

/** The port of an address; 0 for a unix socket. */
export const portOf = (address: NetAddress.SocketAddress): number =>
  "port" in address ? Number(address.port) : 0

// What is reported is in `errors`; the log would say it again.
const quiet = Layer.provideMerge(Logger.layer([]))

/** Serves `app` on nvo, on a free port of 127.0.0.1, until the Scope closes. */
export const serve = (
  app: App,
  options: NvoServer.Options = {}
): Effect.Effect<Running, ServeError, Scope.Scope> =>
  Effect.gen(function* () {
    const context = yield* Layer.build(
      quiet(NvoServer.layer(withTransport({ host: "127.0.0.1", ...options })))
    )
    const errors: Array<ServerError.ServerError> = []
    const stream = yield* Context.get(context, ServerErrors.ServerErrors).subscribe
    yield* Effect.forkScoped(Stream.runForEach(stream, (error) => Effect.sync(() => errors.push(error))))
    yield* Effect.provideContext(HttpServer.serveEffect(app), context)
    const { address } = Context.get(context, HttpServer.HttpServer)
    return {
      port: portOf(address),
      address,
      connections: Context.get(context, Connections.Connections),
      errors
    }
  })
