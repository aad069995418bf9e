/** Faults and attacks in simulated time: each with the limits that are the defaults. */
import { describe, it } from "@effect/vitest"
import { faults } from "./support/faults.ts"
import { simulate } from "./support/faultsWorld.ts"

describe("in simulated time", () => {
  for (const { does, name, test } of faults) {
    it(`${name}: ${does}`, () => {
      simulate(test)
    })
  }
})
