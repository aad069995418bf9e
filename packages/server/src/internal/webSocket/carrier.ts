/**
 * What a WebSocket goes over: a connection that HTTP/1.1 was left on, or a stream of HTTP/2.
 */
import type * as Effect from "effect/Effect"
import type * as Transport from "../../Transport.ts"
import type { TransportError } from "../../TransportError.ts"
import type { Attended } from "./attended.ts"
import type { Session } from "./session.ts"

/** Octets both ways, and how they end. */
export type Carrier = Pick<
  Transport.Connection,
  | "id"
  | "bytesRead"
  | "bytesWritten"
  | "bytesQueued"
  | "write"
  | "writeUnsafe"
  | "end"
  | "reset"
  | "divert"
  | "goOn"
  | "onDeparture"
>

/** An exchange that can become a WebSocket's. */
export interface Takeover {
  readonly carrier: Carrier
  /** Sends the head that says so, and keeps the session. */
  begin(session: Session): TransportError | undefined
  /** Octets that came behind the handshake. */
  rest(): Uint8Array | undefined
  /** Interrupts the application. */
  abort(): void
  /** Runs what nobody waits for. */
  fork(effect: Effect.Effect<void>): void
  /** Lets go of the request: `true` where the WebSocket goes on without it. */
  detach(attended: Attended): boolean
}
