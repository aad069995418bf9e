import { classes, HEXDIG, TARGET, TARGET_WHATWG } from "./Grammar.ts"
import type { Limits } from "./Limits.ts"

/**
 * A request target in one of its four forms, RFC 9112 §3.2.
 *
 * - `Origin`: `/path?query`
 * - `Absolute`: `http://host/path?query`
 * - `Authority`: `host:port`, with CONNECT only
 * - `Asterisk`: `*`, with OPTIONS only
 */
export type RequestTarget =
  | {
      readonly _tag: "Origin"
      readonly raw: string
      readonly path: string
      readonly query: string | undefined
    }
  | {
      readonly _tag: "Absolute"
      readonly raw: string
      readonly scheme: "http" | "https"
      readonly authority: string
      readonly path: string
      readonly query: string | undefined
    }
  | { readonly _tag: "Authority"; readonly raw: string; readonly host: string; readonly port: number }
  | { readonly _tag: "Asterisk"; readonly raw: "*" }

/** The names of the forms. */
export type Form = RequestTarget["_tag"]

const split = (pathAndQuery: string): { readonly path: string; readonly query: string | undefined } => {
  const mark = pathAndQuery.indexOf("?")
  return mark === -1
    ? { path: pathAndQuery, query: undefined }
    : { path: pathAndQuery.slice(0, mark), query: pathAndQuery.slice(mark + 1) }
}

/** Takes apart a target whose form is known and whose grammar has been checked. */
export const fromValid = (form: Form, raw: string): RequestTarget => {
  switch (form) {
    case "Origin":
      return { _tag: "Origin", raw, ...split(raw) }
    case "Asterisk":
      return { _tag: "Asterisk", raw: "*" }
    case "Authority": {
      const colon = raw.lastIndexOf(":")
      return { _tag: "Authority", raw, host: raw.slice(0, colon), port: Number(raw.slice(colon + 1)) }
    }
    case "Absolute": {
      const from = raw.indexOf("//") + 2
      const end = authorityEnd(raw, from)
      const rest = raw.slice(end)
      return {
        _tag: "Absolute",
        raw,
        scheme: raw.charCodeAt(4) === 0x3a ? "http" : "https",
        authority: raw.slice(from, end),
        // RFC 9110 §4.2.3: an empty path is "/".
        ...split(rest.startsWith("/") ? rest : `/${rest}`)
      }
    }
  }
}

/**
 * Where a path with its query leaves the grammar, counted from the beginning of `text`, or -1. It is read from `from`
 * on: behind the leading "/" or the authority.
 */
export const pathFault = (text: string, from: number, grammar: Limits["targetGrammar"]): number => {
  const allowed = grammar === "rfc3986" ? TARGET : TARGET | TARGET_WHATWG
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if ((classes[code] & allowed) === 0) return i
    if (
      code === 0x25 &&
      grammar === "rfc3986" &&
      ((classes[text.charCodeAt(i + 1)] & HEXDIG) === 0 || (classes[text.charCodeAt(i + 2)] & HEXDIG) === 0)
    ) {
      return i
    }
  }
  return -1
}

/** Where the authority that starts at `from` ends: at the first "/" or "?", or at the end. */
export const authorityEnd = (raw: string, from: number): number => {
  for (let i = from; i < raw.length; i++) {
    const code = raw.charCodeAt(i)
    if (code === 0x2f || code === 0x3f) return i
  }
  return raw.length
}
