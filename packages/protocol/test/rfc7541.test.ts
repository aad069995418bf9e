/**
 * RFC 7541 by section: what a decoder must refuse, and what an encoder must send.
 */
import { assert, describe, it } from "@effect/vitest"
import { DynamicTable } from "@nvo/protocol/http2/hpack/DynamicTable"
import * as HeaderField from "@nvo/protocol/http2/hpack/HeaderField"
import * as HpackDecoder from "@nvo/protocol/http2/hpack/HpackDecoder"
import { HpackEncoder } from "@nvo/protocol/http2/hpack/HpackEncoder"
import * as Huffman from "@nvo/protocol/http2/hpack/Huffman"
import * as StaticTable from "@nvo/protocol/http2/hpack/StaticTable"
import { fromHex, toHex } from "./support/hex.ts"

const limits = { listBytes: 16_384, fieldCount: 100 }

const decode = (hex: string, decoder = new HpackDecoder.HpackDecoder()) =>
  decoder.decode(fromHex(hex), limits)

const refuses = (hex: string, refusal: HpackDecoder.Refusal, decoder?: HpackDecoder.HpackDecoder) =>
  assert.strictEqual(decode(hex, decoder).refusal, refusal)

const gives = (hex: string, ...lines: ReadonlyArray<string>) => {
  const { fields, refusal } = decode(hex)
  assert.isUndefined(refusal)
  assert.deepStrictEqual(
    fields.map(({ name, value }) => `${name}: ${value}`),
    lines
  )
}

describe("RFC 7541 §2.3 indexing tables", () => {
  it("§2.3.1: the static table has 61 fields, the last one is www-authenticate", () => {
    assert.strictEqual(StaticTable.size, 61)
    gives("bd", "www-authenticate: ")
  })

  it("§2.1: the order of fields is kept, by a decoder and by an encoder", () => {
    gives(
      "82 86 84 00 01 62 01 31 82 00 01 61 01 32".replaceAll(" ", ""),
      ":method: GET",
      ":scheme: http",
      ":path: /",
      "b: 1",
      ":method: GET",
      "a: 2"
    )
    const encoded = new HpackEncoder().encode([
      { name: "b", value: "1" },
      { name: ":status", value: "200" },
      { name: "a", value: "2" },
      { name: "b", value: "1" }
    ])
    gives(toHex(encoded), "b: 1", ":status: 200", "a: 2", "b: 1")
  })

  it("§2.3.2: a field that the table has already may be put into it again", () => {
    const decoder = new HpackDecoder.HpackDecoder()
    const { fields, refusal } = decode("40016101624001610162bebf", decoder)
    assert.isUndefined(refusal)
    assert.strictEqual(fields.length, 4)
    assert.strictEqual(decoder.entries.length, 2)
  })

  it("§2.3.2: the oldest field is evicted first", () => {
    const evicted: Array<string> = []
    const table = new DynamicTable(100, (field) => evicted.push(field.name))
    for (const name of ["a", "b", "c", "d"]) table.insert(HeaderField.make(name, ""))
    assert.deepStrictEqual(evicted, ["a"])
    assert.strictEqual(table.get(0)?.name, "d")
    assert.strictEqual(table.get(2)?.name, "b")
    assert.isUndefined(table.get(3))
  })

  it("§2.3.3: an index beyond both tables is refused", () => {
    refuses("be", "HpackIndexOutOfRange")
    refuses("7f0001610161", "HpackIndexOutOfRange")
  })
})

describe("RFC 7541 §4 dynamic table", () => {
  it("§4.1: a field counts for its octets and 32", () => {
    assert.strictEqual(HeaderField.make("ab", "cde").size, 37)
  })

  it("§4.2: a size update up to the limit is taken, one above it is refused", () => {
    assert.isUndefined(decode("3fe11f").refusal)
    refuses("3fe21f", "HpackTableSizeUpdate")
  })

  it("§4.2: two updates may stand in front of the first field, three may not, and none behind it", () => {
    gives("203fe11f82", ":method: GET")
    refuses("20203fe11f82", "HpackTableSizeUpdate")
    refuses("8220", "HpackTableSizeUpdate")
  })

  it("§4.2: a table that was made smaller must be confirmed in the next block", () => {
    const decoder = new HpackDecoder.HpackDecoder()
    decoder.setTableBytes(100)
    refuses("82", "HpackTableSizeUpdate", decoder)
    const other = new HpackDecoder.HpackDecoder()
    other.setTableBytes(100)
    assert.isUndefined(decode("3f4582", other).refusal)
    assert.isUndefined(decode("82", other).refusal)
  })

  it("§4.2: an encoder announces the smallest size on the way and the last one", () => {
    const encoder = new HpackEncoder()
    encoder.setPeerTableBytes(0)
    encoder.setPeerTableBytes(256)
    assert.strictEqual(toHex(encoder.encode([{ name: ":status", value: "200" }])), "203fe10188")
    assert.strictEqual(toHex(encoder.encode([{ name: ":status", value: "200" }])), "88")
  })

  it("§4.2: an encoder uses no more than it is willing to keep, whatever the peer offers", () => {
    const encoder = new HpackEncoder()
    encoder.setPeerTableBytes(1_000_000)
    assert.strictEqual(toHex(encoder.encode([])), "")
  })

  it("§4.3: a smaller size evicts, 0 empties the table", () => {
    const decoder = new HpackDecoder.HpackDecoder()
    decode("40016101614001620162", decoder)
    assert.strictEqual(decoder.tableSize, 68)
    decode("3f03", decoder)
    assert.deepStrictEqual(
      decoder.entries.map((field) => field.name),
      ["b"]
    )
    decode("20", decoder)
    assert.strictEqual(decoder.tableSize, 0)
  })

  it("§4.4: a field larger than the table empties it and is not an error", () => {
    const table = new DynamicTable(40)
    table.insert(HeaderField.make("a", "b"))
    table.insert(HeaderField.make("a", "b".repeat(10)))
    assert.strictEqual(table.length, 0)
    assert.strictEqual(table.size, 0)
    assert.strictEqual(table.indexOf(1), -1)
  })

  it("§4.4: a new field may use the name of the one that it evicts", () => {
    const decoder = new HpackDecoder.HpackDecoder(34)
    decode("4001610162", decoder)
    const { fields, refusal } = decode("7e0163", decoder)
    assert.isUndefined(refusal)
    assert.strictEqual(fields[0].name, "a")
    assert.strictEqual(fields[0].value, "c")
  })
})

