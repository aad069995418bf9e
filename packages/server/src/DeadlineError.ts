/**
 * A deadline that passed: who was too slow, and in which phase of its connection.
 */
import { ConnectionId } from "@nvo/protocol"
import * as Data from "effect/Data"
import type { Phase } from "./ConnectionState.ts"

/** Which deadline. `after` is how long it was, in milliseconds. */
export type DeadlineErrorReason =
  /** The peer began a request and did not complete its head. */
  | { readonly _tag: "HeadTimeout"; readonly after: number }
  /** The octets of a request body came too slowly, or stopped coming. */
  | { readonly _tag: "BodyTimeout"; readonly after: number }
  /** The peer took too little of a response, or nothing of it any more. */
  | { readonly _tag: "WriteTimeout"; readonly after: number }
  /** The handler had no response in time, and was interrupted. */
  | { readonly _tag: "HandlerTimeout"; readonly after: number }
  /** The server stopped and the connection had not ended by then, so it was cut. */
  | { readonly _tag: "DrainTimeout"; readonly after: number }

/** The reasons, by name: who caused it, the status that answers it (0: none), and what it says. */
export const reasons = {
  HeadTimeout: {
    initiator: "Peer",
    status: 408,
    text: "the head of a request was begun and not completed in time; without a full request line no answer is sent"
  },
  BodyTimeout: { initiator: "Peer", status: 408, text: "the octets of a request body came too slowly" },
  WriteTimeout: { initiator: "Peer", status: 0, text: "the peer took too little of a response" },
  HandlerTimeout: { initiator: "Application", status: 503, text: "the handler had no response in time" },
  DrainTimeout: {
    initiator: "Server",
    status: 0,
    text: "the server stopped, and the connection had not ended by the deadline"
  }
} as const satisfies Record<
  DeadlineErrorReason["_tag"],
  { readonly initiator: "Peer" | "Application" | "Server"; readonly status: number; readonly text: string }
>

/** A deadline that passed. `requestIndex` counts the requests of its connection from 1; 0 is before the first. */
export class DeadlineError extends Data.TaggedError("DeadlineError")<{
  readonly connectionId: ConnectionId.ConnectionId
  readonly requestIndex: number
  readonly phase: Phase
  readonly initiator: "Peer" | "Application" | "Server"
  readonly reason: DeadlineErrorReason
}> {
  /** What answers it, where an answer can still be sent. */
  get status(): number {
    return reasons[this.reason._tag].status
  }

  override get message(): string {
    const { _tag, after } = this.reason
    const where = `request ${this.requestIndex} on ${ConnectionId.format(this.connectionId)}, ${this.phase}`
    return `${_tag}: ${reasons[_tag].text} (${after} ms; ${where})`
  }
}

/** Makes a `DeadlineError`; who caused it follows from the reason. */
export const make = (options: {
  readonly connectionId: ConnectionId.ConnectionId
  readonly requestIndex: number
  readonly phase: Phase
  readonly reason: DeadlineErrorReason
}): DeadlineError => new DeadlineError({ ...options, initiator: reasons[options.reason._tag].initiator })

/** Whether `u` is a `DeadlineError`. */
export const isDeadlineError = (u: unknown): u is DeadlineError => u instanceof DeadlineError
