/** Simulated time: it passes when nothing else can happen, and what cannot end is told. */

import { assert, describe, it } from "@effect/vitest"
import { SimulatedTime } from "@nvo/testing"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"

const reasonOf = (exit: Exit.Exit<unknown, unknown>): string => {
  assert.ok(Exit.isFailure(exit))
  const error = Cause.squash(exit.cause)
  assert.ok(error instanceof SimulatedTime.Stuck)
  return error.reason
}

const elapsed = Effect.map(Clock.currentTimeMillis, (now) => now - SimulatedTime.EPOCH)

describe("simulated time", () => {
  it("fires timers in the order of their time, and of their registration where it is the same", () => {
    const order = SimulatedTime.run(
      Effect.gen(function* () {
        const order: Array<string> = []
        const after = (millis: number, name: string) =>
          Effect.forkChild(
            Effect.andThen(
              Effect.sleep(millis),
              Effect.sync(() => order.push(name))
            )
          )
        const fibers = [
          yield* after(30, "c"),
          yield* after(10, "a"),
          yield* after(30, "d"),
          yield* after(20, "b")
        ]
        yield* Effect.forEach(fibers, Fiber.join)
        return order
      })
    )
    assert.deepStrictEqual(order, ["a", "b", "c", "d"])
  })

  it("passes as far as the program sleeps, and no further", () => {
    const millis = SimulatedTime.run(
      Effect.gen(function* () {
        yield* Effect.repeat(Effect.void, Schedule.max([Schedule.spaced("1 hour"), Schedule.recurs(3)]))
        yield* Effect.timeoutOption(Effect.sleep("2 hours"), "30 minutes")
        return yield* elapsed
      })
    )
    assert.strictEqual(millis, 3.5 * 3_600_000)
  })

  it("gives the program's failure", () => {
    assert.deepStrictEqual(SimulatedTime.runExit(Effect.fail("no")), Exit.fail("no"))
    assert.throws(() => SimulatedTime.run(Effect.die(new Error("a defect"))), "a defect")
  })

  it("tells of a program in which every fiber waits", () => {
    assert.strictEqual(
      reasonOf(SimulatedTime.runExit(Effect.flatMap(Deferred.make<void>(), Deferred.await))),
      "Deadlock"
    )
  })

  it("tells of a program that goes on for ever", () => {
    assert.strictEqual(
      reasonOf(SimulatedTime.runExit(Effect.forever(Effect.sleep("1 second")), { limit: "1 minute" })),
      "TimeLimit"
    )
    assert.strictEqual(
      reasonOf(SimulatedTime.runExit(Effect.forever(Effect.yieldNow), { turns: 1_000 })),
      "Livelock"
    )
  })

  // Ten root fibers that run when they like.
  const race = (options: SimulatedTime.Options) =>
    SimulatedTime.run(
      Effect.gen(function* () {
        const order: Array<number> = []
        const run = Effect.runForkWith(yield* Effect.context<never>())
        const fibers = Array.from({ length: 10 }, (_, i) =>
          run(
            Effect.andThen(
              Effect.yieldNow,
              Effect.sync(() => order.push(i))
            )
          )
        )
        yield* Effect.forEach(fibers, Fiber.join)
        return order.join("")
      }),
      options
    )

  it("runs fibers in order, and with `shuffle` in an order that the seed decides", () => {
    assert.strictEqual(race({}), "0123456789")
    const orders = Array.from({ length: 10 }, (_, seed) => race({ seed, shuffle: true }))
    assert.deepStrictEqual(
      orders,
      Array.from({ length: 10 }, (_, seed) => race({ seed, shuffle: true }))
    )
    assert.isAbove(new Set(orders).size, 8)
  })

  it("seeds Effect's Random", () => {
    const draw = (seed: number) => SimulatedTime.run(Random.next, { seed })
    assert.strictEqual(draw(1), draw(1))
    assert.notStrictEqual(draw(1), draw(2))
  })
})
