/**
 * What has come of a body and waits for its handler, in pieces.
 *
 * A window counts octets, and a frame may hold a single one: kept as they are, a million of them would be a million
 * objects, and each would keep the whole batch that it came with. So small pieces are copied behind each other, and
 * what waits takes about as much memory as it has octets: the larger ones, which are slices, keep sixteen times as
 * much at the most, where a batch has one such piece and nothing else that is wanted.
 */

// Pieces below this are copied once another waits before them. A sixteenth of the largest batch of a transport.
const SMALL = 4_096

const NOTHING: Array<Uint8Array> = []

/** See the module. One owner: its exchange. */
export class Pieces {
  // Most bodies come in one piece or wait for nobody: they share the empty list.
  private list: Array<Uint8Array> = NOTHING
  /** Where small pieces are copied; its written part is the last of the list. */
  private slab: Uint8Array | undefined = undefined
  private used = 0

  get isEmpty(): boolean {
    return this.list.length === 0
  }

  push(bytes: Uint8Array): void {
    if (this.list === NOTHING) {
      this.list = [bytes]
      return
    }
    const { list } = this
    if (bytes.length >= SMALL) {
      this.slab = undefined
      list.push(bytes)
      return
    }
    if (this.slab === undefined || this.used + bytes.length > SMALL) {
      this.slab = new Uint8Array(SMALL)
      this.used = 0
      list.push(this.slab)
    }
    this.slab.set(bytes, this.used)
    this.used += bytes.length
    list[list.length - 1] = this.slab.subarray(0, this.used)
  }

  /** Everything that waits; the caller is its owner. */
  take(): Array<Uint8Array> {
    const { list } = this
    this.list = NOTHING
    this.slab = undefined
    return list === NOTHING ? [] : list
  }
}
