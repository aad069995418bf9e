/**
 * What a decoder accepts at the most. Each limit is inclusive: `n` is accepted, `n + 1` is refused with a
 * reason of its own. The defaults are what `ServerConfig` documents; this module owns the numbers.
 */
export interface Limits {
  /** Octets of a request line without its CRLF. RFC 9112 §3 recommends at least 8,000. Beyond: 414. */
  readonly requestLineBytes: number
  /** Octets of a method. Beyond: 501, as RFC 9112 §3 asks. */
  readonly methodBytes: number
  /** Octets of a request line and its field section, line ends included. Beyond: 431. */
  readonly headBytes: number
  /** Field lines of a head or of a trailer section. Beyond: 431. */
  readonly fieldCount: number
  /** Empty lines in front of a request line, RFC 9112 §2.2. Beyond: 400. */
  readonly emptyLines: number
  /** Hexadecimal digits of a chunk size, leading zeros included. Beyond: 400. */
  readonly chunkSizeDigits: number
  /** Octets of all chunk extensions of one message together. Beyond: 400. */
  readonly chunkExtensionBytes: number
  /** Octets of a trailer section, line ends included. Beyond: 431. */
  readonly trailerBytes: number
  /**
   * Which octets a request target may hold: those of RFC 3986, or also the ones that the WHATWG URL
   * serialiser leaves unencoded (`[ ] { } | \ ^ " ` and the backtick).
   */
  readonly targetGrammar: "rfc3986" | "whatwg"
}

export const defaults: Limits = {
  requestLineBytes: 8_000,
  // No registered method is longer than 17 octets (UPDATEREDIRECTREF); chosen by feel.
  methodBytes: 32,
  headBytes: 16_384,
  fieldCount: 100,
  // RFC 9112 §2.2 asks for at least one; old clients send one CRLF too many after a body. Chosen by feel.
  emptyLines: 4,
  // Thirteen digits reach 2^52; three more allow for leading zeros. A larger value cannot be counted exactly.
  chunkSizeDigits: 16,
  // Nobody uses extensions but attackers; the budget is for the message, not for the chunk.
  chunkExtensionBytes: 4_096,
  trailerBytes: 8_192,
  targetGrammar: "rfc3986"
}

/** The defaults with some of them replaced. */
export const make = (limits?: Partial<Limits>): Limits =>
  limits === undefined ? defaults : { ...defaults, ...limits }
