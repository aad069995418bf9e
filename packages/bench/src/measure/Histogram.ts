/**
 * Latencies counted in buckets of 1.5 % width, so that millions of them take a few kilobytes and no time.
 */
const PER_OCTAVE = 48
const OCTAVES = 30

/** Microseconds in, quantiles out. */
export class Histogram {
  private readonly buckets = new Uint32Array(PER_OCTAVE * OCTAVES)
  count = 0

  add(micros: number): void {
    const at = micros <= 1 ? 0 : Math.ceil(Math.log2(micros) * PER_OCTAVE)
    this.buckets[Math.min(at, this.buckets.length - 1)]++
    this.count++
  }

  /** The upper end of the bucket in which the quantile lies; 0 if nothing was counted. */
  quantile(q: number): number {
    const rank = Math.ceil(q * this.count)
    let seen = 0
    for (let at = 0; at < this.buckets.length; at++) {
      seen += this.buckets[at]
      if (seen >= rank && seen > 0) return 2 ** (at / PER_OCTAVE)
    }
    return 0
  }
}
