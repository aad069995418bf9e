import { assert, describe, it } from "@effect/vitest"
import { accepts, acceptsHead, observeText, refusesAt } from "./support/expectations.ts"

const HOST = "Host: a\r\n"

describe("RFC 9112 §3: request-line = method SP request-target SP HTTP-version", () => {
  it("the three parts are read as they were sent", () => {
    const head = acceptsHead(`Patch /a?b=c HTTP/1.1\r\n${HOST}\r\n`)
    assert.deepStrictEqual(
      [head.method, head.rawTarget, head.form, head.minorVersion],
      ["Patch", "/a?b=c", "Origin", 1]
    )
  })

  it("§3.1: a method is a token, and every tchar is one", () => {
    const method = "!#$%&'*+-.^_`|~09AZaz"
    assert.strictEqual(acceptsHead(`${method} / HTTP/1.1\r\n${HOST}\r\n`).method, method)
  })

  it("§3.1: a method that begins like a common one is read whole", () => {
    for (const method of ["GETS", "POSTER", "PUTT", "HEADS", "PATCHES", "G", "PO"]) {
      assert.strictEqual(acceptsHead(`${method} / HTTP/1.1\r\n${HOST}\r\n`).method, method)
    }
  })

  it("§3.1: a method is case-sensitive: connect is not CONNECT, options is not OPTIONS", () => {
    assert.strictEqual(acceptsHead(`connect / HTTP/1.1\r\n${HOST}\r\n`).form, "Origin")
    refusesAt(`options ⮞* HTTP/1.1\r\n${HOST}\r\n`, "TargetFormMismatch", "RequestLine")
  })

  for (const octet of [
    '"',
    "(",
    ")",
    ",",
    "/",
    ":",
    ";",
    "<",
    "=",
    ">",
    "?",
    "@",
    "[",
    "\\",
    "]",
    "{",
    "}"
  ]) {
    it(`§3.1: a method holds no delimiter ${octet}`, () => {
      refusesAt(`G⮞${octet}T / HTTP/1.1\r\n${HOST}\r\n`, "InvalidMethod", "RequestLine")
      refusesAt(`⮞${octet}GET / HTTP/1.1\r\n${HOST}\r\n`, "InvalidMethod", "RequestLine")
    })
  }

  for (const octet of ["\x01", "\x0b", "\x1f", "\x7f", "\x80", "\xff"]) {
    it(`§3.1: a method holds no octet ${JSON.stringify(octet)}`, () => {
      refusesAt(`GE⮞${octet}T / HTTP/1.1\r\n${HOST}\r\n`, "InvalidMethod", "RequestLine")
    })
  }

  it("§2.2: no white space stands before the request line", () => {
    refusesAt(`⮞ GET / HTTP/1.1\r\n${HOST}\r\n`, "InvalidMethod", "RequestLine")
    refusesAt(`⮞\tGET / HTTP/1.1\r\n${HOST}\r\n`, "InvalidMethod", "RequestLine")
  })

  it("§3: exactly one SP separates the parts, no other white space", () => {
    refusesAt(`GET⮞\t/ HTTP/1.1\r\n${HOST}\r\n`, "InvalidMethod", "RequestLine")
    refusesAt(`GET ⮞ / HTTP/1.1\r\n${HOST}\r\n`, "InvalidTarget", "RequestLine")
    refusesAt(`GET ⮞\t/ HTTP/1.1\r\n${HOST}\r\n`, "InvalidTarget", "RequestLine")
    refusesAt(`GET /⮞\tHTTP/1.1\r\n${HOST}\r\n`, "InvalidTarget", "RequestLine")
    refusesAt(`GET /⮞\x0bHTTP/1.1\r\n${HOST}\r\n`, "InvalidTarget", "RequestLine")
    refusesAt(`GET /⮞\x0cHTTP/1.1\r\n${HOST}\r\n`, "InvalidTarget", "RequestLine")
    refusesAt(`GET / ⮞ HTTP/1.1\r\n${HOST}\r\n`, "InvalidVersion", "RequestLine")
    refusesAt(`GET / HTTP/1.1⮞ \r\n${HOST}\r\n`, "InvalidVersion", "RequestLine")
    refusesAt(`GET / HTTP/1.1⮞\t\r\n${HOST}\r\n`, "InvalidVersion", "RequestLine")
  })

  it("§3.2: no white space stands in a target: it is not mended", () => {
    refusesAt(`GET /a ⮞b HTTP/1.1\r\n${HOST}\r\n`, "InvalidVersion", "RequestLine")
  })

  it("§3: a line without a version is HTTP/0.9 and refused", () => {
    refusesAt("GET /⮞\r\n", "MissingVersion", "RequestLine")
    refusesAt(`GET /⮞\r\n${HOST}\r\n`, "MissingVersion", "RequestLine")
    refusesAt(`GET⮞\r\n${HOST}\r\n`, "InvalidMethod", "RequestLine")
    refusesAt(`GET ⮞\r\n${HOST}\r\n`, "MissingVersion", "RequestLine")
    refusesAt(`GET / ⮞\r\n${HOST}\r\n`, "InvalidVersion", "RequestLine")
  })
})

