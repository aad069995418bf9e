/**
 * Flow-control windows, RFC 9113 §5.2 and §6.9, as numbers and functions of numbers.
 *
 * A window is how many octets may still be sent. A sender's window may be below zero (§6.9.2). What a receiver has
 * taken is given back in steps, so that not every frame of data is answered by one of the connection.
 */
import { MAX_WINDOW } from "./Settings.ts"

/** The window after an increment, or `undefined` where it would be above 2^31 - 1 (§6.9.1). */
export const increase = (window: number, increment: number): number | undefined => {
  const sum = window + increment
  return sum > MAX_WINDOW ? undefined : sum
}

/** The receiving side of a stream or of the connection. */
export class Receiver {
  /** What the peer may still send. */
  window: number
  /** What was taken and not yet given back. */
  private taken = 0
  private readonly size: number

  constructor(size: number) {
    this.size = size
    this.window = size
  }

  /** Counts what came. `false` if it is more than the window. */
  receive(bytes: number): boolean {
    if (bytes > this.window) return false
    this.window -= bytes
    return true
  }

  /**
   * Counts what was taken by whom it was for. Gives the increment that is due: none, or everything once it is half
   * of the window.
   */
  take(bytes: number): number {
    this.taken += bytes
    if (this.taken * 2 < this.size) return 0
    const increment = this.taken
    this.taken = 0
    this.window += increment
    return increment
  }
}
