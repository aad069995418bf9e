/**
 * One request and its response: what the engine and the request object given to the application share.
 */
import type { ConnectionId, Http1Error, RequestEvent, ResponseEncoder } from "@nvo/protocol"
import { FieldSection } from "@nvo/protocol"
import type { Effect } from "effect/Effect"
import type { HttpServerError } from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import type { DeadlineError } from "../DeadlineError.ts"
import type { TransportError } from "../TransportError.ts"
import type { ProtocolVersion } from "../telemetry/HttpMetrics.ts"
import type { Observation, Observed } from "../telemetry/Observation.ts"
import type { Connection } from "./connection.ts"
import type * as Pace from "./pace.ts"

/** See the module. Written by the connection program and the response writer only. */
export class Exchange implements ResponseEncoder.Exchange, Observed {
  readonly connection: Connection
  readonly head: RequestEvent.RequestHead
  readonly requestIndex: number
  /** Whether the connection may go on afterwards; settled when the head of the response is sent. */
  persistent: boolean
  /** Whether the whole request has been read. */
  bodyEnded: boolean
  trailers: FieldSection.FieldSection = FieldSection.empty
  /** Octets of the body that were read so far. */
  bodyBytes = 0
  /** Why the rest of the request cannot be read. */
  bodyError: Http1Error.Http1Error | DeadlineError | undefined = undefined
  /** How slow its octets come, once somebody has waited for them. */
  pace: Pace.Pace | undefined = undefined
  /** Whether the peer still waits for 100 (Continue). */
  awaitsContinue: boolean
  /** The status of the final response, once its head was sent. */
  status = 0
  /** Octets of the response's body that were written, without framing. */
  responseBytes = 0
  /** What telemetry keeps of it, from its begin to its end. */
  observation: Observation | undefined
  private cachedRequestId: string | undefined = undefined
  /** What was answered in place of a response: the connection was handed to another protocol. */
  switched: HttpServerResponse | undefined = undefined
  /** The body as a whole, once somebody asked for it: for the request and for those made of it by `modify`. */
  cachedBytes: Effect<Uint8Array, HttpServerError> | undefined = undefined
  cachedMultipart: HttpServerRequest["multipart"] | undefined = undefined
  /** Whether somebody waits for octets of the body. */
  reading = false
  /** Whether octets of the body were thrown away because the application had left them. */
  discarded = false
  /** Whether the peer left before the response was complete. */
  aborted = false
  /** Why a response that the application made was not written, or not all of it. */
  writeError: TransportError | undefined = undefined
  /** Whether it counts among the requests in flight. */
  inFlight = false
  /** Why the handler was interrupted, where it had taken too long. */
  timedOut: DeadlineError | undefined = undefined

  constructor(
    connection: Connection,
    head: RequestEvent.RequestHead,
    requestIndex: number,
    persistent: boolean
  ) {
    this.connection = connection
    this.head = head
    this.requestIndex = requestIndex
    this.persistent = persistent && head.persistent
    this.bodyEnded = head.framing._tag === "None"
    this.awaitsContinue = head.expectContinue
    this.observation = connection.engine.telemetry?.begin(this, connection.deadlines.since)
  }

  get connectionId(): ConnectionId.ConnectionId {
    return this.connection.id
  }

  /** Whether nobody has answered, and somebody is there to be answered. */
  get isUnanswered(): boolean {
    return this.status === 0 && this.switched === undefined && !this.aborted
  }

  get method(): string {
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
    this.cachedRequestId ??= this.connection.engine.requestIds(
      this.head.fields,
      this.connection.id,
      this.requestIndex
    )
    return this.cachedRequestId
  }

  get scheme(): "http" | "https" {
    return this.connection.transport.tls === undefined ? "http" : "https"
  }

  get version(): ProtocolVersion {
    return this.head.minorVersion === 0 ? "1.0" : "1.1"
  }

  get peerAddress(): string | undefined {
    return this.connection.transport.peerAddress
  }

  get peerPort(): number | undefined {
    return this.connection.transport.peerPort
  }

  get requestBytes(): number | undefined {
    return this.head.framing._tag === "None" ? undefined : this.bodyBytes
  }

  get minorVersion(): 0 | 1 {
    return this.head.minorVersion
  }
}
