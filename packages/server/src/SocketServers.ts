/**
 * The bridge from transports to Effect's `SocketServer`: programs that are not HTTP run on nvo's transports.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as SocketServer from "effect/socket/SocketServer"
import * as ConnectionSocket from "./internal/connectionSocket.ts"
import type * as Transport from "./Transport.ts"

/**
 * A `SocketServer` over a listener: each connection is a `Socket` in a Scope of its own, and its handler a
 * fiber of the Scope in which `run` runs. A failed handler ends its connection only.
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
      const accepted = yield* Effect.exit(Scope.provide(listener.accept, scope))
      if (Exit.isFailure(accepted)) {
        yield* Scope.close(scope, accepted)
        const cause = Cause.squash(accepted.cause)
        return yield* new SocketServer.SocketServerError({
          reason: new SocketServer.SocketServerUnknownError({ cause })
        })
      }
      const socket = ConnectionSocket.make(accepted.value, Effect.void, () => undefined)
      yield* Effect.forkIn(
        Effect.onExit(handler(socket), (exit) => Scope.close(scope, exit)),
        runScope
      )
    })
    return yield* Effect.onExit(Effect.forever(one), (exit) => Scope.close(runScope, exit))
  })
})
