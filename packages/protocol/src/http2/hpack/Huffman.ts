/**
 * The Huffman code of RFC 7541 Appendix B.
 *
 * The code is canonical: with the lengths the codes are known, shorter ones first and by symbol among equals.
 * Decoding goes by four bits at a time through one table; no code is shorter than five bits, so that four bits end
 * one symbol at the most.
 */

// Bits of the code of each octet, and of EOS (256).
// biome-ignore format: sixteen to a line, as the octets are counted
const lengths: ReadonlyArray<number> = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30
]

const EOS = 256

/** The code of each octet, in the low bits. */
const codes = new Uint32Array(257)

/** Bits of the code of each octet. */
const bits = Uint8Array.from(lengths)

const symbols = lengths
  .map((length, symbol) => [length, symbol] as const)
  .sort(([a, m], [b, n]) => a - b || m - n)

let next = 0
let width = 0
for (const [length, symbol] of symbols) {
  next <<= length - width
  width = length
  codes[symbol] = next >>> 0
  next += 1
}

// A node of the code's tree is a state of the decoder: 256 of them, since there are 257 leaves. An entry of the
// table, for a state and four bits: the next state in bits 0-7, the octet that ended in bits 8-15, and what
// follows in the flags.
const EMITS = 1 << 16
const FAILS = 1 << 17
/** The bits since the last symbol are fewer than eight and all ones, as padding must be (RFC 7541 §5.2). */
const ACCEPTS = 1 << 18

const transitions: Int32Array = (() => {
  const left: Array<number> = [0]
  const right: Array<number> = [0]
  // Leaves are negative: -1 - symbol.
  for (let symbol = 0; symbol <= EOS; symbol++) {
    let node = 0
    for (let bit = bits[symbol] - 1; bit >= 0; bit--) {
      const side = ((codes[symbol] >>> bit) & 1) === 0 ? left : right
      if (bit === 0) side[node] = -1 - symbol
      else {
        if (side[node] === 0) {
          side[node] = left.length
          left.push(0)
          right.push(0)
        }
        node = side[node]
      }
    }
  }
  const accepting = new Set<number>()
  for (let node = 0, depth = 0; depth < 8; depth++) {
    accepting.add(node)
    node = right[node]
  }
  const table = new Int32Array(left.length * 16)
  for (let state = 0; state < left.length; state++) {
    for (let nibble = 0; nibble < 16; nibble++) {
      let node = state
      let entry = 0
      for (let bit = 3; bit >= 0; bit--) {
        const to = ((nibble >> bit) & 1) === 0 ? left[node] : right[node]
        if (to >= 0) node = to
        else if (to === -1 - EOS) {
          entry = FAILS
          break
        } else {
          entry = EMITS | ((-1 - to) << 8)
          node = 0
        }
      }
      if ((entry & FAILS) === 0) entry |= node | (accepting.has(node) ? ACCEPTS : 0)
      table[(state << 4) | nibble] = entry
    }
  }
  return table
})()

/** How many octets a code of so many octets can stand for at the most: no code is shorter than five bits. */
export const maxDecodedLength = (length: number): number => ((length * 8) / 5) | 0

/**
 * Decodes the octets from `from` to `to` into `target`, which has room for `maxDecodedLength`. Returns how many
 * octets it wrote, or -1 for what is no code: EOS in it, or padding that is longer than seven bits or not of ones.
 */
export const decode = (bytes: Uint8Array, from: number, to: number, target: Uint8Array): number => {
  let at = 0
  let entry = ACCEPTS
  for (let i = from; i < to; i++) {
    const octet = bytes[i]
    entry = transitions[((entry & 0xff) << 4) | (octet >> 4)]
    if ((entry & EMITS) !== 0) target[at++] = (entry >> 8) & 0xff
    else if ((entry & FAILS) !== 0) return -1
    entry = transitions[((entry & 0xff) << 4) | (octet & 0xf)]
    if ((entry & EMITS) !== 0) target[at++] = (entry >> 8) & 0xff
    else if ((entry & FAILS) !== 0) return -1
  }
  return (entry & ACCEPTS) === 0 ? -1 : at
}

/** How many octets the code of `text` has; each char code stands for one octet. */
export const encodedLength = (text: string): number => {
  let sum = 0
  for (let i = 0; i < text.length; i++) sum += bits[text.charCodeAt(i)]
  return (sum + 7) >> 3
}

/** Writes the code of `text` into `target` at `at` and returns where it ends. */
export const encode = (text: string, target: Uint8Array, at: number): number => {
  let pending = 0
  let count = 0
  let end = at
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i)
    const length = bits[symbol]
    let code = codes[symbol]
    let left = length
    // At most seven bits wait, and a code has up to thirty: in pieces that fit.
    while (left > 0) {
      const take = left > 16 ? left - 16 : left
      const piece = left > 16 ? code >>> 16 : code
      pending = (pending << take) | piece
      count += take
      while (count >= 8) {
        count -= 8
        target[end++] = pending >>> count
        pending &= (1 << count) - 1
      }
      code &= 0xffff
      left -= take
    }
  }
  if (count > 0) target[end++] = (pending << (8 - count)) | (0xff >> count)
  return end
}
