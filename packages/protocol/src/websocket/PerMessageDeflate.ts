/**
 * permessage-deflate, RFC 7692: what is negotiated, and a message's way through raw DEFLATE.
 *
 * Offers and answers are values; the streams come from `DeflateCodec`. What an offer asks and this side cannot do
 * declines that offer, never the connection.
 */
import type { Deflater, InflateFailure, Inflater } from "./DeflateCodec.ts"
import type { Extension } from "./Extensions.ts"

/** The name of the extension. */
export const NAME = "permessage-deflate"

/** What was agreed on. */
export interface Agreement {
  /** Whether the server begins each message with an empty window (RFC 7692 §7.1.1.1). */
  readonly serverNoContextTakeover: boolean
  /** Whether the client does (§7.1.1.2). */
  readonly clientNoContextTakeover: boolean
  /** The server's window as a power of two, 8 to 15 (§7.1.2.1). */
  readonly serverMaxWindowBits: number
  /** The client's (§7.1.2.2). */
  readonly clientMaxWindowBits: number
}

/** The largest windows, kept from message to message. */
export const defaults: Agreement = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15
}

// zlib makes no raw DEFLATE data for a window of 256 octets.
const MIN_OWN_WINDOW_BITS = 9

interface Parameters {
  readonly serverNoContextTakeover: boolean
  readonly clientNoContextTakeover: boolean
  readonly serverMaxWindowBits: number | undefined
  /** `true` without a value: the client understands the parameter. */
  readonly clientMaxWindowBits: number | true | undefined
}

/** RFC 7692 §7.1.2: 8 to 15, without leading zeros. */
const windowBits = (value: string | undefined): number | undefined =>
  value !== undefined && /^(?:[89]|1[0-5])$/.test(value) ? Number(value) : undefined

// RFC 7692 §7: an unknown parameter, a second of the same name or an invalid value make the whole unacceptable.
const read = ({ parameters }: Extension, inAnswer: boolean): Parameters | undefined => {
  const seen = new Map(parameters)
  if (seen.size !== parameters.length) return undefined
  let serverMaxWindowBits: number | undefined
  let clientMaxWindowBits: number | true | undefined
  for (const [name, value] of parameters) {
    switch (name) {
      case "server_no_context_takeover":
      case "client_no_context_takeover":
        if (value !== undefined) return undefined
        break
      case "server_max_window_bits":
        serverMaxWindowBits = windowBits(value)
        if (serverMaxWindowBits === undefined) return undefined
        break
      case "client_max_window_bits":
        // §7.1.2.2: the value may be missing in an offer, not in an answer.
        clientMaxWindowBits = value === undefined && !inAnswer ? true : windowBits(value)
        if (clientMaxWindowBits === undefined) return undefined
        break
      default:
        return undefined
    }
  }
  return {
    serverNoContextTakeover: seen.has("server_no_context_takeover"),
    clientNoContextTakeover: seen.has("client_no_context_takeover"),
    serverMaxWindowBits,
    clientMaxWindowBits
  }
}

const accept = (offer: Parameters, wanted: Agreement): Agreement | undefined => {
  const serverMaxWindowBits = Math.min(wanted.serverMaxWindowBits, offer.serverMaxWindowBits ?? 15)
  if (serverMaxWindowBits < MIN_OWN_WINDOW_BITS) return undefined
  const { clientMaxWindowBits } = offer
  return {
    // §7.1.1.1: a server that accepts such an offer must do so.
    serverNoContextTakeover: wanted.serverNoContextTakeover || offer.serverNoContextTakeover,
    // §7.1.1.2: in an offer this is a hint, and the server may ask for it in any case.
    clientNoContextTakeover: wanted.clientNoContextTakeover || offer.clientNoContextTakeover,
    serverMaxWindowBits,
    // §7.1.2.2: a client that does not name the parameter cannot be asked to keep to it.
    clientMaxWindowBits:
      clientMaxWindowBits === undefined
        ? 15
        : Math.min(wanted.clientMaxWindowBits, clientMaxWindowBits === true ? 15 : clientMaxWindowBits)
  }
}

const parametersOf = (agreement: Agreement): Extension["parameters"] => [
  ...(agreement.serverNoContextTakeover ? [["server_no_context_takeover", undefined] as const] : []),
  ...(agreement.clientNoContextTakeover ? [["client_no_context_takeover", undefined] as const] : []),
  ...(agreement.serverMaxWindowBits < 15
    ? [["server_max_window_bits", String(agreement.serverMaxWindowBits)] as const]
    : []),
  ...(agreement.clientMaxWindowBits < 15
    ? [["client_max_window_bits", String(agreement.clientMaxWindowBits)] as const]
    : [])
]

