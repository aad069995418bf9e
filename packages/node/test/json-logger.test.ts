/** The logger of servers: the lines are Effect's, the writes are few. */
import { assert, describe, it } from "@effect/vitest"
import { JsonLogger } from "@nvo/node"
import * as Cause from "effect/Cause"
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
    const text = fc.oneof(fc.string(), fc.string({ unit: "binary" }))
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
