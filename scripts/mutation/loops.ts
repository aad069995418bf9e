// How often loops run while a test runs on a mutant: one that never ends is told by this, and not by a clock, so it is
// told at once and on any machine.

/** A loop ran far more often than it does without a mutant. */
export class NeverEnds extends Error {
  override readonly name = "NeverEnds"
}

let passed = 0
let allowed = Number.POSITIVE_INFINITY

/** What every loop of a loaded source calls each time it goes round; `Mutants.countLoops` puts it there. */
export const pass = (): void => {
  if (++passed > allowed) throw new NeverEnds()
}

/** From now on loops may go round so often. */
export const allow = (passes: number): void => {
  passed = 0
  allowed = passes
}

/** How often they went round since. */
export const count = (): number => passed

/** Whether they went round more often than they may, whatever became of the error. */
export const isExceeded = (): boolean => passed > allowed
