/** What is logged of a message that was refused: the line in question, without secrets, printable and cut. */
import { assert, describe, it } from "@effect/vitest"
import { Excerpt, Http1Error, Latin1, type Limits, RequestDecoder } from "@nvo/protocol"
import * as fc from "fast-check"

/** The excerpt of octets that come in pieces cut at `cuts`. */
const excerptOf = (
  octets: string,
  cuts: ReadonlyArray<number> = [],
  limit = 128,
  limits: Partial<Limits.Limits> = {}
): string | undefined => {
  const bytes = Latin1.encode(octets)
  const decoder = RequestDecoder.make({ limits })
  let state = RequestDecoder.initial
  let from = 0
  for (const to of [...cuts, bytes.length]) {
    let rest = bytes.subarray(from, to)
    while (rest.length > 0) {
      const before = state
      const step = RequestDecoder.step(decoder, state, rest)
      if (step.outcome._tag === "Failed") return Excerpt.of(before, rest, step.outcome.error, limit)
      state = step.state
      rest = step.rest
    }
    from = to
  }
  return undefined
}

const SECRET = "s3cr3t"

const cases: ReadonlyArray<
  readonly [what: string, octets: string, excerpt: string, limits?: Partial<Limits.Limits>]
> = [
  [
    "a method that is too long, up to the octet",
    `METHOD /?${SECRET} HTTP/1.1\r\n`,
    '"METH"',
    { methodBytes: 3 }
  ],
  ["nothing of what follows too many empty lines", `\r\n${SECRET}`, "", { emptyLines: 0 }],
  ["a Host without a space in front", "GET / HTTP/1.1\r\nHost:a b\r\n\r\n", '"Host: a b"'],
  [
    "a trailer field without a name",
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n: ${SECRET}\r\n`,
    '": <redacted>"'
  ],
  ["a method that is none, up to the octet", `G@T /?${SECRET} HTTP/1.1\r\n`, '"G@"'],
  ["octets that are no HTTP at all", `\x16\x03\x01${SECRET}`, '"\\u0016"'],
  ["another message's body", `{"password":"${SECRET}"}`, '"{"'],
  ["a version", `GET /a?${SECRET} HTTP/3\r\n`, '"GET /a?<redacted> HTTP/3"'],
  ["a target", `GET /a"b?${SECRET} HTTP/1.1\r\nHost: a\r\n\r\n`, '"GET /a\\"b?<redacted> HTTP/1.1"'],
  [
    "userinfo in a target",
    `GET http://u:${SECRET}@a/ HTTP/1.1\r\nHost: a\r\n\r\n`,
    '"GET http://<redacted>@a/ HTTP/1.1"'
  ],
  ["empty lines in front", `\r\n\r\nGET / HTTP/3\r\n`, '"GET / HTTP/3"'],
  ["a field name", `GET / HTTP/1.1\r\nX(: ${SECRET}\r\n`, '"X("'],
  ["a space behind a field name", `GET / HTTP/1.1\r\nAuthorization ${SECRET}\r\n`, '"Authorization "'],
  ["a field value", `GET / HTTP/1.1\r\nCookie: ${SECRET}\x01\r\n`, '"Cookie: <redacted>"'],
  ["a bare CR in a field value", `GET / HTTP/1.1\r\nX: ${SECRET}\rb`, '"X: <redacted>"'],
  ["a bare LF in a field value", `GET / HTTP/1.1\r\nX: ${SECRET}\n${SECRET}`, '"X: <redacted>"'],
  ["a folded field line", `GET / HTTP/1.1\r\nAuthorization: a\r\n ${SECRET}\r\n`, '" "'],
  [
    "two lengths",
    `GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`,
    '"Content-Length: 2"'
  ],
  ["a Host", `GET / HTTP/1.1\r\nHost: u:${SECRET}@a\r\n\r\n`, '"Host: <redacted>@a"'],
  ["a coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", '"Transfer-Encoding: gzip"'],
  ["a chunk", `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${SECRET}\r\n`, ""],
  [
    "a trailer field",
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ${SECRET}\x01\r\n`,
    '"X: <redacted>"'
  ]
]

describe("Excerpt", () => {
  for (const [what, octets, excerpt, limits] of cases) {
    it(`shows ${what}: ${excerpt}`, () => {
      assert.strictEqual(excerptOf(octets, [], 128, limits), excerpt)
    })

    it(`shows the same of ${what} that comes octet by octet, or cut once`, () => {
      const cuts = Array.from({ length: octets.length - 1 }, (_, index) => index + 1)
      assert.strictEqual(excerptOf(octets, cuts, 128, limits), excerpt)
      for (const cut of cuts) assert.strictEqual(excerptOf(octets, [cut], 128, limits), excerpt)
    })
  }

  it("shows nothing of what comes behind a refused message", () => {
    const decoder = RequestDecoder.make()
    const { state } = RequestDecoder.step(decoder, RequestDecoder.initial, Latin1.encode("G@"))
    const error = Http1Error.make("InvalidMethod")
    assert.strictEqual(Excerpt.of(RequestDecoder.initial, Latin1.encode(SECRET), error, 128), '"s"')
    assert.strictEqual(Excerpt.of(state, Latin1.encode(SECRET), error, 128), "")
  })

  it("is cut at the limit, and shows nothing with 0", () => {
    const octets = `GET /${"a".repeat(200)} HTTP/3\r\n`
    assert.strictEqual(excerptOf(octets, [], 8), '"GET /aaa…"')
    assert.strictEqual(excerptOf(octets, [], 4), '"GET …"')
    assert.strictEqual(excerptOf(octets, [], 0), "")
  })

  it("never throws, is printable, and has no value of a field that is not known to be harmless", () => {
    const octet = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code))
    const junk = fc.array(octet, { maxLength: 12 }).map((octets) => octets.join(""))
    // A line end would begin another field line, with what follows as its name.
    const before = junk.map((octets) => octets.replace(/[\r\n]/g, ""))
    const name = fc.constantFrom("Authorization", "Cookie", "X-Api-Key", "Proxy-Authorization", "X")
    fc.assert(
      fc.property(name, before, junk, fc.nat(), (field, before, after, cut) => {
        const octets = `GET / HTTP/1.1\r\nHost: a\r\n${field}: ${SECRET}${before}${SECRET}${after}\r\n\r\n`
        const excerpt = excerptOf(
          octets,
          [cut % octets.length].filter((at) => at > 0),
          10_000
        )
        if (excerpt === undefined) return
        assert.notInclude(excerpt, SECRET)
        assert.match(excerpt, /^[\x20-\x7e…]*$/)
      })
    )
  })
})
