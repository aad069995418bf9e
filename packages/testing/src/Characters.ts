/**
 * The character classes of RFC 9110 §5.6 and RFC 3986 §2, written out anew: a generator that took them from the
 * code under test would share its mistakes.
 */
import * as fc from "fast-check"

const range = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, i) => String.fromCharCode(from + i)).join("")

export const DIGIT: string = range(0x30, 0x39)
export const ALPHA: string = range(0x41, 0x5a) + range(0x61, 0x7a)
export const HEXDIG: string = `${DIGIT}abcdefABCDEF`
export const TCHAR: string = `!#$%&'*+-.^_\`|~${DIGIT}${ALPHA}`
/** VCHAR without what tchar has: the delimiters of RFC 9110 §5.6.2. */
export const DELIMITERS: string = '"(),/:;<=>?@[\\]{}'
export const VCHAR: string = range(0x21, 0x7e)
export const OBS_TEXT: string = range(0x80, 0xff)
/** Controls that have no part in HTTP and no reason of their own: all but HTAB, LF, CR and NUL. */
export const CONTROL: string = range(0x01, 0x08) + range(0x0b, 0x0c) + range(0x0e, 0x1f) + range(0x7f, 0x7f)
export const UNRESERVED: string = `${ALPHA}${DIGIT}-._~`
export const SUB_DELIMS: string = "!$&'()*+,;="
/** pchar without percent-encoding, RFC 3986 §3.3. */
export const PCHAR: string = `${UNRESERVED}${SUB_DELIMS}:@`

/** For `fc.oneof`: shrink towards the first alternative, which must be the plainest. */
export const plainestFirst = { withCrossShrink: true } as const

/** One character of `alphabet`; shrinks towards the first. */
export const of = (alphabet: string): fc.Arbitrary<string> => fc.constantFrom(...alphabet)

/** A string over `alphabet`. */
export const string = (
  alphabet: string,
  options?: { readonly minLength?: number; readonly maxLength?: number }
): fc.Arbitrary<string> => fc.string({ unit: of(alphabet), maxLength: 12, ...options })

// All code points but the surrogates, which are no characters.
const SURROGATES_FROM = 0xd800
const SURROGATES = 0x800
const CHARACTERS = 0x110000 - SURROGATES
const PLAINEST = 0x61

/**
 * One character of Unicode; shrinks towards "a". In the place of fast-check's unit "binary", which maps each of them to
 * its number where the first such string is made: that takes a second of CPU time and 100 MiB.
 */
export const unicode: fc.Arbitrary<string> = fc.nat(CHARACTERS - 1).map((n) => {
  const at = (n + PLAINEST) % CHARACTERS
  return String.fromCodePoint(at < SURROGATES_FROM ? at : at + SURROGATES)
})

/** A token, RFC 9110 §5.6.2. */
export const token: fc.Arbitrary<string> = fc.oneof(
  plainestFirst,
  string(`abc${ALPHA}`, { minLength: 1 }),
  string(`a${TCHAR}`, { minLength: 1 })
)

/** OWS and BWS: mostly what people write, sometimes more. */
export const ows: fc.Arbitrary<string> = fc.oneof(
  plainestFirst,
  { weight: 3, arbitrary: fc.constantFrom("", " ") },
  { weight: 1, arbitrary: string(" \t", { maxLength: 4 }) }
)

/** `text` with the case of its letters chosen by the bits of `mask`: 0 leaves it as it is. */
export const recase = (text: string, mask: number): string =>
  [...text]
    .map((character, i) =>
      (mask >> (i % 30)) % 2 === 0
        ? character
        : character === character.toLowerCase()
          ? character.toUpperCase()
          : character.toLowerCase()
    )
    .join("")

/** The same text in any case. */
export const anyCase = (text: string): fc.Arbitrary<string> =>
  fc.oneof(
    plainestFirst,
    fc.constant(text),
    fc.nat(2 ** 30 - 1).map((mask) => recase(text, mask))
  )
