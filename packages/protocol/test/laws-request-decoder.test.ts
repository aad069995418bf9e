/**
 * The laws of the request decoder. fast-check prints the seed and the path of a run that fails.
 */
import { assert, describe, it } from "@effect/vitest"
import * as ConnectionId from "@nvo/protocol/http/ConnectionId"
import type * as Limits from "@nvo/protocol/http/Limits"
import * as RequestDecoder from "@nvo/protocol/http1/RequestDecoder"
import type * as RequestEvent from "@nvo/protocol/http1/RequestEvent"
import { Bytes, HttpLike, Mutation, RequestGenerator, RequestModel } from "@nvo/testing"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as fc from "fast-check"
import { feed, observe, plainError, plainEvents, type Seen } from "./support/observe.ts"

const RUNS = 1_000

const connectionId = ConnectionId.make(42)

// Small limits lead to the refusals that large ones hide.
const limits: fc.Arbitrary<Partial<Limits.Limits>> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  {
    weight: 3,
    arbitrary: fc.record(
      {
        requestLineBytes: fc.integer({ min: 8, max: 60 }),
        methodBytes: fc.integer({ min: 1, max: 8 }),
        headBytes: fc.integer({ min: 8, max: 120 }),
        fieldCount: fc.nat(4),
        emptyLines: fc.nat(2),
        chunkSizeDigits: fc.integer({ min: 1, max: 4 }),
        chunkExtensionBytes: fc.nat(12),
        trailerBytes: fc.integer({ min: 2, max: 40 }),
        targetGrammar: fc.constantFrom("rfc3986" as const, "whatwg" as const)
      },
      { requiredKeys: [] }
    )
  }
)

const seenOf = (understood: RequestModel.Understood): ReadonlyArray<Seen> => {
  const { body, trailers, ...head } = understood
  const data: ReadonlyArray<Seen> = body === "" ? [] : [{ _tag: "Data", text: body }]
  return [{ _tag: "Head", head: { ...head, fields: [...head.fields] } }, ...data, { _tag: "End", trailers }]
}

describe("chunk invariance", () => {
  it("any split of valid requests gives the same events", () => {
    fc.assert(
      fc.property(RequestGenerator.pipeline, Bytes.cuts, (models, cuts) => {
        const bytes = Bytes.concat(models.map(RequestModel.encode))
        assert.deepStrictEqual(observe(Bytes.cut(bytes, cuts)), observe([bytes]))
      }),
      { numRuns: RUNS }
    )
  })

  it("any split of broken requests gives the same events and the same error", () => {
    fc.assert(
      fc.property(Mutation.anyMutated, Bytes.cuts, ({ bytes }, cuts) => {
        const options = { connectionId }
        assert.deepStrictEqual(observe(Bytes.cut(bytes, cuts), options), observe([bytes], options))
      }),
      { numRuns: RUNS }
    )
  })

  it("any split of any octets gives the same, under any limits", () => {
    fc.assert(
      fc.property(HttpLike.any, Bytes.cuts, limits, (bytes, cuts, limits) => {
        assert.deepStrictEqual(observe(Bytes.cut(bytes, cuts), { limits }), observe([bytes], { limits }))
      }),
      { numRuns: RUNS * 3 }
    )
  })

  it("octet by octet gives the same, under any limits", () => {
    fc.assert(
      fc.property(HttpLike.any, limits, (bytes, limits) => {
        assert.deepStrictEqual(observe(Bytes.octets(bytes), { limits }), observe([bytes], { limits }))
      }),
      { numRuns: RUNS }
    )
  })
})

describe("round trip", () => {
  it("what was encoded is understood", () => {
    fc.assert(
      fc.property(RequestGenerator.request(), Bytes.cuts, (model, cuts) => {
        const { atEnd, error, seen } = observe(Bytes.cut(RequestModel.encode(model), cuts))
        assert.isUndefined(error, error?.message)
        assert.isUndefined(atEnd, atEnd?.message)
        assert.deepStrictEqual(seen, seenOf(RequestModel.understood(model)))
      }),
      { numRuns: RUNS }
    )
  })

  it("pipelined requests are understood one after the other", () => {
    fc.assert(
      fc.property(RequestGenerator.pipeline, (models) => {
        const { error, seen } = observe([Bytes.concat(models.map(RequestModel.encode))])
        assert.isUndefined(error, error?.message)
        assert.deepStrictEqual(
          seen,
          models.flatMap((model) => seenOf(RequestModel.understood(model)))
        )
      }),
      { numRuns: RUNS }
    )
  })

  it("a step stops behind its message and leaves the rest untouched", () => {
    fc.assert(
      fc.property(RequestGenerator.request(), HttpLike.mixed, (model, behind) => {
        const bytes = Bytes.concat([RequestModel.encode(model), behind])
        const step = RequestDecoder.step(RequestDecoder.make(), RequestDecoder.initial, bytes)
        assert.strictEqual(Bytes.toText(step.rest), Bytes.toText(behind))
        assert.strictEqual(step.outcome._tag, behind.length === 0 ? "NeedData" : "Paused")
        assert.deepStrictEqual(step.state, { _tag: "Idle", index: 2 })
      }),
      { numRuns: RUNS }
    )
  })
})

