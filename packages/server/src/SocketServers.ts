/**
 * The bridge from transports to Effect's `SocketServer`: programs that are not HTTP run on nvo's transports.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import type * as SocketServer from "effect/socket/SocketServer"
import * as ConnectionSocket from "./internal/connectionSocket.ts"
import type * as Transport from "./Transport.ts"

/**
 * A `SocketServer` over a listener: each connection is a `Socket` in a Scope of its own, and its handler a
 * fiber of the Scope in which `run` runs. A failed handler ends its connection only,
 * and a connection that cannot be accepted is logged and passed over.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import * as SocketServers from "@nvo/server/SocketServers"
 * import * as Transport from "@nvo/server/Transport"
 *
 * export const lines = Effect.gen(function* () {
 *   const transport = yield* Transport.Transport
 *   const server = SocketServers.fromListener(yield* transport.listen({ port: 7000 }))
 *   return yield* server.run((socket) =>
 *     Effect.scoped(
 *       Effect.gen(function* () {
 *         const reader = yield* socket.reader
 *         const writer = yield* socket.writer
 *         yield* Effect.forever(Effect.flatMap(reader.pull, (chunks) => writer.writeAll(chunks)))
 *       })
 *     )
 *   )
 * })
 * ```
 */
export const fromListener = (listener: Transport.Listener): SocketServer.SocketServer["Service"] => ({
  address: listener.address,
  run: Effect.fnUntraced(function* (handler) {
    const runScope = yield* Scope.make()
    const one = Effect.gen(function* () {
      const scope = yield* Scope.fork(runScope)
      const accepted = yield* Effect.result(Scope.provide(listener.accept, scope))
      if (Result.isFailure(accepted)) {
        yield* Scope.close(scope, Exit.void)
        // A peer whose handshake failed, say: its matter, and nobody else's.
        return yield* Effect.logDebug("A connection was not accepted", accepted.failure)
      }
      const socket = ConnectionSocket.make(accepted.success, Effect.void, () => undefined)
      yield* Effect.forkIn(
        Effect.onExit(handler(socket), (exit) => Scope.close(scope, exit)),
        runScope
      )
    })
    return yield* Effect.onExit(Effect.forever(one), (exit) => Scope.close(runScope, exit))
  })
})
