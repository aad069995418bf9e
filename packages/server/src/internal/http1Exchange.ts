/**
 * An exchange of HTTP/1.1: its connection has no other at the time.
 */
import { type RequestEvent, ResponseEncoder } from "@nvo/protocol"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import type { HttpServerError } from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Pull from "effect/Pull"
import type { Stream } from "effect/Stream"
import type { TransportError } from "../TransportError.ts"
import type { ProtocolVersion } from "../telemetry/HttpMetrics.ts"
import type { Connection } from "./connection.ts"
import { Exchange, type Fields } from "./exchange.ts"
import { toHeaders } from "./fields.ts"
import * as Http1Writer from "./http1Writer.ts"
import * as Upgrade from "./upgrade.ts"

/** See the module. */
export class Http1Exchange extends Exchange implements ResponseEncoder.Exchange {
  readonly connection: Connection
  override readonly head: RequestEvent.RequestHead
  /** Whether the connection may go on afterwards; settled when the head of the response is sent. */
  persistent: boolean
  /** The octets that were decoded last, until what is in them is taken. */
  private fed: Uint8Array | undefined = undefined
  /** Why a response that the application made was not written, or not all of it. */
  writeError: TransportError | undefined = undefined

  constructor(
    connection: Connection,
    head: RequestEvent.RequestHead,
    requestIndex: number,
    persistent: boolean
  ) {
    super(connection.engine, connection.transport, head, requestIndex)
    this.connection = connection
    this.head = head
    this.persistent = persistent && head.persistent
    this.observation = connection.engine.telemetry?.begin(this, connection.deadlines.since)
  }

  /** What was written does not reach the peer: the connection is lost. */
  failWrite(error: TransportError): void {
    this.writeError = error
    this.aborted = true
    this.observation?.fail(error.reason._tag)
  }

  get version(): ProtocolVersion {
    return this.head.minorVersion === 0 ? "1.0" : "1.1"
  }

  get minorVersion(): 0 | 1 {
    return this.head.minorVersion
  }

  get authority(): string | undefined {
    return this.head.fields.get("host")
  }

  makeHeaders(): Headers.Headers {
    const { target } = this.head
    const headers = toHeaders(this.head.fields)
    // RFC 9112 §3.2.2: the target's authority is what counts, whatever Host says.
    return target._tag === "Absolute" ? Headers.set(headers, "host", target.authority) : headers
  }

  // What the connection holds then belongs to another request.
  get isOver(): boolean {
    return this.connection.exchange !== this
  }

  takeBody(): Array<Uint8Array> {
    const { incoming } = this.connection
    const data = incoming.takeBody(this)
    this.batch = incoming.hasRest ? undefined : this.fed
    this.fed = undefined
    return data
  }

  // Made when it is asked for: most requests have no body.
  get awaitBody(): Pull.Pull<void, TransportError> {
    return Effect.suspend((): Pull.Pull<void, TransportError> => {
      const { connection } = this
      connection.deadlines.awaitBody(this)
      return Effect.matchCauseEffect(connection.transport.pull, {
        onSuccess: (chunk) => {
          connection.deadlines.bodyCame(this, chunk.length)
          connection.incoming.feed(chunk)
          this.fed = chunk
          return Effect.void
        },
        onFailure: (cause) => {
          this.reading = false
          if (!Pull.isDoneCause(cause)) return Effect.failCause(cause)
          connection.incoming.endBody(this)
          return Effect.void
        }
      })
    })
  }

  // Sent once, when the body is first asked for, and only while nothing of it has come.
  sendContinue(): void {
    this.awaitsContinue = false
    if (this.status !== 0 || this.bodyBytes > 0) return
    const head = ResponseEncoder.encodeInterim(this, 100, {})
    if (typeof head === "string" && head !== "") this.transport.writeUnsafe([head])
  }

  writeWhole(
    request: HttpServerRequest,
    response: HttpServerResponse,
    length: number,
    body: Uint8Array | string
  ): Effect.Effect<unknown, HttpServerError> {
    return Http1Writer.writeWhole(this, request, response, length, body)
  }

  writeStream(
    request: HttpServerRequest,
    response: HttpServerResponse,
    length: number | undefined,
    stream: Stream<Uint8Array, unknown>,
    extra: Fields | undefined
  ): Effect.Effect<unknown, HttpServerError> {
    return Http1Writer.writeStream(this, request, response, length, stream, extra)
  }

  writeFailure(
    request: HttpServerRequest,
    response: HttpServerResponse,
    cause: Error
  ): Effect.Effect<never, HttpServerError> {
    return Http1Writer.writeFailure(this, request, response, cause)
  }

  interim(status: number, fields: Fields): Effect.Effect<void, Error> {
    const head = ResponseEncoder.encodeInterim(this, status, fields)
    if (typeof head !== "string") return Effect.fail(head)
    // Empty for HTTP/1.0 peers, which know no such thing.
    return head === ""
      ? Effect.void
      : Effect.ignore(this.connection.deadlines.sending(this.transport.write([head])))
  }

  limitHandler(millis: number): void {
    this.connection.deadlines.limitHandler(this, millis)
  }

  upgrade(request: HttpServerRequest, headers: Headers.Headers) {
    return Upgrade.upgrade(this, request, headers)
  }

  takeOver(fields: Fields) {
    return Upgrade.takeOver(this, fields)
  }
}
