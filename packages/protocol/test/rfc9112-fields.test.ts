import { assert, describe, it } from "@effect/vitest"
import * as FieldSection from "@nvo/protocol/http/FieldSection"
import * as RequestDecoder from "@nvo/protocol/http1/RequestDecoder"
import { Bytes } from "@nvo/testing"
import { acceptsHead, refusesAt } from "./support/expectations.ts"

const head = (lines: string) => `GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`

// The fields behind Host.
const fields = (lines: string) => acceptsHead(head(lines)).fields.slice(1)

describe("RFC 9112 §5: field-line = field-name : OWS field-value OWS", () => {
  it("white space around a value is not part of it, inside it is", () => {
    assert.deepStrictEqual(fields("A:b\r\nC: d\r\nE:\t f \t\r\nG: h \t i\r\n"), [
      ["A", "b"],
      ["C", "d"],
      ["E", "f"],
      ["G", "h \t i"]
    ])
  })

  it("a value may be empty", () => {
    assert.deepStrictEqual(fields("A:\r\nB: \r\nC:\t \t\r\n"), [
      ["A", ""],
      ["B", ""],
      ["C", ""]
    ])
  })

  it("where a name and a value lie is told in order, an empty value behind the white space in front of it", () => {
    const { events } = RequestDecoder.step(
      RequestDecoder.make(),
      RequestDecoder.initial,
      Bytes.fromText(head("A: b \r\nC: \t\r\n"))
    )
    const [first] = events
    if (first._tag !== "RequestHead" || !(first.fields instanceof FieldSection.TextSection)) {
      return assert.fail("no section with positions")
    }
    assert.deepStrictEqual(first.fields.positions, [16, 20, 22, 23, 25, 26, 28, 29, 32, 33, 36, 36])
  })

  it("RFC 9110 §5.5: a value holds VCHAR, obs-text, SP and HTAB, colons among them", () => {
    const value = "\x21~: \t:\x80\xa0\x85\xff"
    assert.deepStrictEqual(fields(`A: ${value}\r\n`), [["A", value]])
  })

  it("only SP and HTAB are white space: no-break space and NEL are part of a value", () => {
    assert.deepStrictEqual(fields("A: \xa0b\x85\r\n"), [["A", "\xa0b\x85"]])
  })

  it("RFC 9110 §5.1: a name is a token, kept in the case in which it came", () => {
    const name = "!#$%&'*+-.^_`|~09AZaz"
    assert.deepStrictEqual(fields(`${name}: v\r\n`), [[name, "v"]])
  })

  it("lines of one name stay apart and in order", () => {
    assert.deepStrictEqual(fields("A: 1\r\nB: 2\r\na: 3\r\n"), [
      ["A", "1"],
      ["B", "2"],
      ["a", "3"]
    ])
  })

  for (const octet of ['"', "(", ")", ",", "/", ";", "<", "=", ">", "?", "@", "[", "\\", "]", "{", "}"]) {
    it(`RFC 9110 §5.1: a name holds no delimiter ${octet}`, () => {
      refusesAt(head(`A⮞${octet}B: c\r\n`), "InvalidFieldName", "Fields")
      refusesAt(head(`⮞${octet}B: c\r\n`), "InvalidFieldName", "Fields")
    })
  }

  for (const octet of ["\x01", "\x0b", "\x1f", "\x7f", "\x80", "\xa0", "\xff"]) {
    it(`RFC 9110 §5.1: a name holds no octet ${JSON.stringify(octet)}`, () => {
      refusesAt(head(`A⮞${octet}B: c\r\n`), "InvalidFieldName", "Fields")
      refusesAt(head(`⮞${octet}: c\r\n`), "InvalidFieldName", "Fields")
    })
  }

  it("a line has a name", () => {
    refusesAt(head("⮞: b\r\n"), "EmptyFieldName", "Fields")
    refusesAt(head("A: b\r\n⮞:\r\n"), "EmptyFieldName", "Fields")
  })

  it("a line has a colon", () => {
    refusesAt(head("A⮞\r\n"), "MissingColon", "Fields")
    refusesAt(head("A: b\r\nC⮞\r\n"), "MissingColon", "Fields")
  })

  for (const octet of ["\x01", "\x08", "\x0b", "\x0c", "\x1b", "\x1f", "\x7f"]) {
    it(`RFC 9110 §5.5: a value holds no octet ${JSON.stringify(octet)}`, () => {
      refusesAt(head(`A: b⮞${octet}c\r\n`), "InvalidFieldValue", "Fields")
      refusesAt(head(`A: ⮞${octet}\r\n`), "InvalidFieldValue", "Fields")
    })
  }
})

