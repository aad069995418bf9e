/**
 * What a single field of a request may be, RFC 9113 §8.2 and §8.3: one judgement for a name and value, made once
 * for each field object, however many requests refer to it.
 */
import { classes, FIELD_CONTENT, HTAB, SP, TCHAR } from "../../http/Grammar.ts"
import type { ReasonTag } from "../Http2Error.ts"
import type { HeaderField } from "../hpack/HeaderField.ts"

// Classes of fields. Those with a meaning for the protocol come by themselves; the others are ordinary.
export const ORDINARY = 1
export const METHOD = 2
export const SCHEME = 3
export const AUTHORITY = 4
export const PATH = 5
export const PROTOCOL = 6
export const HOST = 7
export const CONTENT_LENGTH = 8
export const EXPECT = 9
export const PRIORITY = 10
/** Refused: the class is minus the place of the reason. */
const refusals: ReadonlyArray<ReasonTag> = [
  "InvalidFieldName",
  "InvalidFieldValue",
  "ConnectionSpecificField",
  "UnknownPseudoField"
]

const known: ReadonlyMap<string, number> = new Map([
  [":method", METHOD],
  [":scheme", SCHEME],
  [":authority", AUTHORITY],
  [":path", PATH],
  [":protocol", PROTOCOL],
  ["host", HOST],
  ["content-length", CONTENT_LENGTH],
  ["expect", EXPECT],
  ["priority", PRIORITY]
])

// §8.2.2. TE is one too, but for "trailers".
const connectionSpecific: ReadonlySet<string> = new Set([
  "connection",
  "proxy-connection",
  "keep-alive",
  "transfer-encoding",
  "upgrade"
])

/** Whether a class is that of a pseudo-header field. */
export const isPseudo = (found: number): boolean => found >= METHOD && found <= PROTOCOL

/** The reason of a class that is refused. */
export const reasonOf = (found: number): ReasonTag => refusals[-1 - found]

const refused = (reason: ReasonTag): number => -1 - refusals.indexOf(reason)

/** The class of a field. */
export const classOf = (field: HeaderField): number => {
  if (field.judged === 0) field.judged = judge(field.name, field.value)
  return field.judged
}

// §8.2.1: no upper case, and a token but for the colon of a pseudo-header field.
const isName = (name: string): boolean => {
  const from = name.charCodeAt(0) === 0x3a ? 1 : 0
  for (let i = from; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if ((classes[code] & TCHAR) === 0 || (code >= 0x41 && code <= 0x5a)) return false
  }
  return name.length > from
}

// §8.2.1 forbids NUL, CR and LF, and white space around the value; RFC 9110 §5.5 the other controls.
const isValue = (value: string): boolean => {
  const { length } = value
  if (length === 0) return true
  for (let i = 0; i < length; i++) if ((classes[value.charCodeAt(i)] & FIELD_CONTENT) === 0) return false
  const first = value.charCodeAt(0)
  const last = value.charCodeAt(length - 1)
  return first !== SP && first !== HTAB && last !== SP && last !== HTAB
}

const judge = (name: string, value: string): number => {
  const found = known.get(name)
  if (found === undefined) {
    if (!isName(name)) return refused("InvalidFieldName")
    if (name.charCodeAt(0) === 0x3a) return refused("UnknownPseudoField")
    if (connectionSpecific.has(name)) return refused("ConnectionSpecificField")
    if (name === "te" && value.toLowerCase() !== "trailers") return refused("ConnectionSpecificField")
  }
  if (!isValue(value)) return refused("InvalidFieldValue")
  return found ?? ORDINARY
}
