import { assert, describe, it } from "@effect/vitest"
import * as RequestDecoder from "@nvo/protocol/http1/RequestDecoder"
import { Bytes } from "@nvo/testing"
import { acceptsHead, refusesAt } from "./support/expectations.ts"

const request = (method: string, target: string) => `${method} ${target} HTTP/1.1\r\nHost: a\r\n\r\n`

const form = (method: string, target: string, limits?: Parameters<typeof acceptsHead>[1]) =>
  acceptsHead(request(method, target), limits).form

const refusesTarget = (method: string, target: string, reason: "InvalidTarget" | "TargetFormMismatch") =>
  refusesAt(request(method, target), reason, "RequestLine")

describe("a request target", () => {
  it("is taken apart by its form", () => {
    for (const [method, target, expected] of [
      ["GET", "/a?b", { path: "/a", query: "b" }],
      ["GET", "http://h:8/a", { authority: "h:8", path: "/a" }],
      ["OPTIONS", "*", {}]
    ] as const) {
      const { events } = RequestDecoder.step(
        RequestDecoder.make(),
        RequestDecoder.initial,
        Bytes.fromText(request(method, target))
      )
      const [head] = events
      if (head._tag !== "RequestHead") return assert.fail("no head")
      assert.deepInclude(head.target, expected)
    }
  })
})

describe("RFC 9112 §3.2.1: origin-form = absolute-path [ ? query ]", () => {
  for (const target of [
    "/",
    "//",
    "//a/b",
    "/..//./a",
    "/?",
    "/??",
    "/a?b?c",
    "/a?/b",
    "/-._~!$&'()*+,;=:@",
    "/%00%0D%0a%2f%2F",
    "/*",
    "/http://b/"
  ]) {
    it(`${target} is read as it is, never decoded or mended`, () => {
      const head = acceptsHead(request("GET", target))
      assert.deepStrictEqual([head.rawTarget, head.form], [target, "Origin"])
    })
  }

  for (const target of [
    "/⮞#",
    "/a⮞#fragment",
    "/⮞\\",
    "/⮞<",
    "/⮞|",
    "/⮞^",
    "/⮞`",
    "/⮞{",
    '/⮞"',
    "/⮞[",
    "/a⮞\x80",
    "/a⮞\xff",
    "/⮞\x7f",
    "/⮞\x01",
    "/⮞%",
    "/⮞%4",
    "/⮞%g0",
    "/⮞%0g",
    "/⮞%%30",
    "/⮞%u0041",
    "/a?b=⮞%"
  ]) {
    it(`RFC 3986 §3.3: ${JSON.stringify(target)} is outside the grammar`, () => {
      refusesTarget("GET", target, "InvalidTarget")
    })
  }

  it("the WHATWG grammar takes what its URL serialiser leaves, and no more", () => {
    const limits = { targetGrammar: "whatwg" } as const
    for (const target of ["/a|b", "/[x]", "/{x}", "/a\\b", "/^`", '/"', "/100%", "/%zz?a=[1]"]) {
      assert.strictEqual(form("GET", target, limits), "Origin")
    }
    for (const target of ["/⮞#", "/⮞<", "/⮞\x80", "/⮞\x7f"]) {
      refusesAt(request("GET", target), "InvalidTarget", "RequestLine", 400, limits)
    }
  })

  for (const target of [
    "⮞a",
    "⮞index.html",
    "⮞?a=b",
    "⮞.",
    "⮞a:80",
    "⮞http:",
    "⮞http:/a",
    "⮞:",
    "⮞%2f",
    "⮞\\"
  ]) {
    it(`${target} begins with neither "/" nor "http://"`, () => {
      refusesTarget("GET", target, "InvalidTarget")
    })
  }
})

describe("RFC 9112 §3.2.2: absolute-form, which a server must accept", () => {
  for (const target of [
    "http://a",
    "http://a/",
    "http://a:80/b?c",
    "https://a?b",
    "HTTP://A/",
    "hTtPs://a:/",
    "http://[::1]:8080/",
    "http://[v1.a:b]/",
    "http://1.2.3.4/",
    "http://a%41b/",
    "http://a:65535",
    "http://a//b"
  ]) {
    it(target, () => {
      assert.strictEqual(form("GET", target), "Absolute")
      assert.strictEqual(form("OPTIONS", target), "Absolute")
    })
  }

  for (const target of [
    "http://⮞",
    "http://⮞/",
    "http://⮞?a",
    "http://⮞:80/",
    "http://⮞u@a/",
    "http://⮞u:p@a/",
    "http://⮞@a/",
    "http://⮞a,b/",
    "http://⮞a:b/",
    "http://⮞a:65536/",
    "http://⮞a:1:2/",
    "http://⮞[::1/",
    "http://⮞[::1]a/",
    "http://⮞a#b/",
    "http://⮞a\\b/",
    "http://⮞a%zz/",
    "http://a/⮞#b",
    "http://a/⮞%zz",
    "http://a?⮞<"
  ]) {
    it(`RFC 9110 §4.2: ${target} is refused`, () => {
      refusesTarget("GET", target, "InvalidTarget")
    })
  }

  for (const target of ["⮞ftp://a/", "⮞ws://a/", "⮞urn:a", "⮞xhttp://a/", "⮞http+unix://a/"]) {
    it(`a scheme that is not ours: ${target}`, () => {
      refusesTarget("GET", target, "InvalidTarget")
    })
  }
})

describe("RFC 9112 §3.2.3: authority-form, for CONNECT and nothing else", () => {
  for (const target of ["a:80", "[::1]:443", "1.2.3.4:1", "a.b:65535"]) {
    it(`CONNECT ${target}`, () => {
      assert.strictEqual(form("CONNECT", target), "Authority")
      refusesTarget("GET", `⮞${target}`, "InvalidTarget")
    })
  }

  for (const target of [
    "⮞/",
    "⮞*",
    "⮞http://a:80/",
    "⮞a",
    "⮞a:",
    "⮞:80",
    "⮞a:80/",
    "⮞a:80?b",
    "⮞u@a:80",
    "⮞[::1]",
    "⮞::1:80",
    "⮞a:65536",
    "⮞a:x",
    "⮞a,b:80"
  ]) {
    it(`RFC 9110 §9.3.6: CONNECT ${target} is refused`, () => {
      refusesTarget("CONNECT", target, "TargetFormMismatch")
    })
  }
})

describe("RFC 9112 §3.2.4: asterisk-form, for OPTIONS and nothing else", () => {
  it("OPTIONS *", () => assert.strictEqual(form("OPTIONS", "*"), "Asterisk"))

  for (const method of ["GET", "HEAD", "POST", "CONNECT", "Options"]) {
    it(`${method} * is refused`, () => refusesTarget(method, "⮞*", "TargetFormMismatch"))
  }

  for (const target of ["⮞**", "⮞*/", "⮞*?a"]) {
    it(`OPTIONS ${target} is refused`, () => refusesTarget("OPTIONS", target, "InvalidTarget"))
  }
})
