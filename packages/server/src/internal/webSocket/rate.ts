/** How many of something may come within a second. */

export class Rate {
  private readonly limit: number
  private readonly now: () => number
  private since = Number.NEGATIVE_INFINITY
  private count = 0

  /** A limit of 0 is none. */
  constructor(limit: number, now: () => number) {
    this.limit = limit
    this.now = now
  }

  /** Counts one more; `false` where it is one too many. The clock is asked once for each second's worth. */
  take(): boolean {
    if (this.limit === 0 || this.count < this.limit) {
      // The first of a second begins it.
      if (this.count === 0 && this.limit !== 0) this.since = this.now()
      this.count++
      return true
    }
    if (this.now() - this.since < 1_000) return false
    this.since = this.now()
    this.count = 1
    return true
  }
}
