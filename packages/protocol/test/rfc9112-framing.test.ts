import { assert, describe, it } from "@effect/vitest"
import { accepts, acceptsHead, observeText, refusesAt } from "./support/expectations.ts"

const post = (lines: string, body = "", version = "HTTP/1.1") =>
  `POST / ${version}\r\nHost: a\r\n${lines}\r\n${body}`

const data = (text: string): string =>
  accepts(text)
    .map((event) => (event._tag === "Data" ? event.text : ""))
    .join("")

describe("RFC 9112 §6.3: a request without Content-Length and Transfer-Encoding has no body", () => {
  for (const method of ["GET", "POST", "PUT"]) {
    it(`${method}: what follows is the next request`, () => {
      const one = `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`
      const seen = accepts(one + one)
      assert.deepStrictEqual(
        seen.map((event) => event._tag),
        ["Head", "End", "Head", "End"]
      )
    })
  }
})

describe("RFC 9110 §8.6: Content-Length = 1*DIGIT", () => {
  for (const [value, length] of [
    ["5", 5],
    ["05", 5],
    ["0000000000000000000000000000000000000005", 5]
  ] as const) {
    it(`${value} is ${length}`, () => {
      assert.deepStrictEqual(acceptsHead(post(`Content-Length: ${value}\r\n`, "hello")).framing, {
        _tag: "Length",
        length
      })
      assert.strictEqual(data(post(`Content-Length:${value} \r\n`, "hello")), "hello")
    })
  }

  it("0 is no body", () => {
    assert.deepStrictEqual(acceptsHead(post("Content-Length: 0\r\n")).framing, { _tag: "None" })
    assert.deepStrictEqual(acceptsHead(post("Content-Length: 000\r\n")).framing, { _tag: "None" })
  })

  it("a body holds any octets and is not looked at", () => {
    const body = "\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\0\xff"
    assert.strictEqual(data(post(`Content-Length: ${body.length}\r\n`, body)), body)
  })

  it("HTTP/1.0 has it too", () => {
    assert.strictEqual(data(post("Content-Length: 2\r\n", "hi", "HTTP/1.0")), "hi")
  })

  for (const value of [
    "",
    "⮞+5",
    "⮞-5",
    "⮞-0",
    "⮞5 5",
    "⮞5\t5",
    "⮞5,5",
    "⮞5, 5",
    "⮞5,",
    "⮞,5",
    "⮞0x5",
    "⮞0b1",
    "⮞1_0",
    "⮞5.0",
    "⮞5.",
    "⮞.5",
    "⮞5e0",
    "⮞5;q=1",
    '⮞"5"',
    "⮞(5)",
    "⮞5:",
    "⮞:",
    "⮞five",
    "⮞chunked",
    "⮞\xb5",
    "⮞\xb2",
    "⮞\xef\xbc\x95",
    "⮞5\xa0",
    "⮞\xa05",
    "⮞Infinity",
    "⮞NaN"
  ]) {
    it(`${JSON.stringify(value)} is refused`, () => {
      const text = value === "" ? "Content-Length:⮞\r\n" : `Content-Length: ${value}\r\n`
      refusesAt(post(text, "hello"), "InvalidContentLength", "Fields")
      refusesAt(post(text, "hello", "HTTP/1.0"), "InvalidContentLength", "Fields")
    })
  }

  it("the largest that can be counted is accepted, one more is 413", () => {
    assert.deepStrictEqual(
      observeText(post("Content-Length: 9007199254740991\r\n")).seen.map((event) =>
        event._tag === "Head" ? event.head.framing : event
      ),
      [{ _tag: "Length", length: 9007199254740991 }]
    )
    for (const value of [
      "9007199254740992",
      "9007199254740993",
      "18446744073709551621",
      `1${"0".repeat(400)}`
    ]) {
      refusesAt(post(`Content-Length: ⮞${value}\r\n`), "ContentLengthOverflow", "Fields", 413)
    }
  })

  it("RFC 9112 §6.3: two are refused, even if they agree", () => {
    refusesAt(
      post("Content-Length: 5\r\n⮞Content-Length: 5\r\n", "hello"),
      "DuplicateContentLength",
      "Fields"
    )
    refusesAt(
      post("Content-Length: 5\r\nX: y\r\n⮞content-length: 6\r\n", "hello"),
      "DuplicateContentLength",
      "Fields"
    )
    refusesAt(post("Content-Length: 0\r\n⮞CONTENT-LENGTH:\r\n"), "DuplicateContentLength", "Fields")
  })
})

