/**
 * The identity of one connection: a positive integer, unique within a process and given in the order in
 * which connections were accepted. Every error, log line and span of a connection carries it.
 */
import type * as Brand from "effect/Brand"

export type ConnectionId = number & Brand.Brand<"ConnectionId">

/**
 * Makes a `ConnectionId` of a positive integer.
 *
 * @example
 * ```ts
 * import * as ConnectionId from "@nvo/protocol/http/ConnectionId"
 *
 * ConnectionId.format(ConnectionId.make(42)) // "c42"
 * ```
 */
export const make = (id: number): ConnectionId => id as ConnectionId

/** What stands where bytes are decoded outside any connection: a file, a test, a pipe. */
export const none: ConnectionId = make(0)

/** The form in which messages for people name a connection: `c42`. */
export const format = (id: ConnectionId): string => `c${id}`
