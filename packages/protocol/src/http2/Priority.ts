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

// RFC 8941 §3.2, as far as the two parameters need it: a bare key is true; what is of another type or out of its
// range is ignored (RFC 9218 §4), and what is not a dictionary says nothing at all.
const member =
  /^[ \t]*([a-z*][a-z0-9_.*-]*)(?:=(\?[01]|-?[0-9]{1,15}(?:\.[0-9]{1,3})?|[A-Za-z*][!#$%&'*+.^_`|~:/0-9A-Za-z-]*|"(?:[ !#-[\]-~]|\\["\\])*"|:[A-Za-z0-9+/=]*:))?(?:;[ ]*[a-z*][a-z0-9_.*-]*(?:=[^,;]*)?)*[ \t]*(?:,|$)/

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
  let { urgency, incremental } = initial
  let rest = value
  while (rest !== "") {
    const match = member.exec(rest)
    if (match === null) return initial
    const [all, key, item] = match
    if (key === "u" && item !== undefined && /^[0-7]$/.test(item)) urgency = Number(item)
    else if (key === "i" && (item === undefined || item.startsWith("?"))) incremental = item !== "?0"
    rest = rest.slice(all.length)
  }
  return { urgency, incremental }
}
