/** The access log by itself: what a line says, who gets it as a value and who as an entry. */
import { assert, describe, it } from "@effect/vitest"
import { ConnectionId, FieldSection } from "@nvo/protocol"
import { Clock, Context, Effect, type Fiber, Logger, References } from "effect"
import * as AccessLine from "../src/telemetry/AccessLine.ts"
import { AccessLog } from "../src/telemetry/AccessLog.ts"
import { Observation, type Observed } from "../src/telemetry/Observation.ts"

const observed = (more: Partial<Observed> = {}): Observed => ({
  connectionId: ConnectionId.make(7),
  requestIndex: 3,
  requestId: "made-7-3",
  method: "GET",
  rawTarget: "/a",
  fields: FieldSection.empty,
  scheme: "http",
  version: "1.1",
  peerAddress: "192.0.2.1",
  peerPort: 5,
  status: 200,
  requestBytes: undefined,
  responseBytes: 10,
  ...more
})

interface Seen {
  /** What was given as a value. */
  readonly values: Array<AccessLine.AccessLine>
  /** The annotations of what was given as an entry, and its message. */
  readonly entries: Array<readonly [message: unknown, annotations: Readonly<Record<string, unknown>>]>
}

interface Options {
  readonly base?: Record<string, unknown>
  /** Whether the other logger is the one that writes events of spans. */
  readonly onlyTracer?: boolean
}

/** Writes by a log with two loggers: one that takes values, and another. */
const written = (
  write: (log: AccessLog, fiber: Fiber.Fiber<unknown, unknown>) => void,
  options: Options = {}
) =>
  Effect.gen(function* () {
    const seen: Seen = { values: [], entries: [] }
    const logger = Logger.make(({ fiber, message }) => {
      seen.entries.push([
        Array.isArray(message) ? message[0] : message,
        fiber.getRef(References.CurrentLogAnnotations)
      ])
    })
    const writing = AccessLine.writing(
      Logger.make(({ fiber, message }) => {
        seen.entries.push(["by the one that writes", fiber.getRef(References.CurrentLogAnnotations)])
        return message
      }),
      (line) => seen.values.push(line)
    )
    const clock = yield* Clock.Clock
    const loggers = new Set<Logger.Logger<unknown, unknown>>([
      writing,
      options.onlyTracer === true ? Logger.tracerLogger : logger
    ])
    const context = Context.make(References.CurrentLoggers, loggers).pipe(
      Context.add(References.CurrentLogAnnotations, options.base ?? {}),
      Context.add(Clock.Clock, clock)
    ) as Context.Context<never>
    const log = new AccessLog(context, 1)
    yield* Effect.withFiber((fiber) => Effect.sync(() => write(log, fiber)))
    return seen
  })

const exchange =
  (more: Partial<Observed> = {}, change: (observation: Observation) => void = () => {}) =>
  (log: AccessLog, fiber: Fiber.Fiber<unknown, unknown>) => {
    const observation = new Observation(observed(more), 1_000, true)
    change(observation)
    log.exchange(observation, 0.25, fiber)
  }

