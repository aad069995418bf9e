/** The few statistics that the benchmark speaks in. */

export const median = (values: ReadonlyArray<number>): number => {
  if (values.length === 0) return Number.NaN
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** A median with the half width of the interval in which its true value lies, at about 95 %. */
export interface Estimate {
  readonly median: number
  readonly error: number
}

/**
 * The median, and how far it may be off. The spread is the median absolute deviation, so that a round in which the
 * machine did something else does not count for more than one; 1.4826 makes it a standard deviation, 1.2533 is what
 * a median is less sure than a mean.
 */
export const estimate = (values: ReadonlyArray<number>): Estimate => {
  const middle = median(values)
  const deviation = 1.4826 * median(values.map((value) => Math.abs(value - middle)))
  return { median: middle, error: (2 * 1.2533 * deviation) / Math.sqrt(Math.max(1, values.length)) }
}

/** Ratios of rounds that were run one after the other: what drifts with the machine divides out. */
export const ratios = (values: ReadonlyArray<number>, to: ReadonlyArray<number>): ReadonlyArray<number> =>
  values.flatMap((value, round) => (round < to.length ? [value / to[round]] : []))
