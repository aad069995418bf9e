/**
 * A connection of a transport as Effect's `Socket`.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Pull from "effect/Pull"
import * as Socket from "effect/socket/Socket"
import type * as Transport from "../Transport.ts"
import type { TransportError } from "../TransportError.ts"

const encoder = new TextEncoder()

const toOctets = (chunk: Uint8Array | string): Uint8Array =>
  typeof chunk === "string" ? encoder.encode(chunk) : chunk

/** A socket that could not be opened. */
export const openError = (cause: unknown) =>
  new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind: "Unknown", cause }) })

const closeError = (code: number) => new Socket.SocketError({ reason: new Socket.SocketCloseError({ code }) })

// 1000: the peer ended its side. 1001: this server closes.
const readError = (error: TransportError) =>
  error.reason._tag === "ConnectionClosed"
    ? closeError(1001)
    : new Socket.SocketError({ reason: new Socket.SocketReadError({ cause: error }) })

const writeError = (cause: TransportError) =>
  new Socket.SocketError({ reason: new Socket.SocketWriteError({ cause }) })

/**
 * Makes the socket. Acquiring its reader runs `open`; releasing the reader's Scope ends the connection. Writers
 * wait for `open`. `rest` gives octets that were read before and come first, once.
 */
export const make = (
  connection: Pick<Transport.Connection, "pull" | "write" | "end">,
  open: Effect.Effect<void, Socket.SocketError>,
  rest: () => Uint8Array | undefined
): Socket.Socket => {
  const opened = Latch.makeUnsafe(false)

  const reader: Socket.Socket["reader"] = Effect.as(
    Effect.acquireRelease(
      Effect.tap(open, () => Effect.sync(() => opened.openUnsafe())),
      () => Effect.ignore(connection.end),
      { interruptible: true }
    ),
    {
      pull: Effect.suspend(() => {
        const first = rest()
        if (first !== undefined) return Effect.succeed([first] as const)
        return Effect.matchCauseEffect(connection.pull, {
          onSuccess: (chunk) => Effect.succeed([chunk] as const),
          onFailure: (cause) =>
            Pull.isDoneCause(cause)
              ? Effect.fail(closeError(1000))
              : Effect.failCause(Cause.map(cause as Cause.Cause<TransportError>, readError))
        })
      }),
      upgrade: Socket.SocketUpgradeError.unsupported
    }
  )

  const write = (effect: Effect.Effect<void, TransportError>) =>
    Effect.andThen(opened.await, Effect.mapError(effect, writeError))

  return Socket.make({
    reader,
    writer: Effect.succeed({
      write: (chunk) =>
        write(Socket.isCloseEvent(chunk) ? connection.end : connection.write([toOctets(chunk)])),
      writeAll: (chunks) => write(connection.write(chunks.map(toOctets)))
    })
  })
}
