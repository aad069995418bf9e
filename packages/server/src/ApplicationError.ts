/**
 * What an application did that the engine could not carry out, or that ended its exchange.
 */
import { ConnectionId } from "@nvo/protocol"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import type { Phase } from "./ConnectionState.ts"

/** Why. */
export type ApplicationErrorReason =
  /** The handler failed or died; its cause was turned into a response where it could be. */
  | { readonly _tag: "HandlerFailed"; readonly cause: Cause.Cause<unknown> }
  /** The stream of a response body failed after its head was sent, so the connection was ended. */
  | { readonly _tag: "ResponseBodyFailed"; readonly cause: Cause.Cause<unknown> }
  /** The handler was interrupted because its peer left. */
  | { readonly _tag: "ClientAborted" }
  /** The engine broke its own rules: a bug, which ended this connection only. */
  | { readonly _tag: "EngineDefect"; readonly cause: Cause.Cause<unknown> }

/** The reasons, by name: who caused it, the status that answers it (0: none), and what it says. */
export const reasons = {
  HandlerFailed: { initiator: "Application", status: 500, text: "the handler failed or died" },
  ResponseBodyFailed: {
    initiator: "Application",
    status: 0,
    text: "the stream of a response body failed after its head was sent"
  },
  ClientAborted: { initiator: "Peer", status: 0, text: "the handler was interrupted because its peer left" },
  EngineDefect: { initiator: "Server", status: 0, text: "the engine broke its own rules: a bug" }
} as const satisfies Record<
  ApplicationErrorReason["_tag"],
  { readonly initiator: "Peer" | "Application" | "Server"; readonly status: number; readonly text: string }
>

/** A failure of one exchange. `requestIndex` counts the requests of its connection from 1. */
export class ApplicationError extends Data.TaggedError("ApplicationError")<{
  readonly connectionId: ConnectionId.ConnectionId
  readonly requestIndex: number
  readonly phase: Phase
  readonly initiator: "Peer" | "Application" | "Server"
  readonly reason: ApplicationErrorReason
}> {
  /** What answers a handler's failure when nothing else does. */
  get status(): number {
    return reasons[this.reason._tag].status
  }

  override get message(): string {
    const where = `request ${this.requestIndex} on ${ConnectionId.format(this.connectionId)}, ${this.phase}`
    return "cause" in this.reason
      ? `${this.reason._tag} (${where}): ${Cause.pretty(this.reason.cause)}`
      : `${this.reason._tag} (${where})`
  }
}

/** Makes an `ApplicationError`; who caused it follows from the reason. */
export const make = (options: {
  readonly connectionId: ConnectionId.ConnectionId
  readonly requestIndex: number
  readonly phase: Phase
  readonly reason: ApplicationErrorReason
}): ApplicationError =>
  new ApplicationError({ ...options, initiator: reasons[options.reason._tag].initiator })
