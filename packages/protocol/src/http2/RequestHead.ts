/**
 * The head of a request: its pseudo-header fields and its fields, checked, RFC 9113 §8.3.1.
 */
import * as Authority from "../http/Authority.ts"
import * as FieldSection from "../http/FieldSection.ts"
import * as Grammar from "../http/Grammar.ts"
import type { Limits } from "../http/Limits.ts"
import { quote } from "../http/Printable.ts"
import * as RequestTarget from "../http/RequestTarget.ts"
import type { ReasonTag } from "./Http2Error.ts"
import type { HeaderField } from "./hpack/HeaderField.ts"
import * as FieldRules from "./internal/fieldRules.ts"
import * as Priority from "./Priority.ts"

/** How the length of a body is known: there is none, it was said, or the body ends with its side of the stream. */
export type Framing =
  | { readonly _tag: "None" }
  | { readonly _tag: "Length"; readonly length: number }
  | { readonly _tag: "Stream" }

const NONE: Framing = { _tag: "None" }
const STREAM: Framing = { _tag: "Stream" }

/** See the module. */
export class RequestHead {
  readonly _tag = "RequestHead"
  readonly streamId: number
  /** A token, in the case in which it was sent. */
  readonly method: string
  /** `undefined` for CONNECT, unless it is an extended one. */
  readonly scheme: string | undefined
  /** The value of :authority, or of Host where there is no :authority. Empty if neither names anything. */
  readonly authority: string
  /** The value of :path; for CONNECT that of :authority. */
  readonly rawTarget: string
  readonly form: RequestTarget.Form
  /** The protocol of an extended CONNECT, RFC 8441. */
  readonly protocol: string | undefined
  /** The fields without the pseudo-header fields. */
  readonly fields: FieldSection.FieldSection
  readonly framing: Framing
  /** Whether the peer waits for 100 (Continue) before it sends the body. */
  readonly expectContinue: boolean
  /** What the Priority field says, RFC 9218. */
  readonly priority: Priority.Priority

  constructor(
    streamId: number,
    method: string,
    scheme: string | undefined,
    authority: string,
    rawTarget: string,
    form: RequestTarget.Form,
    protocol: string | undefined,
    fields: FieldSection.FieldSection,
    framing: Framing,
    expectContinue: boolean,
    priority: Priority.Priority
  ) {
    this.streamId = streamId
    this.method = method
    this.scheme = scheme
    this.authority = authority
    this.rawTarget = rawTarget
    this.form = form
    this.protocol = protocol
    this.fields = fields
    this.framing = framing
    this.expectContinue = expectContinue
    this.priority = priority
  }

  /** The request target, taken apart. */
  get target(): RequestTarget.RequestTarget {
    return RequestTarget.fromValid(this.form, this.rawTarget)
  }
}

/** Why a request is not taken. */
export interface Refusal {
  readonly reason: ReasonTag
  readonly detail: string
}

/** Whether the answer is a refusal. */
export const isRefusal = (u: RequestHead | Refusal): u is Refusal => "reason" in u

const refuse = (reason: ReasonTag, detail = ""): Refusal => ({ reason, detail })

/** What decides about a head besides its fields. */
export interface Options {
  readonly targetGrammar: Limits["targetGrammar"]
  /** Whether this side has sent SETTINGS_ENABLE_CONNECT_PROTOCOL. */
  readonly connectProtocol: boolean
}

// Most connections name the same host in each request: a comparison instead of the grammar.
let lastValidAuthority = ""

// RFC 9110 §4.2.1 and §4.2.4: the host may not be empty, and userinfo is an error.
const isAuthority = (text: string): boolean => {
  if (text === lastValidAuthority) return text !== ""
  if (text === "" || text.charCodeAt(0) === Grammar.COLON || !Authority.isValid(text)) return false
  lastValidAuthority = text
  return true
}

// §8.3.1 and RFC 3986 §6.2.3: a default port may be left out, and so may its number.
const normalize = (authority: string, scheme: string | undefined): string => {
  const lower = authority.toLowerCase()
  return lower.replace(scheme === "https" ? /:(?:443)?$/ : scheme === "http" ? /:(?:80)?$/ : /:$/, "")
}

/**
 * Reads the list of a header block that begins a request. The rules run in a fixed order, so that of two faults
 * always the same one is reported.
 */
