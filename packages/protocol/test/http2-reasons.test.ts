/**
 * The table of what HTTP/2 refuses: every row is complete, and every reason is produced by some test of its section.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as ConnectionId from "@nvo/protocol/http/ConnectionId"
import * as ErrorCode from "@nvo/protocol/http2/ErrorCode"
import * as Http2Error from "@nvo/protocol/http2/Http2Error"

const tags = Object.keys(Http2Error.reasons) as ReadonlyArray<Http2Error.ReasonTag>

describe("the table of reasons", () => {
  for (const tag of tags) {
    const { code, initiator, scope, section, status, text } = Http2Error.reasons[tag]
    it(`${tag}: its section is one of an RFC, its code is one, its sentence is one`, () => {
      assert.match(section, /^RFC [1-9][0-9]{3} §[1-9][0-9]*(?:\.[1-9][0-9]*){0,3}$/)
      assert.match(text, /^[^\s.].{4,}[^\s]$/)
      assert.match(ErrorCode.nameOf(ErrorCode.toNumber(code)), /^[A-Z_0-9]+$/)
      if (initiator === "Application") assert.deepStrictEqual([scope, code], ["Stream", "INTERNAL_ERROR"])
      // A request that is answered is not reset for it.
      else if (status !== 0) assert.deepStrictEqual([scope, code], ["Stream", "NO_ERROR"])
    })
  }

  it("every reason is asked for in a test", () => {
    const texts = fs
      .readdirSync(import.meta.dirname)
      .filter((name) => /^(?:rfc8441|rfc9113|rfc9218|http2-floods|rfc7541)/.test(name))
      .map((name) => fs.readFileSync(path.join(import.meta.dirname, name), "utf8"))
      .join("\n")
    const verdicts = ["IdleStream", "HalfClosedStream", "ClosedStream"]
    assert.deepStrictEqual(
      tags.filter((tag) => !verdicts.includes(tag) && !new RegExp(`\\b${tag}"`).test(texts)),
      []
    )
  })
})

describe("an error says who, where and what", () => {
  it("for a stream", () => {
    const error = Http2Error.make("HalfClosedStream", { streamId: 3 })
    assert.strictEqual(error.message, "HalfClosedStream: a frame behind END_STREAM (RFC 9113 §5.1; stream 3)")
    assert.deepStrictEqual(
      [error._tag, error.scope, error.code, error.status, error.initiator],
      ["Http2Error", "Stream", "STREAM_CLOSED", 0, "Peer"]
    )
    assert.isTrue(Http2Error.isHttp2Error(error))
    assert.isFalse(Http2Error.isHttp2Error(new Error("HalfClosedStream")))
  })

  it("for a connection, with what stood there", () => {
    const error = Http2Error.make("InvalidSetting", {
      connectionId: ConnectionId.make(42),
      detail: "enablePush 2"
    })
    assert.strictEqual(
      error.message,
      "InvalidSetting: a setting has a value that it cannot have: enablePush 2 (RFC 9113 §6.5.2; the connection on c42)"
    )
  })
})

describe("RFC 9113 §7 error codes", () => {
  it("are numbered as there, and unknown ones are shown", () => {
    assert.strictEqual(ErrorCode.toNumber("NO_ERROR"), 0)
    assert.strictEqual(ErrorCode.toNumber("HTTP_1_1_REQUIRED"), 0xd)
    assert.strictEqual(ErrorCode.nameOf(0xb), "ENHANCE_YOUR_CALM")
    assert.strictEqual(ErrorCode.nameOf(0xe), "0xe")
  })
})
