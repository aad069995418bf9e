/**
 * What a peer sent that was refused, for a log line: the request line or the field line in question, up to the
 * octet that broke the rule, without what is secret (`Redaction`), printable and cut.
 *
 * It looks at octets again that the decoder has refused, so it is for refusals only, and trusts nothing in them.
 */
import * as ByteBuffer from "../http/ByteBuffer.ts"
import { CR, classes, LF, TCHAR } from "../http/Grammar.ts"
import * as Latin1 from "../http/Latin1.ts"
import * as Redaction from "../http/Redaction.ts"
import * as Http1Error from "./Http1Error.ts"
import type { State } from "./RequestDecoder.ts"

// Refused before it is known that what came is a request line at all: it may be anything, another message's body
// included, so nothing behind the octet in question is shown.
const notALine: ReadonlySet<Http1Error.ReasonTag> = new Set<Http1Error.ReasonTag>([
  "InvalidMethod",
  "MethodTooLong"
])

const isLineEnd = (octet: number): boolean => octet === CR || octet === LF

const joined = (buffer: ByteBuffer.ByteBuffer, chunk: Uint8Array): Uint8Array =>
  ByteBuffer.toBytes(ByteBuffer.append(buffer, chunk, 0, chunk.length))

// They are not part of the message, and any of them, or half of one, may have come before.
const withoutEmptyLines = (bytes: Uint8Array): Uint8Array => {
  let from = 0
  while (isLineEnd(bytes[from])) from++
  return bytes.subarray(from)
}

// The octets of the message that are at hand, and where in it they begin.
const messageOf = (
  before: Exclude<State, { readonly _tag: "Failed" }>,
  chunk: Uint8Array
): { bytes: Uint8Array; origin: number } => {
  switch (before._tag) {
    case "Idle":
      return { bytes: withoutEmptyLines(chunk), origin: 0 }
    case "Head":
      return { bytes: withoutEmptyLines(joined(before.buffer, chunk)), origin: 0 }
    case "Trailers":
      return { bytes: joined(before.buffer, chunk), origin: before.offset }
    default:
      return { bytes: chunk, origin: before.offset }
  }
}

const requestLine = (bytes: Uint8Array, at: number, whole: boolean, limit: number): string => {
  let to = 0
  while (to < bytes.length && !isLineEnd(bytes[to]) && (whole || to <= at)) to++
  const line = Latin1.decode(bytes, 0, to)
  const [method, target, ...rest] = line.split(" ")
  return Http1Error.quote(
    target === undefined ? method : [method, Redaction.target(target), ...rest].join(" "),
    limit
  )
}

const fieldLine = (bytes: Uint8Array, at: number, limit: number): string => {
  if (at < 0 || at >= bytes.length) return ""
  let from = at
  while (from > 0 && bytes[from - 1] !== LF) from--
  let to = at
  while (to < bytes.length && !isLineEnd(bytes[to])) to++
  const line = Latin1.decode(bytes, from, to)
  const colon = line.indexOf(":")
  // What should have been a name and is none: nothing behind the octet that is not of a name.
  if (colon === -1 || (colon > at - from && (classes[bytes[at]] & TCHAR) === 0)) {
    return Http1Error.quote(line.slice(0, at - from + 1), limit)
  }
  const name = line.slice(0, colon)
  return Http1Error.quote(`${name}: ${Redaction.fieldValue(name, line.slice(colon + 1).trim())}`, limit)
}

/**
 * The excerpt for the error of a step from `before` over `chunk`; the empty text where nothing can be shown, as in
 * a body. `limit`: how many characters are shown.
 *
 * @example
 * ```ts
 * import * as Excerpt from "@nvo/protocol/http1/Excerpt"
 * import * as RequestDecoder from "@nvo/protocol/http1/RequestDecoder"
 *
 * const octets = new TextEncoder().encode("GET /?key=1 HTTP/1.1\r\nAuthorization: Basic\u0001\r\n")
 * const { outcome } = RequestDecoder.step(RequestDecoder.make(), RequestDecoder.initial, octets)
 * if (outcome._tag === "Failed") Excerpt.of(RequestDecoder.initial, octets, outcome.error, 64)
 * // '"Authorization: <redacted>"'
 * ```
 */
export const of = (before: State, chunk: Uint8Array, error: Http1Error.Http1Error, limit: number): string => {
  if (limit === 0 || error.initiator !== "Peer" || before._tag === "Failed") return ""
  const { phase, reason } = error
  // There is no line of which it could be told.
  if (reason._tag === "IncompleteMessage" || reason._tag === "TooManyEmptyLines") return ""
  const { bytes, origin } = messageOf(before, chunk)
  const at = reason.offset - origin
  switch (phase) {
    case "RequestLine":
      return requestLine(bytes, at, !notALine.has(reason._tag), limit)
    case "Fields":
    case "Trailers":
      return fieldLine(bytes, at, limit)
    default:
      return ""
  }
}
