import { assert, describe, it } from "@effect/vitest"
import { acceptsHead, bad, refuses, refusesAt } from "./support/expectations.ts"

describe("RFC 9112 §3.2: exactly one Host in HTTP/1.1", () => {
  it("a request without one is refused, where its head ends", () => {
    const text = "GET / HTTP/1.1\r\nA: b\r\n\r\n"
    refuses(text, bad("MissingHost", "Fields", text.length))
    refuses("GET http://a/ HTTP/1.1\r\n\r\n", bad("MissingHost", "Fields", 26))
  })

  it("names that only look like it do not count", () => {
    for (const name of ["Hos", "Hosts", "X-Host", "H0st", "Host-"]) {
      const text = `GET / HTTP/1.1\r\n${name}: a\r\n\r\n`
      refuses(text, bad("MissingHost", "Fields", text.length))
    }
  })

  it("RFC 9112 §3.2: HTTP/1.0 needs none", () => {
    assert.deepStrictEqual(acceptsHead("GET / HTTP/1.0\r\n\r\n").fields, [])
  })

  it("two are refused, even if they agree, whatever their case and version", () => {
    refusesAt("GET / HTTP/1.1\r\nHost: a\r\n⮞Host: a\r\n\r\n", "DuplicateHost", "Fields")
    refusesAt("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n⮞hOST: b\r\n\r\n", "DuplicateHost", "Fields")
    refusesAt("GET / HTTP/1.0\r\nHost: a\r\n⮞HOST: a\r\n\r\n", "DuplicateHost", "Fields")
    refusesAt("GET http://a/ HTTP/1.1\r\nHost: a\r\n⮞Host:\r\n\r\n", "DuplicateHost", "Fields")
  })
})

describe("RFC 9110 §7.2: Host = uri-host [ : port ]", () => {
  for (const value of [
    "",
    "a",
    "A.example",
    "a:80",
    "a:",
    "a:0",
    "a:65535",
    "1.2.3.4",
    "[::1]",
    "[::1]:80",
    "[2001:db8::1.2.3.4]",
    "[v1.x]",
    "%41",
    "a_b-c~!$&'()*+;="
  ]) {
    it(`${JSON.stringify(value)} is one`, () => {
      const head = acceptsHead(`GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`)
      assert.deepStrictEqual(head.fields, [["Host", value]])
    })
  }

  for (const value of [
    "⮞a, b",
    "⮞a,b",
    "⮞a b",
    "⮞a\tb",
    "⮞u@a",
    "⮞u:p@a",
    "⮞a/",
    "⮞a/b",
    "⮞a?b",
    "⮞a#b",
    "⮞http://a",
    "⮞//a",
    "⮞a:b",
    "⮞a:65536",
    "⮞a:-1",
    "⮞a:1:2",
    "⮞a: 80",
    "⮞::1",
    "⮞[::1",
    "⮞[::1]x",
    "⮞[::1]80",
    "⮞[::g]",
    "⮞[::01.2.3.4]",
    "⮞a\\b",
    "⮞a%4",
    "⮞a%zz",
    "⮞a\x80",
    "⮞\xe4.example",
    "⮞<a>",
    '⮞"a"',
    "⮞a|b"
  ]) {
    it(`${JSON.stringify(value)} is none`, () => {
      refusesAt(`GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`, "InvalidHost", "Fields")
      refusesAt(`GET http://b/ HTTP/1.0\r\nX: y\r\nhost:${value}\r\n\r\n`, "InvalidHost", "Fields")
    })
  }

  it("what one request was allowed does not help the next", () => {
    for (let i = 0; i < 2; i++) {
      acceptsHead("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      refusesAt("GET / HTTP/1.1\r\nHost: ⮞a b\r\n\r\n", "InvalidHost", "Fields")
    }
  })
})
