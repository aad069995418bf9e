/**
 * What the engine knows of the program of a connection, whatever is spoken on it.
 */
import type { ConnectionId } from "@nvo/protocol"
import type { Phase } from "../ConnectionState.ts"
import type { ConnectionInfo } from "../Connections.ts"
import type { DeadlineError } from "../DeadlineError.ts"
import type * as Transport from "../Transport.ts"

/** Who a connection tells that it is over. */
export interface Owner {
  /** The connection has ended: its Scope then releases the socket. */
  hasEnded(): void
  /** Another program goes on with the connection, and this one has nothing more to do. */
  become(served: Served): void
}

/** See the module. */
export interface Served {
  readonly id: ConnectionId.ConnectionId
  readonly transport: Transport.Connection
  /** Begins. The owner is told once. */
  start(owner: Owner): void
  /** Ends it, and interrupts what is done for it. */
  stop(): void
  readonly info: ConnectionInfo
  readonly phase: Phase
  /** Since when nothing is under way, by the wheel's clock; `undefined` while something is. */
  readonly idleSince: number | undefined
  /** Ends the connection once what is under way is complete, now if nothing is. */
  retire(): void
  /** Ends the connection now, on which nothing is under way. */
  leave(): void
  /** It is cut, and it has been told why: what fails because of that is no error of its own. */
  cut(): void
  /** Its end: nothing of it is left on the wheel. */
  dispose(): void
  /** What is said of the connection when it is cut because the server has waited long enough. */
  drainError(): DeadlineError
}

/** What the registry tells of it. `since` and `acceptedAt` are in milliseconds since the epoch. */
export const infoOf = (
  { id, phase, transport }: Served,
  about: Pick<ConnectionInfo, "protocol" | "since" | "acceptedAt" | "requests">
): ConnectionInfo => ({
  id,
  peerAddress: transport.peerAddress,
  peerPort: transport.peerPort,
  phase,
  ...about,
  bytesRead: transport.bytesRead,
  bytesWritten: transport.bytesWritten
})
