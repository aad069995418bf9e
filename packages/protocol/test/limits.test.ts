/**
 * Each limit at n, which is accepted, and at n + 1, which is refused with a reason of its own: in one piece, in every
 * two pieces and octet by octet.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Limits from "@nvo/protocol/http/Limits"
import type * as Http1Error from "@nvo/protocol/http1/Http1Error"
import { accepts, observeText, refuses } from "./support/expectations.ts"

interface Case {
  readonly reason: Http1Error.ReasonTag
  readonly status: number
  readonly phase: Http1Error.Phase
  /** The small limit that is tried besides the default one. */
  readonly small: number
  /** A message of which exactly `n` are under the limit. */
  readonly text: (n: number) => string
  /** Where the octet stands that is one too many, in a message of `limit + 1`. */
  readonly offset: (limit: number) => number
  /** Other limits, so that this one is met first. */
  readonly others?: Partial<Limits.Limits>
}

const HEAD = "GET / HTTP/1.1\r\nHost: a\r\n"
const CHUNKED = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

const cases: Readonly<Record<Exclude<keyof Limits.Limits, "targetGrammar">, ReadonlyArray<Case>>> = {
  requestLineBytes: [
    {
      reason: "RequestLineTooLong",
      status: 414,
      phase: "RequestLine",
      small: 30,
      text: (n) => `GET /${"a".repeat(n - "GET / HTTP/1.1".length)} HTTP/1.1\r\nHost: a\r\n\r\n`,
      offset: (limit) => limit
    }
  ],
  methodBytes: [
    {
      reason: "MethodTooLong",
      status: 501,
      phase: "RequestLine",
      small: 3,
      text: (n) => `${"M".repeat(n)} / HTTP/1.1\r\nHost: a\r\n\r\n`,
      offset: (limit) => limit
    }
  ],
  headBytes: [
    {
      reason: "HeadTooLarge",
      status: 431,
      phase: "Fields",
      small: 60,
      text: (n) => `${HEAD}A: ${"v".repeat(n - HEAD.length - "A: \r\n\r\n".length)}\r\n\r\n`,
      offset: (limit) => limit
    },
    {
      reason: "HeadTooLarge",
      status: 431,
      phase: "Fields",
      small: 60,
      text: (n) => `${HEAD}${"N".repeat(n - HEAD.length - ":\r\n\r\n".length)}:\r\n\r\n`,
      offset: (limit) => limit
    }
  ],
  fieldCount: [
    {
      reason: "TooManyFields",
      status: 431,
      phase: "Fields",
      small: 3,
      text: (n) => `${HEAD}${"A: b\r\n".repeat(n - 1)}\r\n`,
      offset: (limit) => HEAD.length + (limit - 1) * 6
    },
    {
      reason: "TooManyFields",
      status: 431,
      phase: "Trailers",
      small: 3,
      text: (n) => `${CHUNKED}0\r\n${"A: b\r\n".repeat(n)}\r\n`,
      offset: (limit) => CHUNKED.length + 3 + limit * 6
    }
  ],
  emptyLines: [
    {
      reason: "TooManyEmptyLines",
      status: 400,
      phase: "RequestLine",
      small: 1,
      text: (n) => `${"\r\n".repeat(n)}${HEAD}\r\n`,
      offset: () => 0
    },
    {
      reason: "TooManyEmptyLines",
      status: 400,
      phase: "RequestLine",
      small: 0,
      text: (n) => `${"\r\n".repeat(n)}${HEAD}\r\n`,
      offset: () => 0
    }
  ],
  chunkSizeDigits: [
    {
      reason: "ChunkSizeTooLong",
      status: 400,
      phase: "Body",
      small: 2,
      text: (n) => `${CHUNKED}${"5".padStart(n, "0")}\r\nhello\r\n0\r\n\r\n`,
      offset: (limit) => CHUNKED.length + limit
    },
    {
      reason: "ChunkSizeTooLong",
      status: 400,
      phase: "Body",
      small: 1,
      text: (n) => `${CHUNKED}${"0".repeat(n)}\r\n\r\n`,
      offset: (limit) => CHUNKED.length + limit
    }
  ],
  chunkExtensionBytes: [
    {
      reason: "ChunkExtensionsTooLarge",
      status: 400,
      phase: "Body",
      small: 7,
      text: (n) => `${CHUNKED}1;a=${"v".repeat(n - 3)}\r\nx\r\n0\r\n\r\n`,
      offset: (limit) => CHUNKED.length + 1 + limit
    },
    {
      // The budget is for the message: two octets with the first chunk, the rest with the last.
      reason: "ChunkExtensionsTooLarge",
      status: 400,
      phase: "Body",
      small: 7,
      text: (n) => `${CHUNKED}1;a\r\nx\r\n0;a="${"v".repeat(n - 7)}"\r\n\r\n`,
      offset: (limit) => CHUNKED.length + "1;a\r\nx\r\n0".length + limit - 2
    }
  ],
  trailerBytes: [
    {
      reason: "TrailersTooLarge",
      status: 431,
      phase: "Trailers",
      small: 10,
      text: (n) => `${CHUNKED}0\r\nA: ${"v".repeat(n - 7)}\r\n\r\n`,
      offset: (limit) => CHUNKED.length + 3 + limit
    },
    {
      reason: "TrailersTooLarge",
      status: 431,
      phase: "Trailers",
      small: 10,
      text: (n) => `${CHUNKED}0\r\n${"N".repeat(n - 5)}:\r\n\r\n`,
      offset: (limit) => CHUNKED.length + 3 + limit
    }
  ]
}

