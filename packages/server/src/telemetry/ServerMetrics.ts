/**
 * The metrics of a server that are not of requests: its connections by state, and how late its event loop is.
 *
 * Connections are counted when somebody asks, from the registry that has them anyway: a transition of a connection
 * costs nothing.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import * as ConnectionState from "../ConnectionState.ts"

/** The names of the metrics. */
export const names = {
  connections: "nvo.server.connections",
  eventLoopDelay: "nvo.server.event_loop.delay"
} as const

/** How many connections are in a phase now. */
export type Count = (phase: ConnectionState.Phase) => number

// Servers that share a registry share its series: each adds its own connections.
const sources = new WeakMap<Metric.MetricRegistry, Set<Count>>()

/** Open connections by phase, from `count`, until the Scope closes. */
export const connections = (count: Count): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const context = yield* Effect.context<never>()
    const registry = Context.get(context, Metric.MetricRegistry)
    const all = sources.get(registry) ?? new Set()
    sources.set(registry, all)
    all.add(count)
    for (const phase of ConnectionState.phases) {
      // A connection that is closed is not there to be counted.
      if (phase === "Closed") continue
      const gauge = Metric.gauge(names.connections, {
        description: "Open connections by state",
        attributes: { state: phase, unit: "{connection}" }
      })
      Metric.registerUnsafe(gauge, context, {
        get: () => ({ value: [...all].reduce((sum, count) => sum + count(phase), 0) }),
        update: () => undefined,
        modify: () => undefined
      })
    }
    yield* Effect.addFinalizer(() => Effect.sync(() => all.delete(count)))
  })

/** Seconds, from what nobody notices to what everybody does. */
export const delayBoundaries: ReadonlyArray<number> = [
  0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5
]

/** How much later than asked for the event loop wakes a timer, in seconds. */
export const eventLoopDelay = Metric.histogram(names.eventLoopDelay, {
  description: "How much later than asked for the event loop wakes a timer",
  attributes: { unit: "s" },
  boundaries: delayBoundaries
})
