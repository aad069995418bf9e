/**
 * One case for each reason: what produces it, and what is due. The table is typed by the reasons, so a new reason
 * does not compile, and does not pass, without a case.
 */
import type * as Http1Error from "@nvo/protocol/http1/Http1Error"
import type * as ResponseEncoder from "@nvo/protocol/http1/ResponseEncoder"
import type * as ResponseEvent from "@nvo/protocol/http1/ResponseEvent"

export type ReasonCase =
  /** Text with the mark "⮞" before the octet at fault. */
  | {
      readonly _tag: "Request"
      readonly text: string
      readonly status: number
      readonly phase: Http1Error.Phase
      readonly limits?: Parameters<typeof import("./expectations.ts").refusesAt>[4]
    }
  /** Text after which the peer closes, where the mark stands. */
  | { readonly _tag: "Closed"; readonly text: string; readonly phase: Http1Error.Phase }
  | {
      readonly _tag: "Response"
      readonly status: number
      readonly events: ReadonlyArray<ResponseEvent.ResponseEvent>
      readonly exchange?: Partial<ResponseEncoder.Exchange>
    }

const line = (text: string, status = 400): ReasonCase => ({
  _tag: "Request",
  text: `${text}\r\nHost: a\r\n\r\n`,
  status,
  phase: "RequestLine"
})

const fields = (lines: string, status = 400): ReasonCase => ({
  _tag: "Request",
  text: `POST / HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n`,
  status,
  phase: "Fields"
})

const host = (lines: string): ReasonCase => ({
  _tag: "Request",
  text: `GET / HTTP/1.1\r\n${lines}`,
  status: 400,
  phase: "Fields"
})

const chunks = (text: string, status = 400, phase: Http1Error.Phase = "Body"): ReasonCase => ({
  _tag: "Request",
  text: `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${text}`,
  status,
  phase
})

const head = (given: Partial<ResponseEvent.ResponseHead>): ResponseEvent.ResponseHead => ({
  _tag: "ResponseHead",
  status: 200,
  fields: {},
  bodyLength: undefined,
  ...given
})

const data: ResponseEvent.ResponseData = { _tag: "ResponseData", bytes: new Uint8Array(5) }

const response = (
  events: ReadonlyArray<ResponseEvent.ResponseEvent>,
  status = 500,
  exchange: Partial<ResponseEncoder.Exchange> = {}
): ReasonCase => ({ _tag: "Response", status, events, exchange })

export const reasonCases: Readonly<Record<Http1Error.ReasonTag, ReasonCase>> = {
  InvalidMethod: line("G⮞@T / HTTP/1.1"),
  MethodTooLong: line(`${"M".repeat(32)}⮞M / HTTP/1.1`, 501),
  RequestLineTooLong: line(`GET /${"a".repeat(7_995)}⮞a HTTP/1.1`, 414),
  TooManyEmptyLines: {
    _tag: "Request",
    text: "⮞\r\n",
    status: 400,
    phase: "RequestLine",
    limits: { emptyLines: 0 }
  },
  InvalidTarget: line("GET /⮞# HTTP/1.1"),
  TargetFormMismatch: line("GET ⮞* HTTP/1.1"),
  MissingVersion: line("GET /⮞"),
  InvalidVersion: line("GET / HTTP/1.⮞x"),
  UnsupportedVersion: line("GET / HTTP/⮞2.0", 505),
  BareCarriageReturn: fields("A: b⮞\rc"),
  BareLineFeed: fields("A: b⮞\nC: d"),
  NulByte: fields("A: ⮞\0"),
  InvalidFieldName: fields("A⮞@: b"),
  EmptyFieldName: fields("⮞: b"),
  MissingColon: fields("A⮞"),
  SpaceBeforeColon: fields("A⮞ : b"),
  LeadingSpace: host("⮞ Host: a\r\n\r\n"),
  ObsoleteFolding: fields("A: b\r\n⮞ c"),
  InvalidFieldValue: fields("A: ⮞\x01"),
  HeadTooLarge: {
    _tag: "Request",
    text: "GET / HTTP/1.1\r\nHost⮞: a\r\n\r\n",
    status: 431,
    phase: "Fields",
    limits: { headBytes: 20 }
  },
  TooManyFields: {
    _tag: "Request",
    text: "GET / HTTP/1.1\r\nHost: a\r\n⮞A: b\r\n\r\n",
    status: 431,
    phase: "Fields",
    limits: { fieldCount: 1 }
  },
  MissingHost: host("A: b\r\n\r\n⮞"),
  DuplicateHost: host("Host: a\r\n⮞Host: a\r\n\r\n"),
  InvalidHost: host("Host: ⮞a b\r\n\r\n"),
  InvalidContentLength: fields("Content-Length: ⮞+5"),
  DuplicateContentLength: fields("Content-Length: 5\r\n⮞Content-Length: 5"),
  ContentLengthOverflow: fields("Content-Length: ⮞9007199254740992", 413),
  ContentLengthWithTransferEncoding: fields("Content-Length: 5\r\nTransfer-Encoding: ⮞chunked"),
  InvalidTransferEncoding: fields("Transfer-Encoding: ⮞chunked,"),
  TransferCodingNotFinal: fields("Transfer-Encoding: ⮞gzip"),
  UnknownTransferCoding: fields("Transfer-Encoding: ⮞gzip, chunked", 501),
  TransferEncodingInHttp10: {
    _tag: "Request",
    text: "POST / HTTP/1.0\r\nTransfer-Encoding: ⮞chunked\r\n\r\n",
    status: 400,
    phase: "Fields"
  },
  UnknownExpectation: fields("⮞Expect: x", 417),
  InvalidChunkSize: chunks("⮞x"),
  ChunkSizeTooLong: chunks(`${"0".repeat(16)}⮞0`),
  ChunkSizeOverflow: chunks("2000000000000⮞0", 413),
  InvalidChunkExtension: chunks("5;⮞;"),
  ChunkExtensionsTooLarge: chunks(`5;${"a".repeat(4_095)}⮞a`),
  MissingChunkTerminator: chunks("1\r\nx⮞y"),
  BareLineEndInChunk: chunks("5⮞\n"),
  TrailersTooLarge: chunks(`0\r\nA: ${"v".repeat(8_189)}⮞v`, 431, "Trailers"),
  ForbiddenTrailer: chunks("0\r\n⮞Host: a\r\n\r\n", 400, "Trailers"),
  IncompleteMessage: { _tag: "Closed", text: "GET /⮞", phase: "RequestLine" },
  InvalidStatus: response([head({ status: 199 })]),
  InvalidInterimStatus: response([{ _tag: "InterimHead", status: 101, fields: {} }]),
  InvalidReasonPhrase: response([head({ reasonPhrase: "a\nb" })]),
  InvalidResponseFieldName: response([head({ fields: { "a b": "c" } })]),
  InvalidResponseFieldValue: response([head({ fields: { a: "b\r\nc: d" } })]),
  InvalidResponseLength: response([head({ fields: { "content-length": "+5" } })]),
  ResponseLengthMismatch: response([head({ fields: { "content-length": "4" }, bodyLength: 5 })]),
  ResponseTooLong: response([head({ bodyLength: 4 }), data]),
  ResponseTooShort: response([head({ bodyLength: 6 }), data, { _tag: "ResponseEnd" }]),
  ConnectWithoutTunnel: response([head({})], 501, { method: "CONNECT" }),
  ForbiddenResponseTrailer: response([head({}), { _tag: "ResponseEnd", trailers: { host: "a" } }]),
  ResponseOutOfOrder: response([data])
}
