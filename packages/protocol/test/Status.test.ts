import { STATUS_CODES } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import * as Status from "@nvo/protocol/http/Status"
import * as Http1Error from "@nvo/protocol/http1/Http1Error"

const all = Array.from({ length: 700 }, (_, status) => status)

// Renamed by RFC 9110 §15.5.14 and §15.5.21, or by the registry's capitals.
const renamed: Readonly<Record<number, string>> = {
  413: "Content Too Large",
  418: "I'm a Teapot",
  422: "Unprocessable Content"
}

describe("Status", () => {
  it("the phrases are those of node:http, but for what RFC 9110 renamed and what it took out", () => {
    const differing = all.filter((status) => {
      const known = STATUS_CODES[status]
      const phrase = Status.reasonPhrase(status)
      return phrase !== "" && known !== undefined && phrase !== (renamed[status] ?? known)
    })
    assert.deepStrictEqual(differing, [])
    // 509 was never registered.
    const absent = all.filter(
      (status) => STATUS_CODES[status] !== undefined && Status.reasonPhrase(status) === ""
    )
    assert.deepStrictEqual(absent, [509])
  })

  it("a status without a phrase has the empty one, RFC 9112 §4", () => {
    for (const status of [299, 306, 599, -1, 1.5, Number.NaN])
      assert.strictEqual(Status.reasonPhrase(status), "")
  })

  it("every status that an error is answered with has a phrase", () => {
    for (const { status } of Object.values(Http1Error.reasons)) {
      if (status !== 0) assert.notStrictEqual(Status.reasonPhrase(status), "")
    }
  })

  it("RFC 9110 §15: 1xx is interim, 2xx to 5xx is final, and nothing is both", () => {
    assert.deepStrictEqual(all.filter(Status.isInterim), all.slice(100, 200))
    assert.deepStrictEqual(all.filter(Status.isFinal), all.slice(200, 600))
    for (const status of [Number.NaN, Number.POSITIVE_INFINITY, 200.5, 100.5, -200]) {
      assert.isFalse(Status.isFinal(status) || Status.isInterim(status))
    }
  })

  it("RFC 9110 §6.4.1: 1xx, 204 and 304 never have content", () => {
    const without = all.slice(100, 600).filter(Status.hasNoContent)
    assert.deepStrictEqual(without, [...all.slice(100, 200), 204, 304])
  })
})