describe("RFC 9112 §6.3: Content-Length with Transfer-Encoding", () => {
  const chunked = "0\r\n\r\n"

  it("is refused in either order and with any coding", () => {
    refusesAt(
      post("Content-Length: 5\r\nTransfer-Encoding: ⮞chunked\r\n", chunked),
      "ContentLengthWithTransferEncoding",
      "Fields"
    )
    refusesAt(
      post("Transfer-Encoding: ⮞chunked\r\nContent-Length: 0\r\n", chunked),
      "ContentLengthWithTransferEncoding",
      "Fields"
    )
    refusesAt(
      post("Transfer-Encoding: ⮞identity\r\nContent-Length: 5\r\n", "hello"),
      "ContentLengthWithTransferEncoding",
      "Fields"
    )
    refusesAt(
      post("Transfer-Encoding:⮞\r\nContent-Length: 5\r\n", "hello"),
      "ContentLengthWithTransferEncoding",
      "Fields"
    )
    refusesAt(
      post("Transfer-Encoding: ⮞chunked\r\nContent-Length: 5\r\n", chunked, "HTTP/1.0"),
      "ContentLengthWithTransferEncoding",
      "Fields"
    )
  })
})

describe("RFC 9112 §6.1: Transfer-Encoding", () => {
  for (const value of ["chunked", "Chunked", "CHUNKED"]) {
    it(`${value} is chunked: coding names compare without case`, () => {
      assert.deepStrictEqual(acceptsHead(post(`Transfer-Encoding: ${value}\r\n`, "0\r\n\r\n")).framing, {
        _tag: "Chunked"
      })
    })
  }

  for (const value of [" chunked", "chunked ", "\tchunked\t "]) {
    it(`RFC 9110 §5.5: ${JSON.stringify(value)} is chunked: white space around a value is not part of it`, () => {
      assert.strictEqual(data(post(`Transfer-Encoding:${value}\r\n`, "1\r\nx\r\n0\r\n\r\n")), "x")
    })
  }

  for (const value of [
    "⮞gzip",
    "⮞identity",
    "⮞xchunked",
    "⮞chunkedx",
    "⮞x-chunked",
    "⮞chunked-x",
    "⮞'chunked'",
    "⮞chunked;q=1",
    "⮞chunked;",
    "⮞chunked ;a=b",
    "⮞chunked, gzip",
    "⮞chunked,identity",
    "⮞gzip, identity"
  ]) {
    it(`§6.3: ${value} does not end with chunked: 400`, () => {
      refusesAt(post(`Transfer-Encoding: ${value}\r\n`), "TransferCodingNotFinal", "Fields")
    })
  }

  for (const value of [
    "⮞chunked, chunked",
    "⮞chunked, gzip, chunked",
    "⮞gzip, chunked, chunked",
    "⮞chunked;a, chunked",
    "⮞Chunked ;a,CHUNKED"
  ]) {
    it(`§6.1: ${value} applies chunked more than once: 400`, () => {
      refusesAt(post(`Transfer-Encoding: ${value}\r\n`), "TransferCodingNotFinal", "Fields")
    })
  }

  for (const value of [
    "⮞gzip, chunked",
    "⮞gzip,chunked",
    "⮞identity, chunked",
    "⮞x;a=b, chunked",
    "⮞chunked-x, chunked",
    "⮞xchunked, CHUNKED"
  ]) {
    it(`§6.1: ${value} holds a coding that is not implemented: 501`, () => {
      refusesAt(post(`Transfer-Encoding: ${value}\r\n`), "UnknownTransferCoding", "Fields", 501)
    })
  }

  for (const value of [
    "⮞,",
    "⮞,chunked",
    "⮞chunked,",
    "⮞chunked,,chunked",
    "⮞chun ked",
    "⮞chunked gzip",
    "⮞chunked\tgzip",
    '⮞"chunked"',
    "⮞chunked=1",
    "⮞[chunked]",
    "⮞;chunked",
    "⮞chunked\xa0",
    "⮞\xa0chunked",
    "⮞\x85chunked",
    "⮞\xc4\x8bhunked"
  ]) {
    it(`§6.1: ${JSON.stringify(value)} is no list of codings: 400`, () => {
      refusesAt(post(`Transfer-Encoding: ${value}\r\n`), "InvalidTransferEncoding", "Fields")
    })
  }

  it("an empty value is no list of codings", () => {
    refusesAt(post("Transfer-Encoding:⮞\r\n"), "InvalidTransferEncoding", "Fields")
    refusesAt(post("Transfer-Encoding:  ⮞\r\n"), "InvalidTransferEncoding", "Fields")
  })

  it("RFC 9110 §5.5: control octets around chunked are refused before anything is read out of them", () => {
    refusesAt(post("Transfer-Encoding: ⮞\x0bchunked\r\n"), "InvalidFieldValue", "Fields")
    refusesAt(post("Transfer-Encoding: chunked⮞\x0c\r\n"), "InvalidFieldValue", "Fields")
    refusesAt(post("Transfer-Encoding: ⮞\0chunked\r\n"), "NulByte", "Fields")
    refusesAt(post("Transfer-Encoding: chunked⮞\r \r\n"), "BareCarriageReturn", "Fields")
    refusesAt(post("Transfer-Encoding⮞ : chunked\r\n"), "SpaceBeforeColon", "Fields")
    refusesAt(post("Transfer-Encoding⮞\x0b: chunked\r\n"), "InvalidFieldName", "Fields")
  })

  it("two lines are one list: RFC 9110 §5.3", () => {
    const lines = (first: string, second: string) =>
      post(`Transfer-Encoding: ${first}\r\ntransfer-encoding: ⮞${second}\r\n`)
    refusesAt(lines("chunked", "chunked"), "TransferCodingNotFinal", "Fields")
    refusesAt(lines("chunked", "identity"), "TransferCodingNotFinal", "Fields")
    refusesAt(lines("gzip", "chunked"), "UnknownTransferCoding", "Fields", 501)
    refusesAt(
      post("Transfer-Encoding: chunked\r\nTransfer-Encoding:⮞\r\n"),
      "InvalidTransferEncoding",
      "Fields"
    )
    refusesAt(lines("", "chunked"), "InvalidTransferEncoding", "Fields")
  })

  it("names that only look like it frame nothing", () => {
    for (const name of [
      "Transfer_Encoding",
      "Transfer-Encodin",
      "X-Transfer-Encoding",
      "Transfer-Encodings"
    ]) {
      assert.deepStrictEqual(acceptsHead(post(`${name}: chunked\r\n`)).framing, { _tag: "None" })
    }
  })

  it("§6.1: in HTTP/1.0 it is refused, whatever it says", () => {
    for (const value of ["chunked", "identity", "gzip, chunked"]) {
      refusesAt(
        post(`Transfer-Encoding: ⮞${value}\r\n`, "", "HTTP/1.0"),
        "TransferEncodingInHttp10",
        "Fields"
      )
    }
  })
})

