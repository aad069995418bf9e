/**
 * What a response encoder is told: interim heads, one final head, body data in order, and an end.
 */
export type ResponseEvent = InterimHead | ResponseHead | ResponseData | ResponseEnd

/** Fields by name. A list stands for field lines of the same name, as Set-Cookie needs. */
export type Fields = Readonly<Record<string, string | ReadonlyArray<string>>>

/** A 1xx head other than 101, RFC 9110 §15.2. */
export interface InterimHead {
  readonly _tag: "InterimHead"
  readonly status: number
  readonly fields: Fields
}

/** The head of the final response. */
export interface ResponseHead {
  readonly _tag: "ResponseHead"
  /** An integer from 200 to 599. */
  readonly status: number
  /** Defaults to the registered phrase. */
  readonly reasonPhrase?: string | undefined
  /**
   * Content-Length, if given, must be that of the body. Connection options are kept; Transfer-Encoding,
   * Keep-Alive and Proxy-Connection belong to the encoder and are left out.
   */
  readonly fields: Fields
  /** Octets of the body; `undefined` where it is not known before the end. */
  readonly bodyLength: number | undefined
}

/** Octets of the body. */
export interface ResponseData {
  readonly _tag: "ResponseData"
  readonly bytes: Uint8Array
}

/** The end of the response. Trailers are sent with a chunked body and dropped otherwise. */
export interface ResponseEnd {
  readonly _tag: "ResponseEnd"
  readonly trailers?: Fields | undefined
}
