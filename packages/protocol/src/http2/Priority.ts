/**
 * Extensible priorities, RFC 9218 §4: urgency and incremental delivery, from the Priority field and from
 * PRIORITY_UPDATE.
 */
export interface Priority {
  /** 0 (first) to 7 (last). */
  readonly urgency: number
  /** Whether a part of the response is of use. */
  readonly incremental: boolean
}

/** §4: what holds where nothing was said. */
export const initial: Priority = { urgency: 3, incremental: false }

// The grammar of a dictionary, RFC 8941 §3.2. No part of it can match the same text in two ways, so that a match takes
// time in proportion to the text.
const KEY = "[a-z*][a-z0-9_.*-]*"
const BARE_ITEM = [
  "\\?[01]",
  "-?[0-9]{1,12}\\.[0-9]{1,3}",
  "-?[0-9]{1,15}",
  "[A-Za-z*][!#$%&'*+.^_`|~:/0-9A-Za-z-]*",
  '"(?:[ !#-[\\]-~]|\\\\["\\\\])*"',
  ":[A-Za-z0-9+/=]*:"
].join("|")
const PARAMETERS = `(?:; *${KEY}(?:=(?:${BARE_ITEM}))?)*`
const ITEM = `(?:${BARE_ITEM})${PARAMETERS}`
const INNER_LIST = `\\( *(?:${ITEM}(?: +${ITEM})* *)?\\)`
const member = new RegExp(
  `(${KEY})(?:=(${BARE_ITEM}|${INNER_LIST}))?${PARAMETERS}[ \\t]*(?:(,)[ \\t]*|$)`,
  "y"
)

/**
 * Reads a Priority field.
 *
 * @example
 * ```ts
 * import * as Priority from "@nvo/protocol/http2/Priority"
 *
 * Priority.parse("u=1, i") // { urgency: 1, incremental: true }
 * ```
 */
export const parse = (value: string): Priority => {
  let urgency: string | undefined
  let incremental: string | undefined
  let at = 0
  while (value[at] === " ") at++
  while (at < value.length) {
    member.lastIndex = at
    const match = member.exec(value)
    // §4.2: what is no dictionary says nothing at all.
    if (match === null) return initial
    at = member.lastIndex
    const [, key, item, comma] = match
    if (comma !== undefined && at === value.length) return initial
    // Of a key that comes twice the last value counts, whatever it is. A bare key is true.
    if (key === "u") urgency = item ?? "?1"
    else if (key === "i") incremental = item ?? "?1"
  }
  // RFC 9218 §4: what is of another type or out of its range is ignored.
  return {
    urgency: urgency !== undefined && /^[0-7]$/.test(urgency) ? Number(urgency) : initial.urgency,
    incremental: incremental === "?1"
  }
}