describe('RFC 9112 §2.3: HTTP-version = "HTTP" "/" DIGIT "." DIGIT', () => {
  for (const [version, minorVersion] of [
    ["HTTP/1.0", 0],
    ["HTTP/1.1", 1]
  ] as const) {
    it(`${version} is ours`, () => {
      assert.strictEqual(acceptsHead(`GET / ${version}\r\n${HOST}\r\n`).minorVersion, minorVersion)
    })
  }

  for (const version of [
    "⮞http/1.1",
    "H⮞ttp/1.1",
    "HTTP⮞ 1.1",
    "HTTP/⮞a.1",
    "HTTP/⮞.1",
    "HTTP/⮞+1.1",
    "HTTP/⮞ 1.1",
    "HTTP/1⮞,1",
    "HTTP/1⮞1.1",
    "HTTP/1.⮞",
    "HTTP/1.⮞x",
    "HTTP/1.⮞:",
    "HTTP/⮞:.1",
    "HTTP/1.1⮞0",
    "HTTP/1⮞",
    "HTTP⮞S/1.1",
    "⮞ICY/1.1",
    "⮞\xc8TTP/1.1"
  ]) {
    it(`${JSON.stringify(version)} is no version`, () => {
      refusesAt(`GET / ${version}\r\n${HOST}\r\n`, "InvalidVersion", "RequestLine")
    })
  }

  for (const version of ["HTTP/⮞0.9", "HTTP/⮞2.0", "HTTP/⮞3.0", "HTTP/⮞9.9"]) {
    it(`RFC 9110 §15.6.6: the major version of ${version} is not ours: 505`, () => {
      refusesAt(`GET / ${version}\r\n${HOST}\r\n`, "UnsupportedVersion", "RequestLine", 505)
    })
  }

  for (const version of ["HTTP/1.⮞2", "HTTP/1.⮞9"]) {
    it(`${version}, which was never defined, is refused with 505, where RFC 9110 §2.5 would allow 1.1`, () => {
      refusesAt(`GET / ${version}\r\n${HOST}\r\n`, "UnsupportedVersion", "RequestLine", 505)
    })
  }

  it("RFC 9113 §3.4: the preface of HTTP/2 is a version that is not ours", () => {
    refusesAt("PRI * HTTP/⮞2.0\r\n\r\nSM\r\n\r\n", "UnsupportedVersion", "RequestLine", 505)
  })
})

