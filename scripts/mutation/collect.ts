// What tests import in place of vitest while mutants are tried: it collects them, to be run in this process as
// often as there are mutants.
export { assert } from "vitest"

export interface Collected {
  readonly name: string
  readonly run: () => unknown
}

let tests: Array<Collected> = []
let path: ReadonlyArray<string> = []

/** What was collected since the last time. */
export const take = (): ReadonlyArray<Collected> => {
  const taken = tests
  tests = []
  return taken
}

export const describe = (name: string, suite: () => void): void => {
  const outer = path
  path = [...outer, name]
  suite()
  path = outer
}

export const it = (name: string, ...rest: ReadonlyArray<unknown>): void => {
  const run = rest.find((part) => typeof part === "function") as () => unknown
  tests.push({ name: [...path, name].join(" > "), run })
}
