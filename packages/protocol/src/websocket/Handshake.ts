/**
 * The opening handshake of RFC 6455 §4, both sides, as functions of fields: what a server answers to a request, and
 * what a client makes of the answer.
 *
 * Whether the request is a well-formed HTTP request with one Host is settled before. Whose page may connect (the
 * Origin, §10.2) is for the application.
 */
import type * as ConnectionId from "../http/ConnectionId.ts"
import type { FieldSection } from "../http/FieldSection.ts"
import * as Grammar from "../http/Grammar.ts"
import * as Latin1 from "../http/Latin1.ts"
import * as Extensions from "./Extensions.ts"
import { base64, sha1 } from "./internal/sha1.ts"
import * as PerMessageDeflate from "./PerMessageDeflate.ts"
import * as WebSocketError from "./WebSocketError.ts"

/** The one version there is (§4.1). */
export const VERSION = "13"

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

/** What answers a key (§4.2.2). */
export const acceptOf = (key: string): string => base64(sha1(Latin1.encode(key + GUID)))

// Sixteen octets in base64: 22 characters, of which the last has four bits, and padding.
const key = /^[A-Za-z0-9+/]{21}[AQgw]==$/

/** What of a request the server's side looks at. */
export interface Request {
  readonly method: string
  /** The minor version of HTTP/1. */
  readonly minorVersion: number
  readonly fields: FieldSection
}

/** What of an extended CONNECT the server's side looks at, RFC 8441 §5. */
export interface ConnectRequest {
  /** The value of `:protocol`. */
  readonly protocol: string | undefined
  readonly fields: FieldSection
}

/** What the server's side knows and wants. */
export interface ServerOptions {
  readonly connectionId?: ConnectionId.ConnectionId | undefined
  /**
   * The subprotocols that the application speaks, the best one first; `"any"` takes the client's first. Default: none.
   */
  readonly protocols?: ReadonlyArray<string> | "any" | undefined
  /** Compresses where the client offers it, within these bounds. Default: does not. */
  readonly deflate?: Partial<PerMessageDeflate.Agreement> | undefined
}

/** A handshake that was accepted. */
export interface Accepted {
  readonly _tag: "Accepted"
  /** The fields of the 101, `Upgrade` and `Connection` among them; or of the 200 over HTTP/2, which has neither. */
  readonly fields: Readonly<Record<string, string>>
  /** The subprotocol in use, if any. */
  readonly protocol: string | undefined
  /** What the client asked for, in its order. */
  readonly requestedProtocols: ReadonlyArray<string>
  /** How messages are compressed, if they are. */
  readonly deflate: PerMessageDeflate.Agreement | undefined
}

/** A handshake that was refused: `status` answers it, with these fields. */
export interface Refused {
  readonly _tag: "Refused"
  readonly error: WebSocketError.WebSocketError
  readonly status: number
  readonly fields: Readonly<Record<string, string>>
}

/** The members of a list of tokens over all lines of a field, or `undefined` where one is no token. */
const tokens = (fields: FieldSection, name: string): ReadonlyArray<string> | undefined => {
  const members = fields
    .getAll(name)
    .flatMap((line) => line.split(","))
    .map((member) => member.trim())
    .filter((member) => member !== "")
  return members.every(Grammar.isToken) ? members : undefined
}

const names = (fields: FieldSection, name: string, member: string): boolean =>
  fields
    .getAll(name)
    .flatMap((line) => line.split(","))
    .some((one) => one.trim().toLowerCase() === member)

/** What a refusal tells the client besides its status. */
const refusalFields: { readonly [T in WebSocketError.ReasonTag]?: Readonly<Record<string, string>> } = {
  // RFC 9110 §15.5.6 and §15.5.22.
  MethodNotGet: { allow: "GET" },
  MissingUpgrade: { upgrade: "websocket", connection: "Upgrade" },
  // RFC 6455 §4.4.
  MissingVersion: { "sec-websocket-version": VERSION, upgrade: "websocket", connection: "Upgrade" },
  UnsupportedVersion: { "sec-websocket-version": VERSION, upgrade: "websocket", connection: "Upgrade" }
}