describe("refusal", () => {
  // Each rule has its own runs: drawn together, the rare ones would hardly be tried.
  const runs = Math.ceil((RUNS * 2) / Mutation.all.length)
  for (const mutation of Mutation.all) {
    it(`${mutation.phase}: ${mutation.name} is ${mutation.reason}`, () => {
      fc.assert(
        fc.property(Mutation.mutated(mutation), Bytes.cuts, ({ bytes, phase, reason, status }, cuts) => {
          const { error } = observe(Bytes.cut(bytes, cuts), { connectionId })
          assert.isDefined(error, JSON.stringify(Bytes.toText(bytes).slice(0, 400)))
          assert.deepStrictEqual(
            { reason: error!.reason, status: error!.status, phase: error!.phase },
            { reason, status, phase },
            error!.message
          )
          assert.strictEqual(error!.connectionId, 42)
          assert.strictEqual(error!.requestIndex, 1)
        }),
        { numRuns: runs }
      )
    })
  }

  it("a message that ends early is incomplete wherever it ends", () => {
    fc.assert(
      fc.property(RequestGenerator.request(), fc.nat(), Bytes.cuts, (model, n, cuts) => {
        const bytes = RequestModel.encode(model)
        const inside = bytes.length - model.leading.length - 1
        const length = model.leading.length + 1 + (n % inside)
        const { atEnd, error } = observe(Bytes.cut(bytes.slice(0, length), cuts))
        assert.isUndefined(error, error?.message)
        assert.strictEqual(atEnd?.reason, "IncompleteMessage")
        assert.strictEqual(atEnd?.status, 0)
        assert.strictEqual(atEnd?.offset, length - model.leading.length)
      }),
      { numRuns: RUNS }
    )
  })
})

const bufferOf = (state: RequestDecoder.State) =>
  state._tag === "Head" || state._tag === "Trailers" ? state.buffer : undefined

describe("totality", () => {
  const total = (bytes: fc.Arbitrary<Uint8Array>) =>
    fc.property(bytes, Bytes.cuts, limits, (bytes, cuts, partial) => {
      const decoder = RequestDecoder.make({ limits: partial })
      const { headBytes, requestLineBytes, trailerBytes } = decoder.limits
      let steps = 0
      let events = 0
      const chunks = Bytes.cut(bytes, cuts)
      const state = feed(decoder, chunks, (step) => {
        steps++
        events += step.events.length
        const buffer = bufferOf(step.state)
        if (buffer !== undefined) {
          // A request line may be longer than the head's limit until its end shows that.
          const limit =
            step.state._tag === "Trailers" ? trailerBytes : Math.max(headBytes, requestLineBytes + 1)
          assert.isAtMost(buffer.length, limit)
          assert.isAtMost(buffer.storage.bytes.length, Math.max(1_024, limit * 2))
        }
        for (const event of step.events) {
          if (event._tag === "BodyData") assert.isAbove(event.bytes.length, 0)
        }
        if (step.outcome._tag !== "Paused") assert.strictEqual(step.rest.length, 0)
        else assert.isAbove(step.rest.length, 0)
      })
      // Each step reads a message or a chunk to its end; each octet makes two events at the most.
      assert.isAtMost(steps, chunks.length + bytes.length)
      assert.isAtMost(events, 2 * bytes.length)
      RequestDecoder.end(decoder, state)
    })

  it("over arbitrary octets", () => {
    fc.assert(total(fc.uint8Array({ maxLength: 300 })), { numRuns: RUNS })
  })

  it("over octets that look like HTTP", () => {
    fc.assert(total(HttpLike.any), { numRuns: RUNS * 2 })
  })

  it("a decoder that failed says the same for ever", () => {
    fc.assert(
      fc.property(Mutation.anyMutated, HttpLike.any, ({ bytes }, more) => {
        const decoder = RequestDecoder.make({ connectionId })
        const failed = feed(decoder, [bytes], () => {})
        assert.strictEqual(failed._tag, "Failed")
        const step = RequestDecoder.step(decoder, failed, more)
        assert.strictEqual(step.state, failed)
        assert.deepStrictEqual(step.events, [])
        assert.strictEqual(step.rest.length, 0)
        assert.isTrue(step.outcome._tag === "Failed" && failed._tag === "Failed")
        if (step.outcome._tag === "Failed" && failed._tag === "Failed") {
          assert.strictEqual(step.outcome.error, failed.error)
        }
      }),
      { numRuns: RUNS }
    )
  })
})

