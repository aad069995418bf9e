/** Faults and attacks over real sockets. */
import { describe, it } from "@effect/vitest"
import { faults } from "./support/faults.ts"
import { sockets } from "./support/faultsWorld.ts"

describe("over sockets", () => {
  for (const { does, name, test } of faults) {
    it.live(`${name}: ${does}`, () => test(sockets))
  }
})
