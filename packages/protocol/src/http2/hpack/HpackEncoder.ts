/**
 * Fields in, header blocks out: RFC 7541 §6.
 *
 * An encoder belongs to one connection, and its blocks must be sent in the order in which they were made. It
 * believes the names and values it is given: octets, one for each character, names in lower case.
 */
import * as Latin1 from "../../http/Latin1.ts"
import { OctetWriter } from "../internal/OctetWriter.ts"
import { DynamicTable } from "./DynamicTable.ts"
import { HeaderField } from "./HeaderField.ts"
import * as Huffman from "./Huffman.ts"
import * as StaticTable from "./StaticTable.ts"

/**
 * How a field that no table has is written.
 *
 * - `Indexed`: and put into the table (§6.2.1).
 * - `NotIndexed`: and forgotten, for values that hardly come again (§6.2.2).
 * - `NeverIndexed`: by nobody on the way either, for secrets (§6.2.3 and §7.1.3).
 */
export type Indexing = "Indexed" | "NotIndexed" | "NeverIndexed"

/** A field to be encoded. Without `indexing`, its name decides. */
export interface Input {
  readonly name: string
  readonly value: string
  readonly indexing?: Indexing | undefined
}

// What changes with each response would only push out what comes again. RFC 7541 §7.1.3 for the secrets: whoever
// can make requests on a connection could otherwise guess them by the size of what is sent.
const byName: ReadonlyMap<string, Indexing> = new Map<string, Indexing>([
  ["authorization", "NeverIndexed"],
  ["proxy-authorization", "NeverIndexed"],
  ["cookie", "NeverIndexed"],
  ["set-cookie", "NeverIndexed"],
  ["content-length", "NotIndexed"],
  ["content-range", "NotIndexed"],
  ["etag", "NotIndexed"],
  ["last-modified", "NotIndexed"],
  ["location", "NotIndexed"],
  ["age", "NotIndexed"],
  [":path", "NotIndexed"]
])

interface Latest {
  readonly value: string
  readonly number: number
}

/** How an encoder is made. */
export interface Options {
  /** The table that this side is willing to keep. Default: 4,096 octets. */
  readonly tableBytes?: number | undefined
  /** Whether strings are Huffman coded where that is no longer. Default: true. */
  readonly huffman?: boolean | undefined
}

/** See the module. */
export class HpackEncoder {
  private readonly table: DynamicTable
  private readonly tableBytes: number
  private readonly huffman: boolean
  /** The newest field of each name in the table. */
  private readonly latest = new Map<string, Latest>()
  /** The size to be announced in front of the next block, and the smallest one on the way to it (§4.2). */
  private update = -1
  private smallest = -1

  constructor(options?: Options) {
    this.tableBytes = options?.tableBytes ?? 4096
    this.huffman = options?.huffman ?? true
    this.table = new DynamicTable(this.tableBytes < 4096 ? this.tableBytes : 4096, (field, number) => {
      if (this.latest.get(field.name)?.number === number) this.latest.delete(field.name)
    })
    if (this.tableBytes < 4096) this.announce(this.tableBytes)
  }

  /** Octets that the table's fields count for now. */
  get tableSize(): number {
    return this.table.size
  }

  /** The table's fields, the newest first. */
  get entries(): ReadonlyArray<HeaderField> {
    return Array.from({ length: this.table.length }, (_, index) => this.table.get(index) as HeaderField)
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. No more is used than this side is willing to keep. */
  setPeerTableBytes(bytes: number): void {
    const size = bytes < this.tableBytes ? bytes : this.tableBytes
    if (size === this.table.maxSize) return
    this.table.resize(size)
    this.announce(size)
  }

  private announce(size: number): void {
    this.smallest = this.smallest === -1 || size < this.smallest ? size : this.smallest
    this.update = size
  }

  /**
   * Encodes a whole block.
   *
   * @example
   * ```ts
   * import { HpackEncoder } from "@nvo/protocol/http2/hpack/HpackEncoder"
   *
   * new HpackEncoder().encode([{ name: ":status", value: "200" }]) // one octet: 0x88
   * ```
   */
  encode(fields: Iterable<Input>): Uint8Array {
    const writer = new OctetWriter()
    this.begin(writer)
    for (const { indexing, name, value } of fields) this.field(writer, name, value, indexing)
    return writer.bytes.slice(0, writer.at)
  }

  /**
   * Begins a block: what is due in front of its first field.
   *
   * @internal
   */
  begin(writer: OctetWriter): void {
    if (this.update === -1) return
    if (this.smallest < this.update) integer(writer, 0x20, 0x1f, this.smallest)
    integer(writer, 0x20, 0x1f, this.update)
    this.update = -1
    this.smallest = -1
  }

  /**
   * Writes a field of the block that was begun. A field that comes again costs two look-ups of its name and an
   * octet.
   *
   * @internal
   */
  field(writer: OctetWriter, name: string, value: string, indexing?: Indexing): void {
    const named = StaticTable.byName.get(name)
    if (named !== undefined) {
      const { values } = named
      for (let i = 0; i < values.length; i++) {
        if (values[i] === value) return integer(writer, 0x80, 0x7f, named.index + i)
      }
    }
    const latest = this.latest.get(name)
    if (latest !== undefined && latest.value === value) {
      return integer(writer, 0x80, 0x7f, StaticTable.size + 1 + this.table.indexOf(latest.number))
    }
    const nameIndex =
      named !== undefined
        ? named.index
        : latest !== undefined
          ? StaticTable.size + 1 + this.table.indexOf(latest.number)
          : 0
    switch (indexing ?? byName.get(name) ?? "Indexed") {
      case "Indexed": {
        integer(writer, 0x40, 0x3f, nameIndex)
        const number = this.table.inserted
        this.table.insert(new HeaderField(name, value))
        if (this.table.indexOf(number) !== -1) this.latest.set(name, { value, number })
        break
      }
      case "NotIndexed":
        integer(writer, 0x00, 0x0f, nameIndex)
        break
      case "NeverIndexed":
        integer(writer, 0x10, 0x0f, nameIndex)
        break
    }
    if (nameIndex === 0) this.string(writer, name)
    this.string(writer, value)
  }

  // §5.2.
  private string(writer: OctetWriter, text: string): void {
    const { length } = text
    writer.ensure(length + 6)
    if (this.huffman) {
      const coded = Huffman.encodedLength(text)
      if (coded <= length) {
        integer(writer, 0x80, 0x7f, coded)
        writer.ensure(coded)
        writer.at = Huffman.encode(text, writer.bytes, writer.at)
        return
      }
    }
    integer(writer, 0x00, 0x7f, length)
    writer.ensure(length)
    Latin1.write(writer.bytes, text, writer.at)
    writer.at += length
  }
}

// §5.1: `mask` is the prefix, `bits` what stands in front of it.
const integer = (writer: OctetWriter, bits: number, mask: number, value: number): void => {
  writer.ensure(6)
  if (value < mask) {
    writer.bytes[writer.at++] = bits | value
    return
  }
  writer.bytes[writer.at++] = bits | mask
  let rest = value - mask
  while (rest >= 0x80) {
    writer.bytes[writer.at++] = 0x80 | (rest & 0x7f)
    rest >>>= 7
  }
  writer.bytes[writer.at++] = rest
}
