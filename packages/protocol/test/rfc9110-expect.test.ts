import { assert, describe, it } from "@effect/vitest"
import { acceptsHead, refusesAt } from "./support/expectations.ts"

const post = (version: "1.0" | "1.1", lines: string, length = 1) =>
  `POST / HTTP/${version}\r\nHost: a\r\nContent-Length: ${length}\r\n${lines}\r\n${"x".repeat(length)}`

describe("RFC 9110 §10.1.1: Expect", () => {
  for (const value of [
    "100-continue",
    "100-Continue",
    "100-CONTINUE",
    "100-continue, 100-continue",
    ",100-continue,"
  ]) {
    it(`${value} waits for 100 (Continue)`, () => {
      assert.isTrue(acceptsHead(post("1.1", `Expect: ${value}\r\n`)).expectContinue)
    })
  }

  it("with chunks it waits too", () => {
    const text =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n0\r\n\r\n"
    assert.isTrue(acceptsHead(text).expectContinue)
  })

  it("a request without content waits for nothing", () => {
    assert.isFalse(acceptsHead(post("1.1", "Expect: 100-continue\r\n", 0)).expectContinue)
    assert.isFalse(acceptsHead("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n").expectContinue)
  })

  for (const value of ["", " ", ",", " , ,"]) {
    it(`a list without members (${JSON.stringify(value)}) waits for nothing`, () => {
      assert.isFalse(acceptsHead(post("1.1", `Expect:${value}\r\n`)).expectContinue)
    })
  }

  it("in HTTP/1.0 it is ignored, whatever it says", () => {
    assert.isFalse(acceptsHead(post("1.0", "Expect: 100-continue\r\n")).expectContinue)
    assert.isFalse(acceptsHead(post("1.0", "Expect: something\r\n")).expectContinue)
  })

  for (const value of [
    "200-ok",
    "100-continue, x",
    "100-continue;q=1",
    "100-continue=1",
    "100 continue",
    "100"
  ]) {
    it(`${value} is an expectation that cannot be met: 417`, () => {
      refusesAt(post("1.1", `⮞Expect: ${value}\r\n`), "UnknownExpectation", "Fields", 417)
    })
  }

  it("one line that can be met does not hide one that cannot", () => {
    refusesAt(post("1.1", "Expect: 100-continue\r\n⮞Expect: x\r\n"), "UnknownExpectation", "Fields", 417)
    refusesAt(post("1.1", "Expect: x\r\n⮞Expect: 100-continue\r\n"), "UnknownExpectation", "Fields", 417)
  })
})
