/**
 * Header blocks in, fields out: RFC 7541 §3.2 and §6.
 *
 * A decoder belongs to one connection and must be given every block of it, in order, whether anybody wants its
 * fields or not: its table is what the next block builds on. It decides what the octets mean and nothing about
 * what the fields may be. No block throws or loops, and none makes it hold more than the table's size and the
 * list that it is allowed. Editing it, keep one pass over the octets.
 */
import * as Latin1 from "../../http/Latin1.ts"
import { DynamicTable } from "./DynamicTable.ts"
import { HeaderField } from "./HeaderField.ts"
import * as Huffman from "./Huffman.ts"
import * as StaticTable from "./StaticTable.ts"

/** What a block can be refused for. Behind it nothing of the connection can be decoded. */
export type Refusal =
  | "HpackTruncated"
  | "HpackIntegerOverflow"
  | "HpackIndexOutOfRange"
  | "HpackInvalidHuffman"
  | "HpackTableSizeUpdate"

/** What a list may have. Both are inclusive. */
export interface ListLimits {
  /** Octets of the list: of each field those of name and value, and 32 (RFC 9113 §6.5.2). */
  readonly listBytes: number
  /** Fields. */
  readonly fieldCount: number
}

/** What a block held. */
export interface Decoded {
  /** In order. After a refusal, or beyond a limit, those before it. */
  readonly fields: Array<HeaderField>
  /** Whether the list is over a limit. The block was read to its end all the same. */
  readonly tooLarge: boolean
  readonly refusal: Refusal | undefined
  /** The octet of the block at which it was refused. */
  readonly offset: number
}

// Decoded strings on their way to text; grows to the longest one that a block can hold.
let scratch = new Uint8Array(4096)

const OVERFLOW = -1
const TRUNCATED = -2

/** See the module. */
export class HpackDecoder {
  private readonly table: DynamicTable
  /** What SETTINGS_HEADER_TABLE_SIZE allows the peer's encoder. */
  private allowed: number
  /** Whether the next block has to begin with a size update, RFC 7541 §4.2. */
  private updateDue = false
  private block: Uint8Array = new Uint8Array(0)
  private at = 0
  private refusal: Refusal | undefined = undefined

  /** `tableBytes` is what the peer may use: 4,096 until another SETTINGS_HEADER_TABLE_SIZE is acknowledged. */
  constructor(tableBytes = 4096) {
    this.table = new DynamicTable(tableBytes)
    this.allowed = tableBytes
  }

  /** Octets that the table's fields count for now. */
  get tableSize(): number {
    return this.table.size
  }

  /** The table's fields, the newest first. */
  get entries(): ReadonlyArray<HeaderField> {
    return Array.from({ length: this.table.length }, (_, index) => this.table.get(index) as HeaderField)
  }

  /** The peer acknowledged a SETTINGS_HEADER_TABLE_SIZE. A smaller table has to be confirmed by an update. */
  setTableBytes(bytes: number): void {
    this.allowed = bytes
    if (bytes < this.table.maxSize) this.updateDue = true
  }

  /** Decodes a whole block. */
  decode(block: Uint8Array, limits: ListLimits): Decoded {
    this.block = block
    this.at = 0
    this.refusal = undefined
    const fields: Array<HeaderField> = []
    let listBytes = 0
    let tooLarge = false
    let updates = 0
    let octetAt = 0
    while (this.at < block.length) {
      octetAt = this.at
      const octet = block[octetAt]
      let field: HeaderField | undefined
      if (octet >= 0x80) {
        // RFC 7541 §6.1: an indexed field.
        field = this.indexed(this.integer(octet, 0x7f))
      } else if (octet >= 0x40) {
        // §6.2.1: a literal that goes into the table.
        field = this.literal(this.integer(octet, 0x3f))
        if (field !== undefined) this.table.insert(field)
      } else if (octet >= 0x20) {
        // §6.3, and §4.2: in front of the first field only, and twice at most.
        const size = this.integer(octet, 0x1f)
        if (size < 0) this.refuseInteger(size)
        else if (fields.length > 0 || tooLarge || updates === 2 || size > this.allowed) {
          this.refusal = "HpackTableSizeUpdate"
        } else {
          updates++
          this.updateDue = false
          this.table.resize(size)
          continue
        }
      } else {
        // §6.2.2 and §6.2.3: a literal that does not.
        field = this.literal(this.integer(octet, 0x0f))
      }
      if (field === undefined) return { fields, tooLarge, refusal: this.refusal, offset: octetAt }
      if (this.updateDue) return { fields, tooLarge, refusal: "HpackTableSizeUpdate", offset: octetAt }
      if (tooLarge) continue
      listBytes += field.size
      if (listBytes > limits.listBytes || fields.length === limits.fieldCount) tooLarge = true
      else fields.push(field)
    }
    // An empty block does not confirm it either.
    const refusal = this.updateDue ? "HpackTableSizeUpdate" : undefined
    return { fields, tooLarge, refusal, offset: block.length }
  }

  private refuseInteger(value: number): void {
    this.refusal = value === OVERFLOW ? "HpackIntegerOverflow" : "HpackTruncated"
  }

  // §2.3.3: one address space, the static table first. Index 0 is not used.
  private indexed(index: number): HeaderField | undefined {
    if (index < 0) {
      this.refuseInteger(index)
      return undefined
    }
    const field =
      index <= StaticTable.size ? StaticTable.fields[index] : this.table.get(index - StaticTable.size - 1)
    if (field === undefined || index === 0) {
      this.refusal = "HpackIndexOutOfRange"
      return undefined
    }
    return field
  }

  private literal(index: number): HeaderField | undefined {
    let name: string | undefined
    if (index === 0) name = this.string()
    else name = this.indexed(index)?.name
    if (name === undefined) return undefined
    const value = this.string()
    return value === undefined ? undefined : new HeaderField(name, value)
  }

  // §5.1: `octet` stands at `at`, `prefix` is the mask of its prefix. Five octets behind it are more than any size
  // needs.
  private integer(octet: number, prefix: number): number {
    let value = octet & prefix
    let at = this.at + 1
    if (value < prefix) {
      this.at = at
      return value
    }
    const { block } = this
    for (let shift = 0; shift < 35; shift += 7) {
      if (at === block.length) return TRUNCATED
      const more = block[at++]
      value += (more & 0x7f) * 2 ** shift
      if (more < 0x80) {
        this.at = at
        return value > 0x7fffffff ? OVERFLOW : value
      }
    }
    return OVERFLOW
  }

  // §5.2.
  private string(): string | undefined {
    const { block } = this
    if (this.at === block.length) {
      this.refusal = "HpackTruncated"
      return undefined
    }
    const octet = block[this.at]
    const length = this.integer(octet, 0x7f)
    if (length < 0) {
      this.refuseInteger(length)
      return undefined
    }
    const from = this.at
    const to = from + length
    if (to > block.length) {
      this.refusal = "HpackTruncated"
      return undefined
    }
    this.at = to
    if (octet < 0x80) return Latin1.decode(block, from, to)
    const room = Huffman.maxDecodedLength(length)
    if (room > scratch.length) scratch = new Uint8Array(room)
    const end = Huffman.decode(block, from, to, scratch)
    if (end < 0) {
      this.refusal = "HpackInvalidHuffman"
      return undefined
    }
    return Latin1.decode(scratch, 0, end)
  }
}
