/**
 * The field lines of responses: each name and value is checked, and what applications send again and again is kept, so
 * that a comparison takes the place of the grammar.
 */
import * as Grammar from "../../http/Grammar.ts"
import * as Http1Error from "../Http1Error.ts"
import type { Exchange } from "../ResponseEncoder.ts"

/** The error of a response. */
export const failure = (
  exchange: Exchange,
  tag: Http1Error.ReasonTag,
  detail: string
): Http1Error.Http1Error =>
  Http1Error.make(tag, {
    connectionId: exchange.connectionId,
    requestIndex: exchange.requestIndex,
    detail
  })

interface LastLine {
  value: string
  text: string
}

/** What is kept of the lines that were made; mutable, and the same for all connections. */
export interface Kept {
  /** Names that are tokens: a look-up (10 ns) instead of the grammar (40 ns). */
  readonly names: Set<string>
  /**
   * The line that was made last for a name: most fields (Content-Type, Cache-Control, what a middleware adds) have the
   * same value in response after response, and a comparison takes the place of the grammar and of three concatenations.
   */
  readonly lines: Map<string, LastLine>
}

/** Nothing is kept yet. */
export const makeKept = (): Kept => ({ names: new Set(), lines: new Map() })

// The bounds are there for those that make names or values of data: what is kept may keep more alive.
export const MAX_NAMES = 1024
export const MAX_LINES = 64
export const MAX_VALUE = 64

const isFieldName = ({ names }: Kept, name: string): boolean => {
  if (names.has(name)) return true
  if (!Grammar.isToken(name)) return false
  if (names.size < MAX_NAMES) names.add(name)
  return true
}

// The octet and its place, and not the value: it may be a cookie or a token, and the detail is logged.
const badOctet = (name: string, value: string): string => {
  const at = Grammar.fieldValueFault(value)
  return `${name}: ${Http1Error.quoteOctet(value.charCodeAt(at))} at ${at}`
}

const checkedLine = (
  kept: Kept,
  exchange: Exchange,
  name: string,
  value: string
): string | Http1Error.Http1Error => {
  if (!isFieldName(kept, name)) return failure(exchange, "InvalidResponseFieldName", Http1Error.quote(name))
  if (!Grammar.isFieldValue(value)) {
    return failure(exchange, "InvalidResponseFieldValue", badOctet(name, value))
  }
  return `${name}: ${value}\r\n`
}

/** One field line, or why it cannot be sent. */
export const fieldLine = (
  kept: Kept,
  exchange: Exchange,
  name: string,
  value: string
): string | Http1Error.Http1Error => {
  const { lines } = kept
  const last = lines.get(name)
  if (last !== undefined && last.value === value) return last.text
  const text = checkedLine(kept, exchange, name, value)
  if (typeof text !== "string" || value.length > MAX_VALUE) return text
  if (last !== undefined) {
    last.value = value
    last.text = text
  } else if (lines.size < MAX_LINES) lines.set(name, { value, text })
  return text
}

/** A field line for each value. */
export const fieldLines = (
  kept: Kept,
  exchange: Exchange,
  name: string,
  value: string | ReadonlyArray<string>
): string | Http1Error.Http1Error => {
  if (typeof value === "string") return fieldLine(kept, exchange, name, value)
  let lines = ""
  for (const item of value) {
    const line = fieldLine(kept, exchange, name, item)
    if (typeof line !== "string") return line
    lines += line
  }
  return lines
}
