/** What tests ask a running server besides its answers. */
import type { NvoServer } from "@nvo/node"
import type { ConnectionId } from "@nvo/protocol"
import type { Connections, ServerError } from "@nvo/server"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as Certificate from "./peersCertificate.ts"
import type { Running } from "./serve.ts"
import * as Wire from "./Wire.ts"

/** Without the log: for tests in which applications fail on purpose. */
export const quiet: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = Effect.provide(
  Logger.layer([])
)

const ATTEMPTS = 2_000

/** Looks every few milliseconds until `look` finds something; dies after ten seconds. */
export const poll = <A>(what: string, look: Effect.Effect<A | undefined>): Effect.Effect<A> =>
  Effect.gen(function* () {
    for (let i = 0; i < ATTEMPTS; i++) {
      const found = yield* look
      if (found !== undefined) return found
      yield* Effect.sleep(5)
    }
    return yield* Effect.die(new Error(`Waited for ${what}`))
  })

/** What the registry knows of the connection at whose other end `wire` is. */
export const infoOf = (
  server: Running,
  wire: Wire.Wire
): Effect.Effect<Connections.ConnectionInfo | undefined> =>
  Effect.map(server.connections.list, (list) =>
    list.find(({ peerPort }) => peerPort === wire.socket.localPort)
  )

/** The identity under which the server knows the connection. */
export const connectionOf = (server: Running, wire: Wire.Wire): Effect.Effect<ConnectionId.ConnectionId> =>
  Effect.map(poll("the connection in the registry", infoOf(server, wire)), ({ id }) => id)

/** The error at `index` in the order in which they were reported. */
export const nextError = (server: Running, index = 0): Effect.Effect<ServerError.ServerError> =>
  poll(
    `error ${index}`,
    Effect.sync(() => server.errors[index])
  )

/** Waits until the registry is empty. */
export const drained = (server: Running): Effect.Effect<void> =>
  Effect.asVoid(
    poll(
      "an empty registry",
      Effect.map(server.connections.count, (count) => (count === 0 ? true : undefined))
    )
  )

/**
 * A peer of the server by TCP, or by TLS if that is what it serves, where it speaks `protocol` by ALPN. It
 * keeps its side open when the server ends.
 */
export const peer = (
  server: Running,
  options: NvoServer.Options = {},
  protocol = "http/1.1"
): Effect.Effect<Wire.Wire, Error, Scope.Scope> => {
  const to = { port: server.port, host: "127.0.0.1", allowHalfOpen: true }
  return options.tls === undefined
    ? Wire.connect(server.port)
    : Wire.connectTls({ ...to, ca: Certificate.cert, servername: "localhost", ALPNProtocols: [protocol] })
}
