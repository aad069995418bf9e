/** Broken servers are caught: what a simulation says is worth something. */

import { assert, describe, it } from "@effect/vitest"
import { Canaries, Simulation } from "@nvo/testing"

// Counted from anywhere: from the first seed, and from places that were not looked at when the bounds were set.
const STARTS = [0, 1_000_000, 2_222_222, 31_415_926, 2 ** 40]

describe("a canary", () => {
  for (const canary of Canaries.all) {
    it(`that ${canary.name.replaceAll("-", " ")} is caught within ${canary.within} seeds`, () => {
      for (const from of STARTS) {
        assert.isDefined(
          Simulation.hunt({ from, seeds: canary.within, variant: canary }),
          `from seed ${from} on`
        )
      }
    })
  }

  it("is shown by the smallest run that it breaks", () => {
    const canary = Canaries.all.find(({ name }) => name === "leaks-registration")
    const found = Simulation.hunt({ from: 0, seeds: 20, variant: canary })
    assert.isDefined(found)
    const smallest = Simulation.minimize(found, canary)
    // The third connection is the one that leaks, and each of the three asks for as little as can be.
    assert.strictEqual(smallest.scenario.clients.length, 3)
    assert.deepStrictEqual(
      smallest.scenario.clients.map(({ asks }) => asks.length),
      [1, 1, 1]
    )
    assert.match(
      Simulation.format(smallest),
      /^connection 3\n( +[0-9]+ ms .*\n)+ +[0-9]+ ms {2}✗ is still registered, and its client has left$/m
    )
  })
})
