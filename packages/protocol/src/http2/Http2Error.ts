/**
 * Everything that can be wrong on an HTTP/2 connection, as one typed error.
 *
 * The table below owns the reasons: who is at fault, whether the stream or the connection ends with it and with
 * which code (RFC 9113 §5.4), the section that refuses it, and the sentence that a person reads. A status other
 * than 0 is answered instead: the request could be read, and is only not wanted. Add a row to add a reason;
 * nothing else lists them.
 */
import * as Data from "effect/Data"
import * as ConnectionId from "../http/ConnectionId.ts"
import type * as ErrorCode from "./ErrorCode.ts"

/** Who is at fault. */
export type Initiator = "Peer" | "Application"

/** What ends with an error: a stream, or the connection with all of them. */
export type Scope = "Stream" | "Connection"

const connection = (code: ErrorCode.ErrorCode, section: string, text: string) =>
  ({ initiator: "Peer", scope: "Connection", code, status: 0, section, text }) as const

const stream = (code: ErrorCode.ErrorCode, section: string, text: string) =>
  ({ initiator: "Peer", scope: "Stream", code, status: 0, section, text }) as const

/** RFC 9113 §8.1.1. */
const malformed = (section: string, text: string) => stream("PROTOCOL_ERROR", section, text)

const flood = (section: string, text: string) => connection("ENHANCE_YOUR_CALM", section, text)

const application = (section: string, text: string, status = 500) =>
  ({ initiator: "Application", scope: "Stream", code: "INTERNAL_ERROR", status, section, text }) as const

