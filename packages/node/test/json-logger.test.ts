/** The logger of servers: the lines are Effect's, the writes are few. */
import { spawnSync } from "node:child_process"
import { assert, describe, it, vi } from "@effect/vitest"
import { JsonLogger } from "@nvo/node"
import { ConnectionId } from "@nvo/protocol"
import { AccessLine } from "@nvo/server"
import { Characters } from "@nvo/testing"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as fc from "fast-check"

/** A stream that keeps what is written, and of which `waiting` octets have not been read. */
const recording = (waiting = 0) => {
  const writes: Array<string> = []
  return {
    writes,
    stream: {
      writableLength: waiting,
      write: (chunk: unknown) => {
        writes.push(String(chunk))
        return true
      }
    }
  }
}

type Log = (message: string) => void

const turn = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

const logging = (options: JsonLogger.Options) => Effect.provide(JsonLogger.layer(options))

describe("JsonLogger.format", () => {
  const both = (message: unknown, annotations: Record<string, unknown>, cause = Cause.empty) =>
    Effect.runSync(
      Effect.withFiber((fiber) => {
        const options = {
          message,
          logLevel: "Warn" as const,
          cause,
          fiber,
          date: new Date(1_700_000_000_123)
        }
        return Effect.sync(() => [JsonLogger.format.log(options), Logger.formatJson.log(options)] as const)
      }).pipe(Effect.provideService(References.CurrentLogAnnotations, annotations))
    )

  it("is Logger.formatJson, for texts and numbers", () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: Characters.unicode }))
    const value = fc.oneof(text, fc.integer(), fc.double(), fc.constant(undefined), fc.boolean())
    fc.assert(
      fc.property(text, fc.dictionary(text, value), (message, annotations) => {
        const [ours, theirs] = both([message], annotations)
        assert.deepStrictEqual(JSON.parse(ours), JSON.parse(theirs))
      })
    )
  })

  it("is Logger.formatJson for whatever else there is, secrets included", () => {
    const secret = Redacted.make("s3cr3t")
    const rest: ReadonlyArray<readonly [unknown, Record<string, unknown>, Cause.Cause<never>]> = [
      [["a", { b: 1 }], {}, Cause.empty],
      ["a", { secret, list: [1, { two: 2 }], nothing: null }, Cause.empty],
      [["a"], { b: 1 }, Cause.die(new Error("broken"))]
    ]
    for (const [message, annotations, cause] of rest) {
      const [ours, theirs] = both(message, annotations, cause)
      assert.strictEqual(ours, theirs)
      assert.notInclude(ours, "s3cr3t")
    }
  })
})

const text = fc.oneof(fc.string(), fc.string({ unit: Characters.unicode }))
const octets = fc.nat(2 ** 31)
const micros = fc.oneof(fc.nat(2_000_000), fc.constantFrom(0, 1, 999_999, 1_000_000))
const maybe = <A>(arbitrary: fc.Arbitrary<A>) => fc.option(arbitrary, { nil: undefined })

const anyLine: fc.Arbitrary<AccessLine.AccessLine> = fc
  .record({
    connectionId: fc.nat().map(ConnectionId.make),
    requestId: fc.stringMatching(/^[A-Za-z0-9._:/+=~@-]{1,20}$/),
    method: fc.constantFrom("GET", "POST", "M-SEARCH", "a'b`c"),
    target: fc.oneof(text, fc.constantFrom("/", "/a?<redacted>")),
    version: fc.constantFrom("1.0", "1.1", "2"),
    status: fc.constantFrom(0, 200, 503),
    responseBytes: octets,
    duration: micros,
    base: fc.constantFrom<Record<string, unknown>>({}, { service: "todo" }, { 'a"b': 1.5, c: "ü" }),
    requestBytes: maybe(octets),
    route: maybe(text),
    peerAddress: maybe(text),
    delay: maybe(micros),
    errorType: maybe(text),
    userAgent: maybe(text),
    traced: fc.boolean(),
    time: fc.nat(2 ** 40)
  })
  .map(({ traced, ...line }) => ({
    ...line,
    traceId: traced ? "0af7651916cd43dd8448eb211c80319c" : undefined,
    spanId: traced ? "b7ad6b7169203331" : undefined,
    fiberId: 0
  }))

