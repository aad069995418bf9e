/**
 * The character classes of RFC 9110 §5.6 and RFC 3986 as one table: a bit for each class, an entry for each
 * octet. Decoders look octets up here and nowhere else.
 */

/** tchar, RFC 9110 §5.6.2. */
export const TCHAR = 1
/** field-vchar, SP or HTAB: what may stand inside a field value, RFC 9110 §5.5. */
export const FIELD_CONTENT = 2
/** What may stand in an origin-form target: pchar, "/", "?" and "%", RFC 9112 §3.2.1. */
export const TARGET = 4
/** DIGIT. */
export const DIGIT = 8
/** HEXDIG, both cases. */
export const HEXDIG = 16
/** What may stand in a registered name or IPv4 address: unreserved, sub-delims and "%", RFC 3986 §3.2.2. */
export const REG_NAME = 32
/** qdtext, RFC 9110 §5.6.4. */
export const QDTEXT = 64
/** What the WHATWG URL serialiser leaves in a path or query although RFC 3986 does not allow it there. */
export const TARGET_WHATWG = 128

export const SP = 0x20
export const HTAB = 0x09
export const CR = 0x0d
export const LF = 0x0a
export const COLON = 0x3a

const ALPHA = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
const DIGITS = "0123456789"
const UNRESERVED = `${ALPHA}${DIGITS}-._~`
const SUB_DELIMS = "!$&'()*+,;="

/** The classes of each octet, as bits. */
export const classes: Uint8Array = (() => {
  const table = new Uint8Array(256)
  const mark = (bit: number, characters: string) => {
    for (const character of characters) table[character.charCodeAt(0)] |= bit
  }
  const markRange = (bit: number, from: number, to: number) => {
    for (let octet = from; octet <= to; octet++) table[octet] |= bit
  }
  mark(TCHAR, `!#$%&'*+-.^_\`|~${DIGITS}${ALPHA}`)
  mark(FIELD_CONTENT, "\t ")
  markRange(FIELD_CONTENT, 0x21, 0x7e)
  markRange(FIELD_CONTENT, 0x80, 0xff)
  mark(TARGET, `${UNRESERVED}${SUB_DELIMS}:@/?%`)
  mark(TARGET_WHATWG, '[]{}|\\^`"')
  mark(DIGIT, DIGITS)
  mark(HEXDIG, `${DIGITS}abcdefABCDEF`)
  mark(REG_NAME, `${UNRESERVED}${SUB_DELIMS}%`)
  mark(QDTEXT, "\t !")
  markRange(QDTEXT, 0x23, 0x5b)
  markRange(QDTEXT, 0x5d, 0x7e)
  markRange(QDTEXT, 0x80, 0xff)
  return table
})()

/** Whether `text` is a token: one or more tchar. */
export const isToken = (text: string): boolean => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text)

const notFieldContent = /[^\t\x20-\x7e\x80-\xff]/

/**
 * Whether `text` can be sent as a field value as it stands: no control octet, nothing above U+00FF.
 * Leading and trailing white space is allowed, since a recipient takes it off.
 */
export const isFieldValue = (text: string): boolean => !notFieldContent.test(text)

/** Where in `text` the first character is that no field value has, or -1. */
export const fieldValueFault = (text: string): number => text.search(notFieldContent)

/** Whether `text` can be a reason phrase, RFC 9112 §4: the octets of a field value. */
export const isReasonPhrase = isFieldValue
