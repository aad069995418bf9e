/**
 * The request as `effect/http` apps see it. Fields, cookies and body are made when they are asked for.
 */
import type { ConnectionId } from "@nvo/protocol"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as FileSystem from "effect/FileSystem"
import * as Hash from "effect/Hash"
import * as Cookies from "effect/http/Cookies"
import * as Headers from "effect/http/Headers"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import { HttpServerError, RequestParseError } from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Multipart from "effect/http/Multipart"
import * as UrlParams from "effect/http/UrlParams"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import type { ReadonlyRecord } from "effect/Record"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Socket from "effect/socket/Socket"
import type { Exchange, Head } from "./exchange.ts"
import * as RequestBody from "./requestBody.ts"

const textDecoder = new TextDecoder()
const decodeText = (bytes: Uint8Array): string => textDecoder.decode(bytes)
const formDecoder = new TextDecoder("utf-8", { ignoreBOM: true })

/** What `request.source` is on this server. */
export interface RequestSource {
  readonly connectionId: ConnectionId.ConnectionId
  /** Which request of the connection: 1 for the first. */
  readonly requestIndex: number
  /** The identity of the request: what its peer says it is (`requestIdHeader`), or one that was made. */
  readonly requestId: string
  /** `minorVersion` tells the head of an HTTP/1 request, `streamId` that of an HTTP/2 one. */
  readonly head: Head
}

interface Overrides {
  readonly url?: string | undefined
  readonly headers?: Headers.Headers | undefined
  readonly remoteAddress?: Option.Option<string> | undefined
  readonly peerAddress?: Option.Option<string> | undefined
  readonly protocol?: "http" | "https" | undefined
}

const noOverrides: Overrides = {}

/** See the module. `exchange` is what engine modules find behind the public face. */
export class ServerRequest extends Inspectable.Class implements HttpServerRequest.HttpServerRequest {
  declare readonly [HttpServerRequest.TypeId]: typeof HttpServerRequest.TypeId
  declare readonly [HttpIncomingMessage.TypeId]: typeof HttpIncomingMessage.TypeId
  readonly exchange: Exchange
  readonly url: string
  private readonly overrides: Overrides
  private cachedHeaders: Headers.Headers | undefined
  private cachedCookies: ReadonlyRecord<string, string> | undefined

  constructor(exchange: Exchange, overrides: Overrides = noOverrides) {
    super()
    this.exchange = exchange
    this.overrides = overrides
    this.url = overrides.url ?? urlOf(exchange.head)
    this.cachedHeaders = overrides.headers
  }

  get source(): RequestSource {
    return this.exchange
  }

  /** As it was sent: methods are case-sensitive (RFC 9110 §9.1). GET for a WebSocket handshake over any HTTP. */
  get method(): string {
    return this.exchange.seenMethod
  }

  get originalUrl(): string {
    const { authority, head, scheme } = this.exchange
    if (head.form !== "Origin" || authority === undefined) return head.rawTarget
    return `${scheme}://${authority}${head.rawTarget}`
  }

  get protocol(): "http" | "https" | undefined {
    return this.overrides.protocol
  }

  get headers(): Headers.Headers {
    this.cachedHeaders ??= this.exchange.makeHeaders()
    return this.cachedHeaders
  }

  get cookies(): ReadonlyRecord<string, string> {
    this.cachedCookies ??= Cookies.parseHeader(this.headers.cookie ?? "")
    return this.cachedCookies
  }

  get remoteAddress(): Option.Option<string> {
    return this.overrides.remoteAddress ?? Option.fromUndefinedOr(this.exchange.peerAddress)
  }

  get peerAddress(): Option.Option<string> {
    return this.overrides.peerAddress ?? this.remoteAddress
  }

  modify(options: Overrides): HttpServerRequest.HttpServerRequest {
    return new ServerRequest(this.exchange, {
      url: options.url ?? this.url,
      headers: options.headers ?? this.cachedHeaders,
      remoteAddress: "remoteAddress" in options ? options.remoteAddress : this.overrides.remoteAddress,
      peerAddress: options.peerAddress ?? this.overrides.peerAddress,
      protocol: options.protocol ?? this.overrides.protocol
    })
  }

  get stream(): Stream.Stream<Uint8Array, HttpServerError> {
    return Stream.fromPull(
      Effect.withFiber((fiber) =>
        Effect.succeed(RequestBody.pull(this.exchange, this, RequestBody.streamLimit(fiber)))
      )
    )
  }

