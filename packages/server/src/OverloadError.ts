/**
 * What a server turned away to go on serving the rest. A burst of these is reported by its first, and by their
 * number when it is over, so that an overload does not become one of the log; the metric counts each.
 */
import { ConnectionId } from "@nvo/protocol"
import * as Data from "effect/Data"

/** Why. `limit` is the limit that was reached, in its unit of the configuration. */
export type OverloadErrorReason =
  /** A connection over `connectionCount` was turned away. */
  | { readonly _tag: "ConnectionRefused"; readonly limit: number }
  /** An idle connection was closed to make room for another. */
  | { readonly _tag: "ConnectionEvicted"; readonly limit: number }
  /** A request waited for its turn for more than `loopDelay` milliseconds: the event loop is behind. */
  | { readonly _tag: "LoopDelayed"; readonly limit: number }
  /** A request came when `inFlightCount` were in flight and `queueCount` waited. */
  | { readonly _tag: "QueueFull"; readonly limit: number }
  /** A request waited for `queueTimeout` milliseconds and none of those in flight had ended. */
  | { readonly _tag: "QueueTimeout"; readonly limit: number }

/** The reasons, by name: who caused it, the status that answers it (0: none), and what it says. */
export const reasons = {
  ConnectionRefused: {
    initiator: "Server",
    status: 503,
    text: "a connection over the limit was turned away"
  },
  ConnectionEvicted: {
    initiator: "Server",
    status: 0,
    text: "an idle connection was closed to make room for another"
  },
  LoopDelayed: {
    initiator: "Server",
    status: 503,
    text: "a request was turned away because the event loop is behind"
  },
  QueueFull: {
    initiator: "Server",
    status: 503,
    text: "a request was turned away because too many are in flight and waiting"
  },
  QueueTimeout: {
    initiator: "Server",
    status: 503,
    text: "a request was turned away because it had waited for too long"
  }
} as const satisfies Record<
  OverloadErrorReason["_tag"],
  { readonly initiator: "Server"; readonly status: number; readonly text: string }
>

/** Something was turned away. */
export class OverloadError extends Data.TaggedError("OverloadError")<{
  readonly connectionId: ConnectionId.ConnectionId
  readonly initiator: "Server"
  readonly reason: OverloadErrorReason
}> {
  /** What answers it. */
  get status(): number {
    return reasons[this.reason._tag].status
  }

  override get message(): string {
    const { _tag, limit } = this.reason
    const on = this.connectionId === ConnectionId.none ? "" : `; ${ConnectionId.format(this.connectionId)}`
    return `${_tag}: ${reasons[_tag].text} (limit ${limit}${on})`
  }
}

/** Makes an `OverloadError`. */
export const make = (reason: OverloadErrorReason, connectionId: ConnectionId.ConnectionId): OverloadError =>
  new OverloadError({ connectionId, initiator: "Server", reason })
