/**
 * Field sections as Effect's `Headers`: names in lower case, one value for each name.
 */
import type { FieldSection } from "@nvo/protocol"
import * as Headers from "effect/http/Headers"

// Fields that have one value by definition: of several lines the first counts, so that nobody down the line
// can add another. The same names as in node:http, which is what existing apps were written against.
const singletons: ReadonlySet<string> = new Set([
  "age",
  "authorization",
  "content-length",
  "content-type",
  "etag",
  "expires",
  "from",
  "host",
  "if-modified-since",
  "if-unmodified-since",
  "last-modified",
  "location",
  "max-forwards",
  "proxy-authorization",
  "referer",
  "retry-after",
  "server",
  "user-agent"
])

const prototype = Object.getPrototypeOf(Headers.empty) as object

/** Builds the `Headers`. Lists are joined with a comma (RFC 9110 §5.3), cookies with a semicolon (RFC 6265). */
export const toHeaders = (fields: FieldSection.FieldSection): Headers.Headers => {
  const headers = Object.create(prototype) as Record<string, string>
  for (let i = 0; i < fields.size; i++) {
    const name = fields.name(i).toLowerCase()
    const value = fields.value(i)
    const before = headers[name]
    if (before === undefined) headers[name] = value
    else if (name === "cookie") headers[name] = `${before}; ${value}`
    else if (!singletons.has(name)) headers[name] = `${before}, ${value}`
  }
  return headers as unknown as Headers.Headers
}
