import { assert, describe, it } from "@effect/vitest"
import * as RequestDecoder from "@nvo/protocol/http1/RequestDecoder"
import * as RequestEvent from "@nvo/protocol/http1/RequestEvent"
import { Bytes } from "@nvo/testing"
import { accepts, observeText, refusesAt } from "./support/expectations.ts"
import { feed } from "./support/observe.ts"

const HEAD = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

const read = (body: string) => {
  const seen = accepts(HEAD + body)
  const end = seen[seen.length - 1]
  return {
    content: seen.map((event) => (event._tag === "Data" ? event.text : "")).join(""),
    trailers: end._tag === "End" ? end.trailers : undefined
  }
}

const content = (body: string) => read(body).content

describe("RFC 9112 §7.1: chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF", () => {
  it("chunks are put together, and the last one ends them", () => {
    assert.strictEqual(content("5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n"), "hello world")
    assert.strictEqual(content("0\r\n\r\n"), "")
  })

  it("sizes are hexadecimal, in either case, with leading zeros", () => {
    const ten = "0123456789"
    for (const size of ["a", "A", "0a", "000000000000000A"]) {
      assert.strictEqual(content(`${size}\r\n${ten}\r\n0\r\n\r\n`), ten)
    }
    assert.strictEqual(content(`1F\r\n${"x".repeat(31)}\r\n000\r\n\r\n`), "x".repeat(31))
  })

  it("chunk data holds any octets and is not looked at", () => {
    const data = "\r\n0\r\n\r\n\0\xff"
    assert.strictEqual(content(`${data.length.toString(16)}\r\n${data}\r\n0\r\n\r\n`), data)
  })

  for (const size of [
    "⮞",
    "⮞g",
    "0⮞x5",
    "⮞-1",
    "⮞+5",
    "⮞ 5",
    "⮞\t5",
    "5⮞g",
    "5⮞,5",
    "5⮞.",
    "5⮞_0",
    "⮞\xb5",
    "5⮞\xa0",
    "⮞\0",
    "5⮞\0",
    "5⮞\x0b",
    "5⮞=1",
    '⮞"5"',
    "⮞;a"
  ]) {
    it(`${JSON.stringify(size)} is no size`, () => {
      refusesAt(`${HEAD}${size}\r\nhello\r\n0\r\n\r\n`, "InvalidChunkSize", "Body")
      refusesAt(`${HEAD}1\r\nx\r\n${size}\r\nhello\r\n0\r\n\r\n`, "InvalidChunkSize", "Body")
    })
  }

  it("the largest size that can be counted is accepted, one more is 413", () => {
    assert.isUndefined(observeText(`${HEAD}1fffffffffffff\r\nx`).error)
    refusesAt(`${HEAD}2000000000000⮞0\r\nx`, "ChunkSizeOverflow", "Body", 413)
    refusesAt(`${HEAD}002000000000000⮞0\r\nx`, "ChunkSizeOverflow", "Body", 413)
    refusesAt(`${HEAD}fffffffffffff⮞fff\r\nx`, "ChunkSizeOverflow", "Body", 413)
  })

  it("a size that would wrap around 32 or 64 bits does not", () => {
    assert.isUndefined(observeText(`${HEAD}100000005\r\nhello`).error)
    refusesAt(`${HEAD}10000000000000⮞005\r\nhello`, "ChunkSizeOverflow", "Body", 413)
  })

  it("a bare LF or CR ends no size line", () => {
    refusesAt(`${HEAD}5⮞\nhello\r\n0\r\n\r\n`, "BareLineEndInChunk", "Body")
    refusesAt(`${HEAD}5⮞\rhello\r\n0\r\n\r\n`, "BareLineEndInChunk", "Body")
    refusesAt(`${HEAD}5⮞\r\r\nhello\r\n0\r\n\r\n`, "BareLineEndInChunk", "Body")
    refusesAt(`${HEAD}0⮞\n\r\n`, "BareLineEndInChunk", "Body")
    refusesAt(`${HEAD}⮞\n`, "BareLineEndInChunk", "Body")
  })

  it("CRLF stands behind chunk data, no more and no less", () => {
    refusesAt(`${HEAD}5\r\nhello⮞0\r\n\r\n`, "MissingChunkTerminator", "Body")
    refusesAt(`${HEAD}5\r\nhello⮞\n0\r\n\r\n`, "MissingChunkTerminator", "Body")
    refusesAt(`${HEAD}5\r\nhello\r⮞0\r\n\r\n`, "MissingChunkTerminator", "Body")
    refusesAt(`${HEAD}5\r\nhello⮞!\r\n0\r\n\r\n`, "MissingChunkTerminator", "Body")
    refusesAt(`${HEAD}5\r\nhello\r⮞\r\n0\r\n\r\n`, "MissingChunkTerminator", "Body")
    refusesAt(`${HEAD}4\r\nhell⮞o\r\n0\r\n\r\n`, "MissingChunkTerminator", "Body")
    refusesAt(`${HEAD}6\r\nhello\r⮞\n0\r\n\r\n`, "MissingChunkTerminator", "Body")
    refusesAt(`${HEAD}5\r\nhello\r\n⮞\r\n0\r\n\r\n`, "InvalidChunkSize", "Body")
  })
})

