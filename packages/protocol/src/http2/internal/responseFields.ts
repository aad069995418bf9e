/**
 * The head of a response as HTTP/2 sends it: checked against RFC 9110 and RFC 9113 §8, and with its framing decided,
 * before anything of it is encoded.
 */
import * as Grammar from "../../http/Grammar.ts"
import { quote } from "../../http/Printable.ts"
import * as Status from "../../http/Status.ts"
import type { ReasonTag } from "../Http2Error.ts"

/** Fields by name. A list stands for field lines of the same name, as Set-Cookie needs. */
export type Fields = Readonly<Record<string, string | ReadonlyArray<string>>>

/** What is wrong with a response. */
export interface Fault {
  readonly reason: ReasonTag
  readonly detail: string
}

const fault = (reason: ReasonTag, detail: string): Fault => ({ reason, detail })

/** The field lines that were checked last, to be encoded at once: names in lower case, and values. */
export const names: Array<string> = []
export const values: Array<string> = []

// §8.2.2: what belongs to HTTP/1.1 connections is left out; TE may be in requests only.
const leftOut: ReadonlySet<string> = new Set([
  "connection",
  "proxy-connection",
  "keep-alive",
  "transfer-encoding",
  "te",
  "upgrade"
])

// Applications send the same few names again and again: a look-up instead of the grammar and a copy in lower case.
// Empty for those that are left out. The bound is there for those that make names of data.
const known = new Map<string, string>()
const MAX_KNOWN = 1024

const lowerCase = (name: string): string | undefined => {
  const found = known.get(name)
  if (found !== undefined) return found
  if (!Grammar.isToken(name)) return undefined
  const lower = name.toLowerCase()
  const sent = leftOut.has(lower) ? "" : lower
  if (known.size < MAX_KNOWN) known.set(name, sent)
  return sent
}

// A value that comes again need not be read again.
const trim = (value: string): string => {
  const first = value.charCodeAt(0)
  const last = value.charCodeAt(value.length - 1)
  return first <= 0x20 || last <= 0x20 ? value.replace(/^[\t ]+|[\t ]+$/g, "") : value
}

const add = (name: string, value: string): Fault | undefined => {
  if (!Grammar.isFieldValue(value)) {
    return fault("InvalidResponseFieldValue", `${name}: ${quote(value)}`)
  }
  names.push(name)
  // §8.2.1: white space around a value is no part of it and may not be sent.
  values.push(trim(value))
  return undefined
}

const addAll = (name: string, value: string | ReadonlyArray<string>): Fault | undefined => {
  if (typeof value === "string") return add(name, value)
  for (const item of value) {
    const found = add(name, item)
    if (found !== undefined) return found
  }
  return undefined
}

const checkPlain = (fields: Fields, kind: "Interim" | "Trailers"): Fault | undefined => {
  names.length = 0
  values.length = 0
  for (const given in fields) {
    const name = lowerCase(given)
    if (name === undefined) return fault("InvalidResponseFieldName", quote(given))
    if (name === "") continue
    if (kind === "Interim") {
      // RFC 9110 §8.6: not in a 1xx.
      if (name === "content-length") continue
    } else if (forbiddenTrailers.has(name)) return fault("ForbiddenResponseTrailer", name)
    const found = addAll(name, fields[given])
    if (found !== undefined) return found
  }
  return undefined
}

// RFC 9110 §6.5.1.
const forbiddenTrailers: ReadonlySet<string> = new Set([
  "content-length",
  "host",
  "trailer",
  "content-encoding",
  "content-type",
  "content-range",
  "set-cookie"
])

/** Checks the fields of an interim head and leaves them in `names` and `values`. */
export const checkInterim = (fields: Fields): Fault | undefined => checkPlain(fields, "Interim")

/** Checks the fields of a trailer section and leaves them in `names` and `values`. */
export const checkTrailers = (fields: Fields): Fault | undefined => checkPlain(fields, "Trailers")

/** What a head came to: `Fault`, or the octets of the body: `undefined` if not known, 0 for a response without. */
export interface Head {
  readonly length: number | undefined
}

const digits = /^[0-9]+$/

const parseLength = (value: string | ReadonlyArray<string>): number | undefined => {
  const text = typeof value === "string" ? value : value.length === 1 ? value[0] : ""
  const length = digits.test(text) ? Number(text) : Number.NaN
  return length <= Number.MAX_SAFE_INTEGER ? length : undefined
}

/**
 * Checks the head of a final response and leaves its fields in `names` and `values`, `:status` not among them.
 * `bodyLength` is `undefined` where it is not known before the end.
 */
export const checkHead = (
  method: string,
  status: number,
  fields: Fields,
  bodyLength: number | undefined,
  date: string | undefined
): Head | Fault => {
  if (!Status.isFinal(status)) return fault("InvalidStatus", String(status))
  names.length = 0
  values.length = 0
  let declared: number | undefined
  let hasDate = date === undefined
  for (const given in fields) {
    const name = lowerCase(given)
    if (name === undefined) return fault("InvalidResponseFieldName", quote(given))
    if (name === "") continue
    const value = fields[given]
    if (name === "content-length") {
      // Names differ in case only: one of the two would be believed unseen.
      if (declared !== undefined) return fault("InvalidResponseLength", "declared twice")
      declared = parseLength(value)
      if (declared === undefined) return fault("InvalidResponseLength", quote(String(value)))
      continue
    }
    if (name === "date") hasDate = true
    const found = addAll(name, value)
    if (found !== undefined) return found
  }
  if (!hasDate) {
    names.push("date")
    values.push(date as string)
  }
  // RFC 9110 §9.3.6: what follows is the tunnel's, and no length is said.
  if (method === "CONNECT" && status < 300) return { length: undefined }
  const noContent = Status.hasNoContent(status)
  if (
    declared !== undefined &&
    bodyLength !== undefined &&
    declared !== bodyLength &&
    !noContent &&
    // RFC 9110 §8.6: an answer to HEAD may declare what it does not send.
    (method !== "HEAD" || bodyLength !== 0)
  ) {
    return fault("ResponseLengthMismatch", `${declared} declared, ${bodyLength} given`)
  }
  let sent: number | undefined
  let length: number | undefined = 0
  // RFC 9110 §15.3.6 and §8.6: 205 has no content and may say so, 204 may not, 304 says what a 200 would have had.
  if (status === 205) sent = 0
  else if (noContent) sent = status === 304 ? declared : undefined
  else if (method === "HEAD") sent = declared ?? (bodyLength === 0 ? undefined : bodyLength)
  else {
    length = declared ?? bodyLength
    sent = length
  }
  if (sent !== undefined) {
    names.push("content-length")
    values.push(String(sent))
  }
  return { length }
}

/** Whether the answer is a fault. */
export const isFault = (u: Head | Fault): u is Fault => "reason" in u
