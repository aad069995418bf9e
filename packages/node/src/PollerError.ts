/**
 * What can go wrong with a poller.
 */
import * as Data from "effect/Data"

/** Why. */
export type PollerErrorReason =
  /** There is no poller on this machine; `needs` says what it would take. */
  | { readonly _tag: "Unavailable"; readonly needs: string }
  /** A system call failed. `cause` has its `code`, as errors of Node have. */
  | { readonly _tag: "SystemCallFailed"; readonly cause: NodeJS.ErrnoException }

/** A failure of the poller. */
export class PollerError extends Data.TaggedError("PollerError")<{ readonly reason: PollerErrorReason }> {
  override get message(): string {
    return this.reason._tag === "Unavailable"
      ? `The poll transport needs ${this.reason.needs}`
      : this.reason.cause.message
  }
}
