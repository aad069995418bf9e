/**
 * What comes in on an HTTP/1.1 connection: octets in, heads and bodies out, one message at a time.
 *
 * Whoever edits this: a batch of octets may hold many requests, and a request may need many batches. `queue` holds
 * the decoded events of one message at most; `rest` what came behind it.
 */
import {
  type ConnectionId,
  Excerpt,
  type Http1Error,
  type Limits,
  RequestDecoder,
  type RequestEvent
} from "@nvo/protocol"
import type { Http1Exchange } from "./http1Exchange.ts"

const NO_EVENTS: ReadonlyArray<RequestEvent.RequestEvent> = []

/** See the module. */
export class Incoming {
  /** What the peer sent that was refused, as far as it may be logged. */
  excerpt = ""
  private readonly decoder: RequestDecoder.RequestDecoder
  private readonly excerptLength: number
  private state: RequestDecoder.State = RequestDecoder.initial
  private queue: ReadonlyArray<RequestEvent.RequestEvent> = NO_EVENTS
  private queueAt = 0
  private rest: Uint8Array | undefined = undefined

  /** `excerptLength` is how many octets of a refused message may be logged. */
  constructor(connectionId: ConnectionId.ConnectionId, limits: Limits.Limits, excerptLength: number) {
    this.decoder = { connectionId, limits }
    this.excerptLength = excerptLength
  }

  /** Decodes octets up to the end of the message under way. */
  feed(chunk: Uint8Array): void {
    const step = RequestDecoder.step(this.decoder, this.state, chunk)
    if (step.outcome._tag === "Failed" && this.state._tag !== "Failed") {
      this.excerpt = Excerpt.of(this.state, chunk, step.outcome.error, this.excerptLength)
    }
    this.state = step.state
    this.queue = step.events
    this.queueAt = 0
    this.rest = step.rest.length === 0 ? undefined : step.rest
  }

  /** The next head, `undefined` where there will be none of what has come. */
  nextHead(): RequestEvent.RequestHead | undefined {
    while (true) {
      const event = this.queue[this.queueAt]
      if (event !== undefined) {
        this.queueAt++
        if (event._tag === "RequestHead") return event
        continue
      }
      if (this.rest === undefined) return undefined
      this.feed(this.rest)
    }
  }

  /** Passes over the end of a request without a body, which stands behind its head. */
  skipEnd(): void {
    this.queueAt++
  }

  /** Takes what has been decoded of the body under way. */
  takeBody(exchange: Http1Exchange): Array<Uint8Array> {
    const data: Array<Uint8Array> = []
    while (this.queueAt < this.queue.length) {
      const event = this.queue[this.queueAt++]
      if (event._tag === "BodyData") {
        data.push(event.bytes)
        exchange.bodyBytes += event.bytes.length
      } else if (event._tag === "RequestEnd") {
        exchange.bodyEnded = true
        exchange.trailers = event.trailers
      }
    }
    if (this.state._tag === "Failed" && !exchange.bodyEnded) exchange.bodyError = this.state.error
    return data
  }

  /** The peer ended its side in the middle of a body. */
  endBody(exchange: Http1Exchange): void {
    const { cut } = this
    if (cut === undefined) exchange.bodyEnded = true
    else exchange.bodyError = cut
  }

  /** Whether octets came behind the message under way. */
  get hasRest(): boolean {
    return this.rest !== undefined
  }

  /**
   * Takes the octets that belong to what follows HTTP/1.1 on this connection: everything that was read behind
   * the request under way.
   */
  takeRest(): Uint8Array | undefined {
    const rest = this.rest
    this.rest = undefined
    return rest
  }

  /** Why a message was refused, once one was. */
  get refused(): Http1Error.Http1Error | undefined {
    return this.state._tag === "Failed" ? this.state.error : undefined
  }

  /** What is wrong with a peer that ends now, if anything is. */
  get cut(): Http1Error.Http1Error | undefined {
    const outcome = RequestDecoder.end(this.decoder, this.state)
    return outcome._tag === "Failed" ? outcome.error : undefined
  }

  /** Whether nothing of another message has come. */
  get isBetweenMessages(): boolean {
    return RequestDecoder.isBetweenMessages(this.state)
  }

  /** Whether a request line has come whose head is not complete. */
  get hasRequestLine(): boolean {
    return RequestDecoder.hasRequestLine(this.state)
  }
}
