/**
 * The fields of a head or of a trailer section, in the order and case in which they came.
 *
 * A section holds the text once and where each name and value lies in it: nothing is cut out before it is
 * asked for. Names compare without case, RFC 9110 §5.1.
 */
export class FieldSection implements Iterable<readonly [name: string, value: string]> {
  /** The text that the positions point into. */
  readonly text: string
  /** Four positions for each field line: name from, name to, value from, value to. */
  readonly positions: ReadonlyArray<number>

  constructor(text: string, positions: ReadonlyArray<number>) {
    this.text = text
    this.positions = positions
  }

  /** The number of field lines. */
  get size(): number {
    return this.positions.length >> 2
  }

  /** The name of field line `index`, as it was sent. */
  name(index: number): string {
    const at = index << 2
    return this.text.slice(this.positions[at], this.positions[at + 1])
  }

  /** The value of field line `index`, without the white space around it. */
  value(index: number): string {
    const at = index << 2
    return this.text.slice(this.positions[at + 2], this.positions[at + 3])
  }

  /** Whether the name of field line `index` is `name`, which must be in lower case. */
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

/** A section without fields. */
export const empty: FieldSection = new FieldSection("", [])

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
  return new FieldSection(text, positions)
}
