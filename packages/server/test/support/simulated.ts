/** An engine on a simulated network, in simulated time: what it was told, what it wrote into the log, and a way to it. */
import type { DeflateCodec } from "@nvo/protocol"
import { SimulatedNetwork, SimulatedTime } from "@nvo/testing"
import { Effect, Exit, Layer, Logger, References, Scope, Stream } from "effect"
import type { HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Connections from "../../src/Connections.ts"
import * as Engine from "../../src/Engine.ts"
import * as ServerConfig from "../../src/ServerConfig.ts"
import * as ServerError from "../../src/ServerError.ts"
import * as ServerErrors from "../../src/ServerErrors.ts"
import * as Transport from "../../src/Transport.ts"

/** A client's end of a connection. */
export type Client = SimulatedNetwork.Client

/** An application. */
export type App = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  unknown,
  HttpServerRequest.HttpServerRequest | Scope.Scope
>

/** What an application or the engine wrote into the log. */
export interface Line {
  readonly level: string
  readonly message: unknown
  readonly annotations: Readonly<Record<string, unknown>>
}

export interface Options {
  readonly config?: ServerConfig.Input
  readonly network?: SimulatedNetwork.Options
  /** What is different about the server's end of each connection. */
  readonly connection?: (connection: Transport.Connection) => Partial<Transport.Connection>
  /** Services that the engine may use. */
  readonly services?: Layer.Layer<DeflateCodec.DeflateCodec>
  readonly time?: SimulatedTime.Options
}

/** A server, as a test sees it. */
export interface Simulated {
  readonly connect: Effect.Effect<Client, unknown, Scope.Scope>
  /** The reasons that were told, in order. */
  readonly errors: ReadonlyArray<string>
  /** What was told, in order. */
  readonly told: ReadonlyArray<ServerError.ServerError>
  readonly lines: ReadonlyArray<Line>
  readonly connections: Connections.Connections["Service"]
  /** Stops the server, and completes when it has stopped. */
  readonly stop: Effect.Effect<void>
}

// A connection with some of its parts replaced. What is not replaced is asked of the connection itself.
const altered = (
  connection: Transport.Connection,
  changes: Partial<Transport.Connection>
): Transport.Connection =>
  new Proxy(connection, {
    get: (target, name) => {
      const value: unknown = name in changes ? Reflect.get(changes, name) : Reflect.get(target, name, target)
      return typeof value === "function" && !(name in changes) ? value.bind(target) : value
    },
    set: (target, name, value) => Reflect.set(target, name, value, target)
  })

/** Serves an app, and runs a client's program, both in simulated time. Throws what the program fails with. */
export const simulate = <A>(
  app: App,
  program: (server: Simulated) => Effect.Effect<A, unknown, Scope.Scope>,
  { config = {}, connection, network, services, time }: Options = {}
): A => {
  const lines: Array<Line> = []
  const logger = Logger.make(({ fiber, logLevel, message }) => {
    const annotations = fiber.getRef(References.CurrentLogAnnotations)
    lines.push({ level: logLevel, message: Array.isArray(message) ? message[0] : message, annotations })
  })
  const run = Effect.gen(function* () {
    const net = yield* SimulatedNetwork.SimulatedNetwork
    const told: Array<ServerError.ServerError> = []
    const errors: Array<string> = []
    const stream = yield* Effect.flatMap(ServerErrors.ServerErrors, ({ subscribe }) => subscribe)
    yield* Effect.forkScoped(
      Stream.runForEach(stream, (error) =>
        Effect.sync(() => {
          told.push(error)
          errors.push(ServerError.reasonOf(error))
        })
      )
    )
    const scope = yield* Scope.make()
    const real = yield* (yield* Transport.Transport).listen({ port: 80 })
    const listener: Transport.Listener =
      connection === undefined
        ? real
        : { ...real, accept: Effect.map(real.accept, (one) => altered(one, connection(one))) }
    const server = yield* Engine.make(listener, ServerConfig.make(config))
    // As with a router: what it runs may be interrupted.
    yield* Scope.provide(server.serve(Effect.interruptible(app)), scope)
    return yield* program({
      connect: net.connect(real.address),
      errors,
      told,
      lines,
      connections: yield* Connections.Connections,
      stop: Scope.close(scope, Exit.void)
    })
  }).pipe(
    Effect.scoped,
    Effect.provide(
      Layer.mergeAll(
        SimulatedNetwork.layer(network),
        Engine.layerServices,
        services ?? Layer.empty,
        Logger.layer([logger])
      )
    )
  )
  return SimulatedTime.run(run as Effect.Effect<A, unknown>, time)
}
