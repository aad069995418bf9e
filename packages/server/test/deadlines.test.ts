/** The wheel: never early, at most one tick late, and nothing left on it. */

import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import * as Deadlines from "../src/Deadlines.ts"

/** Deadlines that write down when they came due. */
const watched = Effect.fnUntraced(function* (wheel: Deadlines.Deadlines) {
  const clock = yield* Clock.Clock
  const fired: Array<number> = []
  const start = wheel.now()
  const deadline = new Deadlines.Deadline(wheel, () =>
    fired.push(Number(clock.monotonicTimeNanosUnsafe()) / 1e6 - start)
  )
  return { deadline, fired }
})

describe("a deadline", () => {
  it.effect("comes due once, not a millisecond early", () =>
    Effect.gen(function* () {
      const wheel = yield* Deadlines.make
      const { deadline, fired } = yield* watched(wheel)
      deadline.arm(1_000)
      yield* TestClock.adjust(999)
      assert.deepStrictEqual(fired, [])
      assert.isTrue(deadline.isArmed)
      yield* TestClock.adjust(Deadlines.TICK + 1)
      assert.strictEqual(fired.length, 1)
      assert.isFalse(deadline.isArmed)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(fired.length, 1)
      assert.strictEqual(wheel.size, 0)
    })
  )

  it.effect("can be put off, drawn nearer and taken back", () =>
    Effect.gen(function* () {
      const wheel = yield* Deadlines.make
      const later = yield* watched(wheel)
      const sooner = yield* watched(wheel)
      const never = yield* watched(wheel)
      for (const { deadline } of [later, sooner, never]) deadline.arm(10_000)
      later.deadline.arm(20_000)
      sooner.deadline.arm(1_000)
      never.deadline.disarm()
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(
        [later, sooner, never].map(({ fired }) => fired.length),
        [0, 1, 0]
      )
      yield* TestClock.adjust("14 seconds")
      assert.strictEqual(later.fired.length, 0)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(
        [later, sooner, never].map(({ fired }) => fired.length),
        [1, 1, 0]
      )
      assert.strictEqual(wheel.size, 0)
    })
  )

  it.effect("leaves nothing behind once it is released", () =>
    Effect.gen(function* () {
      const wheel = yield* Deadlines.make
      const { deadline, fired } = yield* watched(wheel)
      deadline.arm(1_000)
      assert.strictEqual(wheel.size, 1)
      deadline.release()
      assert.strictEqual(wheel.size, 0)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(fired, [])
    })
  )

  it.effect("can be armed again from its own end", () =>
    Effect.gen(function* () {
      const wheel = yield* Deadlines.make
      let left = 3
      const deadline: Deadlines.Deadline = new Deadlines.Deadline(wheel, () => {
        if (--left > 0) deadline.arm(100)
      })
      deadline.arm(100)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(left, 0)
    })
  )

  it.effect("does not come due after the Scope of its wheel", () =>
    Effect.gen(function* () {
      const { deadline, fired } = yield* Effect.scoped(
        Effect.gen(function* () {
          const one = yield* watched(yield* Deadlines.make)
          one.deadline.arm(100)
          return one
        })
      )
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(fired, [])
      deadline.release()
    })
  )

  it.effect("keeps a simulated hour of ten thousand idle connections short", () =>
    Effect.gen(function* () {
      const wheel = yield* Deadlines.make
      let fired = 0
      for (let i = 0; i < 10_000; i++) {
        new Deadlines.Deadline(wheel, () => fired++).arm(60_000 + (i % 600))
      }
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(fired, 10_000)
      assert.strictEqual(wheel.size, 0)
    })
  )
})

describe("the law of the wheel", () => {
  type Step =
    | { readonly _tag: "Arm"; readonly which: number; readonly duration: number }
    | { readonly _tag: "Disarm" | "Release"; readonly which: number }
    | { readonly _tag: "Pass"; readonly millis: number }
  const which = fc.nat(4)
  const steps: fc.Arbitrary<ReadonlyArray<Step>> = fc.array(
    fc.oneof(
      fc.record({ _tag: fc.constant("Arm" as const), which, duration: fc.nat(5_000) }),
      fc.record({ _tag: fc.constantFrom("Disarm" as const, "Release" as const), which }),
      fc.record({ _tag: fc.constant("Pass" as const), millis: fc.nat(2_000) })
    ),
    { maxLength: 40 }
  )

  const agrees = (plan: ReadonlyArray<Step>) =>
    Effect.gen(function* () {
      const wheel = yield* Deadlines.make
      const start = wheel.now()
      const model: Array<number | undefined> = [0, 1, 2, 3, 4].map(() => undefined)
      const wrong: Array<string> = []
      const deadlines = model.map(
        (_, i) =>
          new Deadlines.Deadline(wheel, () => {
            const due = model[i]
            const now = wheel.now()
            if (due === undefined) wrong.push(`${i} came due and was not armed`)
            else if (now < due || now > due + Deadlines.TICK)
              wrong.push(`${i} was due at ${due - start} and came at ${now - start}`)
            model[i] = undefined
          })
      )
      for (const step of plan) {
        if (step._tag === "Pass") yield* TestClock.adjust(step.millis)
        else if (step._tag === "Arm") {
          deadlines[step.which].arm(step.duration)
          model[step.which] = wheel.now() + step.duration
        } else {
          if (step._tag === "Disarm") deadlines[step.which].disarm()
          else deadlines[step.which].release()
          model[step.which] = undefined
        }
      }
      yield* TestClock.adjust("10 seconds")
      for (const [i, due] of model.entries()) if (due !== undefined) wrong.push(`${i} never came due`)
      if (wheel.size !== 0) wrong.push(`${wheel.size} left on the wheel`)
      assert.deepStrictEqual(wrong, [])
    })

  it("holds for any order of arming, disarming and time", async () => {
    await fc.assert(
      fc.asyncProperty(steps, (plan) =>
        Effect.runPromise(Effect.scoped(agrees(plan)).pipe(Effect.provide(TestClock.layer())))
      ),
      { numRuns: 200 }
    )
  })
})
