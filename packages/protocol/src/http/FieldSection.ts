/**
 * The fields of a head or of a trailer section, in the order and case in which they came. Names compare without
 * case, RFC 9110 §5.1.
 *
 * How they are kept is the business of the protocol that read them: as one text with positions, from which
 * nothing is cut before it is asked for, or as a list of fields that tables share.
 */
export abstract class FieldSection implements Iterable<readonly [name: string, value: string]> {
  /** The number of field lines. */
  abstract get size(): number
  /** The name of field line `index`, as it was sent. */
  abstract name(index: number): string
  /** The value of field line `index`, without the white space around it. */
  abstract value(index: number): string
  /** Whether the name of field line `index` is `name`, which must be in lower case. */
  abstract is(index: number, name: string): boolean

  /** The value of the first field line of that name. */
  get(name: string): string | undefined {
    const lower = name.toLowerCase()
    for (let i = 0; i < this.size; i++) if (this.is(i, lower)) return this.value(i)
    return undefined
  }

  /** The values of all field lines of that name, in order. */
  getAll(name: string): ReadonlyArray<string> {
    const lower = name.toLowerCase()
    const values: Array<string> = []
    for (let i = 0; i < this.size; i++) if (this.is(i, lower)) values.push(this.value(i))
    return values
  }

  *[Symbol.iterator](): IterableIterator<readonly [name: string, value: string]> {
    for (let i = 0; i < this.size; i++) yield [this.name(i), this.value(i)]
  }

  toJSON(): ReadonlyArray<readonly [name: string, value: string]> {
    return [...this]
  }
}

/** The section as one text. */
export class TextSection extends FieldSection {
  /** The text that the positions point into. */
  readonly text: string
  /** Four positions for each field line: name from, name to, value from, value to. */
  readonly positions: ReadonlyArray<number>

  constructor(text: string, positions: ReadonlyArray<number>) {
    super()
    this.text = text
    this.positions = positions
  }

  get size(): number {
    return this.positions.length >> 2
  }

  name(index: number): string {
    const at = index << 2
    return this.text.slice(this.positions[at], this.positions[at + 1])
  }

  value(index: number): string {
    const at = index << 2
    return this.text.slice(this.positions[at + 2], this.positions[at + 3])
  }

  is(index: number, name: string): boolean {
    const at = index << 2
    const from = this.positions[at]
    if (this.positions[at + 1] - from !== name.length) return false
    for (let i = 0; i < name.length; i++) {
      const code = this.text.charCodeAt(from + i)
      if (
        code !== name.charCodeAt(i) &&
        (code < 0x41 || code > 0x5a || (code | 0x20) !== name.charCodeAt(i))
      ) {
        return false
      }
    }
    return true
  }
}

/** The section as a list of fields, from `from` on. Their names are in lower case. */
export class ListSection extends FieldSection {
  private readonly list: ReadonlyArray<{ readonly name: string; readonly value: string }>
  private readonly from: number

  constructor(list: ReadonlyArray<{ readonly name: string; readonly value: string }>, from = 0) {
    super()
    this.list = list
    this.from = from
  }

  get size(): number {
    return this.list.length - this.from
  }

  name(index: number): string {
    return this.list[this.from + index].name
  }

  value(index: number): string {
    return this.list[this.from + index].value
  }

  is(index: number, name: string): boolean {
    return this.list[this.from + index].name === name
  }
}

/** A section without fields. */
export const empty: FieldSection = new TextSection("", [])

/**
 * A section of the given field lines.
 *
 * @example
 * ```ts
 * import * as FieldSection from "@nvo/protocol/http/FieldSection"
 *
 * FieldSection.make([["Accept", "text/html"]]).get("accept") // "text/html"
 * ```
 */
export const make = (fields: Iterable<readonly [name: string, value: string]>): FieldSection => {
  let text = ""
  const positions: Array<number> = []
  for (const [name, value] of fields) {
    positions.push(text.length, text.length + name.length)
    text += name
    positions.push(text.length, text.length + value.length)
    text += value
  }
  return new TextSection(text, positions)
}
