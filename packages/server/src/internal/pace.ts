/**
 * How slow a peer may be: a minimum rate, with credit for stalls.
 *
 * Credit is time. It is full at first, time that passes while this side waits takes from it, and octets give it
 * back at the minimum rate, up to full. So a peer may stall for as long as the credit is, and may be slower than
 * the rate for a while, but neither a trickle of single octets nor a quick start buys it more than that.
 */

export interface Pace {
  /** Milliseconds that are left. */
  credit: number
  /** When waiting began, by the wheel's clock. */
  since: number
}

/** With full credit. `full` is in milliseconds. */
export const make = (full: number): Pace => ({ credit: full, since: 0 })

/** Waiting begins. Gives the time at which the credit is used up. */
export const wait = (pace: Pace, now: number): number => {
  pace.since = now
  return now + pace.credit
}

/** `octets` have come since waiting began or since the last progress. `rate` is in octets per second; 0: any do. */
export const progress = (pace: Pace, now: number, octets: number, full: number, rate: number): void => {
  const earned = rate === 0 ? (octets > 0 ? full : 0) : (octets * 1000) / rate
  pace.credit = Math.min(full, pace.credit - (now - pace.since) + earned)
  pace.since = now
}
