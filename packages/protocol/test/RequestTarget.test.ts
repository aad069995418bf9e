import { assert, describe, it } from "@effect/vitest"
import * as RequestTarget from "@nvo/protocol/http/RequestTarget"
import * as RequestDecoder from "@nvo/protocol/http1/RequestDecoder"
import { Bytes, TargetGenerator } from "@nvo/testing"
import * as fc from "fast-check"

const RUNS = 1_000

describe("RFC 9112 §3.2: a target in its parts", () => {
  for (const [raw, path, query] of [
    ["/", "/", undefined],
    ["/a/b", "/a/b", undefined],
    ["/?", "/", ""],
    ["/a?b?c", "/a", "b?c"],
    ["//a?/b", "//a", "/b"]
  ] as const) {
    it(`origin-form ${raw}`, () => {
      assert.deepStrictEqual(RequestTarget.fromValid("Origin", raw), { _tag: "Origin", raw, path, query })
    })
  }

  for (const [raw, scheme, authority, path, query] of [
    ["http://a", "http", "a", "/", undefined],
    ["HTTPS://A:1/", "https", "A:1", "/", undefined],
    ["http://a?b", "http", "a", "/", "b"],
    ["http://a/?", "http", "a", "/", ""],
    ["https://[::1]:2/a/b?c//d", "https", "[::1]:2", "/a/b", "c//d"],
    ["http://a//b", "http", "a", "//b", undefined]
  ] as const) {
    it(`absolute-form ${raw}`, () => {
      assert.deepStrictEqual(RequestTarget.fromValid("Absolute", raw), {
        _tag: "Absolute",
        raw,
        scheme,
        authority,
        path,
        query
      })
    })
  }

  for (const [raw, host, port] of [
    ["a:80", "a", 80],
    ["[::1]:00443", "[::1]", 443],
    ["a:0", "a", 0]
  ] as const) {
    it(`authority-form ${raw}`, () => {
      assert.deepStrictEqual(RequestTarget.fromValid("Authority", raw), {
        _tag: "Authority",
        raw,
        host,
        port
      })
    })
  }

  it("asterisk-form", () => {
    assert.deepStrictEqual(RequestTarget.fromValid("Asterisk", "*"), { _tag: "Asterisk", raw: "*" })
  })

  it("the parts of what a decoder accepts make the target again", () => {
    fc.assert(
      fc.property(TargetGenerator.any, ({ form, method, target: raw }) => {
        const text = `${method} ${raw} HTTP/1.1\r\nHost: a\r\n\r\n`
        const [head] = RequestDecoder.step(
          RequestDecoder.make(),
          RequestDecoder.initial,
          Bytes.fromText(text)
        ).events
        assert.strictEqual(head._tag, "RequestHead")
        if (head._tag !== "RequestHead") return
        const { target } = head
        assert.strictEqual(target._tag, form)
        const query = "query" in target && target.query !== undefined ? `?${target.query}` : ""
        switch (target._tag) {
          case "Origin":
            assert.strictEqual(target.path + query, raw)
            break
          case "Absolute": {
            const again = `${target.scheme}://${target.authority}${target.path}${query}`
            const scheme = raw.slice(0, raw.indexOf(":"))
            assert.strictEqual(target.scheme, scheme.toLowerCase())
            // RFC 9110 §4.2.3: an empty path is "/".
            const pathless = `${target.scheme}://${target.authority}${query}`
            const lower = target.scheme + raw.slice(scheme.length)
            assert.include([again, target.path === "/" ? pathless : again], lower)
            break
          }
          case "Authority":
            assert.strictEqual(`${target.host}:${target.port}`, raw.replace(/:0*(?=[0-9]+$)/, ":"))
            break
          case "Asterisk":
            assert.strictEqual(target.raw, raw)
        }
      }),
      { numRuns: RUNS }
    )
  })
})
