import { isIPv6 } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Authority from "@nvo/protocol/http/Authority"
import { HostGenerator, Mutation } from "@nvo/testing"
import * as fc from "fast-check"

const RUNS = 1_000

describe("RFC 3986 §3.2: host [ : port ]", () => {
  it("every host and port of the grammar is valid", () => {
    fc.assert(
      fc.property(HostGenerator.hostField, (text) => assert.isTrue(Authority.isValid(text), text)),
      { numRuns: RUNS }
    )
  })

  it("every host with a port is one, and a host without one is not", () => {
    fc.assert(
      fc.property(HostGenerator.host, HostGenerator.port, (host, port) => {
        assert.isTrue(Authority.isValidWithPort(`${host}:${port}`))
        assert.isFalse(Authority.isValidWithPort(host))
        assert.isFalse(Authority.isValidWithPort(`${host}:`))
        assert.isFalse(Authority.isValidWithPort(`:${port}`))
      }),
      { numRuns: RUNS }
    )
  })

  for (const text of Mutation.invalidAuthorities) {
    it(`${JSON.stringify(text)} is none`, () => assert.isFalse(Authority.isValid(text)))
  }

  it("any text is answered, and valid text holds no comma, userinfo, path or white space", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."a:[]@,/%1. \t\0\xff"), maxLength: 12 }), (text) => {
        if (Authority.isValid(text)) assert.notMatch(text, /[@,/\s\0\xff]/)
        if (Authority.isValidWithPort(text)) assert.isTrue(Authority.isValid(text))
      }),
      { numRuns: RUNS * 3 }
    )
  })
})

describe("RFC 3986 §3.2.2: IPv6", () => {
  for (const address of [
    "::",
    "::1",
    "1::",
    "1::8",
    "1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
    "1:2:3::5:6:7:8",
    "FFFF:ffff:0:00:000:0000::1",
    "::1.2.3.4",
    "::255.255.255.255",
    "::ffff:0.0.0.0",
    "1:2:3:4:5:6:1.2.3.4",
    "1:2:3:4:5::1.2.3.4",
    "::2:3:4:5:6:1.2.3.4",
    "64:ff9b::192.0.2.33"
  ]) {
    it(`[${address}] is an address`, () => {
      assert.isTrue(Authority.isValid(`[${address}]`))
      assert.isTrue(Authority.isValid(`[${address}]:80`))
      assert.isTrue(Authority.isValid(`[${address}]:`))
    })
  }

  for (const address of [
    "",
    ":",
    "1",
    "1:",
    ":1",
    ":::",
    "1:::2",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8:",
    ":1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7:8::",
    "::1:2:3:4:5:6:7:8",
    "1:2:3:4::5:6:7:8",
    "00001::",
    "g::",
    "1.2.3.4",
    "1.2.3.4::",
    "::1.2.3.4:5",
    "1:2:3:4:5:6:7:1.2.3.4",
    "1:2:3:4:5:6::1.2.3.4",
    "1:2:3:4:5:1.2.3.4",
    "::1.2.3",
    "::1.2.3.4.5",
    "::1.2.3.256",
    "::01.2.3.4",
    "::1.2.3.00",
    "::1.2.3.",
    "::1.2.3.4.",
    "::.1.2.3",
    "::1..2.3",
    "::0x1.2.3.4",
    "fe80::1%eth0",
    "fe80::1%25eth0",
    "::1 ",
    "[::1]"
  ]) {
    // `1:2:3:4::5:6:7:8` has eight groups and an empty run, which must stand for one at least.
    it(`[${address}] is none`, () => assert.isFalse(Authority.isValid(`[${address}]`)))
  }

  it("agrees with node:net on every text over an address's alphabet", () => {
    const piece = fc.constantFrom(":", "::", "0", "1", "ff", "12345", ".", "1.2.3.4", "255", "256", "01")
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(piece, { maxLength: 18 }).map((pieces) => pieces.join("")),
          fc
            .array(fc.constantFrom("0", "ab", "", "1.2.3.4"), { maxLength: 10 })
            .map((groups) => groups.join(":"))
        ),
        (text) => assert.strictEqual(Authority.isValid(`[${text}]`), isIPv6(text), text)
      ),
      { numRuns: RUNS * 5 }
    )
  })
})

describe("RFC 3986 §3.2.2: IPvFuture", () => {
  for (const [text, valid] of [
    ["[v1.a]", true],
    ["[V1F.a:b!$&'()*+,;=~]", true],
    ["[v1.fe80::a+en1]:80", true],
    ["[v.a]", false],
    ["[v1.]", false],
    ["[v1]", false],
    ["[vx.a]", false],
    ["[v1.a/b]", false],
    ["[v1.a@b]", false],
    ["[v1.%41]", false]
  ] as const) {
    it(`${text}: ${valid}`, () => assert.strictEqual(Authority.isValid(text), valid))
  }
})

describe("RFC 3986 §3.2.3: port = *DIGIT, and no more than 65535", () => {
  for (const [text, valid, withPort] of [
    ["a", true, false],
    ["a:", true, false],
    ["a:0", true, true],
    ["a:00080", true, true],
    ["a:65535", true, true],
    ["a:65536", false, false],
    ["a:99999", false, false],
    ["a:100000", false, false],
    ["a:+1", false, false],
    ["a:1e3", false, false],
    ["a: 1", false, false],
    ["a:1:2", false, false],
    [":80", true, false],
    ["", true, false],
    [":", true, false],
    ["[::1]:80", true, true],
    ["[::1]", true, false],
    ["[::1]:", true, false]
  ] as const) {
    it(`${JSON.stringify(text)}: ${valid}, with a port: ${withPort}`, () => {
      assert.deepStrictEqual([Authority.isValid(text), Authority.isValidWithPort(text)], [valid, withPort])
    })
  }
})
