/**
 * An event loop in simulated time, with more requests than it has time for: who is begun, who waits, who is turned
 * away. Its turns are those of Node: due timers, what has come is read, what was scheduled is run.
 */

import { assert, describe, it } from "@effect/vitest"
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import { Deadlines } from "../src/Deadlines.ts"
import { Overload, TURN } from "../src/internal/overload.ts"

const LOOP_DELAY = 500

/** What reading a request, and turning one away, costs in milliseconds. */
const READ = 0.02
const REFUSE = 0.05

interface Arrival {
  readonly at: number
  /** Milliseconds of its handler. */
  readonly cost: number
  readonly exempt?: boolean
}

interface Answer {
  readonly arrival: Arrival
  readonly waited: number
  readonly isServed: boolean
}

const run = (arrivals: ReadonlyArray<Arrival>, options: { readonly accepts?: boolean } = {}) => {
  let now = 0
  const clock = {
    monotonicTimeNanosUnsafe: () => BigInt(Math.round(now * 1e6)),
    sleep: () => Effect.never
  } as unknown as Clock.Clock
  let tasks: Array<() => void> = []
  const overload = new Overload(
    { inFlightCount: 0, queueCount: 0, queueTimeout: 1_000, loopDelay: LOOP_DELAY },
    new Deadlines(Context.empty(), clock),
    (task) => tasks.push(task)
  )
  const answers: Array<Answer> = []
  const turns: Array<{ readonly from: number; readonly length: number }> = []
  const answer = (arrival: Arrival, isServed: boolean) => {
    now += isServed ? arrival.cost : REFUSE
    if (isServed) overload.leave()
    answers.push({ arrival, waited: now - arrival.at, isServed })
  }
  let next = 0
  let sampleAt = 100
  while (answers.length < arrivals.length) {
    // Nothing to do: time passes to what is next.
    if (tasks.length === 0 && next < arrivals.length) {
      now = Math.max(now, Math.min(arrivals[next].at, sampleAt))
    }
    const from = now
    if (now >= sampleAt) {
      overload.observe(now - sampleAt)
      sampleAt = now + 100
    }
    if (options.accepts === true) overload.accepted()
    const came = next
    while (next < arrivals.length && arrivals[next].at <= from) next++
    for (const arrival of arrivals.slice(came, next)) {
      now += READ
      if (arrival.exempt !== true && overload.enter()) answer(arrival, true)
      else {
        Effect.runFork(
          Effect.map(overload.admit(arrival.exempt === true), (verdict) =>
            answer(arrival, verdict === undefined)
          )
        )
      }
    }
    const due = tasks
    tasks = []
    for (const task of due) task()
    if (now > from) turns.push({ from, length: now - from })
  }
  return { answers, turns, ended: now, overload }
}

/** `rate` requests a second for `seconds`, at even distances. */
const steady = (rate: number, seconds: number, cost: number, from = 0): ReadonlyArray<Arrival> =>
  Array.from({ length: rate * seconds }, (_, i) => ({ at: from + (i * 1000) / rate, cost }))

const served = (answers: ReadonlyArray<Answer>) => answers.filter(({ isServed }) => isServed)
const longest = (answers: ReadonlyArray<Answer>) =>
  answers.reduce((most, { waited }) => Math.max(most, waited), 0)

describe("twice what the loop has time for", () => {
  const seconds = 30
  const probes = Array.from({ length: seconds * 10 }, (_, i) => ({
    at: i * 100 + 50,
    cost: 0.1,
    exempt: true
  }))
  const arrivals = [...steady(2_000, seconds, 1), ...probes].sort((a, b) => a.at - b.at)
  const { answers, turns } = run(arrivals)
  const work = answers.filter(({ arrival }) => arrival.exempt !== true)
  // Until the loop is known to be late, its turns grow.
  const noticed = turns.findLast(({ length }) => length > 2 * TURN)?.from ?? 0

  it("serves 90 % of it", () => {
    assert.isAbove(served(work).filter(({ arrival, waited }) => arrival.at + waited <= 30_000).length, 27_000)
  })

  it("answers every request, one way or the other, soon after loopDelay at the latest", () => {
    assert.strictEqual(answers.length, arrivals.length)
    assert.isBelow(longest(work), LOOP_DELAY + 2 * TURN)
  })

  it("turns nobody away who waited for less", () => {
    for (const { isServed, waited } of work) assert.isTrue(isServed || waited > LOOP_DELAY)
  })

  it("has short turns as soon as it is known", () => {
    assert.isBelow(noticed, 1_000)
  })

  it("answers health endpoints in the turn in which they are read", () => {
    const health = answers.filter(({ arrival }) => arrival.exempt === true)
    assert.strictEqual(served(health).length, probes.length)
    assert.isBelow(longest(health.filter(({ arrival }) => arrival.at > noticed + 500)), 3 * TURN)
  })
})

