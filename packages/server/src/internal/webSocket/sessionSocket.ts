/** A WebSocket as Effect's `Socket`: what apps that know nothing of nvo are given. */
import { CloseCode, WebSocketError } from "@nvo/protocol"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import { openError } from "../connectionSocket.ts"
import type { NotUpgradable } from "./open.ts"
import type { Session } from "./session.ts"

// As with other servers of Effect: every close has a code, 1006 where the connection was lost, and what a peer does
// against the rules is an error of reading.
const readError = (session: Session, error: WebSocketError.WebSocketError): Socket.SocketError => {
  const { phase, reason } = error
  if (phase !== "Close" || reason._tag.startsWith("Invalid")) {
    return new Socket.SocketError({ reason: new Socket.SocketReadError({ cause: error }) })
  }
  const closeReason = session.closeReason === "" ? undefined : session.closeReason
  return new Socket.SocketError({
    reason: new Socket.SocketCloseError({
      code: reason.code === 0 ? CloseCode.ABNORMAL : reason.code,
      closeReason
    })
  })
}

const writeError = (cause: unknown) =>
  new Socket.SocketError({ reason: new Socket.SocketWriteError({ cause }) })

type Chunk = Uint8Array | string | Socket.CloseEvent

type Open = Effect.Effect<
  Session,
  Socket.SocketError | NotUpgradable | WebSocketError.WebSocketError,
  Scope.Scope
>

// What the halves of one socket share. There may be thousands, so it keeps as little as it can.
class SessionSocket {
  private session: Session | undefined = undefined
  private opened: Latch.Latch | undefined = undefined

  reader(open: Open): Socket.Socket["reader"] {
    return Effect.matchEffect(open, {
      onFailure: (cause) => Effect.fail(Socket.isSocketError(cause) ? cause : openError(cause)),
      onSuccess: (session) => {
        this.session = session
        this.opened?.openUnsafe()
        return Effect.succeed({
          pull: session.pull((error) => Effect.fail(readError(session, error))),
          upgrade: Socket.SocketUpgradeError.unsupported
        })
      }
    })
  }

  // Who writes before the reader was acquired waits until it is.
  private whenOpen<A>(effect: Effect.Effect<A, Socket.SocketError>): Effect.Effect<A, Socket.SocketError> {
    this.opened ??= Latch.makeUnsafe(false)
    return this.opened.whenOpen(effect)
  }

  readonly write = (chunk: Chunk): Effect.Effect<void, Socket.SocketError> =>
    Effect.suspend(() => {
      const { session } = this
      return session === undefined ? this.whenOpen(this.write(chunk)) : send(session, chunk)
    })

  readonly writeAll: Socket.Writer["writeAll"] = (chunks) =>
    Effect.suspend(() => {
      const { session } = this
      if (session === undefined) return this.whenOpen(this.writeAll(chunks))
      return session.isOpen ? settle(session, session.sendAllUnsafe(chunks)) : Effect.void
    })
}

const settle = (
  session: Session,
  result: boolean | WebSocketError.WebSocketError
): Effect.Effect<void, Socket.SocketError> =>
  result === true ? Effect.void : Effect.mapError(session.settle(result), writeError)

const send = (session: Session, chunk: Chunk): Effect.Effect<void, Socket.SocketError> => {
  if (Socket.isCloseEvent(chunk)) return close(session, chunk)
  return session.isOpen ? settle(session, session.sendUnsafe(chunk)) : Effect.void
}

const close = (session: Session, event: Socket.CloseEvent): Effect.Effect<void, Socket.SocketError> =>
  session.beginClose(event.code, event.reason)
    ? Effect.void
    : Effect.fail(
        writeError(
          WebSocketError.make("InvalidCloseArguments", {
            connectionId: session.connectionId,
            detail: event.toString()
          })
        )
      )

/**
 * Acquiring the reader runs `open`; writers wait for it. What is written after a close is dropped, as with other
 * servers of Effect: the reader says how the WebSocket ended.
 */
export const make = (open: Open): Socket.Socket => {
  const socket = new SessionSocket()
  return Socket.make({ reader: socket.reader(open), writer: Effect.succeed(socket) })
}
