/** The parts of telemetry that need no server: histograms, series of metrics, identities of requests. */
import { assert, describe, it } from "@effect/vitest"
import { ConnectionId, FieldSection } from "@nvo/protocol"
import { HttpMetrics, RequestId } from "@nvo/server"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import * as fc from "fast-check"
import * as Histogram from "../src/telemetry/Histogram.ts"

const contextOf = (registry: Metric.MetricRegistry, attributes: Record<string, string> = {}) =>
  Context.make(Metric.MetricRegistry, registry).pipe(Context.add(Metric.CurrentMetricAttributes, attributes))

describe("Histogram", () => {
  it("is what Effect's own histogram is, for any values", () => {
    const boundaries = [0, 1, 2.5, 10, 100]
    const value = fc.oneof(fc.constantFrom(...boundaries), fc.double({ min: -1, max: 1_000, noNaN: true }))
    fc.assert(
      fc.property(fc.array(value), (values) => {
        const context = contextOf(new Map())
        const ours = new Histogram.Histogram(boundaries)
        const theirs = Metric.histogram("theirs", { boundaries })
        for (const each of values) {
          ours.update(each)
          theirs.updateUnsafe(each, context)
        }
        assert.deepStrictEqual(ours.state, theirs.valueUnsafe(context))
      })
    )
  })

  it("is found in the registry with its name, its attributes and what it counted", () => {
    const context = contextOf(new Map())
    const options = { name: "h", description: "d", attributes: { a: "1" }, boundaries: [1, 2] }
    const histogram = Histogram.register(options, context)
    histogram.update(1.5)
    const [snapshot] = Metric.snapshotUnsafe(context)
    assert.deepStrictEqual(snapshot, {
      id: "h",
      type: "Histogram",
      description: "d",
      attributes: { a: "1" },
      state: histogram.state
    })
    assert.deepStrictEqual(histogram.state, {
      buckets: [
        [1, 0],
        [2, 1]
      ],
      count: 1,
      sum: 1.5,
      min: 1.5,
      max: 1.5
    })
  })
})

describe("HttpMetrics", () => {
  const measured: HttpMetrics.Measured = {
    method: "GET",
    scheme: "http",
    version: "1.1",
    route: "/a",
    status: 200,
    errorType: undefined,
    seconds: 0.02,
    requestBytes: undefined,
    responseBytes: 10
  }

  /** Attributes of the durations that were recorded, and how many each. */
  const durations = (registry: Metric.MetricRegistry) =>
    Metric.snapshotUnsafe(contextOf(registry)).flatMap((snapshot) =>
      snapshot.id === HttpMetrics.names.requestDuration && snapshot.type === "Histogram"
        ? [[snapshot.attributes, snapshot.state.count] as const]
        : []
    )

  it("knows the registered methods, and all others as one", () => {
    for (const method of [
      "GET",
      "HEAD",
      "POST",
      "PUT",
      "DELETE",
      "CONNECT",
      "OPTIONS",
      "TRACE",
      "PATCH",
      "QUERY"
    ]) {
      assert.strictEqual(HttpMetrics.methodOf(method), method)
    }
    for (const method of ["BREW", "get", "_OTHER", "", "constructor"]) {
      assert.strictEqual(HttpMetrics.methodOf(method), "_OTHER")
    }
  })

  it("has a series of its own for each combination of attributes, and the same one for the same", () => {
    const one = fc.record({
      method: fc.constantFrom("GET", "POST", "_OTHER"),
      scheme: fc.constantFrom("http", "https"),
      version: fc.constantFrom("1.0", "1.1", "2"),
      route: fc.constantFrom(undefined, "/a", "/b"),
      status: fc.constantFrom(0, 200, 503, 599),
      errorType: fc.constantFrom(undefined, "A", "B"),
      requestBytes: fc.constantFrom(undefined, 1)
    })
    fc.assert(
      fc.property(fc.array(one), (all) => {
        const registry: Metric.MetricRegistry = new Map()
        const metrics = HttpMetrics.of(contextOf(registry))
        const expected = new Map<string, number>()
        for (const { requestBytes, ...attributes } of all) {
          metrics.record({ ...measured, ...attributes, requestBytes } as HttpMetrics.Measured)
          const key = JSON.stringify(Object.entries(attributes))
          expected.set(key, (expected.get(key) ?? 0) + 1)
        }
        assert.deepStrictEqual(
          durations(registry).map(([, count]) => count),
          [...expected.values()]
        )
      })
    )
  })

  it("has the attributes of its context, and shares what has the same ones", () => {
    const registry: Metric.MetricRegistry = new Map()
    for (const service of ["a", "b", "a"]) {
      HttpMetrics.of(contextOf(registry, { service })).record(measured)
    }
    assert.deepStrictEqual(
      durations(registry).map(([attributes, count]) => [attributes?.service, count]),
      [
        ["a", 2],
        ["b", 1]
      ]
    )
  })

  it("has the boundaries of the conventions", () => {
    assert.deepStrictEqual(
      HttpMetrics.durationBoundaries,
      [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
    )
  })
})

describe("RequestId", () => {
  const connectionId = ConnectionId.make(7)

  it.effect("is made with a prefix that differs from process to process, by Effect's Random", () =>
    Effect.gen(function* () {
      const make = RequestId.make("x-request-id")
      const none = FieldSection.empty
      const ids = yield* Effect.forEach(["a", "b", "a"], (seed) =>
        Effect.map(Random.withSeed(make, seed), (requestIds) => requestIds(none, connectionId, 3))
      )
      for (const id of ids) assert.match(id, /^[0-9a-z]{11}-7-3$/)
      assert.strictEqual(ids[0], ids[2])
      assert.notStrictEqual(ids[0], ids[1])
    })
  )

  it("is the peer's only if it is printable, without separators, and of a bounded length", () => {
    const requestIds = RequestId.makeWith("X-Request-Id", "made")
    fc.assert(
      fc.property(fc.string(), (text) => {
        const fields = FieldSection.make([["x-request-id", text]])
        const id = requestIds(fields, connectionId, 1)
        assert.match(id, /^[\x21-\x7e]{1,128}$/)
        assert.strictEqual(id, RequestId.isValid(text) ? text : "made-7-1")
      })
    )
  })
})
