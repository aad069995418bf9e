/**
 * UTF-8 checked while it comes, RFC 3629: an octet that cannot be is found when it is there, not at the end of
 * its message (RFC 6455 §8.1). Overlong forms, surrogates and what lies beyond U+10FFFF are refused.
 *
 * A state says what the next octet may be. It is a number: how many continuation octets are due (bits 0-1), and
 * from which to which the first of them may go (bits 8-15 and 16-23).
 */

/** Where a text stands between two chunks. */
export type State = number

/** Between two characters: where a text begins, and where it may end. */
export const initial: State = 0

/** After an octet that cannot be. */
export const INVALID: State = -1

const pending = (count: number, from: number, to: number): State => count | (from << 8) | (to << 16)

// What each first octet asks for, RFC 3629 §4.
const first: Int32Array = (() => {
  const table = new Int32Array(256).fill(INVALID)
  table.fill(initial, 0x00, 0x80)
  table.fill(pending(1, 0x80, 0xbf), 0xc2, 0xe0)
  table.fill(pending(2, 0x80, 0xbf), 0xe0, 0xf0)
  table.fill(pending(3, 0x80, 0xbf), 0xf0, 0xf5)
  table[0xe0] = pending(2, 0xa0, 0xbf)
  table[0xed] = pending(2, 0x80, 0x9f)
  table[0xf0] = pending(3, 0x90, 0xbf)
  table[0xf4] = pending(3, 0x80, 0x8f)
  return table
})()

/** The state behind the octets from `from` to `to`, or `INVALID`. */
export const advance = (state: State, bytes: Uint8Array, from = 0, to = bytes.length): State => {
  let current = state
  for (let i = from; i < to; i++) {
    const octet = bytes[i]
    if (current === initial) {
      if (octet < 0x80) continue
      current = first[octet]
      if (current === INVALID) return INVALID
    } else {
      if (octet < ((current >> 8) & 0xff) || octet > ((current >> 16) & 0xff)) return INVALID
      const count = (current & 3) - 1
      current = count === 0 ? initial : pending(count, 0x80, 0xbf)
    }
  }
  return current
}

/** Whether the octets are UTF-8 from beginning to end. */
export const isValid = (bytes: Uint8Array): boolean => advance(initial, bytes) === initial

// The Encoding Standard's, which every platform has and the language's own library does not describe.
interface Encoding {
  readonly TextDecoder: new (
    label: "utf-8",
    options: { readonly ignoreBOM: true }
  ) => { readonly decode: (bytes: Uint8Array) => string }
  readonly TextEncoder: new () => { readonly encode: (text: string) => Uint8Array }
}
const { TextDecoder, TextEncoder } = globalThis as unknown as Encoding

// The text was checked before; a byte order mark is part of it.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/** The text of octets that are known to be UTF-8. */
export const decode = (bytes: Uint8Array): string => decoder.decode(bytes)

const encoder = new TextEncoder()

/** The octets of a text. A surrogate without its pair becomes U+FFFD. */
export const encode = (text: string): Uint8Array => encoder.encode(text)
