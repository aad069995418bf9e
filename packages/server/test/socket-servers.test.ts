/** Programs that are not HTTP on a transport: what a peer does before it is accepted ends nobody else's. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { NetAddress } from "effect/net"
import * as SocketServers from "../src/SocketServers.ts"
import type * as Transport from "../src/Transport.ts"
import * as TransportError from "../src/TransportError.ts"

describe("SocketServers.fromListener", () => {
  for (const reason of ["TlsHandshakeFailed", "AcceptFailed"] as const) {
    it.effect(`goes on accepting after ${reason}`, () =>
      Effect.gen(function* () {
        const again = yield* Deferred.make<void>()
        let accepted = 0
        const listener: Transport.Listener = {
          address: NetAddress.unixPathAddress("/nowhere"),
          close: Effect.void,
          accept: Effect.suspend(() => {
            if (accepted++ === 0) {
              return Effect.fail(TransportError.make({ _tag: reason, cause: new Error("not a handshake") }))
            }
            return Effect.andThen(Deferred.succeed(again, undefined), Effect.never)
          })
        }
        const running = yield* Effect.forkScoped(SocketServers.fromListener(listener).run(() => Effect.void))
        yield* Effect.raceFirst(Deferred.await(again), Fiber.join(running))
        assert.isUndefined(running.pollUnsafe())
        assert.strictEqual(accepted, 2)
      })
    )
  }
})
