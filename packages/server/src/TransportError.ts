/**
 * What can go wrong between a server and the operating system.
 */
import { ConnectionId } from "@nvo/protocol"
import * as Data from "effect/Data"

/** Why. `cause` is what the platform said. */
export type TransportErrorReason =
  /** The listening socket could not be opened: address in use, no permission, no such interface… */
  | { readonly _tag: "ListenFailed"; readonly cause: unknown }
  /** A connection could not be accepted: no descriptors left, or it was gone already. */
  | { readonly _tag: "AcceptFailed"; readonly cause: unknown }
  /** The TLS handshake failed. */
  | { readonly _tag: "TlsHandshakeFailed"; readonly cause: unknown }
  /** The peer reset the connection, or the network lost it. */
  | { readonly _tag: "ConnectionReset"; readonly cause: unknown }
  /** Octets could not be written because the connection is gone. */
  | { readonly _tag: "WriteFailed"; readonly cause: unknown }
  /** The server closed the connection: it shuts down, or was told to. */
  | { readonly _tag: "ConnectionClosed" }

/** The reasons, by name: who caused it, and what it says. A lost connection cannot be answered. */
export const reasons = {
  ListenFailed: { initiator: "Server", text: "the listening socket could not be opened" },
  AcceptFailed: { initiator: "Server", text: "a connection could not be accepted" },
  TlsHandshakeFailed: { initiator: "Peer", text: "the TLS handshake failed" },
  ConnectionReset: { initiator: "Peer", text: "the peer reset the connection, or the network lost it" },
  WriteFailed: { initiator: "Peer", text: "octets could not be written because the connection is gone" },
  ConnectionClosed: { initiator: "Server", text: "the server closed the connection" }
} as const satisfies Record<
  TransportErrorReason["_tag"],
  { readonly initiator: "Peer" | "Server"; readonly text: string }
>

const describe = (cause: unknown): string =>
  cause instanceof Error ? cause.message : typeof cause === "string" ? cause : String(cause)

/** A failure of the transport. `connectionId` is `ConnectionId.none` where no connection is concerned. */
export class TransportError extends Data.TaggedError("TransportError")<{
  readonly connectionId: ConnectionId.ConnectionId
  readonly initiator: "Peer" | "Server"
  readonly reason: TransportErrorReason
}> {
  /** A lost connection cannot be answered. */
  get status(): number {
    return 0
  }

  override get message(): string {
    const on = this.connectionId === ConnectionId.none ? "" : ` (${ConnectionId.format(this.connectionId)})`
    return "cause" in this.reason
      ? `${this.reason._tag}: ${describe(this.reason.cause)}${on}`
      : `${this.reason._tag}${on}`
  }
}

/** Makes a `TransportError`; who caused it follows from the reason. */
export const make = (
  reason: TransportErrorReason,
  connectionId: ConnectionId.ConnectionId = ConnectionId.none
): TransportError => new TransportError({ connectionId, initiator: reasons[reason._tag].initiator, reason })
