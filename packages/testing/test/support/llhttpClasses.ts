/**
 * Every class of input that one of nvo's decoder and llhttp refuses and the other takes, with the section that says
 * who is right. A difference that is not here fails the test.
 */
export interface Class {
  readonly by: "nvo" | "node"
  readonly reason: string
  readonly section: string
  /** Who keeps to the RFC: "both" where it leaves the choice, or where it is a limit. */
  readonly right: "nvo" | "both"
  readonly what: string
}

const of = (
  by: Class["by"],
  reason: string,
  section: string,
  right: Class["right"],
  what: string
): Class => ({ by, reason, section, right, what })

export const classes: ReadonlyArray<Class> = [
  of("nvo", "BareCarriageReturn", "RFC 9112 §2.2", "nvo", "a CR without LF in front of a request line"),
  of(
    "nvo",
    "BareLineFeed",
    "RFC 9112 §2.2",
    "both",
    "a line that ends with LF alone, in front of a request line"
  ),
  of("nvo", "ChunkExtensionsTooLarge", "RFC 9112 §7.1.1", "both", "chunk extensions beyond a limit"),
  of("nvo", "ChunkSizeTooLong", "RFC 9112 §7.1", "both", "a chunk size of more digits than the limit"),
  of(
    "nvo",
    "Closed",
    "RFC 9112 §9.3",
    "nvo",
    "HTTP/1.0 with close and keep-alive: close wins, and Node goes on"
  ),
  of("nvo", "ContentLengthOverflow", "RFC 9110 §8.6", "both", "a length beyond what can be counted exactly"),
  of("nvo", "DuplicateHost", "RFC 9112 §3.2", "nvo", "two Host fields"),
  of("nvo", "ForbiddenTrailer", "RFC 9110 §6.5.1", "nvo", "a trailer that frames, routes or authenticates"),
  of("nvo", "InvalidChunkExtension", "RFC 9112 §7.1.1", "nvo", "a chunk extension outside its grammar"),
  of("nvo", "InvalidHost", "RFC 9112 §3.2", "nvo", "a Host field that is no authority"),
  of("nvo", "InvalidTarget", "RFC 9112 §3.2", "nvo", "a request target outside its grammar"),
  of("nvo", "InvalidTransferEncoding", "RFC 9112 §6.1", "nvo", "a Transfer-Encoding outside its grammar"),
  of("nvo", "InvalidVersion", "RFC 9112 §3", "nvo", "two spaces in front of the version"),
  of(
    "nvo",
    "MissingHost",
    "RFC 9112 §3.2",
    "nvo",
    "HTTP/1.1 without Host (Node's server can require it too)"
  ),
  of(
    "nvo",
    "MissingVersion",
    "RFC 9112 §3",
    "nvo",
    "a request line without a version, which Node takes for HTTP/0.9"
  ),
  of("nvo", "RequestLineTooLong", "RFC 9112 §3", "both", "a request line beyond a limit of its own"),
  of("nvo", "TargetFormMismatch", "RFC 9112 §3.2", "nvo", "a form of target that is not this method's"),
  of(
    "nvo",
    "TooManyEmptyLines",
    "RFC 9112 §2.2",
    "both",
    "more empty lines than one in front of a request line needs"
  ),
  of("nvo", "TooManyFields", "RFC 9110 §5.4", "both", "more field lines than the limit"),
  of("nvo", "TrailersTooLarge", "RFC 9110 §5.4", "both", "a trailer section beyond a limit of its own"),
  of("nvo", "TransferCodingNotFinal", "RFC 9112 §6.3", "nvo", "chunked twice, or not last"),
  of(
    "nvo",
    "TransferEncodingInHttp10",
    "RFC 9112 §6.1",
    "nvo",
    "Transfer-Encoding in HTTP/1.0: faulty framing"
  ),
  of(
    "nvo",
    "UnknownExpectation",
    "RFC 9110 §10.1.1",
    "both",
    "an expectation other than 100-continue: 417 is allowed"
  ),
  of("nvo", "UnknownTransferCoding", "RFC 9112 §6.1", "nvo", "a transfer coding that is not understood: 501"),
  of("nvo", "UnsupportedVersion", "RFC 9110 §15.6.6", "nvo", "a major version other than 1"),
  of(
    "node",
    "HPE_INVALID_CHUNK_SIZE",
    "RFC 9112 §7.1.1",
    "nvo",
    "whitespace in front of a chunk extension's semicolon"
  ),
  of(
    "node",
    "HPE_INVALID_METHOD",
    "RFC 9110 §9.1",
    "nvo",
    "a method that is a token and not on llhttp's list"
  ),
  of(
    "node",
    "HPE_INVALID_TRANSFER_ENCODING",
    "RFC 9112 §5",
    "nvo",
    "whitespace behind the value of Transfer-Encoding"
  ),
  of("node", "HPE_STRICT", "RFC 9112 §7.1.1", "nvo", "whitespace or a quoted pair in a chunk extension")
]