describe("a line of the access log", () => {
  it("is what is written of its entry, whatever stands in it", () => {
    Effect.runSync(
      Effect.withFiber((fiber) =>
        Effect.sync(() =>
          fc.assert(
            fc.property(fc.array(anyLine, { minLength: 1, maxLength: 3 }), (lines) => {
              for (const line of lines) {
                const before = fiber.context
                const annotations = AccessLine.annotations(line)
                fiber.setContext(Context.add(before, References.CurrentLogAnnotations, annotations))
                const entry = JsonLogger.format.log({
                  message: [AccessLine.message(line)],
                  logLevel: "Info",
                  cause: Cause.empty,
                  fiber,
                  date: new Date(line.time)
                })
                fiber.setContext(before)
                const ours = JsonLogger.formatLine({ ...line, fiberId: fiber.id })
                assert.deepStrictEqual(JSON.parse(ours), JSON.parse(entry))
                assert.deepStrictEqual(Object.keys(JSON.parse(ours)), Object.keys(JSON.parse(entry)))
              }
            })
          )
        )
      )
    )
  })

  const [line] = fc.sample(anyLine, { numRuns: 1, seed: 1 })

  const writing = (options: JsonLogger.Options, use: (write: AccessLine.Write, logger: Log) => void) =>
    Effect.scoped(
      Effect.flatMap(JsonLogger.make(options), (logger) =>
        Effect.withFiber((fiber) => {
          const write = AccessLine.writeOf(logger)
          assert.ok(write)
          const log = (message: string) =>
            logger.log({ message: [message], logLevel: "Info", cause: Cause.empty, fiber, date: new Date(0) })
          use(write, log)
          return turn
        })
      )
    )

  it.live("is held back for 10 ms, for those that come after it", () =>
    Effect.acquireUseRelease(
      Effect.sync(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })),
      (time) =>
        Effect.gen(function* () {
          const { stream, writes } = recording()
          const write = AccessLine.writeOf(yield* JsonLogger.make({ stream }))
          assert.ok(write)
          write(line)
          time.advanceTimersByTime(5)
          yield* turn
          write(line)
          time.advanceTimersByTime(4)
          assert.deepStrictEqual(writes, [])
          time.advanceTimersByTime(1)
          assert.strictEqual(writes.join("").trimEnd().split("\n").length, 2)
          assert.strictEqual(writes.length, 1)
        }).pipe(Effect.scoped),
      (time) => Effect.sync(() => time.useRealTimers())
    )
  )

  it.live("is written, too, where it comes when the logger's Scope has closed", () =>
    Effect.acquireUseRelease(
      Effect.sync(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })),
      (time) =>
        Effect.gen(function* () {
          const { stream, writes } = recording()
          const write = yield* Effect.scoped(
            Effect.map(JsonLogger.make({ stream }), (logger) => {
              const write = AccessLine.writeOf(logger)
              write?.(line)
              return write
            })
          )
          assert.strictEqual(writes.length, 1)
          write?.(line)
          time.advanceTimersByTime(10)
          assert.strictEqual(writes.length, 2)
        }),
      (time) => Effect.sync(() => time.useRealTimers())
    )
  )

  it.live("is not lost where the process exits", () =>
    Effect.gen(function* () {
      const logger = new URL("../src/JsonLogger.ts", import.meta.url).pathname
      const program = `
        import { Effect, Scope } from "effect"
        import { AccessLine } from "@nvo/server"
        import * as JsonLogger from ${JSON.stringify(logger)}
        const scope = Scope.makeUnsafe()
        const made = await Effect.runPromise(Scope.provide(JsonLogger.make(), scope))
        AccessLine.writeOf(made)(${JSON.stringify(line)})
        process.exit(0)`
      const { stdout } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
        cwd: new URL("..", import.meta.url).pathname,
        encoding: "utf8"
      })
      assert.strictEqual(JSON.parse(stdout).message, AccessLine.message(line))
    })
  )

  it.live("keeps its place among the other entries of its turn, in one write", () =>
    Effect.gen(function* () {
      const { stream, writes } = recording()
      yield* writing({ stream }, (write, log) => {
        write(line)
        log("between")
        for (let i = 0; i < 2; i++) write(line)
      })
      assert.strictEqual(writes.length, 1)
      const messages = writes[0]
        .trimEnd()
        .split("\n")
        .map((text) => JSON.parse(text).message)
      const own = AccessLine.message(line)
      assert.deepStrictEqual(messages, [own, "between", own, own])
    })
  )

  it.live("is dropped and counted where nobody reads, as any other", () =>
    Effect.gen(function* () {
      const { stream, writes } = recording(1_000)
      yield* writing({ stream, bufferSize: 1_000 }, (write) => {
        for (let i = 0; i < 3; i++) write(line)
        stream.writableLength = 0
      })
      assert.deepStrictEqual(
        writes.map((text) => JSON.parse(text).message),
        ["3 lines of the log were dropped"]
      )
    })
  )
})

