/**
 * What a simulated network does to connections, as data: the faults of each direction, and the ways to write
 * them. A plan says what may happen; the seed of the network decides what does.
 *
 * @example
 * ```ts
 * import * as FaultPlan from "@nvo/testing/FaultPlan"
 *
 * // Requests arrive octet by octet, and every second connection breaks somewhere in the response.
 * export const plan = FaultPlan.make({
 *   toServer: { segment: [1, 1] },
 *   toClient: { latency: [1, 50], reset: { chance: 0.5, after: [0, 1_000] } }
 * })
 * ```
 */

/** From the first number to the second, both included. */
export type Range = readonly [least: number, most: number]

/** The faults of one direction of a connection. */
export interface Direction {
  /** Milliseconds that a segment is on its way. Segments do not overtake each other. Default: none. */
  readonly latency: Range
  /** Octets of a segment: what is written is cut into such pieces. Default: as much as there is. */
  readonly segment: Range
  /** The probability that a segment goes on over the end of what was written at once. Default: 1. */
  readonly coalesce: number
  /** The probability that a segment is held up, and for how many milliseconds. Default: never. */
  readonly stall: { readonly chance: number; readonly millis: Range }
  /**
   * The probability that the connection is lost, for both sides at once, when so many octets have arrived.
   * Default: never.
   */
  readonly reset: { readonly chance: number; readonly after: Range }
  /**
   * Octets that the network holds, on their way or waiting to be read; the sender keeps the rest. A small
   * buffer is what a full send buffer looks like. Default: 65,536.
   */
  readonly buffer: number
}

/** See the module. */
export interface FaultPlan {
  readonly toServer: Direction
  readonly toClient: Direction
  /** The probability that a connection fails when it is accepted, as when no descriptors are left. */
  readonly acceptError: number
}

/** A direction in which nothing happens: what is written arrives at once, as one. */
export const calm: Direction = {
  latency: [0, 0],
  segment: [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  coalesce: 1,
  stall: { chance: 0, millis: [0, 0] },
  reset: { chance: 0, after: [0, 0] },
  buffer: 65_536
}

/** A network in which nothing happens. */
export const none: FaultPlan = { toServer: calm, toClient: calm, acceptError: 0 }

/** A plan with some faults, and without the others. */
export const make = (faults: {
  readonly toServer?: Partial<Direction>
  readonly toClient?: Partial<Direction>
  readonly acceptError?: number
}): FaultPlan => ({
  toServer: { ...calm, ...faults.toServer },
  toClient: { ...calm, ...faults.toClient },
  acceptError: faults.acceptError ?? 0
})
