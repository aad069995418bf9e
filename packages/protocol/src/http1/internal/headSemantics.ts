/**
 * What a head means: target form, Host, body framing, persistence, expectation and upgrade, from a section
 * whose syntax has been checked. The checks run in a fixed order, so that of two faults always the same one
 * is reported.
 */
import * as Authority from "../../http/Authority.ts"
import * as BodyFraming from "../../http/BodyFraming.ts"
import type { TextSection } from "../../http/FieldSection.ts"
import { classes, HTAB, SP, TARGET, TARGET_WHATWG } from "../../http/Grammar.ts"
import type { Limits } from "../../http/Limits.ts"
import * as Redaction from "../../http/Redaction.ts"
import * as RequestTarget from "../../http/RequestTarget.ts"
import { quote, quoteOctet, type ReasonTag } from "../Http1Error.ts"
import { RequestHead } from "../RequestEvent.ts"

/** What a head is refused for, and where: an octet of the head. */
export interface Refusal {
  readonly reason: ReasonTag
  readonly offset: number
  readonly detail: string
}

const refuse = (reason: ReasonTag, offset: number, detail: string): Refusal => ({ reason, offset, detail })

/** Whether the answer is a refusal. */
export const isRefusal = (u: RequestHead | Refusal): u is Refusal => "reason" in u

// The path and query of a target: `from` is behind the authority of an absolute form, or 0.
const checkPath = (
  target: string,
  from: number,
  at: number,
  grammar: Limits["targetGrammar"]
): Refusal | undefined => {
  const fault = RequestTarget.pathFault(target, from, grammar)
  if (fault === -1) return undefined
  return refuse(
    "InvalidTarget",
    at + fault,
    target.charCodeAt(fault) === 0x25
      ? `${quote(target.slice(fault, fault + 3))} is not percent-encoding`
      : quoteOctet(target.charCodeAt(fault))
  )
}

const checkTarget = (
  method: string,
  target: string,
  at: number,
  grammar: Limits["targetGrammar"]
): RequestTarget.Form | Refusal => {
  // RFC 9112 §3.2.3: CONNECT takes the authority form, and nothing else does.
  if (method === "CONNECT") {
    return Authority.isValidWithPort(target)
      ? "Authority"
      : refuse("TargetFormMismatch", at, quote(Redaction.target(target)))
  }
  if (target.charCodeAt(0) === 0x2f) return checkPath(target, 1, at, grammar) ?? "Origin"
  if (target === "*")
    return method === "OPTIONS"
      ? "Asterisk"
      : refuse("TargetFormMismatch", at, quote(Redaction.target(target)))
  const scheme = /^https?:\/\//i.exec(target)
  if (scheme === null) {
    const octet = target.charCodeAt(0)
    return (classes[octet] & (TARGET | TARGET_WHATWG)) === 0
      ? refuse("InvalidTarget", at, quoteOctet(octet))
      : refuse("InvalidTarget", at, quote(Redaction.target(target)))
  }
  const from = scheme[0].length
  const end = RequestTarget.authorityEnd(target, from)
  // RFC 9110 §4.2.1 and §4.2.4: the host may not be empty, and userinfo is an error.
  if (end === from || target.charCodeAt(from) === 0x3a || !Authority.isValid(target.slice(from, end))) {
    return refuse("InvalidTarget", at + from, quote(Redaction.authority(target.slice(from, end))))
  }
  return checkPath(target, end, at, grammar) ?? "Absolute"
}

// Most connections send the same Host with each request: a comparison instead of the grammar.
let lastValidHost: string | undefined

const isValidHost = (host: string): boolean => {
  if (host === lastValidHost) return true
  if (!Authority.isValid(host)) return false
  lastValidHost = host
  return true
}

// A loop, since the regular expression for it takes a time quadratic in the white space: 0.4 s for 16 KiB.
// Only SP and HTAB: `String.prototype.trim` takes off octets that are part of a value.
const trimOws = (text: string): string => {
  let from = 0
  let to = text.length
  while (text.charCodeAt(from) === SP || text.charCodeAt(from) === HTAB) from++
  while (to > from && (text.charCodeAt(to - 1) === SP || text.charCodeAt(to - 1) === HTAB)) to--
  return text.slice(from, to)
}

/** The members of a comma-separated list, in lower case, without the empty ones. RFC 9110 §5.6.1. */
export const listMembers = (value: string): ReadonlyArray<string> =>
  value
    .toLowerCase()
    .split(",")
    .map(trimOws)
    .filter((member) => member !== "")

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39

const isDigits = (text: string): boolean => {
  let end = 0
  while (isDigit(text.charCodeAt(end))) end++
  return end > 0 && end === text.length
}

