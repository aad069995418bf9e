/**
 * Everything that can be wrong with an HTTP/1.1 message, as one typed error.
 *
 * The table below owns the reasons: who is at fault, the status that answers it (RFC 9110 §15), the section
 * that refuses it, and the sentence that a person reads. A reason whose status is 0 gets no answer. Add a row
 * to add a reason; nothing else lists them.
 */
import * as Data from "effect/Data"
import * as ConnectionId from "../http/ConnectionId.ts"

/** Who is at fault. */
export type Initiator = "Peer" | "Application"

/** Which part of a message was being read or written. */
export type Phase = "RequestLine" | "Fields" | "Body" | "Trailers" | "Response"

const peer = (phase: Phase, status: number, section: string, text: string) =>
  ({ initiator: "Peer", phase, status, section, text }) as const

const application = (section: string, text: string) =>
  ({ initiator: "Application", phase: "Response", status: 500, section, text }) as const

/** The reasons, by name. Fixed for each reason: who, where, which status, which section, and what it says. */
export const reasons = {
  // The request line.
  InvalidMethod: peer("RequestLine", 400, "RFC 9110 §9.1", "the method is not a token"),
  MethodTooLong: peer("RequestLine", 501, "RFC 9112 §3", "the method is longer than any implemented one"),
  RequestLineTooLong: peer("RequestLine", 414, "RFC 9112 §3", "the request line is over its limit"),
  TooManyEmptyLines: peer(
    "RequestLine",
    400,
    "RFC 9112 §2.2",
    "too many empty lines before the request line"
  ),
  InvalidTarget: peer("RequestLine", 400, "RFC 9112 §3.2", "the request target is outside its grammar"),
  TargetFormMismatch: peer(
    "RequestLine",
    400,
    "RFC 9112 §3.2",
    "the method does not take this form of target"
  ),
  MissingVersion: peer("RequestLine", 400, "RFC 9112 §3", "the request line has no version (HTTP/0.9)"),
  InvalidVersion: peer("RequestLine", 400, "RFC 9112 §2.3", "the version is not HTTP/DIGIT.DIGIT"),
  UnsupportedVersion: peer(
    "RequestLine",
    505,
    "RFC 9110 §15.6.6",
    "the version is neither HTTP/1.0 nor HTTP/1.1"
  ),
  // Line ends and octets.
  BareCarriageReturn: peer("Fields", 400, "RFC 9112 §2.2", "a CR is not followed by LF"),
  BareLineFeed: peer("Fields", 400, "RFC 9112 §2.2", "an LF does not follow a CR"),
  NulByte: peer("Fields", 400, "RFC 9110 §5.5", "a NUL octet"),
  // Field lines.
  InvalidFieldName: peer("Fields", 400, "RFC 9110 §5.1", "a field name is not a token"),
  EmptyFieldName: peer("Fields", 400, "RFC 9112 §5", "a field line has no name"),
  MissingColon: peer("Fields", 400, "RFC 9112 §5", "a field line has no colon"),
  SpaceBeforeColon: peer("Fields", 400, "RFC 9112 §5.1", "white space between a field name and its colon"),
  LeadingSpace: peer("Fields", 400, "RFC 9112 §2.2", "white space before the first field line"),
  ObsoleteFolding: peer("Fields", 400, "RFC 9112 §5.2", "a folded field line"),
  InvalidFieldValue: peer("Fields", 400, "RFC 9110 §5.5", "a control octet in a field value"),
  HeadTooLarge: peer("Fields", 431, "RFC 6585 §5", "the head is over its limit"),
  TooManyFields: peer("Fields", 431, "RFC 6585 §5", "there are more field lines than the limit"),
  // Host.
  MissingHost: peer("Fields", 400, "RFC 9112 §3.2", "an HTTP/1.1 request has no Host"),
  DuplicateHost: peer("Fields", 400, "RFC 9112 §3.2", "there is more than one Host"),
  InvalidHost: peer("Fields", 400, "RFC 9112 §3.2", "the Host is not a host with an optional port"),
  // Framing.
  InvalidContentLength: peer("Fields", 400, "RFC 9110 §8.6", "the Content-Length is not a row of digits"),
  DuplicateContentLength: peer("Fields", 400, "RFC 9112 §6.3", "there is more than one Content-Length"),
  ContentLengthOverflow: peer("Fields", 413, "RFC 9110 §8.6", "the Content-Length is too large to count"),
  ContentLengthWithTransferEncoding: peer(
    "Fields",
    400,
    "RFC 9112 §6.3",
    "Content-Length with Transfer-Encoding"
  ),
  InvalidTransferEncoding: peer(
    "Fields",
    400,
    "RFC 9112 §6.1",
    "the Transfer-Encoding is not a list of codings"
  ),
  TransferCodingNotFinal: peer(
    "Fields",
    400,
    "RFC 9112 §6.3",
    "chunked is not the one and final transfer coding"
  ),
  UnknownTransferCoding: peer("Fields", 501, "RFC 9112 §6.1", "a transfer coding that is not implemented"),
  TransferEncodingInHttp10: peer("Fields", 400, "RFC 9112 §6.1", "Transfer-Encoding in an HTTP/1.0 request"),
  UnknownExpectation: peer("Fields", 417, "RFC 9110 §10.1.1", "an expectation other than 100-continue"),
  // Chunked coding.
  InvalidChunkSize: peer("Body", 400, "RFC 9112 §7.1", "a chunk size is not a row of hexadecimal digits"),
  ChunkSizeTooLong: peer("Body", 400, "RFC 9112 §7.1", "a chunk size has more digits than the limit"),
  ChunkSizeOverflow: peer("Body", 413, "RFC 9112 §7.1", "a chunk size is too large to count"),
  InvalidChunkExtension: peer("Body", 400, "RFC 9112 §7.1.1", "a chunk extension is outside its grammar"),
  ChunkExtensionsTooLarge: peer("Body", 400, "RFC 9112 §7.1.1", "the chunk extensions are over their limit"),
  MissingChunkTerminator: peer("Body", 400, "RFC 9112 §7.1", "chunk data is not followed by CRLF"),
  BareLineEndInChunk: peer("Body", 400, "RFC 9112 §7.1", "a bare CR or LF ends a chunk-size line"),
  TrailersTooLarge: peer("Trailers", 431, "RFC 6585 §5", "the trailer section is over its limit"),
  ForbiddenTrailer: peer(
    "Trailers",
    400,
    "RFC 9110 §6.5.1",
    "a framing or routing field in the trailer section"
  ),
  // The end of input.
  IncompleteMessage: peer("Body", 0, "RFC 9112 §8", "the peer closed in the middle of a message"),
  // Responses.
  InvalidStatus: application("RFC 9110 §15", "the status is not an integer from 200 to 599"),
  InvalidInterimStatus: application("RFC 9110 §15.2", "the interim status is not from 102 to 199, or 100"),
  InvalidReasonPhrase: application("RFC 9112 §4", "the reason phrase holds a control octet"),
  InvalidResponseFieldName: application("RFC 9110 §5.1", "a response field name is not a token"),
  InvalidResponseFieldValue: application("RFC 9110 §5.5", "a response field value holds a control octet"),
  InvalidResponseLength: application("RFC 9110 §8.6", "the response's Content-Length is not a row of digits"),
  ResponseLengthMismatch: application("RFC 9112 §6.3", "the Content-Length differs from the body's length"),
  ResponseTooLong: application("RFC 9112 §6.3", "the body is longer than its Content-Length"),
  ResponseTooShort: application("RFC 9112 §8", "the body ended before its Content-Length was reached"),
  ConnectWithoutTunnel: {
    initiator: "Application",
    phase: "Response",
    status: 501,
    section: "RFC 9110 §9.3.6",
    text: "a 2xx answer to CONNECT that opens no tunnel"
  },
  ForbiddenResponseTrailer: application("RFC 9110 §6.5.1", "a trailer field that may not be one"),
  ResponseOutOfOrder: application("RFC 9112 §2.1", "head, body and end of a response came out of order")
} as const satisfies Record<
  string,
  {
    readonly initiator: Initiator
    readonly phase: Phase
    readonly status: number
    readonly section: string
    readonly text: string
  }