/**
 * The server's side, §4.2. The first rule that the request breaks refuses it.
 *
 * @example
 * ```ts
 * import * as FieldSection from "@nvo/protocol/http/FieldSection"
 * import * as Handshake from "@nvo/protocol/websocket/Handshake"
 *
 * const fields = FieldSection.make([
 *   ["Host", "server.example.com"],
 *   ["Upgrade", "websocket"],
 *   ["Connection", "Upgrade"],
 *   ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
 *   ["Sec-WebSocket-Version", "13"]
 * ])
 * const result = Handshake.accept({ method: "GET", minorVersion: 1, fields })
 * result.fields["sec-websocket-accept"] // "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
 * ```
 */
export const accept = (request: Request, options: ServerOptions = {}): Accepted | Refused => {
  const { fields } = request
  const refuse = (tag: WebSocketError.ReasonTag, detail = ""): Refused => {
    const error = makeError(tag, detail, options)
    return { _tag: "Refused", error, status: error.status, fields: refusalFields[tag] ?? {} }
  }
  // §4.2.1, in its order.
  if (request.method !== "GET")
    return refuse("MethodNotGet", Grammar.isToken(request.method) ? request.method : "")
  if (request.minorVersion < 1) return refuse("HandshakeNotHttp11")
  if (!names(fields, "upgrade", "websocket")) return refuse("MissingUpgrade")
  if (!names(fields, "connection", "upgrade")) return refuse("MissingConnectionUpgrade")
  const keys = fields.getAll("sec-websocket-key")
  if (keys.length === 0) return refuse("MissingKey")
  if (keys.length > 1) return refuse("DuplicateKey")
  if (!key.test(keys[0])) return refuse("InvalidKey")
  const agreed = negotiate(fields, options)
  if (typeof agreed === "string") return refuse(agreed)
  return {
    ...agreed,
    fields: {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-accept": acceptOf(keys[0]),
      ...agreed.fields
    }
  }
}

/**
 * The server's side over HTTP/2, RFC 8441 §5: `:protocol` is there in place of Upgrade and Connection, and the stream in
 * place of a key. Whether extended CONNECT was offered and has a scheme and a path is settled before.
 *
 * @example
 * ```ts
 * import * as FieldSection from "@nvo/protocol/http/FieldSection"
 * import * as Handshake from "@nvo/protocol/websocket/Handshake"
 *
 * const fields = FieldSection.make([["sec-websocket-version", "13"], ["sec-websocket-protocol", "chat"]])
 * const result = Handshake.acceptConnect({ protocol: "websocket", fields }, { protocols: ["chat"] })
 * result.fields // { "sec-websocket-protocol": "chat" }
 * ```
 */
export const acceptConnect = (request: ConnectRequest, options: ServerOptions = {}): Accepted | Refused => {
  const refuse = (tag: WebSocketError.ReasonTag): Refused => {
    const error = makeError(tag, "", options)
    // RFC 9110 §15.5.22: 426 needs an Upgrade field, and HTTP/2 has none (RFC 9113 §8.2.2).
    const status = error.status === 426 ? 400 : error.status
    const version = tag === "MissingVersion" || tag === "UnsupportedVersion"
    return { _tag: "Refused", error, status, fields: version ? { "sec-websocket-version": VERSION } : {} }
  }
  if (request.protocol?.toLowerCase() !== "websocket") return refuse("MissingUpgrade")
  const agreed = negotiate(request.fields, options)
  return typeof agreed === "string" ? refuse(agreed) : agreed
}

const makeError = (tag: WebSocketError.ReasonTag, detail: string, options: ServerOptions) =>
  WebSocketError.make(tag, {
    detail,
    ...(options.connectionId === undefined ? {} : { connectionId: options.connectionId })
  })