/** The reasons, by name. */
export const reasons = {
  // The preface and frames.
  InvalidPreface: connection(
    "PROTOCOL_ERROR",
    "RFC 9113 §3.4",
    "the connection preface is not that of HTTP/2"
  ),
  MissingSettings: connection("PROTOCOL_ERROR", "RFC 9113 §3.4", "the first frame is not SETTINGS"),
  FrameTooLarge: connection(
    "FRAME_SIZE_ERROR",
    "RFC 9113 §4.2",
    "a frame is larger than SETTINGS_MAX_FRAME_SIZE"
  ),
  InvalidFrameLength: connection(
    "FRAME_SIZE_ERROR",
    "RFC 9113 §4.2",
    "a frame has not the length of its type"
  ),
  InvalidPriorityLength: stream("FRAME_SIZE_ERROR", "RFC 9113 §6.3", "a PRIORITY frame has not five octets"),
  InvalidPadding: connection(
    "PROTOCOL_ERROR",
    "RFC 9113 §6.1",
    "the padding is as long as the frame, or longer"
  ),
  MissingStreamId: connection("PROTOCOL_ERROR", "RFC 9113 §6", "a frame of streams is on stream 0"),
  UnexpectedStreamId: connection("PROTOCOL_ERROR", "RFC 9113 §6", "a frame of the connection is on a stream"),
  ContinuationExpected: connection(
    "PROTOCOL_ERROR",
    "RFC 9113 §6.10",
    "a header block is interrupted by another frame"
  ),
  UnexpectedContinuation: connection("PROTOCOL_ERROR", "RFC 9113 §6.10", "a CONTINUATION continues nothing"),
  PushFromClient: connection("PROTOCOL_ERROR", "RFC 9113 §8.4", "a client sent PUSH_PROMISE"),
  // Header compression.
  HpackTruncated: connection("COMPRESSION_ERROR", "RFC 7541 §5", "a header block ends inside a field"),
  HpackIntegerOverflow: connection("COMPRESSION_ERROR", "RFC 7541 §5.1", "an integer is above 2^31 - 1"),
  HpackIndexOutOfRange: connection("COMPRESSION_ERROR", "RFC 7541 §2.3.3", "an index that no table has"),
  HpackInvalidHuffman: connection(
    "COMPRESSION_ERROR",
    "RFC 7541 §5.2",
    "a string is not in the Huffman code"
  ),
  HpackTableSizeUpdate: connection(
    "COMPRESSION_ERROR",
    "RFC 7541 §4.2",
    "a table size update is above the limit, out of place, or missing"
  ),
  // Settings.
  InvalidSetting: connection(
    "PROTOCOL_ERROR",
    "RFC 9113 §6.5.2",
    "a setting has a value that it cannot have"
  ),
  InvalidInitialWindow: connection(
    "FLOW_CONTROL_ERROR",
    "RFC 9113 §6.5.2",
    "SETTINGS_INITIAL_WINDOW_SIZE takes a window above 2^31 - 1"
  ),
  SettingsTimeout: connection(
    "SETTINGS_TIMEOUT",
    "RFC 9113 §6.5.3",
    "the settings were not acknowledged in time"
  ),
  InadequateSecurity: connection(
    "INADEQUATE_SECURITY",
    "RFC 9113 §9.2.2",
    "TLS 1.2 with a cipher suite that HTTP/2 prohibits"
  ),
  // Streams.
  InvalidStreamId: connection(
    "PROTOCOL_ERROR",
    "RFC 9113 §5.1.1",
    "a client opened a stream with an even number"
  ),
  StreamIdNotRising: connection(
    "PROTOCOL_ERROR",
    "RFC 9113 §5.1.1",
    "a stream is opened with a number below one that was opened"
  ),
  IdleStream: connection("PROTOCOL_ERROR", "RFC 9113 §5.1", "a frame other than HEADERS on an idle stream"),
  HalfClosedStream: stream("STREAM_CLOSED", "RFC 9113 §5.1", "a frame behind END_STREAM"),
  ClosedStream: connection("STREAM_CLOSED", "RFC 9113 §5.1", "a frame on a stream that the peer has closed"),
  TooManyStreams: stream(
    "REFUSED_STREAM",
    "RFC 9113 §5.1.2",
    "more streams than SETTINGS_MAX_CONCURRENT_STREAMS"
  ),
  SelfDependency: stream("PROTOCOL_ERROR", "RFC 7540 §5.3.1", "a stream depends on itself"),
  InvalidPriorityUpdate: connection(
    "PROTOCOL_ERROR",
    "RFC 9218 §7.1",
    "a PRIORITY_UPDATE for a stream that a client cannot have"
  ),
  TooManyPrioritized: connection(
    "PROTOCOL_ERROR",
    "RFC 9218 §7.1",
    "more streams are open, or idle with a priority, than SETTINGS_MAX_CONCURRENT_STREAMS"
  ),
  // Flow control.
  ZeroWindowIncrement: stream("PROTOCOL_ERROR", "RFC 9113 §6.9", "a WINDOW_UPDATE of 0 on a stream"),
  ZeroConnectionIncrement: connection(
    "PROTOCOL_ERROR",
    "RFC 9113 §6.9",
    "a WINDOW_UPDATE of 0 on the connection"
  ),
  WindowOverflow: stream("FLOW_CONTROL_ERROR", "RFC 9113 §6.9.1", "the window of a stream is above 2^31 - 1"),
  ConnectionWindowOverflow: connection(
    "FLOW_CONTROL_ERROR",
    "RFC 9113 §6.9.1",
    "the window of the connection is above 2^31 - 1"
  ),
  WindowExceeded: stream("FLOW_CONTROL_ERROR", "RFC 9113 §6.9", "more data than the window of the stream"),
  ConnectionWindowExceeded: connection(
    "FLOW_CONTROL_ERROR",
    "RFC 9113 §6.9",
    "more data than the window of the connection"
  ),
  // Malformed requests.
  InvalidFieldName: malformed("RFC 9113 §8.2.1", "a field name is not a token in lower case"),
  InvalidFieldValue: malformed(
    "RFC 9113 §8.2.1",
    "a field value holds a control octet, or begins or ends with white space"
  ),
  ConnectionSpecificField: malformed("RFC 9113 §8.2.2", "a field that belongs to HTTP/1.1 connections"),
  UnknownPseudoField: malformed("RFC 9113 §8.3", "a pseudo-header field that requests do not have"),
  DuplicatePseudoField: malformed("RFC 9113 §8.3", "a pseudo-header field comes twice"),
  MisplacedPseudoField: malformed(
    "RFC 9113 §8.3",
    "a pseudo-header field behind other fields or in trailers"
  ),
  MissingPseudoField: malformed("RFC 9113 §8.3.1", "a request without :method, :scheme or :path"),
  InvalidMethod: malformed("RFC 9110 §9.1", "the method is not a token"),
  InvalidScheme: malformed("RFC 9113 §8.3.1", "the scheme is outside its grammar"),
  InvalidPath: malformed("RFC 9113 §8.3.1", "the path is outside its grammar"),
  InvalidAuthority: malformed("RFC 9113 §8.3.1", "the authority is not a host with an optional port"),
  MissingAuthority: malformed("RFC 9113 §8.3.1", "neither :authority nor Host names a host"),
  AuthorityMismatch: malformed("RFC 9113 §8.3.1", "Host and :authority differ, or Host comes twice"),
  InvalidConnect: malformed("RFC 9113 §8.5", "CONNECT with a path or a scheme, or without an authority"),
  HeadersInTunnel: stream("PROTOCOL_ERROR", "RFC 9113 §8.5", "HEADERS on a stream that CONNECT has opened"),
  InvalidExtendedConnect: malformed(
    "RFC 8441 §4",
    ":protocol in a request that is not an extended CONNECT, or that was not allowed"
  ),
  InvalidContentLength: malformed("RFC 9113 §8.1.1", "the Content-Length is not one row of digits"),
  ContentLengthMismatch: malformed("RFC 9113 §8.1.1", "the body has not the length of its Content-Length"),
  MissingEndOfTrailers: malformed("RFC 9113 §8.1", "a second header section that does not end the stream"),
  ForbiddenTrailer: malformed("RFC 9110 §6.5.1", "a framing or routing field in the trailer section"),
  TrailersTooLarge: stream("ENHANCE_YOUR_CALM", "RFC 6585 §5", "the trailer section is over its limit"),
  // Requests that are read and not wanted.
  HeaderListTooLarge: {
    initiator: "Peer",
    scope: "Stream",
    code: "NO_ERROR",
    status: 431,
    section: "RFC 6585 §5",
    text: "the field section is over its limit"
  },
  UnknownExpectation: {
    initiator: "Peer",
    scope: "Stream",
    code: "NO_ERROR",
    status: 417,
    section: "RFC 9110 §10.1.1",
    text: "an expectation other than 100-continue"
  },
  // Floods: the budgets of `FloodGuard`.
  HeaderBlockTooLarge: flood("RFC 9113 §10.5.1", "a header block is over its limit"),
  ContinuationFlood: flood("RFC 9113 §10.5", "a header block in too many frames"),
  RapidReset: flood("RFC 9113 §10.5", "too many streams were opened and reset"),
  ProvokedResets: flood("RFC 9113 §10.5", "too many streams had to be reset"),
  SettingsFlood: flood("RFC 9113 §10.5", "too many SETTINGS"),
  PingFlood: flood("RFC 9113 §10.5", "too many PING"),
  EmptyFrameFlood: flood("RFC 9113 §10.5", "too many frames with nothing in them"),
  PriorityFlood: flood("RFC 9113 §10.5", "too many priority frames"),
  TinyWindows: flood("RFC 9113 §10.5", "windows are opened in too small steps"),
  WindowUpdateFlood: flood("RFC 9113 §10.5", "too many WINDOW_UPDATE for what was asked for and sent"),
  RefusalFlood: flood("RFC 9113 §10.5", "too many requests that had to be refused"),
  IgnoredFrameFlood: flood("RFC 9113 §10.5", "too many frames that mean nothing"),
  // Responses.
  InvalidStatus: application("RFC 9110 §15", "the status is not an integer from 200 to 599"),
  InvalidInterimStatus: application("RFC 9110 §15.2", "the interim status is not from 102 to 199, or 100"),
  InvalidResponseFieldName: application("RFC 9113 §8.2.1", "a response field name is not a token"),
  InvalidResponseFieldValue: application("RFC 9113 §8.2.1", "a response field value holds a control octet"),
  InvalidResponseLength: application("RFC 9110 §8.6", "the response's Content-Length is not a row of digits"),
  ResponseLengthMismatch: application("RFC 9113 §8.1.1", "the Content-Length differs from the body's length"),
  ResponseTooLong: application("RFC 9113 §8.1.1", "the body is longer than its Content-Length"),
  ResponseTooShort: application("RFC 9113 §8.1.1", "the body ended before its Content-Length was reached"),
  ConnectWithoutTunnel: application("RFC 9113 §8.5", "a 2xx answer to CONNECT that opens no tunnel", 501),
  ForbiddenResponseTrailer: application("RFC 9110 §6.5.1", "a trailer field that may not be one")
} as const satisfies Record<
  string,
  {
    readonly initiator: Initiator
    readonly scope: Scope
    readonly code: ErrorCode.ErrorCode
    readonly status: number
    readonly section: string
    readonly text: string
  }