describe("a state is a value", () => {
  it("feeding an old state again gives the same answer, whatever was fed in between", () => {
    fc.assert(
      fc.property(
        HttpLike.any,
        fc.array(HttpLike.any, { maxLength: 3 }),
        fc.nat(),
        Bytes.cuts,
        limits,
        (bytes, others, n, cuts, limits) => {
          const decoder = RequestDecoder.make({ limits })
          const at = n % (bytes.length + 1)
          const old = feed(decoder, Bytes.cut(bytes.slice(0, at), cuts), () => {})
          const rest = bytes.slice(at)
          const before = observe([rest], { limits }, old)
          for (const other of others) {
            // Other continuations, and continuations of those, write into what they may share with `old`.
            observe(Bytes.cut(other, cuts), { limits }, old)
            observe(Bytes.octets(other), { limits }, old)
          }
          assert.deepStrictEqual(observe([rest], { limits }, old), before)
          assert.deepStrictEqual(observe(Bytes.octets(rest), { limits }, old), before)
        }
      ),
      { numRuns: RUNS }
    )
  })

  it("what was emitted and kept does not change when the chunk's memory is used again, but for body data", () => {
    fc.assert(
      fc.property(RequestGenerator.request(), Bytes.cuts, (model, cuts) => {
        const bytes = RequestModel.encode(model)
        const decoder = RequestDecoder.make()
        const events: Array<RequestEvent.RequestEvent> = []
        let body = ""
        let state: RequestDecoder.State = RequestDecoder.initial
        for (const chunk of Bytes.cut(bytes, cuts)) {
          const reused = chunk.slice()
          feed(
            decoder,
            [reused],
            (step) => {
              state = step.state
              for (const event of step.events) {
                if (event._tag === "BodyData") body += Bytes.toText(event.bytes)
                else events.push(event)
              }
            },
            state
          )
          reused.fill(0)
        }
        assert.deepStrictEqual(state, { _tag: "Idle", index: 2 })
        const understood = RequestModel.understood(model)
        assert.strictEqual(body, understood.body)
        assert.deepStrictEqual(plainEvents(events), seenOf({ ...understood, body: "" }))
      }),
      { numRuns: RUNS }
    )
  })
})

describe("the Stream transform", () => {
  it("says what the steps say, event for event, then fails as they fail", async () => {
    await fc.assert(
      fc.asyncProperty(HttpLike.any, Bytes.cuts, async (bytes, cuts) => {
        const chunks = Bytes.cut(bytes, cuts)
        const expected = observe(chunks, { connectionId })
        const events: Array<RequestEvent.RequestEvent> = []
        const result = await Effect.runPromise(
          Stream.fromIterable(chunks).pipe(
            RequestDecoder.decode({ connectionId }),
            Stream.runForEach((event) => Effect.sync(() => events.push(event))),
            Effect.result
          )
        )
        assert.deepStrictEqual(plainEvents(events), expected.seen)
        assert.deepStrictEqual(
          result._tag === "Failure" ? plainError(result.failure) : undefined,
          expected.atEnd
        )
      }),
      { numRuns: RUNS }
    )
  })

  it("passes an upstream failure on behind the events before it", async () => {
    await fc.assert(
      fc.asyncProperty(RequestGenerator.request(), fc.nat(), async (model, n) => {
        const bytes = RequestModel.encode(model)
        const part = bytes.slice(0, n % (bytes.length + 1))
        const events: Array<RequestEvent.RequestEvent> = []
        const result = await Effect.runPromise(
          Stream.make(part).pipe(
            Stream.concat(Stream.fail("reset" as const)),
            RequestDecoder.decode(),
            Stream.runForEach((event) => Effect.sync(() => events.push(event))),
            Effect.result
          )
        )
        assert.deepStrictEqual(plainEvents(events), observe([part]).seen)
        assert.strictEqual(result._tag === "Failure" ? result.failure : undefined, "reset")
      }),
      { numRuns: RUNS }
    )
  })
})