/**
 * A server's choice: the first offer that it can take, in the client's order, or `undefined`. `wanted` are the
 * server's own bounds.
 *
 * @example
 * ```ts
 * import * as Extensions from "@nvo/protocol/websocket/Extensions"
 * import * as PerMessageDeflate from "@nvo/protocol/websocket/PerMessageDeflate"
 *
 * const offers = Extensions.parse(["permessage-deflate; client_max_window_bits"]) ?? []
 * PerMessageDeflate.negotiate(offers)?.agreement.clientMaxWindowBits // 15
 * ```
 */
export const negotiate = (
  offers: ReadonlyArray<Extension>,
  wanted: Partial<Agreement> = {}
): { readonly agreement: Agreement; readonly answer: Extension } | undefined => {
  for (const offer of offers) {
    const parameters = offer.name === NAME ? read(offer, false) : undefined
    const agreement = parameters === undefined ? undefined : accept(parameters, { ...defaults, ...wanted })
    if (agreement !== undefined)
      return { agreement, answer: { name: NAME, parameters: parametersOf(agreement) } }
  }
  return undefined
}

/** A client's offer: the bounds that it wants, and that it understands `client_max_window_bits`. */
export const offer = (wanted: Partial<Agreement> = {}): Extension => {
  const parameters = parametersOf({ ...defaults, ...wanted })
  const named = parameters.some(([name]) => name === "client_max_window_bits")
  return {
    name: NAME,
    parameters: named ? parameters : [...parameters, ["client_max_window_bits", undefined]]
  }
}

/**
 * What a client makes of a server's answer, or `undefined` where it is not valid for the offer (RFC 7692 §7.1): the
 * client then fails the connection.
 */
export const verify = (answer: Extension, offered: Partial<Agreement> = {}): Agreement | undefined => {
  const wanted = { ...defaults, ...offered }
  const parameters = answer.name === NAME ? read(answer, true) : undefined
  if (parameters === undefined) return undefined
  const serverMaxWindowBits = parameters.serverMaxWindowBits ?? 15
  const clientMaxWindowBits =
    typeof parameters.clientMaxWindowBits === "number" ? parameters.clientMaxWindowBits : 15
  // §7.1.1.1 and §7.1.2.1: what the client asked of the server has to be in the answer.
  if (wanted.serverNoContextTakeover && !parameters.serverNoContextTakeover) return undefined
  if (serverMaxWindowBits > wanted.serverMaxWindowBits) return undefined
  return {
    serverNoContextTakeover: parameters.serverNoContextTakeover,
    clientNoContextTakeover: parameters.clientNoContextTakeover || wanted.clientNoContextTakeover,
    serverMaxWindowBits,
    clientMaxWindowBits: Math.min(clientMaxWindowBits, wanted.clientMaxWindowBits)
  }
}

/** What a sender takes off the end of a message's data and a receiver puts back: an empty block's octets (§7.2.1). */
export const TAIL: Uint8Array = Uint8Array.of(0x00, 0x00, 0xff, 0xff)

/**
 * The compressed data of a whole message (§7.2.1), or of a part of it that other parts follow unless it is the `last`.
 * A part ends on an octet, so each can leave as a fragment of its own, and with or without what the stream remembers.
 */
export const compress = (
  deflater: Deflater,
  contextTakeover: boolean,
  payload: Uint8Array,
  last = true
): Uint8Array => {
  const bytes = deflater.deflate(payload, true)
  if (!contextTakeover) deflater.reset()
  if (!last) return bytes
  // §7.2.1 step 3; an empty message is one empty block and becomes the octet 0x00 (§7.2.3.6).
  const data = bytes.subarray(0, bytes.length - TAIL.length)
  return data.length === 0 ? Uint8Array.of(0x00) : data
}

/**
 * Takes part of a message's data apart (§7.2.2); `last` is the part with which the message ends. `limit` is how much
 * may come out.
 */
export const decompress = (
  inflater: Inflater,
  contextTakeover: boolean,
  data: Uint8Array,
  last: boolean,
  limit: number
): Uint8Array | InflateFailure => {
  const first = inflater.inflate(data, limit)
  if (!last || typeof first === "string") return first
  // The tail is an empty block: it lets out what was held back.
  const rest = inflater.inflate(TAIL, limit - first.length)
  if (!contextTakeover) inflater.reset()
  if (typeof rest === "string" || rest.length === 0) return typeof rest === "string" ? rest : first
  const all = new Uint8Array(first.length + rest.length)
  all.set(first)
  all.set(rest, first.length)
  return all
}