const names = Object.keys(cases) as ReadonlyArray<keyof typeof cases>

describe("limits", () => {
  it("every limit is tried here", () => {
    assert.sameMembers([...names, "targetGrammar"], Object.keys(Limits.defaults))
  })

  for (const name of names) {
    cases[name].forEach(({ offset, others, phase, reason, small, status, text }, i) => {
      for (const limit of [small, Limits.defaults[name]]) {
        const limits = { ...others, [name]: limit }
        it(`${name} ${i + 1}: ${limit} is accepted`, () => {
          assert.isAbove(accepts(text(limit), limits).length, 0)
        })
        it(`${name} ${i + 1}: ${limit} + 1 is ${reason}`, () => {
          refuses(text(limit + 1), { reason, status, phase, offset: offset(limit) }, limits)
        })
      }
    })
  }

  it("a limit holds before the line that crosses it has ended", () => {
    for (const [text, reason] of [
      [`GET /${"a".repeat(8_000)}`, "RequestLineTooLong"],
      [`${HEAD}A: ${"v".repeat(16_384)}`, "HeadTooLarge"],
      [`${HEAD}${"N".repeat(16_384)}`, "HeadTooLarge"],
      ["M".repeat(33), "MethodTooLong"],
      [`${CHUNKED}0\r\nA: ${"v".repeat(8_192)}`, "TrailersTooLarge"],
      [`${CHUNKED}1;a="${"v".repeat(4_096)}`, "ChunkExtensionsTooLarge"]
    ] as const) {
      assert.strictEqual(observeText(text).error?.reason, reason)
    }
  })

  it("limits are for one message: the next one has all of them again", () => {
    const limits = { headBytes: HEAD.length + 2, fieldCount: 1, emptyLines: 1, requestLineBytes: 14 }
    assert.strictEqual(accepts(`\r\n${HEAD}\r\n`.repeat(5), limits).length, 10)
    const chunked = { chunkExtensionBytes: 2, trailerBytes: 8 }
    assert.strictEqual(accepts(`${CHUNKED}0;a\r\nA: b\r\n\r\n`.repeat(3), chunked).length, 6)
  })

  it("a head whose request line alone is over the head's limit is HeadTooLarge", () => {
    const text = `GET /${"a".repeat(60)} HTTP/1.1\r\nHost: a\r\n\r\n`
    refuses(text, { reason: "HeadTooLarge", status: 431, phase: "Fields", offset: 40 }, { headBytes: 40 })
  })

  it("the limit of a request line holds inside its method, and behind its version", () => {
    const refusal = { reason: "RequestLineTooLong", status: 414, phase: "RequestLine" } as const
    refuses("ABCDEF / HTTP/1.1\r\n", { ...refusal, offset: 3 }, { requestLineBytes: 3 })
    refuses("GET / HTTP/1.1x\r\n", { ...refusal, offset: 14 }, { requestLineBytes: 14 })
    refuses(
      "GET / HTTP/1.1x\r\n",
      { ...refusal, reason: "InvalidVersion", status: 400, offset: 14 },
      { requestLineBytes: 15 }
    )
  })

  it("the first octet of an extension counts", () => {
    const refusal = { reason: "ChunkExtensionsTooLarge", status: 400, phase: "Body" } as const
    for (const chunkExtensionBytes of [0, 1]) {
      for (const extension of [";a", " ;a"]) {
        const offset = CHUNKED.length + 1 + chunkExtensionBytes
        refuses(`${CHUNKED}1${extension}\r\n`, { ...refusal, offset }, { chunkExtensionBytes })
      }
    }
  })

  it("a line that ends where the limit is has what is wrong with it, not its length", () => {
    refuses(
      "GET /aaaa\r\n",
      { reason: "MissingVersion", status: 400, phase: "RequestLine", offset: 9 },
      { requestLineBytes: 9 }
    )
  })

  it("the defaults are those of the documentation", () => {
    assert.deepStrictEqual(Limits.defaults, {
      requestLineBytes: 8_000,
      methodBytes: 32,
      headBytes: 16_384,
      fieldCount: 100,
      emptyLines: 4,
      chunkSizeDigits: 16,
      chunkExtensionBytes: 4_096,
      trailerBytes: 8_192,
      targetGrammar: "rfc3986"
    })
    assert.deepStrictEqual(Limits.make({ fieldCount: 3 }), { ...Limits.defaults, fieldCount: 3 })
    assert.strictEqual(Limits.make(), Limits.defaults)
  })
})