>

/** The names of the reasons. */
export type ReasonTag = keyof typeof reasons

/** What was wrong: which rule, and with what. */
export type Reason<Tag extends ReasonTag = ReasonTag> = Tag extends ReasonTag
  ? {
      readonly _tag: Tag
      /** What stood there, cut and printable; or the limit; or the empty text. */
      readonly detail: string
    }
  : never

/**
 * Something that HTTP/2 refuses.
 *
 * @example
 * ```ts
 * import * as Http2Error from "@nvo/protocol/http2/Http2Error"
 *
 * const error = Http2Error.make("HalfClosedStream", { streamId: 3 })
 * error.code // "STREAM_CLOSED"
 * error.message // "HalfClosedStream: a frame behind END_STREAM (RFC 9113 §5.1; stream 3)"
 * ```
 */
export class Http2Error extends Data.TaggedError("Http2Error")<{
  readonly connectionId: ConnectionId.ConnectionId
  /** The stream it happened on; 0 where no stream is concerned. */
  readonly streamId: number
  readonly initiator: Initiator
  readonly reason: Reason
}> {
  /** What ends with it. */
  get scope(): Scope {
    return reasons[this.reason._tag].scope
  }

  /** The code that RST_STREAM or GOAWAY says. */
  get code(): ErrorCode.ErrorCode {
    return reasons[this.reason._tag].code
  }

  /** The status that answers this error, or 0 where the stream or connection ends without an answer. */
  get status(): number {
    return reasons[this.reason._tag].status
  }

  override get message(): string {
    const { section, text } = reasons[this.reason._tag]
    const detail = this.reason.detail === "" ? "" : `: ${this.reason.detail}`
    const where = this.streamId === 0 ? "the connection" : `stream ${this.streamId}`
    const on = this.connectionId === ConnectionId.none ? "" : ` on ${ConnectionId.format(this.connectionId)}`
    return `${this.reason._tag}: ${text}${detail} (${section}; ${where}${on})`
  }
}

/** Makes the error of a reason; what the table fixes is filled in. */
export const make = (
  tag: ReasonTag,
  options?: {
    readonly connectionId?: ConnectionId.ConnectionId
    readonly streamId?: number
    readonly detail?: string
  }
): Http2Error =>
  new Http2Error({
    connectionId: options?.connectionId ?? ConnectionId.none,
    streamId: options?.streamId ?? 0,
    initiator: reasons[tag].initiator,
    reason: { _tag: tag, detail: options?.detail ?? "" } as Reason
  })

/** Whether `u` is an `Http2Error`. */
export const isHttp2Error = (u: unknown): u is Http2Error => u instanceof Http2Error