export const read = (
  streamId: number,
  list: ReadonlyArray<HeaderField>,
  endStream: boolean,
  options: Options
): RequestHead | Refusal => {
  let method: string | undefined
  let scheme: string | undefined
  let authority: string | undefined
  let path: string | undefined
  let protocol: string | undefined
  let host: string | undefined
  let contentLength: string | undefined
  let expect: string | undefined
  let priority = Priority.initial
  let priorities: string | undefined
  let pseudo = 0
  for (let i = 0; i < list.length; i++) {
    const field = list[i]
    const found = FieldRules.classOf(field)
    if (found === FieldRules.ORDINARY) continue
    if (found < 0) return refuse(FieldRules.reasonOf(found), quote(field.name))
    if (FieldRules.isPseudo(found)) {
      // §8.3: all of them in front of the others.
      if (pseudo !== i) return refuse("MisplacedPseudoField", field.name)
      pseudo++
    }
    const { value } = field
    switch (found) {
      case FieldRules.METHOD:
        if (method !== undefined) return refuse("DuplicatePseudoField", field.name)
        method = value
        break
      case FieldRules.SCHEME:
        if (scheme !== undefined) return refuse("DuplicatePseudoField", field.name)
        scheme = value
        break
      case FieldRules.AUTHORITY:
        if (authority !== undefined) return refuse("DuplicatePseudoField", field.name)
        authority = value
        break
      case FieldRules.PATH:
        if (path !== undefined) return refuse("DuplicatePseudoField", field.name)
        path = value
        break
      case FieldRules.PROTOCOL:
        if (protocol !== undefined) return refuse("DuplicatePseudoField", field.name)
        protocol = value
        break
      case FieldRules.HOST:
        if (host !== undefined) return refuse("AuthorityMismatch", "host")
        host = value
        break
      case FieldRules.CONTENT_LENGTH:
        if (contentLength !== undefined) return refuse("InvalidContentLength", quote(value))
        contentLength = value
        break
      case FieldRules.EXPECT:
        expect = expect === undefined ? value : `${expect},${value}`
        break
      case FieldRules.PRIORITY:
        priorities = priorities === undefined ? value : `${priorities},${value}`
        break
    }
  }
  if (method === undefined) return refuse("MissingPseudoField", ":method")
  if (method !== "GET" && !Grammar.isToken(method)) return refuse("InvalidMethod", quote(method))

  let form: RequestTarget.Form
  let rawTarget: string
  if (method === "CONNECT" && protocol === undefined) {
    // §8.5.
    if (scheme !== undefined || path !== undefined) return refuse("InvalidConnect")
    if (authority === undefined || !Authority.isValidWithPort(authority)) {
      return refuse("InvalidConnect", quote(authority ?? ""))
    }
    form = "Authority"
    rawTarget = authority
  } else {
    // RFC 8441 §4.
    if (protocol !== undefined) {
      if (method !== "CONNECT" || !options.connectProtocol || !Grammar.isToken(protocol)) {
        return refuse("InvalidExtendedConnect", quote(protocol))
      }
    }
    if (scheme === undefined) return refuse("MissingPseudoField", ":scheme")
    if (path === undefined) return refuse("MissingPseudoField", ":path")
    if (scheme !== "https" && scheme !== "http" && !/^[A-Za-z][A-Za-z0-9+.-]*$/.test(scheme)) {
      return refuse("InvalidScheme", quote(scheme))
    }
    if (path.charCodeAt(0) === 0x2f) {
      if (RequestTarget.pathFault(path, 1, options.targetGrammar) !== -1) {
        return refuse("InvalidPath", quote(path))
      }
      form = "Origin"
    } else if (path === "*" && method === "OPTIONS") form = "Asterisk"
    else return refuse("InvalidPath", quote(path))
    rawTarget = path
  }
  if (authority !== undefined && !isAuthority(authority)) return refuse("InvalidAuthority", quote(authority))
  if (host !== undefined) {
    if (!isAuthority(host)) return refuse("InvalidAuthority", quote(host))
    if (authority !== undefined && normalize(host, scheme) !== normalize(authority, scheme)) {
      return refuse("AuthorityMismatch", `${quote(host)} and ${quote(authority)}`)
    }
  } else if (authority === undefined) return refuse("MissingAuthority")

  let framing: Framing = endStream ? NONE : STREAM
  if (contentLength !== undefined) {
    // A length that cannot be counted exactly is no length.
    if (!/^[0-9]+$/.test(contentLength) || Number(contentLength) > Number.MAX_SAFE_INTEGER) {
      return refuse("InvalidContentLength", quote(contentLength))
    }
    const length = Number(contentLength)
    // RFC 9110 §9.3.6: CONNECT has no content. What follows its head is said through the tunnel.
    if (method !== "CONNECT") {
      if (endStream && length > 0) return refuse("ContentLengthMismatch", `0 of ${length} octets`)
      if (!endStream) framing = { _tag: "Length", length }
    }
  }
  let expectContinue = false
  if (expect !== undefined) {
    if (expect.toLowerCase() !== "100-continue") return refuse("UnknownExpectation", quote(expect))
    expectContinue = !endStream
  }
  if (priorities !== undefined) priority = Priority.parse(priorities)
  return new RequestHead(
    streamId,
    method,
    scheme,
    authority ?? (host as string),
    rawTarget,
    form,
    protocol,
    new FieldSection.ListSection(list, pseudo),
    framing,
    expectContinue,
    priority
  )
}

// RFC 9110 §6.5.1: fields that frame or route a message may not come behind it.
const forbiddenTrailers: ReadonlySet<string> = new Set([
  "content-encoding",
  "content-length",
  "host",
  "trailer"
])

/** Reads the list of a header block that ends a request, RFC 9113 §8.1. */
export const readTrailers = (list: ReadonlyArray<HeaderField>): FieldSection.FieldSection | Refusal => {
  for (const field of list) {
    const found = FieldRules.classOf(field)
    if (found < 0) return refuse(FieldRules.reasonOf(found), quote(field.name))
    if (FieldRules.isPseudo(found)) return refuse("MisplacedPseudoField", field.name)
    if (forbiddenTrailers.has(field.name)) return refuse("ForbiddenTrailer", field.name)
  }
  return list.length === 0 ? FieldSection.empty : new FieldSection.ListSection(list)
}
