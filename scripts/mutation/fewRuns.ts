// What tests import in place of fast-check while mutants are tried: a law that does not fail in its first runs is
// left to the tests themselves, for there are thousands of mutants.
import * as fc from "fast-check"

export * from "fast-check"

const MAX_RUNS = 60

export const assert = <Ts>(
  property: fc.IRawProperty<Ts>,
  parameters?: fc.Parameters<Ts>
): void | Promise<void> =>
  fc.assert(property, { ...parameters, numRuns: Math.min(parameters?.numRuns ?? 100, MAX_RUNS) })