it("a turn in which a connection came begins one request, so that the next one is accepted soon", () => {
  const { turns } = run(steady(2_000, 10, 1), { accepts: true })
  const later = turns.filter(({ from }) => from > 2_000)
  assert.isBelow(
    later.reduce((most, { length }) => Math.max(most, length), 0),
    1.2
  )
})

it("a burst that comes at once is one long turn no further than it is noticed, and the rest waits for its own", () => {
  const burst = Array.from({ length: 3_000 }, () => ({ at: 0, cost: 1 }))
  const { answers, turns } = run(burst)
  // 64 requests to the first look, and 125 ms and up to 64 more from there.
  assert.isBelow(turns[0].length, 64 + 125 + 64 + 3_000 * READ + TURN)
  assert.isBelow(longest(answers), 3 * LOOP_DELAY)
  assert.isAbove(served(answers).length, LOOP_DELAY)
})

it("once the load has fallen, requests are begun as they come", () => {
  const { answers, overload, turns } = run([...steady(2_000, 5, 1), ...steady(100, 5, 1, 7_000)])
  const after = answers.filter(({ arrival }) => arrival.at >= 7_000)
  assert.strictEqual(served(after).length, 500)
  assert.isBelow(longest(after), 2)
  assert.isTrue(overload.enter())
  assert.isAbove(turns.length, 500)
})

it("a request whose peer leaves while it waits for its turn takes none", () => {
  const tasks: Array<() => void> = []
  let now = 0
  const clock = { monotonicTimeNanosUnsafe: () => BigInt(now * 1e6) } as unknown as Clock.Clock
  const overload = new Overload(
    { inFlightCount: 0, queueCount: 0, queueTimeout: 0, loopDelay: LOOP_DELAY },
    new Deadlines(Context.empty(), clock),
    (task) => tasks.push(task)
  )
  overload.observe(LOOP_DELAY)
  const begun: Array<string> = []
  const ask = (name: string) =>
    Effect.runFork(Effect.map(overload.admit(false), (verdict) => begun.push(`${name} ${verdict?._tag}`)))
  const leaver = ask("leaver")
  ask("other")
  leaver.interruptUnsafe()
  now = LOOP_DELAY
  for (const task of tasks.splice(0)) task()
  assert.deepStrictEqual(begun, ["other undefined"])
  assert.strictEqual(overload.inFlight, 1)
})

it("is fair whatever the load: nobody waits longer than loopDelay and what it takes to tell the others so", () => {
  const arrival = fc.record({
    gap: fc.double({ min: 0, max: 3, noNaN: true }),
    cost: fc.double({ min: 0.05, max: 20, noNaN: true })
  })
  fc.assert(
    fc.property(fc.array(arrival, { minLength: 1, maxLength: 2_000 }), (drawn) => {
      let at = 0
      const arrivals = drawn.map(({ cost, gap }) => {
        at += gap
        return { at, cost }
      })
      const { answers, turns } = run(arrivals)
      assert.strictEqual(answers.length, drawn.length)
      const turn = turns.reduce((most, { length }) => Math.max(most, length), 0)
      const refusing = answers.filter(({ isServed }) => !isServed).length * REFUSE
      assert.isBelow(longest(answers), LOOP_DELAY + 2 * turn + refusing + 20)
      // In the order in which they came.
      const order = answers.map(({ arrival }) => arrival.at)
      assert.deepStrictEqual(
        order,
        [...order].sort((a, b) => a - b)
      )
    }),
    { numRuns: 50 }
  )
})
