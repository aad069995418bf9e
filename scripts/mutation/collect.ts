// What tests import in place of vitest while mutants are tried: it collects them, to be run in this process as
// often as there are mutants.
import { isDeepStrictEqual } from "node:util"
import { Effect, type Scope } from "effect"
import { assert as chai } from "vitest"

// Nearly all assertions hold. chai is asked about those that do not: it compares four times slower than Node.
export const assert = Object.assign((...given: Parameters<typeof chai>): void => chai(...given), chai, {
  strictEqual: <A>(actual: A, expected: A, message?: string): void => {
    if (actual !== expected) chai.strictEqual(actual, expected, message)
  },
  deepStrictEqual: <A>(actual: A, expected: A, message?: string): void => {
    if (!isDeepStrictEqual(actual, expected)) chai.deepStrictEqual(actual, expected, message)
  }
})

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

const add = (name: string, run: () => unknown): void => {
  tests.push({ name: [...path, name].join(" > "), run })
}

const functionIn = <A>(rest: ReadonlyArray<unknown>): (() => A) =>
  rest.find((part) => typeof part === "function") as () => A

export const it = Object.assign(
  (name: string, ...rest: ReadonlyArray<unknown>): void => add(name, functionIn(rest)),
  {
    // On the live clock: a test of a protocol has no use for another.
    effect: (name: string, ...rest: ReadonlyArray<unknown>): void => {
      const make = functionIn<Effect.Effect<unknown, unknown, Scope.Scope>>(rest)
      add(name, () => Effect.runPromise(Effect.scoped(Effect.suspend(make))))
    }
  }
)
