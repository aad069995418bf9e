/**
 * Which connections have been idle for longest.
 */
import type { Served } from "./served.ts"

// Looking for one costs a look at all, so a hundredth of them is chosen at a time: for each that is needed the cost
// does not grow with their number.
const PART = 100

/** Those that have been idle for longest, the very longest last. */
export const longestIdle = (all: Iterable<{ readonly served: Served | undefined }>): Array<Served> => {
  const idle: Array<readonly [since: number, served: Served]> = []
  for (const { served } of all) {
    const since = served?.idleSince
    if (served !== undefined && since !== undefined) idle.push([since, served])
  }
  return idle
    .sort(([a], [b]) => a - b)
    .slice(0, Math.ceil(idle.length / PART))
    .map(([_, served]) => served)
    .reverse()
}