describe("RFC 9112 §8: a message that ends early", () => {
  const incomplete = (text: string, phase: "RequestLine" | "Fields" | "Body" | "Trailers") => {
    const { atEnd, error } = observeText(text)
    assert.isUndefined(error)
    const offset = text.replace(/^(?:\r\n)+/, "").length
    assert.deepStrictEqual(
      { reason: atEnd?.reason, status: atEnd?.status, phase: atEnd?.phase, offset: atEnd?.offset },
      { reason: "IncompleteMessage", status: 0, phase, offset }
    )
  }
  const chunked = post("Transfer-Encoding: chunked\r\n")

  for (const [text, phase] of [
    ["G", "RequestLine"],
    ["\r\n\r\nGET /", "RequestLine"],
    ["GET / HTTP/1.1\r", "RequestLine"],
    ["GET / HTTP/1.1\r\n", "Fields"],
    ["GET / HTTP/1.1\r\nHost: a\r\n", "Fields"],
    ["GET / HTTP/1.1\r\nHost: a\r\n\r", "Fields"],
    [post("Content-Length: 5\r\n"), "Body"],
    [post("Content-Length: 5\r\n", "hell"), "Body"],
    [chunked, "Body"],
    [`${chunked}5`, "Body"],
    [`${chunked}5;a="`, "Body"],
    [`${chunked}5\r\nhel`, "Body"],
    [`${chunked}5\r\nhello`, "Body"],
    [`${chunked}5\r\nhello\r`, "Body"],
    [`${chunked}0\r`, "Body"],
    [`${chunked}0\r\n`, "Trailers"],
    [`${chunked}0\r\nA: b`, "Trailers"],
    [`${chunked}0\r\nA: b\r\n\r`, "Trailers"]
  ] as const) {
    it(`${JSON.stringify(text.slice(-24))} ends in ${phase} and has no answer`, () => incomplete(text, phase))
  }

  it("between messages the end is a proper one", () => {
    assert.isUndefined(observeText(`${post("Content-Length: 1\r\n", "x")}\r\n`).atEnd)
  })
})

describe("RFC 9112 §9.3.2: pipelining", () => {
  it("each request is counted, and its error names it", () => {
    const one = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    const { error, seen } = observeText(`${one}${one}GET\t/ HTTP/1.1\r\n`)
    assert.strictEqual(seen.length, 4)
    assert.deepStrictEqual([error?.requestIndex, error?.offset, error?.reason], [3, 3, "InvalidMethod"])
  })

  it("octets behind a body belong to the next request, an empty line among them", () => {
    const next = "GET / HTTP/1.1\r\nHost: b\r\n\r\n"
    const seen = accepts(post("Content-Length: 2\r\n", `hi\r\n${next}`))
    assert.deepStrictEqual(
      seen.map((event) => event._tag),
      ["Head", "Data", "End", "Head", "End"]
    )
    const { error } = observeText(post("Content-Length: 2\r\n", "hi\0"))
    assert.deepStrictEqual([error?.reason, error?.requestIndex, error?.offset], ["NulByte", 2, 0])
  })
})
