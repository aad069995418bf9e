import { assert, describe, it } from "@effect/vitest"
import * as HttpDate from "@nvo/protocol/http/HttpDate"
import * as fc from "fast-check"

describe("RFC 9110 §5.6.7: IMF-fixdate", () => {
  it("the example of the standard", () => {
    assert.strictEqual(HttpDate.format(784_111_777_000), "Sun, 06 Nov 1994 08:49:37 GMT")
  })

  it("the epoch, a leap day, the last second of a year; fractions are cut", () => {
    assert.strictEqual(HttpDate.format(0), "Thu, 01 Jan 1970 00:00:00 GMT")
    assert.strictEqual(HttpDate.format(Date.UTC(2024, 1, 29, 12)), "Thu, 29 Feb 2024 12:00:00 GMT")
    assert.strictEqual(
      HttpDate.format(Date.UTC(1999, 11, 31, 23, 59, 59, 999)),
      "Fri, 31 Dec 1999 23:59:59 GMT"
    )
  })

  it("has 29 octets of the grammar and is read as the same second", () => {
    const grammar =
      /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT$/
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }), (millis) => {
        const text = HttpDate.format(millis)
        assert.match(text, grammar)
        assert.strictEqual(Date.parse(text), Math.floor(millis / 1_000) * 1_000)
      }),
      { numRuns: 1_000 }
    )
  })
})
