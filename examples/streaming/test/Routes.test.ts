import { assert, describe, it } from "@effect/vitest"
import { NvoServer } from "@nvo/node"
import { Effect, Fiber, Layer, Metric, type Pull, Scope, Stream } from "effect"
import { HttpClient, HttpClientRequest, HttpRouter } from "effect/http"
import { TestClock } from "effect/testing"
import { downloads, generated } from "../src/Download.ts"
import { Routes } from "../src/Routes.ts"

const layer = HttpRouter.serve(Routes, { disableListenLog: true }).pipe(
  Layer.provideMerge(NvoServer.layerTest)
)

const mebibyte = 1024 * 1024

const pause = TestClock.withLive(Effect.sleep(20))

/** Reads at least `bytes` of a stream and leaves the rest where it is. */
const read = Effect.fnUntraced(function* <E>(pull: Pull.Pull<ReadonlyArray<Uint8Array>, E>, bytes: number) {
  let size = 0
  while (size < bytes) for (const chunk of yield* pull) size += chunk.length
  return size
})

const generatedBytes = Effect.map(Metric.value(generated), ({ count }) => Number(count))

/** The value, once it has stayed the same for a while. */
const settled = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    let value = yield* self
    for (let same = 0; same < 10; ) {
      yield* pause
      const next = yield* self
      same = next === value ? same + 1 : 0
      value = next
    }
    return value
  })

describe("ticks", () => {
  it.effect("send an event a second, starting at once", () =>
    Effect.gen(function* () {
      const response = yield* HttpClient.get("/ticks")
      assert.strictEqual(response.headers["content-type"], "text/event-stream")
      const fiber = yield* Stream.decodeText(response.stream).pipe(
        Stream.splitLines,
        Stream.take(9),
        Stream.runCollect,
        Effect.forkChild
      )
      while (fiber.pollUnsafe() === undefined) {
        yield* TestClock.adjust("1 second")
        yield* pause
      }
      const lines = yield* Fiber.join(fiber)
      const seconds = [0, 3, 6].map((at) => {
        const [event, data, end] = lines.slice(at, at + 3)
        assert.deepStrictEqual([event, end], ["event: tick", ""])
        assert.match(data, /^data: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/)
        return Date.parse(data.slice("data: ".length)) / 1000
      })
      assert.isBelow(seconds[0], seconds[1])
      assert.isBelow(seconds[1], seconds[2])
    }).pipe(Effect.provide(layer))
  )
})

describe("count", () => {
  it.effect("counts an upload of 64 MiB that comes in pieces", () =>
    Effect.gen(function* () {
      const piece = new Uint8Array(mebibyte).fill(97)
      piece[0] = 10
      const response = yield* HttpClient.execute(
        HttpClientRequest.post("/count").pipe(
          HttpClientRequest.bodyStream(Stream.range(1, 64, 1).pipe(Stream.map(() => piece)))
        )
      )
      assert.deepStrictEqual(yield* response.json, { bytes: 64 * mebibyte, lines: 64 })
    }).pipe(Effect.provide(layer))
  )

  it.effect("counts nothing in nothing", () =>
    Effect.gen(function* () {
      const response = yield* HttpClient.post("/count")
      assert.deepStrictEqual(yield* response.json, { bytes: 0, lines: 0 })
    }).pipe(Effect.provide(layer))
  )
})

describe("download", () => {
  it.effect("sends every byte once and in order", () =>
    Effect.gen(function* () {
      const response = yield* HttpClient.get("/download/3")
      const bytes = new Uint8Array(yield* response.arrayBuffer)
      assert.strictEqual(bytes.length, 3 * mebibyte)
      assert.isTrue(bytes.every((byte, index) => byte === Math.floor(index / 65536) % 256))
    }).pipe(Effect.provide(layer))
  )

  it.effect("makes no more than the client takes, and goes on when it does", () =>
    Effect.gen(function* () {
      const size = 128 * mebibyte
      const before = yield* generatedBytes
      const response = yield* HttpClient.get("/download/128")
      const pull = yield* Stream.toPull(response.stream)
      const taken = yield* read(pull, mebibyte)
      const made = (yield* settled(generatedBytes)) - before
      // What is between the two is in the buffers of the sockets: a few MiB each.
      assert.isBelow(made - taken, 32 * mebibyte)
      assert.strictEqual(taken + (yield* read(pull, size - taken)), size)
      assert.strictEqual((yield* generatedBytes) - before, size)
    }).pipe(Effect.provide(layer))
  )

  it.effect("ends when the client leaves", () =>
    Effect.gen(function* () {
      const open = Effect.map(Metric.value(downloads), ({ value }) => value)
      const before = yield* generatedBytes
      const scope = yield* Scope.make()
      const response = yield* HttpClient.get("/download/4096")
      const pull = yield* Stream.toPull(response.stream).pipe(Scope.provide(scope))
      yield* read(pull, mebibyte)
      assert.strictEqual(yield* open, 1)
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      while ((yield* open) !== 0) yield* pause
      assert.isBelow((yield* generatedBytes) - before, 64 * mebibyte)
    }).pipe(Effect.provide(layer))
  )

  it.effect("refuses sizes it does not know", () =>
    Effect.gen(function* () {
      for (const size of ["0", "4097", "1.5", "much"]) {
        assert.strictEqual((yield* HttpClient.get(`/download/${size}`)).status, 400)
      }
    }).pipe(Effect.provide(layer))
  )
})
