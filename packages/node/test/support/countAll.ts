/**
 * Everything that a connection may leave behind, counted: descriptors, registrations, what keeps the event loop
 * alive, fibers, entries of the registry, and the resources of requests.
 */
import type { ServerError } from "@nvo/server"
import type { Scope } from "effect"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { type Held, held } from "./countDescriptors.ts"

/** A counter that is wrong as soon as something ends twice or never. */
export class Counter {
  started = 0
  ended = 0

  get live(): number {
    return this.started - this.ended
  }

  /** Holds one for as long as the Scope. */
  readonly scoped: Effect.Effect<void, never, Scope.Scope> = Effect.acquireRelease(
    Effect.sync(() => {
      this.started++
    }),
    () =>
      Effect.sync(() => {
        this.ended++
      })
  )
}

/** Counts the fibers that an effect starts, and those that they start. */
export const countingFibers =
  (counter: Counter) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.provideService(self, Metric.FiberRuntimeMetrics, {
      recordFiberStart: () => {
        counter.started++
      },
      recordFiberEnd: () => {
        counter.ended++
      }
    })

export interface Counts extends Held {
  readonly handles: Readonly<Record<string, number>>
  readonly fibers: number
  readonly requests: number
  readonly connections: number
}

// What waiting and looking need themselves, and the channels of the test runner. Timers come and go with the test runner: see `timers`.
const passing = new Set(["Immediate", "FSReqCallback", "CloseReq", "Timeout", "PipeWrap"])

/** Timers that are set. The test runner has a few of its own, so only many are a leak. */
export const timers = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === "Timeout").length

const handles = (): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {}
  for (const name of process.getActiveResourcesInfo().sort()) {
    if (!passing.has(name)) counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

export interface Counted {
  readonly fibers: Counter
  readonly requests: Counter
  /** The registry's count. */
  readonly connections: Effect.Effect<number>
}

/** What there is now. */
export const counts = ({ connections, fibers, requests }: Counted): Effect.Effect<Counts> =>
  Effect.map(connections, (connections) => ({
    ...held(),
    handles: handles(),
    fibers: fibers.live,
    requests: requests.live,
    connections
  }))

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)

/** What there is once it no longer changes. */
export const settled = (counted: Counted): Effect.Effect<Counts> =>
  Effect.gen(function* () {
    let before = yield* counts(counted)
    for (let equal = 0; equal < 10; ) {
      yield* Effect.sleep(10)
      const now = yield* counts(counted)
      equal = same(before, now) ? equal + 1 : 0
      before = now
    }
    return before
  })

/** What there is once it is as it was before, or after a generous while. */
export const returned = (counted: Counted, before: Counts): Effect.Effect<Counts> =>
  Effect.gen(function* () {
    for (let i = 0; i < 1_000; i++) {
      if (same(yield* counts(counted), before)) break
      yield* Effect.sleep(10)
    }
    return yield* counts(counted)
  })

/** How often each reason was reported. */
export const tally = (errors: ReadonlyArray<ServerError.ServerError>): Readonly<Record<string, number>> => {
  const reasons: Record<string, number> = {}
  for (const { reason } of errors) reasons[reason._tag] = (reasons[reason._tag] ?? 0) + 1
  return reasons
}