const checkTransferEncoding = (value: string, at: number): Refusal | undefined => {
  if (value.toLowerCase() === "chunked") return undefined
  const members = value.split(",").map(trimOws)
  // RFC 9110 §10.1.4: transfer-coding = token *( OWS ";" OWS transfer-parameter ). Empty members are
  // allowed in lists, but nobody who means well sends them here.
  if (members.some((member) => !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:[ \t]*;[^,]*)?$/.test(member))) {
    return refuse("InvalidTransferEncoding", at, quote(value))
  }
  const isChunked = (member: string) => member.toLowerCase() === "chunked"
  const last = members[members.length - 1]
  // RFC 9112 §7.1: chunked has no parameters, and is applied once and last.
  if (!isChunked(last) || members.slice(0, -1).some((member) => /^chunked(?:[ \t]*;|$)/i.test(member))) {
    return refuse("TransferCodingNotFinal", at, quote(value))
  }
  return refuse("UnknownTransferCoding", at, quote(value))
}

/** Reads a head of `headLength` octets. The positions of `fields` count from the beginning of its request line. */
export const read = (
  method: string,
  rawTarget: string,
  minorVersion: 0 | 1,
  fields: TextSection,
  headLength: number,
  limits: Limits
): RequestHead | Refusal => {
  const form = checkTarget(method, rawTarget, method.length + 1, limits.targetGrammar)
  if (typeof form !== "string") return form

  let host: string | undefined
  let contentLength: string | undefined
  let contentLengthAt!: number
  let transferEncoding: string | undefined
  let transferEncodingAt!: number
  let connection: string | undefined
  let upgrade: string | undefined
  let expect: string | undefined
  let expectAt!: number
  const size = fields.size
  // By length first: most names fall through with one comparison.
  for (let i = 0; i < size; i++) {
    const at = i << 2
    const nameAt = fields.positions[at]
    switch (fields.positions[at + 1] - nameAt) {
      case 4:
        if (fields.is(i, "host")) {
          if (host !== undefined) return refuse("DuplicateHost", nameAt, "")
          host = fields.value(i)
          if (!isValidHost(host))
            return refuse("InvalidHost", fields.positions[at + 2], quote(Redaction.authority(host)))
        }
        break
      case 6:
        if (fields.is(i, "expect")) {
          expect = expect === undefined ? fields.value(i) : `${expect},${fields.value(i)}`
          expectAt = nameAt
        }
        break
      case 7:
        if (fields.is(i, "upgrade")) {
          upgrade = upgrade === undefined ? fields.value(i) : `${upgrade}, ${fields.value(i)}`
        }
        break
      case 10:
        if (fields.is(i, "connection")) {
          connection = connection === undefined ? fields.value(i) : `${connection},${fields.value(i)}`
        }
        break
      case 14:
        if (fields.is(i, "content-length")) {
          if (contentLength !== undefined) return refuse("DuplicateContentLength", nameAt, "")
          contentLength = fields.value(i)
          contentLengthAt = fields.positions[at + 2]
        }
        break
      case 17:
        if (fields.is(i, "transfer-encoding")) {
          transferEncodingAt = fields.positions[at + 2]
          transferEncoding =
            transferEncoding === undefined ? fields.value(i) : `${transferEncoding}, ${fields.value(i)}`
        }
        break
    }
  }

  // RFC 9112 §3.2.
  if (host === undefined && minorVersion === 1) return refuse("MissingHost", headLength, "")

  let framing: BodyFraming.BodyFraming = BodyFraming.none
  if (contentLength !== undefined) {
    if (!isDigits(contentLength)) return refuse("InvalidContentLength", contentLengthAt, quote(contentLength))
    // RFC 9112 §6.3: both together are how requests are smuggled.
    if (transferEncoding !== undefined)
      return refuse("ContentLengthWithTransferEncoding", transferEncodingAt, "")
    const length = Number(contentLength)
    if (length > Number.MAX_SAFE_INTEGER) {
      return refuse("ContentLengthOverflow", contentLengthAt, quote(contentLength))
    }
    if (length > 0) framing = BodyFraming.length(length)
  } else if (transferEncoding !== undefined) {
    // RFC 9112 §6.1: a 1.0 recipient on the way may not have understood it.
    if (minorVersion === 0)
      return refuse("TransferEncodingInHttp10", transferEncodingAt, quote(transferEncoding))
    const refusal = checkTransferEncoding(transferEncoding, transferEncodingAt)
    if (refusal !== undefined) return refusal
    framing = BodyFraming.chunked
  }

  let expectContinue = false
  // RFC 9110 §10.1.1: ignored in HTTP/1.0.
  if (expect !== undefined && minorVersion === 1) {
    const members = listMembers(expect)
    if (members.some((member) => member !== "100-continue")) {
      return refuse("UnknownExpectation", expectAt, quote(expect))
    }
    expectContinue = members.length > 0 && framing._tag !== "None"
  }

  let persistent = minorVersion === 1
  let upgrades = false
  if (connection !== undefined && connection !== "keep-alive") {
    const options = listMembers(connection)
    // RFC 9112 §9.3: close wins over everything else.
    persistent = !options.includes("close") && (persistent || options.includes("keep-alive"))
    upgrades = minorVersion === 1 && options.includes("upgrade")
  } else if (connection !== undefined) persistent = true

  return new RequestHead(
    method,
    rawTarget,
    form,
    minorVersion,
    fields,
    framing,
    persistent,
    expectContinue,
    upgrades ? upgrade : undefined
  )
}
