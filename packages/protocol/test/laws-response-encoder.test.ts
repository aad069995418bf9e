/**
 * The laws of the response encoder. fast-check prints the seed and the path of a run that fails.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Latin1 from "@nvo/protocol/http/Latin1"
import type * as Http1Error from "@nvo/protocol/http1/Http1Error"
import * as ResponseEncoder from "@nvo/protocol/http1/ResponseEncoder"
import type * as ResponseEvent from "@nvo/protocol/http1/ResponseEvent"
import { Bytes, ResponseGenerator } from "@nvo/testing"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as fc from "fast-check"
import * as StrictResponseReader from "./support/strictResponseReader.ts"

const RUNS = 1_000

interface Encoded {
  readonly text: string
  readonly state: ResponseEncoder.State
  readonly error: Http1Error.Http1Error | undefined
}

const encodeAll = (
  exchange: ResponseEncoder.Exchange,
  events: Iterable<ResponseEvent.ResponseEvent>,
  date?: string
): Encoded => {
  let state = ResponseEncoder.initial
  let text = ""
  for (const event of events) {
    const step = ResponseEncoder.step(exchange, state, event, date)
    state = step.state
    for (const octets of step.octets) text += Bytes.toText(Latin1.toBytes(octets))
  }
  return { text, state, error: state._tag === "Failed" ? state.error : undefined }
}

// What the encoder writes on its own account.
const ENCODERS_OWN: ReadonlySet<string> = new Set([
  "content-length",
  "transfer-encoding",
  "connection",
  "date"
])

describe("a strict peer reads what was meant", () => {
  it("status, fields, body, trailers, framing and persistence", () => {
    fc.assert(
      fc.property(ResponseGenerator.response, ({ date, events, exchange, understood }) => {
        const { error, state, text } = encodeAll(exchange, events, date)
        assert.isUndefined(error, error?.message)
        const { final, interim, rest } = StrictResponseReader.read(
          text,
          exchange.method,
          exchange.minorVersion
        )
        const ours = (name: string) => ENCODERS_OWN.has(name.toLowerCase())
        const values = (wanted: string) =>
          final.fields.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value)
        assert.strictEqual(rest, "")
        assert.deepStrictEqual(interim, understood.interim)
        assert.deepStrictEqual(
          {
            status: final.status,
            fields: final.fields.filter(([name]) => !ours(name)),
            body: final.body,
            trailers: final.trailers,
            persistent: final.persistent,
            framing: final.framing
          },
          {
            status: understood.status,
            fields: understood.fields,
            body: understood.body,
            trailers: understood.trailers,
            persistent: understood.persistent,
            framing: understood.framing
          }
        )
        assert.deepStrictEqual(
          values("content-length"),
          understood.contentLength === undefined ? [] : [String(understood.contentLength)]
        )
        assert.deepStrictEqual(values("date"), date === undefined ? [] : [date])
        // What the state says is what the peer read.
        assert.deepStrictEqual(state, { _tag: "Ended", persistent: understood.persistent })
      }),
      { numRuns: RUNS * 2 }
    )
  })

  it("responses of one connection, one behind the other", () => {
    fc.assert(
      fc.property(fc.array(ResponseGenerator.response, { minLength: 1, maxLength: 4 }), (models) => {
        const going = models.filter((model) => model.understood.persistent)
        let text = going.map((model) => encodeAll(model.exchange, model.events, model.date).text).join("")
        for (const { exchange, understood } of going) {
          const read = StrictResponseReader.read(text, exchange.method, exchange.minorVersion)
          assert.strictEqual(read.final.body, understood.body)
          assert.strictEqual(read.final.status, understood.status)
          text = read.rest
        }
        assert.strictEqual(text, "")
      }),
      { numRuns: RUNS }
    )
  })
})

describe("no response splitting", () => {
  const head = /^HTTP\/1\.1 [1-5][0-9]{2} [\t\x20-\x7e\x80-\xff]*$/
  const field = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+: [\t\x20-\x7e\x80-\xff]*$/

  it("whatever text an application gives, what leaves is whole lines without CR, LF or NUL inside", () => {
    fc.assert(
      fc.property(ResponseGenerator.exchange, ResponseGenerator.anyEvents, (exchange, events) => {
        let state = ResponseEncoder.initial
        for (const event of events) {
          const step = ResponseEncoder.step(exchange, state, event)
          const wasFailed = state._tag === "Failed"
          state = step.state
          const text = step.octets.map((octets) => Bytes.toText(Latin1.toBytes(octets))).join("")
          if (wasFailed || state._tag === "Failed") assert.strictEqual(text, "")
          else if (event._tag === "InterimHead" || event._tag === "ResponseHead") {
            if (text === "") {
              assert.strictEqual(event._tag, "InterimHead")
              continue
            }
            assert.isTrue(text.endsWith("\r\n\r\n"))
            const [first, ...lines] = text.slice(0, -4).split("\r\n")
            assert.match(first, head)
            for (const line of lines) assert.match(line, field)
          } else if (event._tag === "ResponseEnd" && text !== "") {
            assert.isTrue(text.startsWith("0\r\n") && text.endsWith("\r\n\r\n"))
            const section = text.slice(3, -2)
            for (const line of section.split("\r\n").slice(0, -1)) assert.match(line, field)
          }
        }
      }),
      { numRuns: RUNS * 3 }
    )
  })

  it("octets that a string cannot stand for are refused, not cut to their low octet", () => {
    // U+010D and U+010A would become CR and LF.
    const { error, text } = encodeAll({ ...ResponseEncoder.unknownExchange(0 as never, 1) }, [
      { _tag: "ResponseHead", status: 200, fields: { "x-a": "a\u010d\u010aset-cookie: b" }, bodyLength: 0 }
    ])
    assert.strictEqual(error?.reason._tag, "InvalidResponseFieldValue")
    assert.strictEqual(text, "")
  })
})

describe("broken promises", () => {
  const runs = Math.ceil(RUNS / ResponseGenerator.allBroken.length) * 2

  ResponseGenerator.allBroken.forEach((broken, i) => {
    it(`promise ${i + 1}: refused with its own reason, and nothing of that event leaves`, () => {
      fc.assert(
        fc.property(broken, ({ events, exchange, name, reason }) => {
          const before = encodeAll(exchange, events.slice(0, -1))
          assert.isUndefined(before.error, `${name}: ${before.error?.message}`)
          const after = encodeAll(exchange, events)
          assert.strictEqual(after.error?.reason._tag, reason, name)
          assert.strictEqual(after.error?.initiator, "Application")
          assert.strictEqual(after.error?.phase, "Response")
          assert.strictEqual(after.error?.connectionId, exchange.connectionId)
          assert.strictEqual(after.error?.requestIndex, exchange.requestIndex)
          assert.strictEqual(after.text, before.text)
          // Behind it nothing can be sent.
          const more = ResponseEncoder.step(exchange, after.state, { _tag: "ResponseEnd" })
          assert.deepStrictEqual([more.state, more.octets], [after.state, []])
        }),
        { numRuns: runs }
      )
    })
  })
})

describe("the Stream transform", () => {
  const run = (
    exchange: ResponseEncoder.Exchange,
    events: ReadonlyArray<ResponseEvent.ResponseEvent>,
    date?: string
  ) => {
    const chunks: Array<Uint8Array> = []
    return Stream.fromIterable(events).pipe(
      ResponseEncoder.encode(exchange, { date }),
      Stream.runForEach((bytes) => Effect.sync(() => chunks.push(bytes))),
      Effect.result,
      Effect.map((result) => ({
        text: Bytes.toText(Bytes.concat(chunks)),
        error: result._tag === "Failure" ? result.failure.reason : undefined
      })),
      Effect.runPromise
    )
  }

  it("sends what the steps send, octet for octet", async () => {
    await fc.assert(
      fc.asyncProperty(ResponseGenerator.response, async ({ date, events, exchange }) => {
        const { error, text } = encodeAll(exchange, events, date)
        assert.deepStrictEqual(await run(exchange, events, date), { text, error: error?.reason })
      }),
      { numRuns: RUNS }
    )
  })

  it("fails with what the step fails with, behind what was sent before", async () => {
    await fc.assert(
      fc.asyncProperty(ResponseGenerator.brokenResponse, async ({ events, exchange }) => {
        const { error, text } = encodeAll(exchange, events)
        assert.deepStrictEqual(await run(exchange, events), { text, error: error?.reason })
      }),
      { numRuns: RUNS }
    )
  })

  it("fails where the events end before the response does", async () => {
    await fc.assert(
      fc.asyncProperty(ResponseGenerator.response, async ({ events, exchange }) => {
        const { error, text } = await run(exchange, events.slice(0, -1))
        assert.strictEqual(error?._tag, "ResponseOutOfOrder")
        assert.strictEqual(text, encodeAll(exchange, events.slice(0, -1)).text)
      }),
      { numRuns: RUNS }
    )
  })
})