describe("RFC 9112 §2.2: line ends and empty lines", () => {
  it("a server ignores at least one empty line before the request line", () => {
    const [head] = accepts(`\r\n\r\nGET / HTTP/1.1\r\n${HOST}\r\n`)
    assert.strictEqual(head._tag, "Head")
  })

  it("offsets count from the request line, not from the empty lines before it", () => {
    const [plain, offset] = [`GE@T / HTTP/1.1\r\n`, 2]
    const error = observeText(`\r\n\r\n${plain}`).error
    assert.strictEqual(error?.reason, "InvalidMethod")
    assert.strictEqual(error?.offset, offset)
    assert.strictEqual(observeText("\r\nGET / HTTP/1.1\r\n\r\n").error?.offset, 18)
    const body = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"
    assert.strictEqual(observeText(`\r\n${body}`).atEnd?.offset, body.length)
    const chunk = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"
    assert.strictEqual(observeText(`\r\n${chunk}`).atEnd?.offset, chunk.length)
  })

  it("empty lines with nothing behind them are no message", () => {
    for (const text of ["", "\r\n", "\r\n\r\n", "\r"]) {
      assert.deepStrictEqual(observeText(text), { seen: [], error: undefined, atEnd: undefined })
    }
  })

  it("a bare LF ends no line", () => {
    refusesAt(`⮞\nGET / HTTP/1.1\r\n${HOST}\r\n`, "BareLineFeed", "RequestLine")
    refusesAt(`GET / HTTP/1.1⮞\n${HOST}\r\n`, "BareLineFeed", "RequestLine")
    refusesAt(`GET⮞\n / HTTP/1.1\r\n${HOST}\r\n`, "BareLineFeed", "RequestLine")
    refusesAt(`GET /⮞\n HTTP/1.1\r\n${HOST}\r\n`, "BareLineFeed", "RequestLine")
    refusesAt(`GET / HTTP/⮞\n1.1\r\n${HOST}\r\n`, "BareLineFeed", "RequestLine")
  })

  it("a bare CR is invalid wherever it stands", () => {
    refusesAt(`⮞\rGET / HTTP/1.1\r\n${HOST}\r\n`, "BareCarriageReturn", "RequestLine")
    refusesAt(`⮞\r\r\nGET / HTTP/1.1\r\n${HOST}\r\n`, "BareCarriageReturn", "RequestLine")
    refusesAt(`GET / HTTP/1.1⮞\r${HOST}\r\n`, "BareCarriageReturn", "RequestLine")
    refusesAt(`GET / HTTP/1.1⮞\r\r\n${HOST}\r\n`, "BareCarriageReturn", "RequestLine")
    refusesAt(`G⮞\rET / HTTP/1.1\r\n${HOST}\r\n`, "InvalidMethod", "RequestLine")
    refusesAt(`GET /⮞\rx HTTP/1.1\r\n${HOST}\r\n`, "MissingVersion", "RequestLine")
    refusesAt(`GET / HTTP/1⮞\r.1\r\n${HOST}\r\n`, "InvalidVersion", "RequestLine")
  })

  it("a NUL is refused wherever it stands", () => {
    refusesAt(`⮞\0GET / HTTP/1.1\r\n${HOST}\r\n`, "NulByte", "RequestLine")
    refusesAt(`G⮞\0ET / HTTP/1.1\r\n${HOST}\r\n`, "NulByte", "RequestLine")
    refusesAt(`GET ⮞\0/ HTTP/1.1\r\n${HOST}\r\n`, "NulByte", "RequestLine")
    refusesAt(`GET /a⮞\0 HTTP/1.1\r\n${HOST}\r\n`, "NulByte", "RequestLine")
    refusesAt(`GET / HT⮞\0TP/1.1\r\n${HOST}\r\n`, "NulByte", "RequestLine")
    refusesAt(`GET / HTTP/1.1⮞\0\r\n${HOST}\r\n`, "NulByte", "RequestLine")
  })

  it("a TLS client hello on a plain connection is refused at its first octet", () => {
    refusesAt("⮞\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "InvalidMethod", "RequestLine")
  })
})
