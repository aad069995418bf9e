/**
 * How the length of a message body is known, RFC 9112 §6.3.
 *
 * - `None`: there is no body.
 * - `Length`: the body has exactly `length` octets.
 * - `Chunked`: the body is sent in chunks and may have trailers.
 * - `Close`: the body ends with the connection (responses only).
 */
export type BodyFraming =
  | { readonly _tag: "None" }
  | { readonly _tag: "Length"; readonly length: number }
  | { readonly _tag: "Chunked" }
  | { readonly _tag: "Close" }

export const none: BodyFraming = { _tag: "None" }
export const chunked: BodyFraming = { _tag: "Chunked" }
export const close: BodyFraming = { _tag: "Close" }
/** `length` octets: a safe integer, 0 or more. */
export const length = (length: number): BodyFraming => ({ _tag: "Length", length })
