/**
 * What a peer can send that HTTP/1.1 refuses: one message for each reason of the peer's, with the section that
 * refuses it and the status that answers it. The statuses and sections are written out here, so that the table of
 * the protocol is held to them.
 */
import type { Http1Error } from "@nvo/protocol"

export interface Refused {
  readonly reason: Http1Error.ReasonTag
  readonly section: string
  /** What the message breaks, to name the test. */
  readonly breaks: string
  /** 0 where the connection closes without an answer. */
  readonly status: number
  readonly octets: string
  /** Whether the peer ends its side behind the octets. */
  readonly ends?: boolean
}

const get = (fields: string) => `GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`
const chunked = (body: string) => `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`
const post = (fields: string) => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n`

/** Refused before the head is complete, or for what the head says: the application never sees them. */
export const inHead: ReadonlyArray<Refused> = [
  {
    reason: "InvalidMethod",
    section: "RFC 9110 §9.1",
    breaks: "a method that is no token",
    status: 400,
    octets: "G@T / HTTP/1.1\r\nHost: a\r\n\r\n"
  },
  {
    reason: "MethodTooLong",
    section: "RFC 9112 §3",
    breaks: "a method longer than any implemented one",
    status: 501,
    octets: `${"M".repeat(33)} / HTTP/1.1\r\nHost: a\r\n\r\n`
  },
  {
    reason: "RequestLineTooLong",
    section: "RFC 9112 §3",
    breaks: "a request line over its limit",
    status: 414,
    octets: `GET /${"a".repeat(8_000)} HTTP/1.1\r\nHost: a\r\n\r\n`
  },
  {
    reason: "TooManyEmptyLines",
    section: "RFC 9112 §2.2",
    breaks: "five empty lines in front",
    status: 400,
    octets: `${"\r\n".repeat(5)}${get("")}`
  },
  {
    reason: "InvalidTarget",
    section: "RFC 9112 §3.2",
    breaks: "a target with an octet outside its grammar",
    status: 400,
    octets: 'GET /a"b HTTP/1.1\r\nHost: a\r\n\r\n'
  },
  {
    reason: "TargetFormMismatch",
    section: "RFC 9112 §3.2.4",
    breaks: "the asterisk form with another method than OPTIONS",
    status: 400,
    octets: "GET * HTTP/1.1\r\nHost: a\r\n\r\n"
  },
  {
    reason: "MissingVersion",
    section: "RFC 9112 §3",
    breaks: "a request of HTTP/0.9",
    status: 400,
    octets: "GET /\r\n"
  },
  {
    reason: "InvalidVersion",
    section: "RFC 9112 §2.3",
    breaks: "a version in lower case",
    status: 400,
    octets: "GET / http/1.1\r\nHost: a\r\n\r\n"
  },
  {
    reason: "UnsupportedVersion",
    section: "RFC 9110 §15.6.6",
    breaks: "HTTP/2.0 in a request line",
    status: 505,
    octets: "GET / HTTP/2.0\r\nHost: a\r\n\r\n"
  },
  {
    reason: "BareCarriageReturn",
    section: "RFC 9112 §2.2",
    breaks: "a CR without LF in a field line",
    status: 400,
    octets: get("X: a\rb\r\n")
  },
  {
    reason: "BareLineFeed",
    section: "RFC 9112 §2.2",
    breaks: "an LF without CR behind a field line",
    status: 400,
    octets: get("X: a\n")
  },
  {
    reason: "NulByte",
    section: "RFC 9110 §5.5",
    breaks: "a NUL in a field value",
    status: 400,
    octets: get("X: a\0b\r\n")
  },
  {
    reason: "InvalidFieldName",
    section: "RFC 9110 §5.1",
    breaks: "a field name that is no token",
    status: 400,
    octets: get("X(: a\r\n")
  },
  {
    reason: "EmptyFieldName",
    section: "RFC 9112 §5",
    breaks: "a field line without a name",
    status: 400,
    octets: get(": a\r\n")
  },
  {
    reason: "MissingColon",
    section: "RFC 9112 §5",
    breaks: "a field line without a colon",
    status: 400,
    octets: get("X\r\n")
  },
  {
    reason: "SpaceBeforeColon",
    section: "RFC 9112 §5.1",
    breaks: "white space before the colon",
    status: 400,
    octets: get("Transfer-Encoding : chunked\r\n")
  },
  {
    reason: "LeadingSpace",
    section: "RFC 9112 §2.2",
    breaks: "white space before the first field line",
    status: 400,
    octets: "GET / HTTP/1.1\r\n Host: a\r\n\r\n"
  },
  {
    reason: "ObsoleteFolding",
    section: "RFC 9112 §5.2",
    breaks: "a folded field line",
    status: 400,
    octets: get("X: a\r\n b\r\n")
  },
  {
    reason: "InvalidFieldValue",
    section: "RFC 9110 §5.5",
    breaks: "a control octet in a field value",
    status: 400,
    octets: get("X: a\x01b\r\n")
  },
  {
    reason: "HeadTooLarge",
    section: "RFC 6585 §5",
    breaks: "a head over its limit",
    status: 431,
    octets: get(`X: ${"a".repeat(16_384)}\r\n`)
  },
  {
    reason: "TooManyFields",
    section: "RFC 6585 §5",
    breaks: "more field lines than the limit",
    status: 431,
    octets: get("X: a\r\n".repeat(100))
  },
  {
    reason: "MissingHost",
    section: "RFC 9112 §3.2",
    breaks: "HTTP/1.1 without Host",
    status: 400,
    octets: "GET / HTTP/1.1\r\n\r\n"
  },
  {
    reason: "DuplicateHost",
    section: "RFC 9112 §3.2",
    breaks: "two Hosts, be they the same",
    status: 400,
    octets: get("Host: a\r\n")
  },
  {
    reason: "InvalidHost",
    section: "RFC 9112 §3.2",
    breaks: "a Host with user information",
    status: 400,
    octets: "GET / HTTP/1.1\r\nHost: me@a\r\n\r\n"
  },
  {
    reason: "InvalidContentLength",
    section: "RFC 9110 §8.6",
    breaks: "a Content-Length with a sign",
    status: 400,
    octets: post("Content-Length: +3")
  },
  {
    reason: "DuplicateContentLength",
    section: "RFC 9112 §6.3",
    breaks: "two Content-Lengths, be they the same",
    status: 400,
    octets: `${post("Content-Length: 3\r\nContent-Length: 3")}abc`
  },
  {
    reason: "ContentLengthOverflow",
    section: "RFC 9110 §8.6",
    breaks: "a Content-Length that cannot be counted",
    status: 413,
    octets: post("Content-Length: 9007199254740992")
  },
  {
    reason: "ContentLengthWithTransferEncoding",
    section: "RFC 9112 §6.3",
    breaks: "Content-Length with Transfer-Encoding",
    status: 400,
    octets: `${post("Content-Length: 3\r\nTransfer-Encoding: chunked")}0\r\n\r\n`
  },
  {
    reason: "InvalidTransferEncoding",
    section: "RFC 9112 §6.1",
    breaks: "a Transfer-Encoding that is no list of codings",
    status: 400,
    octets: post("Transfer-Encoding: chunked=1")
  },
  {
    reason: "TransferCodingNotFinal",
    section: "RFC 9112 §6.3",
    breaks: "chunked that is not the final coding",
    status: 400,
    octets: post("Transfer-Encoding: chunked, gzip")
  },
  {
    reason: "UnknownTransferCoding",
    section: "RFC 9112 §6.1",
    breaks: "a transfer coding that is not implemented",
    status: 501,
    octets: post("Transfer-Encoding: gzip, chunked")
  },
  {
    reason: "TransferEncodingInHttp10",
    section: "RFC 9112 §6.1",
    breaks: "Transfer-Encoding in HTTP/1.0",
    status: 400,
    octets: "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
  },
  {
    reason: "UnknownExpectation",
    section: "RFC 9110 §10.1.1",
    breaks: "an expectation other than 100-continue",
    status: 417,
    octets: get("Expect: 200-ok\r\n")
  },
  {
    reason: "IncompleteMessage",
    section: "RFC 9112 §8",
    breaks: "a head that ends with the connection",
    status: 0,
    octets: "GET / HTTP/1.1\r\nHost: a\r\n",
    ends: true
  }
]

/** Refused inside a body that the application reads. */
export const inBody: ReadonlyArray<Refused> = [
  {
    reason: "InvalidChunkSize",
    section: "RFC 9112 §7.1",
    breaks: "a chunk size that is no row of hexadecimal digits",
    status: 400,
    octets: chunked("3\r\nabc\r\n-1\r\n")
  },
  {
    reason: "ChunkSizeTooLong",
    section: "RFC 9112 §7.1",
    breaks: "a chunk size of more digits than the limit",
    status: 400,
    octets: chunked(`${"0".repeat(16)}3\r\nabc\r\n0\r\n\r\n`)
  },
  {
    reason: "ChunkSizeOverflow",
    section: "RFC 9112 §7.1",
    breaks: "a chunk size that cannot be counted",
    status: 413,
    octets: chunked("ffffffffffffffff\r\n")
  },
  {
    reason: "InvalidChunkExtension",
    section: "RFC 9112 §7.1.1",
    breaks: "a chunk extension outside its grammar",
    status: 400,
    octets: chunked('3;a="\x01"\r\nabc\r\n0\r\n\r\n')
  },
  {
    reason: "ChunkExtensionsTooLarge",
    section: "RFC 9112 §7.1.1",
    breaks: "chunk extensions over their limit",
    status: 400,
    octets: chunked(`3;${"a".repeat(4_096)}\r\nabc\r\n0\r\n\r\n`)
  },
  {
    reason: "MissingChunkTerminator",
    section: "RFC 9112 §7.1",
    breaks: "chunk data without CRLF behind it",
    status: 400,
    octets: chunked("3\r\nabcdef\r\n0\r\n\r\n")
  },
  {
    reason: "BareLineEndInChunk",
    section: "RFC 9112 §7.1",
    breaks: "a chunk-size line that ends with LF",
    status: 400,
    octets: chunked("3\nabc\r\n0\r\n\r\n")
  },
  {
    reason: "TrailersTooLarge",
    section: "RFC 6585 §5",
    breaks: "a trailer section over its limit",
    status: 431,
    octets: chunked(`0\r\nX: ${"a".repeat(8_192)}\r\n\r\n`)
  },
  {
    reason: "ForbiddenTrailer",
    section: "RFC 9110 §6.5.1",
    breaks: "a framing field in the trailer section",
    status: 400,
    octets: chunked("0\r\nContent-Length: 3\r\n\r\n")
  }
]

/** The same reason at other places, and what smugglers send besides. */
export const further: ReadonlyArray<Refused> = [
  ...["3, 3", "3,4", "-3", " 3 3", "0x3", "3.0", "3e0", ""].map(
    (value): Refused => ({
      reason: "InvalidContentLength",
      section: "RFC 9110 §8.6",
      breaks: `Content-Length: ${JSON.stringify(value)}`,
      status: 400,
      octets: `${post(`Content-Length: ${value}`)}abc`
    })
  ),
  ...["a, b", "a b", "a/b", "a:b", "[::1", "a:99999"].map(
    (value): Refused => ({
      reason: "InvalidHost",
      section: "RFC 9112 §3.2",
      breaks: `Host: ${JSON.stringify(value)}`,
      status: 400,
      octets: `GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`
    })
  ),
  {
    reason: "TargetFormMismatch",
    section: "RFC 9112 §3.2.3",
    breaks: "CONNECT with an origin form",
    status: 400,
    octets: "CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n"
  },
  {
    reason: "InvalidTarget",
    section: "RFC 9112 §3.2.2",
    breaks: "an absolute form with user information",
    status: 400,
    octets: "GET http://me@a/ HTTP/1.1\r\nHost: a\r\n\r\n"
  },
  {
    reason: "TransferCodingNotFinal",
    section: "RFC 9112 §7.1",
    breaks: "chunked applied twice",
    status: 400,
    octets: post("Transfer-Encoding: chunked, chunked")
  },
  {
    reason: "UnsupportedVersion",
    section: "RFC 9110 §2.5",
    breaks: "HTTP/1.2",
    status: 505,
    octets: "GET / HTTP/1.2\r\nHost: a\r\n\r\n"
  },
  {
    reason: "BareLineFeed",
    section: "RFC 9112 §2.2",
    breaks: "an LF that ends the request line",
    status: 400,
    octets: "GET / HTTP/1.1\nHost: a\r\n\r\n"
  },
  {
    reason: "NulByte",
    section: "RFC 9110 §5.5",
    breaks: "a NUL in a target",
    status: 400,
    octets: "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"
  },
  {
    reason: "InvalidMethod",
    section: "RFC 9113 §3.4",
    breaks: "a TLS ClientHello on a plain port",
    status: 400,
    octets: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
  }
]
