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

/**
 * Acquiring the reader runs `open`; writers wait for it. What is written after a close is dropped, as with other
 * servers of Effect: the reader says how the WebSocket ended.
 */
export const make = (
  open: Effect.Effect<
    Session,
    Socket.SocketError | NotUpgradable | WebSocketError.WebSocketError,
    Scope.Scope
  >
): Socket.Socket => {
  const opened = Latch.makeUnsafe(false)
  let session: Session | undefined

  const reader: Socket.Socket["reader"] = Effect.matchEffect(open, {
    onFailure: (cause) => Effect.fail(Socket.isSocketError(cause) ? cause : openError(cause)),
    onSuccess: (made) => {
      session = made
      opened.openUnsafe()
      return Effect.succeed({
        pull: Effect.mapError(made.pull, (error) => readError(made, error)),
        upgrade: Socket.SocketUpgradeError.unsupported
      })
    }
  })

  const close = (made: Session, event: Socket.CloseEvent): Effect.Effect<void, Socket.SocketError> =>
    made.beginClose(event.code, event.reason)
      ? Effect.void
      : Effect.fail(
          writeError(
            WebSocketError.make("InvalidCloseArguments", {
              connectionId: made.connectionId,
              detail: event.toString()
            })
          )
        )

  const send = (
    made: Session,
    chunk: Uint8Array | string | Socket.CloseEvent
  ): Effect.Effect<void, Socket.SocketError> => {
    if (Socket.isCloseEvent(chunk)) return close(made, chunk)
    if (!made.isOpen) return Effect.void
    const result = made.sendUnsafe(chunk)
    return result === true ? Effect.void : Effect.mapError(made.settle(result), writeError)
  }

  const write = (chunk: Uint8Array | string | Socket.CloseEvent): Effect.Effect<void, Socket.SocketError> =>
    Effect.suspend(() => (session === undefined ? opened.whenOpen(write(chunk)) : send(session, chunk)))

  const writeAll: Socket.Writer["writeAll"] = (chunks) =>
    Effect.suspend(() =>
      session === undefined
        ? opened.whenOpen(writeAll(chunks))
        : session.isOpen
          ? Effect.mapError(session.sendAll(chunks), writeError)
          : Effect.void
    )

  return Socket.make({ reader, writer: Effect.succeed({ write, writeAll }) })
}
