/** What a refusal says beside its reason: the octet, the limit, the place; and what it does not say. */
import { assert, describe, it } from "@effect/vitest"
import * as ConnectionId from "@nvo/protocol/http/ConnectionId"
import type * as Limits from "@nvo/protocol/http/Limits"
import * as Excerpt from "@nvo/protocol/http1/Excerpt"
import * as Http1Error from "@nvo/protocol/http1/Http1Error"
import * as RequestDecoder from "@nvo/protocol/http1/RequestDecoder"
import * as ResponseEncoder from "@nvo/protocol/http1/ResponseEncoder"
import type * as ResponseEvent from "@nvo/protocol/http1/ResponseEvent"
import { Bytes } from "@nvo/testing"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

const refusalOf = (text: string, limits?: Partial<Limits.Limits>): Http1Error.Http1Error => {
  const { outcome } = RequestDecoder.step(
    RequestDecoder.make({ limits }),
    RequestDecoder.initial,
    Bytes.fromText(text)
  )
  if (outcome._tag !== "Failed") return assert.fail(`accepted: ${JSON.stringify(text)}`)
  return outcome.error
}

const chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

describe("the detail of a refused request", () => {
  const details: ReadonlyArray<
    readonly [text: string, reason: Http1Error.ReasonTag, detail: string, limits?: Partial<Limits.Limits>]
  > = [
    ["G(T / HTTP/1.1\r\n", "InvalidMethod", '0x28 "("'],
    ["GET /\x7f HTTP/1.1\r\n", "InvalidTarget", "0x7f"],
    // The first octet of a target that is of no form, where that octet cannot stand in one.
    ["GET <a HTTP/1.1\r\nHost: a\r\n\r\n", "InvalidTarget", '0x3c "<"'],
    ["GET / HTTQ/1.1\r\n", "InvalidVersion", '0x51 "Q"'],
    ["GET / HTTP/2.0\r\n", "UnsupportedVersion", '0x32 "2"'],
    ["GET / HTTP/1.1\r\nA(: b\r\n", "InvalidFieldName", '0x28 "("'],
    ["GET / HTTP/1.1\r\nA: \x01\r\n", "InvalidFieldValue", "0x01"],
    [`${chunked}g`, "InvalidChunkSize", '0x67 "g"'],
    [`${chunked}1;(`, "InvalidChunkExtension", '0x28 "("'],
    [`${chunked}1\r\nab`, "MissingChunkTerminator", '0x62 "b"'],
    ["GET /%zzy HTTP/1.1\r\nHost: a\r\n\r\n", "InvalidTarget", '"%zz" is not percent-encoding'],
    ["GET /%41%4 HTTP/1.1\r\nHost: a\r\n\r\n", "InvalidTarget", '"%4" is not percent-encoding'],
    ['GET /" HTTP/1.1\r\nHost: a\r\n\r\n', "InvalidTarget", '0x22 """'],
    // A target that is of no form, and could begin so.
    ["GET abc HTTP/1.1\r\nHost: a\r\n\r\n", "InvalidTarget", '"abc"'],
    // The reason says all there is to say.
    ["GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "DuplicateHost", ""],
    ["GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", "DuplicateContentLength", ""],
    [
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "ContentLengthWithTransferEncoding",
      ""
    ],
    ["GET / HTTP/1.1\r\nA : b\r\n", "SpaceBeforeColon", ""],
    ["GET / HTTP/1.1\r\n: b\r\n", "EmptyFieldName", ""],
    ["GET / HTTP/1.1\nA", "BareLineFeed", ""],
    ["GET / HTTP/1.1\r\n\r\n", "MissingHost", ""],
    [`${chunked}1\n`, "BareLineEndInChunk", ""],
    // A limit.
    ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HeadTooLarge", "20 octets", { headBytes: 20 }],
    [`${chunked}0\r\nA: b\r\n\r\n`, "TrailersTooLarge", "4 octets", { trailerBytes: 4 }]
  ]

  for (const [text, reason, detail, limits] of details) {
    it(`${reason}: ${detail === "" ? "nothing" : detail}`, () => {
      const refused = refusalOf(text, limits).reason
      assert.deepStrictEqual([refused._tag, refused.detail], [reason, detail])
    })
  }

  it("is nothing where the input ended, whatever was fed last", () => {
    const { state } = RequestDecoder.step(
      RequestDecoder.make(),
      RequestDecoder.initial,
      Bytes.fromText("GET / HTTP/1.1\r\nHo")
    )
    const outcome = RequestDecoder.end(RequestDecoder.make(), state)
    if (outcome._tag !== "Failed") return assert.fail("a head that is not complete")
    assert.strictEqual(outcome.error.reason.detail, "")
    assert.strictEqual(Excerpt.of(state, Bytes.fromText("st"), outcome.error, 64), "")
  })
})

describe("a refused message is named by its connection and its number", () => {
  const decoder = RequestDecoder.make({ connectionId: ConnectionId.make(7) })
  const second = RequestDecoder.step(
    decoder,
    RequestDecoder.initial,
    Bytes.fromText("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
  ).state

  it("where its octets are wrong, in the state too", () => {
    const { outcome, state } = RequestDecoder.step(decoder, second, Bytes.fromText("@"))
    if (outcome._tag !== "Failed") return assert.fail("accepted")
    const { connectionId, requestIndex } = outcome.error
    assert.deepStrictEqual([connectionId, requestIndex, state.index], [ConnectionId.make(7), 2, 2])
  })

  it("where it ends too early", () => {
    const { state } = RequestDecoder.step(decoder, second, Bytes.fromText("GET"))
    const outcome = RequestDecoder.end(decoder, state)
    if (outcome._tag !== "Failed") return assert.fail("complete")
    assert.deepStrictEqual(
      [outcome.error.connectionId, outcome.error.requestIndex],
      [ConnectionId.make(7), 2]
    )
  })
})

// Who sent a request line can be told of a timeout: RFC 9110 §15.5.9.
describe("whether a request line has come whose head is not complete", () => {
  for (const [text, expected] of [
    ["", false],
    ["\r\n", false],
    ["GET / HTTP/1.1", false],
    ["GET / HTTP/1.1\r", false],
    ["GET / HTTP/1.1\r\n", true],
    ["GET / HTTP/1.1\r\nHost: a\r\n\r", true],
    ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", false]
  ] as const) {
    it(`${JSON.stringify(text)}: ${expected}`, () => {
      const { state } = RequestDecoder.step(
        RequestDecoder.make(),
        RequestDecoder.initial,
        Bytes.fromText(text)
      )
      assert.strictEqual(RequestDecoder.hasRequestLine(state), expected)
    })
  }
})

describe("an excerpt", () => {
  it("is empty for an octet that is not at hand, before it or behind it", () => {
    const bytes = Bytes.fromText("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    for (const offset of [-1, bytes.length, bytes.length + 5]) {
      const error = Http1Error.make("InvalidFieldValue", { offset })
      assert.strictEqual(Excerpt.of(RequestDecoder.initial, bytes, error, 64), "")
    }
  })

  it("is empty for what was wrong in a body, and for what the application did", () => {
    const bytes = Bytes.fromText("secret")
    for (const tag of ["InvalidChunkSize", "InvalidStatus", "IncompleteMessage"] as const) {
      assert.strictEqual(Excerpt.of(RequestDecoder.initial, bytes, Http1Error.make(tag), 64), "")
    }
  })
})

const exchange: ResponseEncoder.Exchange = {
  ...ResponseEncoder.unknownExchange(ConnectionId.none, 3),
  persistent: true
}

const head = (fields: ResponseEvent.Fields, bodyLength?: number): ResponseEvent.ResponseHead => ({
  _tag: "ResponseHead",
  status: 200,
  fields,
  bodyLength
})

const END: ResponseEvent.ResponseEnd = { _tag: "ResponseEnd" }

const data = (text: string): ResponseEvent.ResponseData => ({
  _tag: "ResponseData",
  bytes: Bytes.fromText(text)
})

const encoded = (...events: ReadonlyArray<ResponseEvent.ResponseEvent>) =>
  Stream.runCollect(ResponseEncoder.encode(exchange)(Stream.fromIterable(events)))

const failureOf = (...events: ReadonlyArray<ResponseEvent.ResponseEvent>) => Effect.flip(encoded(...events))

describe("the detail of a refused response", () => {
  const details: ReadonlyArray<
    readonly [
      what: string,
      reason: Http1Error.ReasonTag,
      detail: string,
      events: ReadonlyArray<ResponseEvent.ResponseEvent>
    ]
  > = [
    ["a status", "InvalidStatus", "600", [{ ...head({}), status: 600 }]],
    ["a field name", "InvalidResponseFieldName", '"a b"', [head({ "a b": "c" })]],
    // The octet and its place, never the value: it may be a cookie.
    ["a field value", "InvalidResponseFieldValue", "a: 0x01 at 6", [head({ a: "secret\x01" })]],
    ["the first octet of a value", "InvalidResponseFieldValue", "a: 0x0a at 0", [head({ a: "\nsecret" })]],
    ["a connection option", "InvalidResponseFieldValue", 'connection: "a b"', [head({ connection: "a b" })]],
    ["a length", "InvalidResponseLength", '"x"', [head({ "content-length": "x" })]],
    [
      "two lengths",
      "InvalidResponseLength",
      "declared twice",
      [head({ "content-length": "1", "Content-Length": "1" }, 1)]
    ],
    ["another length", "ResponseLengthMismatch", "1 declared, 2 given", [head({ "content-length": "1" }, 2)]],
    ["too much", "ResponseTooLong", "2 octets too many", [head({}, 1), data("abc")]],
    ["too little", "ResponseTooShort", "2 octets missing", [head({}, 3), data("a"), END]],
    ["data before a head", "ResponseOutOfOrder", "ResponseData after Head", [data("a")]],
    ["an end before a head", "ResponseOutOfOrder", "ResponseEnd after Head", [END]],
    ["two heads", "ResponseOutOfOrder", "ResponseHead after Body", [head({}), head({})]],
    ["data behind the end", "ResponseOutOfOrder", "ResponseData after Ended", [head({}), END, data("a")]],
    [
      "an interim head behind the final one",
      "ResponseOutOfOrder",
      "InterimHead after Body",
      [head({}), { _tag: "InterimHead", status: 103, fields: {} }]
    ],
    ["no end", "ResponseOutOfOrder", "the events ended after Body", [head({})]],
    ["nothing", "ResponseOutOfOrder", "the events ended after Head", []]
  ]

  for (const [what, reason, detail, events] of details) {
    it.effect(`${what}: ${detail}`, () =>
      Effect.gen(function* () {
        const error = yield* failureOf(...events)
        assert.deepStrictEqual([error.reason._tag, error.reason.detail], [reason, detail])
        assert.strictEqual(error.requestIndex, 3)
      })
    )
  }

  // RFC 9110 §6.5.1.
  for (const name of [
    "content-length",
    "transfer-encoding",
    "host",
    "trailer",
    "content-encoding",
    "content-type",
    "content-range",
    "connection",
    "Set-Cookie"
  ]) {
    it.effect(`${name} in a trailer section`, () =>
      Effect.gen(function* () {
        const error = yield* failureOf(head({}), { ...END, trailers: { [name]: "1" } })
        assert.deepStrictEqual([error.reason._tag, error.reason.detail], ["ForbiddenResponseTrailer", name])
      })
    )
  }
})
