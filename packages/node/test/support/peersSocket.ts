/** Peers of the transport contract, over `node:net` and `node:tls`. */

import * as Net from "node:net"
import * as Tls from "node:tls"
import type { TransportContract } from "@nvo/testing"
import * as Effect from "effect/Effect"
import type * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"

type Received = Uint8Array | "Ended" | "Lost"

const peerOf = (socket: Net.Socket): TransportContract.Peer => {
  let ended = false
  socket.on("end", () => {
    ended = true
  })
  // The error is told by `close`.
  socket.on("error", () => {})
  // Reading starts, and stops at the socket's own high-water mark until somebody receives.
  socket.on("readable", () => {})
  const now = (): Received | undefined => {
    const octets: Uint8Array | null = socket.read()
    if (octets !== null) return octets
    if (ended) return "Ended"
    return socket.destroyed ? "Lost" : undefined
  }
  return {
    send: (octets) =>
      Effect.callback((resume) => {
        socket.write(octets, (error) => resume(error ? Effect.fail(error) : Effect.void))
      }),
    end: Effect.sync(() => void socket.end()),
    reset: Effect.sync(() => {
      if (socket instanceof Tls.TLSSocket || socket.remoteAddress === undefined) socket.destroy()
      else socket.resetAndDestroy()
    }),
    receive: Effect.callback((resume) => {
      const events = ["readable", "end", "close"]
      const stop = () => {
        for (const event of events) socket.off(event, look)
      }
      const look = () => {
        const received = now()
        if (received === undefined) return
        stop()
        resume(Effect.succeed(received))
      }
      for (const event of events) socket.on(event, look)
      look()
      return Effect.sync(stop)
    })
  }
}

const open = (
  make: () => Net.Socket,
  event: "connect" | "secureConnect"
): Effect.Effect<TransportContract.Peer, Error, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<Net.Socket, Error>((resume) => {
        const socket = make()
        const onError = (error: Error) => resume(Effect.fail(error))
        socket.once("error", onError)
        socket.once(event, () => {
          socket.off("error", onError)
          resume(Effect.succeed(socket))
        })
      }),
      (socket) => Effect.sync(() => void socket.destroy())
    ),
    peerOf
  )

const target = (address: NetAddress.SocketAddress): Net.TcpNetConnectOpts | Net.IpcNetConnectOpts =>
  "port" in address
    ? { host: "127.0.0.1", port: Number(address.port), allowHalfOpen: true }
    : { path: String(address.path), allowHalfOpen: true }

/** A peer by TCP or by a unix socket. */
export const connect: TransportContract.Subject["connect"] = (address) =>
  open(() => Net.connect(target(address)), "connect")

/** A peer by TLS that trusts `ca`. */
export const connectTls =
  (ca: string): TransportContract.Subject["connect"] =>
  (address) =>
    open(
      () => Tls.connect({ ...(target(address) as Net.TcpNetConnectOpts), ca, servername: "localhost" }),
      "secureConnect"
    )