describe("events of a chunked body", () => {
  const decoder = RequestDecoder.make()

  it("chunk data is never empty, wherever it is cut", () => {
    const bytes = Bytes.fromText(`${HEAD}2\r\nab\r\n1\r\nc\r\n0\r\n\r\n`)
    for (const chunks of [...Bytes.halves(bytes), Bytes.octets(bytes)]) {
      feed(decoder, chunks, ({ events }) => {
        for (const event of events) if (event._tag === "BodyData") assert.isAbove(event.bytes.length, 0)
      })
    }
  })

  it("a trailer section without fields is no other end than that of a body without one", () => {
    const { events } = RequestDecoder.step(
      decoder,
      RequestDecoder.initial,
      Bytes.fromText(`${HEAD}0\r\n\r\n`)
    )
    assert.strictEqual(events.at(-1), RequestEvent.end)
  })
})

describe("RFC 9112 §7.1.1: chunk-ext = *( BWS ; BWS name [ BWS = BWS ( token / quoted-string ) ] )", () => {
  for (const extension of [
    ";a",
    ";a=b",
    ";a;b;c=d",
    " ; a = b",
    "\t;\ta\t=\tb",
    ';a="b"',
    ';a=""',
    ';a="b;c=d,e"',
    ';a="\\"\\\\\\ \\\t\\\x80"',
    ';a="\t \x80\xff"',
    ';a = "b" ;c',
    ";!#$%&'*+-.^_`|~=~"
  ]) {
    it(`${JSON.stringify(extension)} is read over`, () => {
      assert.strictEqual(content(`5${extension}\r\nhello\r\n0${extension}\r\n\r\n`), "hello")
    })
  }

  for (const extension of [
    " ⮞",
    "\t⮞",
    " ⮞5",
    " ⮞a",
    ";⮞",
    "; ⮞",
    ";⮞;a",
    ";⮞=b",
    ";a=⮞",
    ";a= ⮞",
    ";a=⮞;b",
    ";a=⮞=b",
    ";a ⮞",
    ";a ⮞b",
    ";a=b ⮞",
    ";a=b ⮞c",
    ";a=b⮞=c",
    ';⮞"a"',
    ';a="b⮞',
    ';a="\\⮞',
    ';a="b"⮞c',
    ';a="b" ⮞',
    ';a=b⮞"c"',
    ";a⮞\0",
    ";a=⮞\x01",
    ";a⮞\x80",
    ";a=⮞\x80",
    ';a="⮞\0"',
    ';a="⮞\x7f"',
    ';a="\\⮞\x01"',
    ';a="\\⮞\x7f"',
    ';a="⮞\rb"',
    ";⮞\ra",
    ";a=⮞\r"
  ]) {
    it(`${JSON.stringify(extension)} is outside the grammar`, () => {
      refusesAt(`${HEAD}5${extension}\r\nhello\r\n0\r\n\r\n`, "InvalidChunkExtension", "Body")
      refusesAt(`${HEAD}0${extension}\r\n\r\n`, "InvalidChunkExtension", "Body")
    })
  }

  for (const extension of [
    ";⮞\n",
    ";a⮞\n",
    ";a=⮞\n",
    ";a=b⮞\n",
    ';a="⮞\n"',
    ';a="\\⮞\n"',
    ';a="b"⮞\n',
    " ⮞\n",
    ";a⮞\rb"
  ]) {
    it(`a bare line end in ${JSON.stringify(extension)} ends nothing`, () => {
      refusesAt(`${HEAD}5${extension}\r\nhello\r\n0\r\n\r\n`, "BareLineEndInChunk", "Body")
    })
  }
})