describe("JsonLogger.layer", () => {
  it.live("writes the entries of a turn at once, in their order", () =>
    Effect.gen(function* () {
      const { stream, writes } = recording()
      yield* Effect.gen(function* () {
        for (const text of ["a", "b", "c"]) yield* Effect.logInfo(text)
        assert.deepStrictEqual(writes, [])
        yield* turn
        assert.strictEqual(writes.length, 1)
      }).pipe(logging({ stream }))
      const messages = writes[0]
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).message)
      assert.deepStrictEqual(messages, ["a", "b", "c"])
    })
  )

  it.live("writes before the end of the turn once there is as much as a pipe takes", () =>
    Effect.gen(function* () {
      const { stream, writes } = recording()
      yield* Effect.forEach(Array.from({ length: 100 }), () => Effect.logInfo("x".repeat(1_000))).pipe(
        logging({ stream })
      )
      assert.isAtLeast(writes.length, 2)
      assert.strictEqual(writes.join("").trimEnd().split("\n").length, 100)
    })
  )

  it.live("writes what is left when its Scope closes", () =>
    Effect.gen(function* () {
      const { stream, writes } = recording()
      yield* Effect.logInfo("last").pipe(logging({ stream }))
      assert.strictEqual(writes.length, 1)
    })
  )

  it.live("drops lines where nobody reads them, and says how many", () =>
    Effect.gen(function* () {
      const { stream, writes } = recording(1_000)
      yield* Effect.gen(function* () {
        yield* Effect.logInfo("dropped")
        yield* Effect.logInfo("dropped")
        stream.writableLength = 0
        yield* Effect.logInfo("kept")
        yield* turn
      }).pipe(logging({ stream, bufferSize: 1_000 }))
      const lines = writes
        .join("")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line))
      assert.deepStrictEqual(
        lines.map(({ message }) => message),
        ["kept", "2 lines of the log were dropped"]
      )
    })
  )

  it.live("takes the place of the loggers that there were", () =>
    Effect.gen(function* () {
      const { stream, writes } = recording()
      const others: Array<unknown> = []
      const other = Logger.layer([Logger.make(({ message }) => others.push(message))])
      yield* Effect.logInfo("one").pipe(
        Effect.provide(Layer.provideMerge(JsonLogger.layer({ stream }), other))
      )
      assert.deepStrictEqual([others.length, writes.length], [0, 1])
    })
  )
})
