// A peer of a server over TCP, for suites that send octets.
import * as Net from "node:net"
import type { TransportContract } from "@nvo/testing"
import { Effect, Queue, type Scope } from "effect"

/** Connects; the Scope closes the connection. */
export const connect = (
  host: string,
  port: number
): Effect.Effect<TransportContract.Peer, Error, Scope.Scope> =>
  Effect.gen(function* () {
    const received = yield* Queue.unbounded<Uint8Array | "Ended" | "Lost">()
    const socket = yield* Effect.acquireRelease(
      Effect.callback<Net.Socket, Error>((resume) => {
        const socket = Net.connect({ host, port, allowHalfOpen: true })
        socket.once("error", (error) => resume(Effect.fail(error)))
        socket.once("connect", () => resume(Effect.succeed(socket)))
      }),
      (socket) => Effect.sync(() => void socket.destroy())
    )
    let ended = false
    socket.on("data", (octets: Buffer) => Queue.offerUnsafe(received, octets))
    socket.on("end", () => {
      ended = true
      Queue.offerUnsafe(received, "Ended")
    })
    // What an error means is told by `close`.
    socket.on("error", () => {})
    socket.on("close", () => {
      if (!ended) Queue.offerUnsafe(received, "Lost")
    })
    return {
      send: (octets) =>
        Effect.callback((resume) => {
          socket.write(octets, (error) => resume(error ? Effect.fail(error) : Effect.void))
        }),
      end: Effect.sync(() => void socket.end()),
      reset: Effect.sync(() => void socket.resetAndDestroy()),
      receive: Queue.take(received)
    }
  })