describe("RFC 9112 §5.1: no white space between name and colon", () => {
  for (const line of [
    "A⮞ : b",
    "A⮞\t: b",
    "Content-Length⮞ : 5",
    "Transfer-Encoding⮞ : chunked",
    "A⮞ B: c",
    "A⮞ "
  ]) {
    it(JSON.stringify(line), () => {
      refusesAt(head(`${line}\r\n`), "SpaceBeforeColon", "Fields")
    })
  }
})

describe("RFC 9112 §5.2: obs-fold", () => {
  for (const fold of [" b", "\tb", " ", " B: c", "\t"]) {
    it(`a line that begins with ${JSON.stringify(fold)} continues nothing`, () => {
      refusesAt(head(`A: b\r\n⮞${fold}\r\n`), "ObsoleteFolding", "Fields")
    })
  }

  it("not behind Transfer-Encoding either", () => {
    refusesAt(head("Transfer-Encoding:\r\n⮞ chunked\r\n"), "ObsoleteFolding", "Fields")
  })

  it("§2.2: no white space between the request line and the first field line", () => {
    refusesAt("GET / HTTP/1.1\r\n⮞ Host: a\r\n\r\n", "LeadingSpace", "Fields")
    refusesAt("GET / HTTP/1.1\r\n⮞\tHost: a\r\n\r\n", "LeadingSpace", "Fields")
    refusesAt("GET / HTTP/1.1\r\n⮞ \r\nHost: a\r\n\r\n", "LeadingSpace", "Fields")
  })
})

describe("RFC 9112 §2.2: a bare CR or LF and a NUL in a field section", () => {
  it("a bare LF ends no line", () => {
    refusesAt(head("A: b⮞\n"), "BareLineFeed", "Fields")
    refusesAt(head("A⮞\n: b\r\n"), "BareLineFeed", "Fields")
    refusesAt(head("A:⮞\nb\r\n"), "BareLineFeed", "Fields")
    refusesAt(head("A: b⮞\nTransfer-Encoding: chunked\r\n"), "BareLineFeed", "Fields")
    refusesAt("GET / HTTP/1.1\r\nHost: a\r\n⮞\n", "BareLineFeed", "Fields")
  })

  it("a bare CR ends no line and stands in no value", () => {
    refusesAt(head("A: b⮞\rc\r\n"), "BareCarriageReturn", "Fields")
    refusesAt(head("A: b⮞\r\r\n"), "BareCarriageReturn", "Fields")
    refusesAt(head("A:⮞\r \r\n"), "BareCarriageReturn", "Fields")
    refusesAt("GET / HTTP/1.1\r\nHost: a\r\n⮞\rX: y\r\n\r\n", "BareCarriageReturn", "Fields")
    refusesAt("GET / HTTP/1.1\r\nHost: a\r\n⮞\r\r\n", "BareCarriageReturn", "Fields")
  })

  it("RFC 9110 §5.5: a NUL is refused wherever it stands", () => {
    refusesAt(head("⮞\0A: b\r\n"), "NulByte", "Fields")
    refusesAt(head("A⮞\0: b\r\n"), "NulByte", "Fields")
    refusesAt(head("A:⮞\0b\r\n"), "NulByte", "Fields")
    refusesAt(head("A: b⮞\0\r\n"), "NulByte", "Fields")
    refusesAt("GET / HTTP/1.1\r\nHost: a⮞\0\r\n\r\n", "NulByte", "Fields")
  })
})
