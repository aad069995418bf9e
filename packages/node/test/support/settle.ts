/** Waits for things that have no event. Bounded, and independent of how fast they happen. */
import * as Effect from "effect/Effect"

const STEP = 10
const PATIENCE = 10_000

/** Waits until `check` holds. */
export const eventually = (what: string, check: () => boolean): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let waited = 0; waited < PATIENCE; waited += STEP) {
      if (check()) return
      yield* Effect.sleep(STEP)
    }
    return yield* Effect.die(new Error(`Waited in vain for ${what}`))
  })

/** Waits until a figure has not moved for 100 ms, and gives it. */
export const settled = (what: string, measure: () => number): Effect.Effect<number> =>
  Effect.gen(function* () {
    let last = measure()
    let quiet = 0
    for (let waited = 0; waited < PATIENCE; waited += STEP) {
      yield* Effect.sleep(STEP)
      const now = measure()
      quiet = now === last ? quiet + STEP : 0
      last = now
      if (quiet >= 100) return now
    }
    return yield* Effect.die(new Error(`${what} never settled`))
  })