  // The body as a whole, for whoever asks first and all others.
  private read(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<Uint8Array, HttpServerError> {
    const { exchange } = this
    if (exchange.cachedBytes === undefined) {
      const bytes = RequestBody.readAll(exchange, this, RequestBody.bufferLimit(exchange, fiber))
      exchange.cachedBytes = Exit.isExit(bytes) ? bytes : Effect.runSync(Effect.cached(bytes))
    }
    return exchange.cachedBytes
  }

  private get bytes(): Effect.Effect<Uint8Array, HttpServerError> {
    return Effect.withFiber((fiber) => this.read(fiber))
  }

  get arrayBuffer(): Effect.Effect<ArrayBuffer, HttpServerError> {
    return Effect.map(this.bytes, (bytes) =>
      bytes.byteLength === bytes.buffer.byteLength
        ? (bytes.buffer as ArrayBuffer)
        : // A copy: the octets may be a view of memory that others use, and `slice` of a Buffer does not copy.
          new Uint8Array(bytes).buffer
    )
  }

  get text(): Effect.Effect<string, HttpServerError> {
    return Effect.withFiber((fiber) => Effect.mapEager(this.read(fiber), decodeText))
  }

  get json(): Effect.Effect<Schema.Json, HttpServerError> {
    return Effect.flatMap(this.text, (text) => this.parse(() => (text === "" ? null : JSON.parse(text))))
  }

  get urlParamsBody(): Effect.Effect<UrlParams.UrlParams, HttpServerError> {
    // In a form a leading "?" is data; URLSearchParams would take it off as a query's mark.
    return Effect.flatMap(this.bytes, (bytes) =>
      this.parse(() =>
        UrlParams.fromInput(new URLSearchParams(formDecoder.decode(bytes).replace(/^\?/, "%3F")))
      )
    )
  }

  private parse<A>(evaluate: () => A): Effect.Effect<A, HttpServerError> {
    return Effect.try({
      try: evaluate,
      catch: (cause) => new HttpServerError({ reason: new RequestParseError({ request: this, cause }) })
    })
  }

  get multipart(): Effect.Effect<
    Multipart.Persisted,
    Multipart.MultipartError,
    Scope.Scope | FileSystem.FileSystem | Path.Path
  > {
    this.exchange.cachedMultipart ??= Effect.runSync(
      Effect.cached(Multipart.toPersisted(this.multipartStream))
    )
    return this.exchange.cachedMultipart
  }

  get multipartStream(): Stream.Stream<Multipart.Part, Multipart.MultipartError> {
    // The parser has limits of its own, MaxBodySize among them, and its own errors for them.
    const body = Stream.fromPull(Effect.sync(() => RequestBody.pull(this.exchange, this, undefined)))
    return Stream.pipeThroughChannel(
      Stream.mapError(body, (cause) => Multipart.MultipartError.fromReason("Parse", cause)),
      Multipart.makeChannel(this.headers)
    )
  }

  get upgrade(): Effect.Effect<Socket.Socket, HttpServerError> {
    return this.upgradeWith({})
  }

  upgradeWith(options: {
    readonly headers?: Headers.Input | undefined
  }): Effect.Effect<Socket.Socket, HttpServerError> {
    return this.exchange.upgrade(this, Headers.fromInput(options.headers))
  }

  // A request is itself only. By structure, an error that names it would be hashed down to the socket.
  [Equal.symbol](that: unknown): boolean {
    return this === that
  }

  [Hash.symbol](): number {
    return Hash.random(this)
  }

  override toString(): string {
    return `ServerRequest(${this.method} ${UrlParams.redactUrl(this.url)})`
  }

  toJSON(): unknown {
    return HttpIncomingMessage.inspect(this, {
      _id: "HttpServerRequest",
      method: this.method,
      url: UrlParams.redactUrl(this.originalUrl)
    })
  }
}

// The same for all requests, so they stand on the prototype.
Object.assign(ServerRequest.prototype, {
  [HttpServerRequest.TypeId]: HttpServerRequest.TypeId,
  [HttpIncomingMessage.TypeId]: HttpIncomingMessage.TypeId
})

const urlOf = (head: Head): string => {
  if (head.form !== "Absolute") return head.rawTarget
  const target = head.target
  if (target._tag !== "Absolute") return head.rawTarget
  return target.query === undefined ? target.path : `${target.path}?${target.query}`
}