>

/** The names of the reasons. */
export type ReasonTag = keyof typeof reasons

/** What was wrong: which rule, at which octet of the message, and with what. */
export type Reason<Tag extends ReasonTag = ReasonTag> = Tag extends ReasonTag
  ? {
      readonly _tag: Tag
      /** Octets of the message before the one that broke the rule; for a response, 0. */
      readonly offset: number
      /** What stood there, cut and printable; or the limit; or the empty text. */
      readonly detail: string
    }
  : never

/**
 * A message that HTTP/1.1 refuses.
 *
 * @example
 * ```ts
 * import * as Http1Error from "@nvo/protocol/http1/Http1Error"
 *
 * const error = Http1Error.make("MissingHost", { offset: 18 })
 * error.status // 400
 * error.message // "MissingHost: an HTTP/1.1 request has no Host (RFC 9112 §3.2; octet 18 of request 1)"
 * ```
 */
export class Http1Error extends Data.TaggedError("Http1Error")<{
  readonly connectionId: ConnectionId.ConnectionId
  /** Which message of the connection: 1 for the first. */
  readonly requestIndex: number
  readonly phase: Phase
  readonly initiator: Initiator
  readonly reason: Reason
}> {
  /** The status that answers this error, or 0 where no answer is due. */
  get status(): number {
    return reasons[this.reason._tag].status
  }

  override get message(): string {
    const { section, text } = reasons[this.reason._tag]
    const detail = this.reason.detail === "" ? "" : `: ${this.reason.detail}`
    const where =
      this.initiator === "Peer" ? `octet ${this.reason.offset} of request` : "in the response to request"
    const on = this.connectionId === ConnectionId.none ? "" : ` on ${ConnectionId.format(this.connectionId)}`
    return `${this.reason._tag}: ${text}${detail} (${section}; ${where} ${this.requestIndex}${on})`
  }
}

/** Makes the error of a reason; what the table fixes is filled in. */
export const make = (
  tag: ReasonTag,
  options?: {
    readonly connectionId?: ConnectionId.ConnectionId
    readonly requestIndex?: number
    readonly phase?: Phase
    readonly offset?: number
    readonly detail?: string
  }
): Http1Error => {
  const { initiator, phase } = reasons[tag]
  return new Http1Error({
    connectionId: options?.connectionId ?? ConnectionId.none,
    requestIndex: options?.requestIndex ?? 1,
    phase: options?.phase ?? phase,
    initiator,
    reason: { _tag: tag, offset: options?.offset ?? 0, detail: options?.detail ?? "" } as Reason
  })
}

/** Whether `u` is an `Http1Error`. */
export const isHttp1Error = (u: unknown): u is Http1Error => u instanceof Http1Error

export { quote, quoteOctet } from "../http/Printable.ts"