describe("RFC 9112 §7.1.2: the trailer section", () => {
  it("trailers come with the end, apart from the head's fields", () => {
    assert.deepStrictEqual(read("1\r\nx\r\n0\r\nA: b\r\na:\t c \r\n\r\n"), {
      content: "x",
      trailers: [
        ["A", "b"],
        ["a", "c"]
      ]
    })
    assert.deepStrictEqual(read("0\r\n\r\n").trailers, [])
  })

  it("trailers follow the rules of field lines", () => {
    const refusesTrailers = (section: string, reason: Parameters<typeof refusesAt>[1]) =>
      refusesAt(`${HEAD}0\r\n${section}`, reason, "Trailers")
    refusesTrailers("A: b\r\n⮞ c\r\n\r\n", "ObsoleteFolding")
    refusesTrailers("A: b\r\n⮞\tc\r\n\r\n", "ObsoleteFolding")
    refusesTrailers("⮞ A: b\r\n\r\n", "LeadingSpace")
    refusesTrailers("A⮞ : b\r\n\r\n", "SpaceBeforeColon")
    refusesTrailers("A⮞\r\n\r\n", "MissingColon")
    refusesTrailers("⮞: b\r\n\r\n", "EmptyFieldName")
    refusesTrailers("A⮞@: b\r\n\r\n", "InvalidFieldName")
    refusesTrailers("A: ⮞\x01\r\n\r\n", "InvalidFieldValue")
    refusesTrailers("A: ⮞\0\r\n\r\n", "NulByte")
    refusesTrailers("A⮞\0: b\r\n\r\n", "NulByte")
    refusesTrailers("⮞\0", "NulByte")
    refusesTrailers("A: b⮞\n\r\n", "BareLineFeed")
    refusesTrailers("⮞\n", "BareLineFeed")
    refusesTrailers("A: b\r\n⮞\n", "BareLineFeed")
    refusesTrailers("A: b⮞\rC: d\r\n\r\n", "BareCarriageReturn")
    refusesTrailers("⮞\rA: b\r\n\r\n", "BareCarriageReturn")
    refusesTrailers("⮞\r\r\n", "BareCarriageReturn")
  })

  for (const name of ["Content-Length", "transfer-encoding", "HOST", "Trailer", "Content-Encoding"]) {
    it(`RFC 9110 §6.5.1: ${name} frames or routes, and may not come behind the body`, () => {
      refusesAt(`${HEAD}0\r\n⮞${name}: 5\r\n\r\n`, "ForbiddenTrailer", "Trailers")
      refusesAt(`${HEAD}0\r\nA: b\r\n⮞${name}:\r\nC: d\r\n\r\n`, "ForbiddenTrailer", "Trailers")
    })
  }

  it("what follows is the next request", () => {
    const { error, seen } = observeText(`${HEAD}0\r\nA: b\r\n\r\n0\r\n\r\n`)
    assert.deepStrictEqual(
      seen.map((event) => event._tag),
      ["Head", "End"]
    )
    assert.deepStrictEqual([error?.reason, error?.requestIndex, error?.offset], ["InvalidMethod", 2, 1])
  })
})
