/**
 * One request and its response, whatever protocol they are spoken in: what the engine and the request object given to
 * the application share.
 */
import type { ConnectionId, Http2RequestHead, RequestEvent } from "@nvo/protocol"
import { FieldSection } from "@nvo/protocol"
import type { Effect } from "effect/Effect"
import type * as Headers from "effect/http/Headers"
import type { HttpServerError } from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import type { Pull } from "effect/Pull"
import type { Stream } from "effect/Stream"
import type * as Socket from "effect/socket/Socket"
import type { DeadlineError } from "../DeadlineError.ts"
import type { ServerError } from "../ServerError.ts"
import type * as Transport from "../Transport.ts"
import type { TransportError } from "../TransportError.ts"
import type { ProtocolVersion } from "../telemetry/HttpMetrics.ts"
import type { Observation, Observed } from "../telemetry/Observation.ts"
import type { EngineContext } from "./engineContext.ts"
import type * as Pace from "./pace.ts"
import type { Takeover } from "./webSocket/carrier.ts"

/** The head of a request, as its protocol's decoder gave it. */
export type Head = RequestEvent.RequestHead | Http2RequestHead.RequestHead

/** Fields by name. */
export type Fields = Readonly<Record<string, string | ReadonlyArray<string>>>

/** See the module. Written by the connection's program and the response writer only. */
export abstract class Exchange implements Observed {
  readonly engine: EngineContext
  readonly transport: Transport.Connection
  abstract readonly head: Head
  readonly requestIndex: number
  /** Whether the whole request has been read. */
  bodyEnded: boolean
  trailers: FieldSection.FieldSection = FieldSection.empty
  /** Octets of the body that were read so far. */
  bodyBytes = 0
  /** Why the rest of the request cannot be read. */
  bodyError: ServerError | undefined = undefined
  /** How slow its octets come, once somebody has waited for them. */
  pace: Pace.Pace | undefined = undefined
  /** Whether the peer still waits for 100 (Continue). */
  awaitsContinue: boolean
  /** The status of the final response, once its head was sent. */
  status = 0
  /** Octets of the response's body that were written, without framing. */
  responseBytes = 0
  /** What telemetry keeps of it, from its begin to its end. */
  observation: Observation | undefined = undefined
  private cachedRequestId: string | undefined = undefined
  /** What was answered in place of a response: the connection or stream was handed to another protocol. */
  switched: HttpServerResponse | undefined = undefined
  /** The body as a whole, once somebody asked for it: for the request and for those made of it by `modify`. */
  cachedBytes: Effect<Uint8Array, HttpServerError> | undefined = undefined
  cachedMultipart: HttpServerRequest["multipart"] | undefined = undefined
  /** The octets of the transport in which all that `takeBody` gave last lies, where nothing else does. */
  batch: Uint8Array | undefined = undefined
  /** Whether somebody waits for octets of the body. */
  reading = false
  /** Whether octets of the body were thrown away because the application had left them. */
  discarded = false
  /** Whether the peer left before the response was complete. */
  aborted = false
  /** Whether it counts among the requests in flight. */
  inFlight = false
  /** Why the handler was interrupted, where it had taken too long. */
  timedOut: DeadlineError | undefined = undefined

  constructor(engine: EngineContext, transport: Transport.Connection, head: Head, requestIndex: number) {
    this.engine = engine
    this.transport = transport
    this.requestIndex = requestIndex
    this.bodyEnded = head.framing._tag === "None"
    this.awaitsContinue = head.expectContinue
  }

  abstract readonly version: ProtocolVersion
  /** The authority that the request names, if it does. */
  abstract readonly authority: string | undefined
  /** The fields as the application sees them. */
  abstract makeHeaders(): Headers.Headers

  // --- the body of the request ---

  /** Whether what comes now belongs to something else, or to nobody. */
  abstract readonly isOver: boolean
  /** Takes what has come of the body. */
  abstract takeBody(): Array<Uint8Array>
  /** Gives a `batch` back to the transport: nobody will look at it again. */
  giveBack(batch: Uint8Array | undefined): void {
    if (batch !== undefined) this.transport.reuse?.(batch)
  }
  /** Waits for more of the body, its end, or the reason why there is none. */
  abstract readonly awaitBody: Pull<void, TransportError>
  /** Tells a peer that waits for it to go on, RFC 9110 §10.1.1. */
  abstract sendContinue(): void

  // --- the response ---

  /** Writes a response whose body is at hand: `length` octets, or a text of as many characters that are ASCII. */
  abstract writeWhole(
    request: HttpServerRequest,
    response: HttpServerResponse,
    length: number,
    body: Uint8Array | string
  ): Effect<unknown, HttpServerError>
  /** Writes a response whose body is a stream, of `length` octets if that is known. */
  abstract writeStream(
    request: HttpServerRequest,
    response: HttpServerResponse,
    length: number | undefined,
    stream: Stream<Uint8Array, unknown>,
    extra: Fields | undefined
  ): Effect<unknown, HttpServerError>
  /** Answers in place of a response that cannot be written, and fails. */
  abstract writeFailure(
    request: HttpServerRequest,
    response: HttpServerResponse,
    cause: Error
  ): Effect<never, HttpServerError>
  /** Sends an interim response, while the final one has not begun. Fails where a field cannot be sent. */
  abstract interim(status: number, fields: Fields): Effect<void, Error>
  /** From now on, the handler has this many milliseconds for the head of its response; 0: for ever. */
  abstract limitHandler(millis: number): void
  /** `HttpServerRequest.upgradeWith`. */
  abstract upgrade(
    request: HttpServerRequest,
    headers: Headers.Headers
  ): Effect<Socket.Socket, HttpServerError>

  /** Prepares to become a WebSocket's, with these fields in the head that says so; or what is wrong with them. */
  abstract takeOver(fields: Fields): Takeover | Error

  get connectionId(): ConnectionId.ConnectionId {
    return this.transport.id
  }

  /** Whether nobody has answered, and somebody is there to be answered. */
  get isUnanswered(): boolean {
    return this.status === 0 && this.switched === undefined && !this.aborted
  }

  get method(): string {
    return this.head.method
  }

  /** The method as the application sees it. */
  get seenMethod(): string {
    return this.head.method
  }

  get rawTarget(): string {
    return this.head.rawTarget
  }

  get fields(): FieldSection.FieldSection {
    return this.head.fields
  }

  /** The identity of the request: its peer's, or one made here. */
  get requestId(): string {
    this.cachedRequestId ??= this.engine.requestIds(this.head.fields, this.connectionId, this.requestIndex)
    return this.cachedRequestId
  }

  get scheme(): "http" | "https" {
    return this.transport.tls === undefined ? "http" : "https"
  }

  get peerAddress(): string | undefined {
    return this.transport.peerAddress
  }

  get peerPort(): number | undefined {
    return this.transport.peerPort
  }

  get requestBytes(): number | undefined {
    return this.head.framing._tag === "None" ? undefined : this.bodyBytes
  }
}
