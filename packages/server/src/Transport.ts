/**
 * The one seam between the engine and the outside: who listens, accepts, reads and writes.
 *
 * A transport knows nothing of HTTP. Acquiring a connection acquires its socket and everything registered for
 * it; closing the Scope in which it was accepted releases both, however the program in it ended. Every
 * implementation passes the same contract tests.
 */
import type { ConnectionId, Latin1 } from "@nvo/protocol"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as NetAddress from "effect/net/NetAddress"
import type * as Pull from "effect/Pull"
import type * as Scope from "effect/Scope"
import type { Diversion, Reader } from "./ConnectionInbox.ts"
import type { TransportError } from "./TransportError.ts"

/** How a peer left: it ended its side properly, or the connection was lost. */
export type Departure = "Ended" | "Lost"

/** What TLS agreed on. */
export interface TlsInfo {
  /** The protocol chosen by ALPN, if any: `http/1.1`, `h2`. */
  readonly alpnProtocol: string | undefined
  /** The server name that the client asked for (SNI), if any. */
  readonly serverName: string | undefined
  /** The version of TLS, where it is known: `TLSv1.2`, `TLSv1.3`. */
  readonly protocolVersion: string | undefined
  /** The cipher suite, where it is known, as the registry of IANA names it. */
  readonly cipherSuite: string | undefined
}

/** One connection. */
export interface Connection {
  readonly id: ConnectionId.ConnectionId
  /** The peer's IP address, or `undefined` on a unix socket. */
  readonly peerAddress: string | undefined
  readonly peerPort: number | undefined
  /** `undefined` on a connection without TLS. */
  readonly tls: TlsInfo | undefined
  /** Octets that came from the peer so far, without what TLS adds. */
  readonly bytesRead: number
  /** Octets that the operating system has taken so far: grows while a peer reads, stands still when it does not. */
  readonly bytesWritten: number
  /** Octets that were written and that the operating system has not taken yet. */
  readonly bytesQueued: number
  /**
   * The next octets, at least one (but see `wake`). Ends (`Cause.Done`) when the peer has ended its side. Nothing is read that
   * was not asked for, but for a bounded read-ahead, so that a peer's leaving is noticed. One pull at a time.
   */
  readonly pull: Pull.Pull<Uint8Array, TransportError>
  /**
   * Writes octets in order. Completes at once while fewer than the high-water mark wait to be taken by the
   * operating system, and otherwise when they have been. What is written in one turn leaves in one write.
   */
  readonly write: (octets: ReadonlyArray<Latin1.Octets>) => Effect.Effect<void, TransportError>
  /** Ends this side once everything is written; completes when it is. The peer may go on sending. */
  readonly end: Effect.Effect<void, TransportError>
  /** Drops the connection at once, so that the peer can tell (a TCP reset where there is one). */
  readonly reset: Effect.Effect<void>
  /**
   * Closes the connection from outside the program that serves it: a waiting or later `pull`, and a `write` or
   * `end` that waits, fails with `ConnectionClosed`.
   */
  readonly close: Effect.Effect<void>
  /**
   * Writes like `write`, but at once and without suspending. `true` if more may follow, `false` if the
   * high-water mark is reached (wait with `write([])`), or the error. For the engine's hot path.
   *
   * @internal
   */
  readonly writeUnsafe: (octets: ReadonlyArray<Latin1.Octets>) => boolean | TransportError
  /**
   * Ends this side like `end`, but at once and without suspending. `true` if there is nothing to wait for, since all that
   * was written is with the operating system or the connection is gone; otherwise wait with `end`. For the engine's hot
   * path.
   *
   * @internal
   */
  endUnsafe(): boolean
  /**
   * Gives what was written to the operating system, without suspending. `true` if it has all of it, so that closing the
   * connection loses nothing; `false` if some of it waits or the connection is gone. For the engine's hot path.
   *
   * @internal
   */
  flushUnsafe(): boolean
  /**
   * Waits for room without a fiber. Gives what was written to the operating system, and is `true` if there is nothing
   * to wait for, since fewer than the high-water mark wait or the connection is gone. Otherwise `resume` is called,
   * once: when the operating system has taken what waits, or when the connection is lost or closed. For the engine's
   * hot path.
   *
   * @internal
   */
  roomUnsafe(resume: () => void): boolean
  /**
   * `pull` without a fiber that waits. Gives octets that have come; `true` if `reader` will be called, once, in the
   * turn in which the next ones come, with none if it is to look again; `false` if the peer has left: `pull` says how.
   * For the engine's hot path.
   *
   * @internal
   */
  pullUnsafe(reader: Reader): Uint8Array | boolean
  /**
   * Completes a waiting `pull` with no octets, so that its reader looks again at what is due. Nothing happens where
   * none waits. For the engine's deadlines.
   *
   * @internal
   */
  wake(): void
  /**
   * Octets that `pull` gave, and that nobody will look at again: the transport may read into their memory, and they
   * are empty from here on where it does. Left out by transports that have no use for it.
   *
   * @internal
   */
  reuse?(octets: Uint8Array): void
  /**
   * From here on what comes is given away in the turn in which it comes, and nobody may pull any more. For
   * protocols that answer by themselves, whatever their application does.
   *
   * @internal
   */
  divert(diversion: Diversion): void
  /**
   * Goes on reading after a diversion has asked to pause.
   *
   * @internal
   */
  goOn(): void
  /**
   * Called when the peer leaves, before a waiting pull is told: of its end and of its loss, each once at most.
   *
   * @internal
   */
  onDeparture: ((departure: Departure) => void) | undefined
}

/** A listening socket. */
export interface Listener {
  readonly address: NetAddress.SocketAddress
  /** Waits for a connection and acquires it in the Scope. Interruption loses none. */
  readonly accept: Effect.Effect<Connection, TransportError, Scope.Scope>
  /** Stops listening: later peers are refused by the operating system, `accept` never completes again. */
  readonly close: Effect.Effect<void>
}

/** Where to listen. */
export interface ListenOptions {
  /** TCP port; 0 chooses a free one. Default: 0. Ignored with `path`. */
  readonly port?: number | undefined
  /** Address or name to bind. Default: every interface, IPv6 and IPv4. */
  readonly host?: string | undefined
  /** Path of a unix socket, instead of host and port. */
  readonly path?: string | undefined
  /** Connections that the operating system queues. Default: 511. */
  readonly backlog?: number | undefined
  /** Whether several processes may listen on the same port (SO_REUSEPORT). Default: false. */
  readonly reusePort?: boolean | undefined
  /** Whether an IPv6 address takes IPv6 only. Default: false. */
  readonly ipv6Only?: boolean | undefined
}

/** The service that opens listening sockets; the Scope closes them. */
export class Transport extends Context.Service<
  Transport,
  {
    readonly listen: (options: ListenOptions) => Effect.Effect<Listener, TransportError, Scope.Scope>
  }
>()("@nvo/server/Transport") {}