describe("RFC 7541 §5 primitives", () => {
  it("§5.1: an integer that does not end is refused", () => {
    refuses("ff", "HpackTruncated")
    refuses("ff8080", "HpackTruncated")
  })

  it("§5.1: an integer above 2^31 - 1 is refused, however it is written", () => {
    refuses("ffffffffffff7f", "HpackIntegerOverflow")
    refuses("ff80808080808001", "HpackIntegerOverflow")
    refuses("00ff81ffffff07", "HpackIntegerOverflow")
    refuses("00ff80ffffff07", "HpackTruncated")
  })

  it("§5.1: leading zeros of an integer are taken", () => gives("0fac800000", "vary: "))

  it("§5.2: a string that is longer than the block is refused", () => {
    refuses("0005616263", "HpackTruncated")
    refuses("00", "HpackTruncated")
    refuses("000161", "HpackTruncated")
  })

  it("§5.2: padding of seven ones is taken; of eight, or of zeros, refused", () => {
    // "a" is 00011: three bits are left.
    gives("000161811f", "a: a")
    refuses("000161821fff", "HpackInvalidHuffman")
    refuses("000161811e", "HpackInvalidHuffman")
    // "<" is 1111110 0: a whole octet and no padding; an octet of ones behind it is too much.
    refuses("00016181ff", "HpackInvalidHuffman")
  })

  it("§5.2: EOS in a string is refused", () => {
    refuses("00016184ffffffff", "HpackInvalidHuffman")
    refuses("00016184fffffffc", "HpackInvalidHuffman")
  })

  it("§5.2: every octet has a code, and the code decodes to it", () => {
    const all = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i))
    const coded = new Uint8Array(Huffman.encodedLength(all))
    assert.strictEqual(Huffman.encode(all, coded, 0), coded.length)
    const target = new Uint8Array(Huffman.maxDecodedLength(coded.length))
    assert.strictEqual(Huffman.decode(coded, 0, coded.length, target), 256)
    assert.strictEqual(String.fromCharCode(...target.subarray(0, 256)), all)
  })
})

describe("RFC 7541 §6 binary format", () => {
  it("§6.1: index 0 is refused", () => refuses("80", "HpackIndexOutOfRange"))

  it("§6.2: a name of no table is a string", () => {
    gives("4001610162", "a: b")
    gives("0001610162", "a: b")
    gives("1001610162", "a: b")
  })

  it("§6.2.1 to §6.2.3: only a literal with incremental indexing goes into the table", () => {
    for (const [hex, entries] of [
      ["4001610162", 1],
      ["0001610162", 0],
      ["1001610162", 0]
    ] as const) {
      const decoder = new HpackDecoder.HpackDecoder()
      decode(hex, decoder)
      assert.strictEqual(decoder.entries.length, entries, hex)
    }
  })

  it("§6.3: a size above the limit is refused, whatever follows it", () => {
    refuses("3fe21f20", "HpackTableSizeUpdate")
    refuses("203fe21f82", "HpackTableSizeUpdate")
  })
})

describe("RFC 7541 §7.1.3 never-indexed literals", () => {
  for (const name of ["authorization", "proxy-authorization", "cookie", "set-cookie"]) {
    it(`${name} is never put into a table`, () => {
      const encoder = new HpackEncoder()
      assert.strictEqual(encoder.encode([{ name, value: "secret" }])[0] & 0xf0, 0x10)
      assert.strictEqual(encoder.tableSize, 0)
    })
  }
})

describe("limits of a list", () => {
  // Two fields of 34 octets each.
  const two = fromHex("40016101614001620162")

  it("listBytes: n octets are taken, one more is too large, and the table is the same", () => {
    const exact = new HpackDecoder.HpackDecoder()
    assert.isFalse(exact.decode(two, { listBytes: 68, fieldCount: 100 }).tooLarge)
    const over = new HpackDecoder.HpackDecoder()
    const result = over.decode(two, { listBytes: 67, fieldCount: 100 })
    assert.isTrue(result.tooLarge)
    assert.strictEqual(result.fields.length, 1)
    assert.deepStrictEqual(over.entries, exact.entries)
  })

  it("fieldCount: n fields are taken, one more is too large", () => {
    assert.isFalse(new HpackDecoder.HpackDecoder().decode(two, { listBytes: 1000, fieldCount: 2 }).tooLarge)
    assert.isTrue(new HpackDecoder.HpackDecoder().decode(two, { listBytes: 1000, fieldCount: 1 }).tooLarge)
  })

  it("a block of references to one large field holds no more than the limit", () => {
    const decoder = new HpackDecoder.HpackDecoder()
    const value = "61".repeat(127)
    const octets = fromHex(`400161 7f00 ${value} ${"be".repeat(10_000)}`)
    const result = decoder.decode(octets, { listBytes: 16_384, fieldCount: 10_000 })
    assert.isTrue(result.tooLarge)
    assert.isAtMost(
      result.fields.reduce((sum, field) => sum + field.size, 0),
      16_384
    )
  })
})
