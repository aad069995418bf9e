/**
 * A field as HPACK handles it: name, value, and the size that a table counts for it.
 */

/** See the module. Tables share these: a field that comes again is the same object. */
export class HeaderField {
  readonly name: string
  readonly value: string
  /**
   * What `FieldRules.classOf` found out about this field, 0 while nobody asked. A field of a table is judged once
   * and not for each request that refers to it.
   *
   * @internal
   */
  judged = 0

  constructor(name: string, value: string) {
    this.name = name
    this.value = value
  }

  /** RFC 7541 §4.1: octets of name and value, and 32 for what a table spends besides. */
  get size(): number {
    return this.name.length + this.value.length + 32
  }
}

export const make = (name: string, value: string): HeaderField => new HeaderField(name, value)
