/**
 * A persistent buffer of octets that grows at its end in linear time overall.
 *
 * A value is a view of the first `length` octets of storage that it may share with longer views. Appending
 * to the longest view writes behind it in place; appending to any other view copies. So every view stays
 * what it was, and a buffer fed octet by octet costs no more than twice its bytes.
 */
export interface ByteBuffer {
  readonly length: number
  /** @internal */
  readonly storage: Storage
}

interface Storage {
  readonly bytes: Uint8Array
  used: number
}

// Large enough for the head of a browser's request, so that most heads grow at most once.
const INITIAL_CAPACITY = 1024

export const empty: ByteBuffer = { length: 0, storage: { bytes: new Uint8Array(0), used: 0 } }

/** An empty buffer that takes as many octets without growing. */
export const withCapacity = (octets: number): ByteBuffer => ({
  length: 0,
  storage: { bytes: new Uint8Array(octets), used: 0 }
})

/** The buffer with the octets of `source` from `start` to `end` behind it. */
export const append = (self: ByteBuffer, source: Uint8Array, start: number, end: number): ByteBuffer => {
  const length = self.length + (end - start)
  let storage = self.storage
  if (storage.used !== self.length || length > storage.bytes.length) {
    let capacity = Math.max(INITIAL_CAPACITY, self.length * 2)
    while (capacity < length) capacity *= 2
    const bytes = new Uint8Array(capacity)
    bytes.set(self.storage.bytes.subarray(0, self.length), 0)
    storage = { bytes, used: self.length }
  }
  storage.bytes.set(start === 0 && end === source.length ? source : source.subarray(start, end), self.length)
  storage.used = length
  return { length, storage }
}

/** The octets, without a copy. They must not be written to. */
export const toBytes = (self: ByteBuffer): Uint8Array => self.storage.bytes.subarray(0, self.length)
