/** The whole server in simulated runs: what every seed has to hold, and that a run can be repeated. */

import { assert, describe, it } from "@effect/vitest"
import { Simulation } from "@nvo/testing"

// A seed that fails here is replayed, made small and shown by `npm run simulate -- --seed <seed>`.
const SEEDS = 2_000

// 20 seconds on two cores that have nothing else to do.
const GENEROUS = 300_000

describe("simulated runs", () => {
  it(
    `hold what they have to, for ${SEEDS} seeds`,
    () => {
      let requests = 0
      const failed = Simulation.hunt({
        from: 0,
        seeds: SEEDS,
        onSeed: (outcome) => {
          requests += outcome.requests
        }
      })
      if (failed !== undefined) assert.fail(Simulation.format(Simulation.minimize(failed)))
      // A simulation in which nothing happens finds nothing.
      assert.isAbove(requests, 10_000)
    },
    GENEROUS
  )

  // 28,920: a peer that ended its side while the body of one request was thrown away had the next one answered with 499.
  // 172,244: a response that the drain's deadline cut was told as one whose body had failed.
  it("hold for the seeds that have found something", () => {
    for (const from of [28_920, 172_244]) {
      const failed = Simulation.hunt({ from, seeds: 1, protocol: "Http1" })
      if (failed !== undefined) assert.fail(Simulation.format(Simulation.minimize(failed)))
    }
  })

  it("are the same twice, to the last event", () => {
    for (let seed = 0; seed < 100; seed++) {
      assert.deepStrictEqual(Simulation.run(Simulation.draw(seed)), Simulation.run(Simulation.draw(seed)))
    }
  })

  it("differ by their seeds", () => {
    const drawn = Array.from({ length: 100 }, (_, seed) =>
      JSON.stringify({ ...Simulation.draw(seed), seed: 0 })
    )
    assert.strictEqual(new Set(drawn).size, 100)
  })

  it("are told as what was drawn, what was wrong and a timeline for each connection", () => {
    const text = Simulation.format(Simulation.run(Simulation.draw(3)))
    assert.match(text, /^seed 3: nothing is wrong$/m)
    assert.match(text, /^drawn: \{"seed":3,/m)
    assert.match(text, /^ +[0-9]+ ms {2}the server stops$/m)
  })
})
