/**
 * The dynamic table, RFC 7541 §2.3.2 and §4: first in, first out, bounded by the octets that it counts.
 *
 * A table belongs to one decoder or one encoder, which is its only writer.
 */
import type { HeaderField } from "./HeaderField.ts"

/** See the module. */
export class DynamicTable {
  /** Octets that the fields count for. */
  size = 0
  /** Fields that were ever inserted. Field number n (from 0) is `at(n)` while it is there. */
  inserted = 0
  private capacity: number
  private readonly onEvict: ((field: HeaderField, number: number) => void) | undefined
  private fields: Array<HeaderField> = []
  /** Where the oldest field stands in `fields`; those before it are gone. */
  private first = 0

  constructor(capacity: number, onEvict?: (field: HeaderField, number: number) => void) {
    this.capacity = capacity
    this.onEvict = onEvict
  }

  /** How many fields there are. */
  get length(): number {
    return this.fields.length - this.first
  }

  get maxSize(): number {
    return this.capacity
  }

  /** The field at `index`, 0 for the newest. */
  get(index: number): HeaderField | undefined {
    return index < this.length ? this.fields[this.fields.length - 1 - index] : undefined
  }

  /** The index of field number `number`, 0 for the newest, or -1 if it is gone. */
  indexOf(number: number): number {
    return number >= this.inserted - this.length ? this.inserted - 1 - number : -1
  }

  /** RFC 7541 §4.4: what does not fit empties the table and is not an error. */
  insert(field: HeaderField): void {
    const { size } = field
    this.evict(this.capacity - size)
    if (size > this.capacity) {
      this.inserted++
      return
    }
    this.fields.push(field)
    this.inserted++
    this.size += size
  }

  /** RFC 7541 §4.3. */
  resize(capacity: number): void {
    this.capacity = capacity
    this.evict(capacity)
  }

  private evict(room: number): void {
    const { fields } = this
    while (this.size > room && this.first < fields.length) {
      const field = fields[this.first]
      this.size -= field.size
      this.onEvict?.(field, this.inserted - this.length)
      this.first++
    }
    // The front is cut off now and then: each field is moved once at most for each one that is inserted.
    if (this.first > 64 && this.first > fields.length / 2) {
      this.fields = fields.slice(this.first)
      this.first = 0
    }
  }
}
