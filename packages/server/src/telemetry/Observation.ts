/**
 * What telemetry keeps of one exchange while it is under way.
 */
import type { ConnectionId, FieldSection } from "@nvo/protocol"
import type * as Tracer from "effect/Tracer"
import type { ProtocolVersion } from "./HttpMetrics.ts"

/** An exchange, as far as telemetry looks at it. Read when it begins and when it has ended. */
export interface Observed {
  readonly connectionId: ConnectionId.ConnectionId
  readonly requestIndex: number
  readonly requestId: string
  readonly method: string
  /** The request target as it was sent. */
  readonly rawTarget: string
  readonly fields: FieldSection.FieldSection
  readonly scheme: "http" | "https"
  readonly version: ProtocolVersion
  readonly peerAddress: string | undefined
  readonly peerPort: number | undefined
  /** The status that was sent, 0 where none was. */
  readonly status: number
  /** Octets of the request's body that were read, `undefined` where the request has no body. */
  readonly requestBytes: number | undefined
  /** Octets of the response's body that were written, without framing. */
  readonly responseBytes: number
}

/** See the module. */
export class Observation {
  readonly exchange: Observed
  /** When the head of the request was complete, in milliseconds of the wheel's time. */
  readonly startedAt: number
  /** Whether the access log has a line for it. */
  readonly isLogged: boolean
  /** When the response began, if that is wanted. */
  respondedAt: number | undefined = undefined
  /** The pattern of the route that the router matched. */
  route: string | undefined = undefined
  /** Its server span, where spans are seen by anybody. */
  span: Tracer.Span | undefined = undefined
  private failure: string | undefined = undefined

  constructor(exchange: Observed, startedAt: number, isLogged: boolean) {
    this.exchange = exchange
    this.startedAt = startedAt
    this.isLogged = isLogged
  }

  /** `error.type`: a status of the server's fault, otherwise the first failure that was named. */
  get errorType(): string | undefined {
    const { status } = this.exchange
    return status >= 500 ? String(status) : this.failure
  }

  /** Names why the exchange failed: a reason of a `ServerError`. The first one counts. */
  fail(reason: string): void {
    if (this.failure !== undefined) return
    this.failure = reason
    this.tellSpan()
  }

  /** Tells the span, while it has not ended, what kind of failure this is. */
  tellSpan(): void {
    const type = this.errorType
    if (type !== undefined) this.span?.attribute("error.type", type)
  }
}