// What is the same over any HTTP.
const negotiate = (fields: FieldSection, options: ServerOptions): Accepted | WebSocketError.ReasonTag => {
  const versions = fields.getAll("sec-websocket-version")
  if (versions.length === 0) return "MissingVersion"
  if (versions.length > 1 || versions[0] !== VERSION) return "UnsupportedVersion"
  const requestedProtocols = tokens(fields, "sec-websocket-protocol")
  if (requestedProtocols === undefined) return "InvalidProtocols"
  if (new Set(requestedProtocols).size !== requestedProtocols.length) return "DuplicateProtocol"
  const offers = Extensions.parse(fields.getAll("sec-websocket-extensions"))
  if (offers === undefined) return "InvalidExtensions"

  // §4.2.2: a subprotocol that both know, or none; extensions that the client offered.
  const protocol =
    options.protocols === "any"
      ? requestedProtocols[0]
      : options.protocols?.find((name) => requestedProtocols.includes(name))
  const deflate =
    options.deflate === undefined ? undefined : PerMessageDeflate.negotiate(offers, options.deflate)
  return {
    _tag: "Accepted",
    fields: {
      ...(protocol === undefined ? {} : { "sec-websocket-protocol": protocol }),
      ...(deflate === undefined ? {} : { "sec-websocket-extensions": Extensions.format([deflate.answer]) })
    },
    protocol,
    requestedProtocols,
    deflate: deflate?.agreement
  }
}

/** What the client's side is made with. */
export interface ClientOptions {
  /** Sixteen octets, chosen at random for each handshake (§4.1). */
  readonly nonce: Uint8Array
  /** Default: none. */
  readonly protocols?: ReadonlyArray<string> | undefined
  /** Offers compression within these bounds. Default: does not. */
  readonly deflate?: Partial<PerMessageDeflate.Agreement> | undefined
}

/** The fields of a client's request besides Host, §4.1. */
export const requestFields = (options: ClientOptions): Readonly<Record<string, string>> => ({
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-key": base64(options.nonce),
  "sec-websocket-version": VERSION,
  ...(options.protocols === undefined || options.protocols.length === 0
    ? {}
    : { "sec-websocket-protocol": options.protocols.join(", ") }),
  ...(options.deflate === undefined
    ? {}
    : { "sec-websocket-extensions": Extensions.format([PerMessageDeflate.offer(options.deflate)]) })
})

/** What of an answer the client's side looks at. */
export interface Response {
  readonly status: number
  readonly fields: FieldSection
}

/** What a client knows when it has accepted an answer. */
export interface Established {
  readonly _tag: "Established"
  readonly protocol: string | undefined
  readonly deflate: PerMessageDeflate.Agreement | undefined
}

/** The client's side of the answer, §4.1: the connection is established, or the error that fails it. */
export const verify = (
  response: Response,
  options: ClientOptions
): Established | { readonly _tag: "Refused"; readonly error: WebSocketError.WebSocketError } => {
  const { fields } = response
  const refuse = (tag: WebSocketError.ReasonTag, detail = "") =>
    ({ _tag: "Refused", error: WebSocketError.make(tag, { detail }) }) as const
  if (response.status !== 101) return refuse("StatusNot101", String(response.status))
  if (!names(fields, "upgrade", "websocket") || !names(fields, "connection", "upgrade")) {
    return refuse("AnswerNotWebSocket")
  }
  const accepts = fields.getAll("sec-websocket-accept")
  if (accepts.length !== 1 || accepts[0] !== acceptOf(base64(options.nonce))) return refuse("WrongAccept")
  const extensions = Extensions.parse(fields.getAll("sec-websocket-extensions"))
  if (extensions === undefined) return refuse("InvalidExtensions")
  const [extension] = extensions
  // RFC 7692 §5.1: the extension is there once at the most.
  const offered = options.deflate !== undefined && extension?.name === PerMessageDeflate.NAME
  if (extensions.length > 1 || (extension !== undefined && !offered)) return refuse("UnrequestedExtension")
  const deflate = offered ? PerMessageDeflate.verify(extension, options.deflate) : undefined
  if (offered && deflate === undefined) return refuse("InvalidExtensionAnswer")
  const protocols = fields.getAll("sec-websocket-protocol")
  const [protocol] = protocols
  if (protocols.length > 1 || (protocol !== undefined && options.protocols?.includes(protocol) !== true)) {
    return refuse("UnrequestedProtocol")
  }
  return { _tag: "Established", protocol, deflate }
}
