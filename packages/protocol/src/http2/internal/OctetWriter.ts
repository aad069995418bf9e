/**
 * Octets on their way out, written one behind the other into slabs.
 *
 * What was taken is never written to again: a slab is used up from its beginning to its end and then left to
 * whoever holds a part of it. So many small frames of one turn leave as one slice, without a copy.
 */

// Large enough for the answers of a turn; a slab is kept alive by the last of its slices. Chosen by feel.
const SLAB_BYTES = 32_768

/** See the module. One owner. */
export class OctetWriter {
  /** The slab. Written to from `at` on, after `ensure`. */
  bytes: Uint8Array = new Uint8Array(0)
  at = 0
  private from = 0
  private done: Array<Uint8Array> = []

  /** Makes room for `count` octets behind `at`. */
  ensure(count: number): void {
    if (this.at + count <= this.bytes.length) return
    const written = this.at - this.from
    const capacity = written * 2 + count > SLAB_BYTES ? written * 2 + count : SLAB_BYTES
    const bytes = new Uint8Array(capacity)
    bytes.set(this.bytes.subarray(this.from, this.at), 0)
    this.bytes = bytes
    this.from = 0
    this.at = written
  }

  octet(value: number): void {
    this.ensure(1)
    this.bytes[this.at++] = value
  }

  /** How many octets were written since the last cut: a place that `ensure` may move, as `position` tells. */
  get mark(): number {
    return this.at - this.from
  }

  /** Where in `bytes` the place is now that `mark` named. */
  position(mark: number): number {
    return this.from + mark
  }

  /** Puts octets of somebody else's into the order, without a copy. */
  share(octets: Uint8Array): void {
    this.cut()
    this.done.push(octets)
  }

  /** Copies octets. */
  copy(octets: Uint8Array): void {
    this.ensure(octets.length)
    this.bytes.set(octets, this.at)
    this.at += octets.length
  }

  private cut(): void {
    if (this.at > this.from) this.done.push(this.bytes.subarray(this.from, this.at))
    this.from = this.at
  }

  /** How many octets wait to be taken. */
  get length(): number {
    let length = this.at - this.from
    for (const octets of this.done) length += octets.length
    return length
  }

  get isEmpty(): boolean {
    return this.at === this.from && this.done.length === 0
  }

  /** Everything that was written since the last time. */
  take(): ReadonlyArray<Uint8Array> {
    this.cut()
    const { done } = this
    this.done = []
    return done
  }
}