describe("a line of the access log", () => {
  it.effect("has the time at which its exchange ended, in whole milliseconds", () =>
    Effect.gen(function* () {
      let now = 5_000
      const clock: Clock.Clock = { ...(yield* Clock.Clock), currentTimeMillisUnsafe: () => now }
      const { values } = yield* written((log, fiber) => {
        for (const [at, seconds] of [
          [1_000, 0.25],
          [1_000, 0.2509],
          [1_000, 0.251],
          [1_250, 0.0005]
        ]) {
          log.exchange(new Observation(observed(), at, true), seconds, fiber)
          now++
        }
      }).pipe(Effect.provideService(Clock.Clock, clock))
      assert.deepStrictEqual(
        values.map(({ time }) => time),
        [5_000, 5_000, 5_002, 5_002]
      )
    })
  )

  it.effect("is a value for who takes values, and an entry for others", () =>
    Effect.gen(function* () {
      const { entries, values } = yield* written(
        exchange({}, (observation) => {
          observation.respondedAt = 1_002
          observation.route = "/:name"
        })
      )
      assert.deepStrictEqual(
        values.map(({ delay, duration, method, route, status, target }) => ({
          delay,
          duration,
          method,
          route,
          status,
          target
        })),
        [{ method: "GET", target: "/a", status: 200, route: "/:name", duration: 250_000, delay: 2_000 }]
      )
      assert.deepStrictEqual(entries, [
        [
          "GET /a 200",
          {
            "nvo.connection.id": ConnectionId.make(7),
            "nvo.request.id": "made-7-3",
            "http.request.method": "GET",
            "url.path": "/a",
            "network.protocol.version": "1.1",
            "http.response.status_code": 200,
            "http.response.body.size": 10,
            "http.server.request.duration": 0.25,
            "http.route": "/:name",
            "network.peer.address": "192.0.2.1",
            "nvo.response.delay": 0.002
          }
        ]
      ])
    })
  )

  it.effect("has 256 characters of a target and of a user agent, and not more", () =>
    Effect.gen(function* () {
      for (const length of [255, 256, 257]) {
        const text = `/${"x".repeat(length - 1)}`
        const { values } = yield* written(
          exchange({ rawTarget: text, fields: FieldSection.make([["user-agent", text]]) })
        )
        const cut = length <= 256 ? text : `${text.slice(0, 256)}…`
        assert.deepStrictEqual([values[0].target, values[0].userAgent], [cut, cut])
      }
    })
  )

  it.effect("says nothing of what is not known", () =>
    Effect.gen(function* () {
      const { entries } = yield* written(exchange({ status: 0, peerAddress: undefined }))
      const [[message, annotations]] = entries
      assert.strictEqual(message, "GET /a -")
      for (const name of [
        "network.peer.address",
        "nvo.response.delay",
        "http.route",
        "user_agent.original"
      ]) {
        assert.notProperty(annotations, name)
      }
    })
  )

  // A logger that writes by itself writes texts and numbers: what would be redacted, structured or in the place of
  // something of the request is written as the entry that it is.
  for (const [what, base, asValue] of [
    ["a text", { service: "a" }, true],
    ["a number", { shard: 3 }, true],
    ["a number that JSON does not have", { shard: Number.NaN }, false],
    ["an object", { shard: { of: 3 } }, false],
    ["a name of its own", { "http.route": "/mine" }, false],
    ["the name of a trace", { trace_id: "1" }, false]
  ] as const) {
    it.effect(`with ${what} among the annotations of the server is ${asValue ? "a value" : "an entry"}`, () =>
      Effect.gen(function* () {
        const { entries, values } = yield* written(exchange(), { base })
        assert.strictEqual(values.length, asValue ? 1 : 0)
        assert.deepStrictEqual(
          entries.map(([message]) => message),
          asValue ? ["GET /a 200"] : ["by the one that writes", "GET /a 200"]
        )
        if (asValue) assert.deepInclude(values[0].base, base)
      })
    )
  }

  it.effect("is an event of its span, and none where there is no span", () =>
    Effect.gen(function* () {
      const span = yield* Effect.makeSpan("server")
      const events: Array<string> = []
      span.event = (name) => void events.push(name)
      const { values } = yield* written(
        (log, fiber) => {
          exchange({}, (observation) => {
            observation.span = span
          })(log, fiber)
          exchange({ rawTarget: "/b" })(log, fiber)
        },
        { onlyTracer: true }
      )
      assert.deepStrictEqual(events, ["GET /a 200"])
      assert.deepStrictEqual(
        values.map(({ spanId, target }) => [target, spanId]),
        [
          ["/a", span.spanId],
          ["/b", undefined]
        ]
      )
    })
  )
})

describe("the line of a message that was refused", () => {
  const refused = { connectionId: ConnectionId.make(7), requestIndex: 1, reason: { _tag: "InvalidMethod" } }

  it.effect("has its status, its reason and its peer", () =>
    Effect.gen(function* () {
      const { entries } = yield* written((log, fiber) => log.refusal(refused, 400, "192.0.2.1", fiber))
      assert.deepStrictEqual(entries[1], [
        "- - 400",
        {
          "nvo.connection.id": ConnectionId.make(7),
          "nvo.request.index": 1,
          "http.response.status_code": 400,
          "error.type": "InvalidMethod",
          "network.peer.address": "192.0.2.1"
        }
      ])
    })
  )

  it.effect("of a peer without an address has none", () =>
    Effect.gen(function* () {
      const { entries } = yield* written((log, fiber) => log.refusal(refused, 400, undefined, fiber))
      assert.notProperty(entries[1][1], "network.peer.address")
    })
  )
})
