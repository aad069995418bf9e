/**
 * The identity of a request: what its peer says it is, if that can be believed to be an identity, or one made here.
 *
 * A request id goes to logs, spans and perhaps to a response, so what comes from a peer is held to a small grammar.
 */
import type { ConnectionId, FieldSection } from "@nvo/protocol"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

// Letters, digits and the marks that identities in use consist of: UUIDs, ULIDs, base64, trace ids. 128 octets is
// more than any of them needs; chosen by feel.
const grammar = /^[A-Za-z0-9._:/+=~@-]{1,128}$/

/**
 * Whether `text` is taken from a peer as a request id.
 *
 * @example
 * ```ts
 * import * as RequestId from "@nvo/server/telemetry/RequestId"
 *
 * RequestId.isValid("0b7a1c52-5c0f-4d3e-9a54-2f0f4f6a7d11") // true
 * RequestId.isValid("a b") // false
 * ```
 */
export const isValid = (text: string): boolean => grammar.test(text)

/** The id of a request, from its fields if they have one. */
export type RequestIds = (
  fields: FieldSection.FieldSection,
  connectionId: ConnectionId.ConnectionId,
  requestIndex: number
) => string

/**
 * Takes ids from the field `header` (none where that is empty), and makes those that are missing or are none:
 * `prefix-connection-request`.
 */
export const makeWith = (header: string, prefix: string): RequestIds => {
  const start = `${prefix}-`
  return (fields, connectionId, requestIndex) => {
    const given = header === "" ? undefined : fields.get(header)
    return given !== undefined && isValid(given) ? given : `${start}${connectionId}-${requestIndex}`
  }
}

// 52 bits of randomness in base 36: two of a thousand processes share a prefix once in ten billion times.
const PREFIXES = Number.MAX_SAFE_INTEGER

/** `makeWith` a random prefix, so that the ids of two processes differ. */
export const make = (header: string): Effect.Effect<RequestIds> =>
  Effect.map(Random.nextIntBetween(0, PREFIXES), (n) => makeWith(header, n.toString(36).padStart(11, "0")))
