/**
 * The close handshake of RFC 6455 §7 as one table: (state, input) → state. What is missing in it cannot happen.
 */

/** Where a WebSocket stands. */
export type State =
  /** Neither side has sent a Close frame. */
  | "Open"
  /** This side has sent one and waits for the peer's; it sends nothing any more (§5.5.1). */
  | "Closing"
  /** The peer has sent one; this side owes an answer, and sends no data any more. */
  | "Answering"
  /** The connection was failed (§7.1.7): this side has said why, and what comes is thrown away. */
  | "Failed"
  /** Over: both Close frames were seen, or the connection ended. */
  | "Closed"

/** What can happen. */
export type Input =
  /** This side sent a Close frame. */
  | "CloseSent"
  /** A valid Close frame came. */
  | "CloseReceived"
  /** The peer broke a rule; the Close frame that says so was sent. */
  | "Failed"
  /** The connection ended. */
  | "Ended"

/** All transitions. */
export const table: { readonly [S in State]: { readonly [I in Input]?: State } } = {
  Open: { CloseSent: "Closing", CloseReceived: "Answering", Failed: "Failed", Ended: "Closed" },
  Closing: { CloseReceived: "Closed", Failed: "Closed", Ended: "Closed" },
  Answering: { CloseSent: "Closed", Ended: "Closed" },
  Failed: { Ended: "Closed" },
  Closed: {}
}

export const states = Object.keys(table) as ReadonlyArray<State>

export const inputs: ReadonlyArray<Input> = ["CloseSent", "CloseReceived", "Failed", "Ended"]

/** Where every WebSocket begins. */
export const initial: State = "Open"

/** The state after `input`, or `undefined` where the table has none. */
export const next = (state: State, input: Input): State | undefined => table[state][input]

/** Whether messages may be sent: after a Close frame in either direction they may not (§5.5.1). */
export const maySend = (state: State): boolean => state === "Open"

/** Whether what the peer sends still means anything. */
export const mayReceive = (state: State): boolean => state === "Open" || state === "Closing"
