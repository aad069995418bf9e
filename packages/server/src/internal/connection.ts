/**
 * The program of one HTTP/1.1 connection: one fiber, one Scope, one owner of all its state.
 *
 * It pulls octets, feeds the decoder, runs the application in its own fiber (no fork for a request), and
 * decides after each exchange whether the connection goes on. The fiber is uninterruptible but for what the
 * application makes interruptible; closing the transport is what ends a program that waits.
 *
 * Whoever edits this: a batch of octets may hold many requests, a request may need many batches, and the peer
 * may leave at any point. `queue` holds the decoded events of one message at most; `rest` what came behind it.
 */
import {
  type ConnectionId,
  Excerpt,
  RequestDecoder,
  type RequestEvent,
  ServerConnection,
  WebSocketError
} from "@nvo/protocol"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { ClientAbort, causeResponseStripped } from "effect/http/HttpServerError"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as References from "effect/References"
import { isSocketError } from "effect/socket/Socket"
import * as ApplicationError from "../ApplicationError.ts"
import * as ConnectionState from "../ConnectionState.ts"
import type { ConnectionInfo } from "../Connections.ts"
import type * as DeadlineError from "../DeadlineError.ts"
import * as OverloadError from "../OverloadError.ts"
import * as ServerConfig from "../ServerConfig.ts"
import type * as ServerError from "../ServerError.ts"
import type * as Transport from "../Transport.ts"
import * as TransportError from "../TransportError.ts"
import { ConnectionDeadlines } from "./connectionDeadlines.ts"
import type { EngineContext } from "./engineContext.ts"
import { Http1Exchange } from "./http1Exchange.ts"
import { type Refusal, refuse, turnedAway } from "./refusal.ts"
import { answerFailure, handleResponse } from "./responseWriter.ts"
import type { Served } from "./served.ts"
import { ServerRequest } from "./serverRequest.ts"
import type { Session } from "./webSocket/session.ts"

const NO_EVENTS: ReadonlyArray<RequestEvent.RequestEvent> = []

const IDLE = ConnectionState.phaseCode("Idle")
const DRAINING = ConnectionState.phaseCode("Draining")
const INITIAL_PHASE = ConnectionState.phaseCode(ConnectionState.initial)

// A failure carries the response that it became as a defect, which says nothing about why.
const withoutResponse = (cause: Cause.Cause<unknown>): Cause.Cause<unknown> =>
  Option.getOrElse(causeResponseStripped(cause)[1], () => cause)

const isClose = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.every(
    (reason) =>
      reason._tag === "Interrupt" ||
      (reason._tag === "Fail" &&
        ((isSocketError(reason.error) && reason.error.reason._tag === "SocketCloseError") ||
          WebSocketError.isWebSocketError(reason.error)))
  )

/** See the module. */
export class Connection implements Served {
  readonly engine: EngineContext
  readonly transport: Transport.Connection
  readonly id: ConnectionId.ConnectionId
  /** In milliseconds since the epoch. */
  readonly acceptedAt: number
  /** Over the limit of connections: it may ask for a health endpoint, and is told that there is no room. */
  readonly surplus: boolean
  readonly deadlines: ConnectionDeadlines
  private phaseCode = INITIAL_PHASE
  /** The exchange under way. */
  exchange: Http1Exchange | undefined = undefined
  /** The WebSocket that has taken over, if any. */
  session: Session | undefined = undefined
  /** Requests whose head was read. */
  requests = 0
  /** The services of the app, with the connection's identity in every log line. */
  readonly context: Context.Context<never>
  private readonly decoder: RequestDecoder.RequestDecoder
  private decoderState: RequestDecoder.State = RequestDecoder.initial
  private queue: ReadonlyArray<RequestEvent.RequestEvent> = NO_EVENTS
  private queueAt = 0
  private rest: Uint8Array | undefined = undefined
  private fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  /** What the peer sent that was refused, as far as it may be logged. */
  private excerpt = ""
  /** Whether it ends once what is under way is complete. */
  private retiring = false
  /** Requests that were begun in the turn under way. */
  private turn = 0
  /** Takes the connection over, with the octets that have come, where they begin with the preface of HTTP/2. */
  handOver: ((octets: Uint8Array) => Effect.Effect<void>) | undefined = undefined
  /** The first octets, while they may be those of the preface. */
  private held: Uint8Array | undefined = undefined

  constructor(engine: EngineContext, transport: Transport.Connection, acceptedAt: number, surplus: boolean) {
    this.engine = engine
    this.transport = transport
    this.id = transport.id
    this.acceptedAt = acceptedAt
    this.surplus = surplus
    this.deadlines = new ConnectionDeadlines(this)
    this.context = Context.add(engine.context, References.CurrentLogAnnotations, {
      ...Context.get(engine.context, References.CurrentLogAnnotations),
      "nvo.connection.id": transport.id
    })
    this.decoder = { connectionId: transport.id, limits: ServerConfig.limits(engine.config) }
    this.pulling = Effect.matchCauseEffect(transport.pull, {
      onSuccess: (chunk) => {
        this.turn = 0
        if (this.handOver !== undefined && chunk.length > 0) return this.begins(chunk, this.handOver)
        this.feed(chunk)
        return this.next()
      },
      onFailure: (cause) => {
        if (this.held !== undefined) this.feed(this.held)
        return Effect.andThen(this.reportEnd(cause), this.finish)
      }
    })
    this.yielding = Effect.flatMap(Effect.yieldNow, () => this.next())
    this.handling = Effect.matchCauseEffect(engine.handled, {
      onSuccess: () => this.afterExchange(undefined),
      onFailure: (cause) => this.afterExchange(cause)
    })
  }

  get info(): ConnectionInfo {
    return {
      id: this.id,
      peerAddress: this.transport.peerAddress,
      peerPort: this.transport.peerPort,
      protocol: "http/1.1",
      phase: this.phase,
      since: Math.round(this.acceptedAt + this.deadlines.since - this.deadlines.began),
      acceptedAt: this.acceptedAt,
      requests: this.requests,
      bytesRead: this.transport.bytesRead,
      bytesWritten: this.transport.bytesWritten
    }
  }

  get idleSince(): number | undefined {
    return this.phaseCode === IDLE ? this.deadlines.since : undefined
  }

  get phase(): ConnectionState.Phase {
    return ConnectionState.phases[this.phaseCode]
  }

  /** Names what happened (a `ConnectionState.code`). The table decides what that means. */
  advance(input: number): void {
    this.phaseCode = ConnectionState.advance(this.phaseCode, input)
  }

  /** Whether another request may come after the one under way. */
  get goesOn(): boolean {
    const { closing, config } = this.engine
    return !(
      closing ||
      this.retiring ||
      this.surplus ||
      (config.requestsPerConnection > 0 && this.requests >= config.requestsPerConnection) ||
      this.deadlines.isAged
    )
  }

  retire(): void {
    this.retiring = true
    this.session?.goAway()
    if (this.phaseCode !== IDLE) return
    if (this.requests > 0 || !this.deadlines.armFresh()) this.transport.wake()
  }

  leave(): void {
    this.retiring = true
    this.transport.wake()
  }

  dispose(): void {
    this.deadlines.dispose()
  }

  drainError(): DeadlineError.DeadlineError {
    return this.deadlines.error({ _tag: "DrainTimeout", after: this.engine.millis.drain })
  }

  /** Interrupts the handler. A fiber that was interrupted stays so: no other handler can run in it. */
  interrupt(exchange: Http1Exchange): void {
    exchange.persistent = false
    this.fiber?.interruptUnsafe()
  }

  /** The head of the response is on its way: the request is not in flight any more. */
  answered(exchange: Http1Exchange): void {
    this.deadlines.disarmHandler()
    if (!exchange.inFlight) return
    exchange.inFlight = false
    this.engine.overload.leave()
  }

  /** Decodes octets up to the end of the message under way. */
  feed(chunk: Uint8Array): void {
    const step = RequestDecoder.step(this.decoder, this.decoderState, chunk)
    if (step.outcome._tag === "Failed" && this.decoderState._tag !== "Failed") {
      const limit = this.engine.config.excerptLength
      this.excerpt = Excerpt.of(this.decoderState, chunk, step.outcome.error, limit)
    }
    this.decoderState = step.state
    this.queue = step.events
    this.queueAt = 0
    this.rest = step.rest.length === 0 ? undefined : step.rest
  }

  /** The peer ended its side in the middle of a body. */
  feedEnd(exchange: Http1Exchange): void {
    const outcome = RequestDecoder.end(this.decoder, this.decoderState)
    if (outcome._tag === "Failed") exchange.bodyError = outcome.error
    else exchange.bodyEnded = true
  }

  /** Whether octets of the body under way have been decoded and not been taken. */
  get hasBufferedBody(): boolean {
    return this.queueAt < this.queue.length
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
    if (this.decoderState._tag === "Failed" && !exchange.bodyEnded)
      exchange.bodyError = this.decoderState.error
    return data
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

  /** The next head, `undefined` where there will be none. */
  private nextHead(): RequestEvent.RequestHead | undefined {
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

  readonly report = (error: ServerError.ServerError): Effect.Effect<void> =>
    error._tag === "Http1Error" && this.excerpt !== ""
      ? this.engine.errors.report(error, { "nvo.error.excerpt": this.excerpt })
      : this.engine.errors.report(error)

  /** Tells telemetry of a message that was refused before it was a request. */
  observeRefusal(error: Refusal, status: number): void {
    if (this.fiber !== undefined) {
      this.engine.telemetry?.refuse(error, status, this.transport.peerAddress, this.fiber)
    }
  }

  // Tells telemetry that an exchange is over, once. `at` is a time of the wheel.
  private endObservation(exchange: Http1Exchange, at: number): void {
    const { observation } = exchange
    if (observation === undefined || this.fiber === undefined) return
    exchange.observation = undefined
    this.engine.telemetry?.end(observation, at, this.fiber)
  }

  /** Tells telemetry that an exchange is over now. */
  observeEnd(exchange: Http1Exchange): void {
    if (exchange.observation !== undefined) this.endObservation(exchange, this.engine.deadlines.now())
  }

  applicationError(reason: ApplicationError.ApplicationErrorReason): ApplicationError.ApplicationError {
    return ApplicationError.make({
      connectionId: this.id,
      requestIndex: this.requests,
      phase: this.phase,
      reason
    })
  }

  // A peer that leaves during an exchange interrupts exactly the work done for it.
  private depart(departure: Transport.Departure): void {
    const { exchange } = this
    if (exchange === undefined) return
    if (departure === "Ended" && (exchange.switched !== undefined || this.engine.config.halfClose)) return
    this.abort()
  }

  /** Interrupts the application: its peer has left. */
  abort(): void {
    const { exchange } = this
    if (exchange === undefined) return
    exchange.aborted = true
    exchange.observation?.fail("ClientAborted")
    this.fiber?.interruptUnsafe(undefined, ClientAbort.annotation)
  }

  /** The program. It completes when the connection has ended; its Scope then releases the socket. */
  get run(): Effect.Effect<void> {
    return Effect.uninterruptible(
      Effect.withFiber((fiber) => {
        this.fiber = fiber
        fiber.setContext(this.context)
        this.transport.onDeparture = (departure) => this.depart(departure)
        this.deadlines.armIdle()
        return Effect.catchCause(
          Effect.suspend(() => this.next()),
          (cause) =>
            Cause.hasInterruptsOnly(cause)
              ? Effect.void
              : this.report(this.applicationError({ _tag: "EngineDefect", cause }))
        ).pipe(
          Effect.ensuring(
            Effect.sync(() => {
              if (this.exchange !== undefined) this.observeEnd(this.exchange)
            })
          )
        )
      })
    )
  }

  // The way from one request to the next: two effects that are made once for a connection, and no generator.
  // For a small request that is 1 of its 12 µs.
  private readonly pulling: Effect.Effect<void>
  private readonly handling: Effect.Effect<void>
  // A peer that pipelines lets the others have their turn.
  private readonly yielding: Effect.Effect<void>

  // Until the first octets say which protocol is spoken.
  private begins(
    chunk: Uint8Array,
    handOver: (octets: Uint8Array) => Effect.Effect<void>
  ): Effect.Effect<void> {
    let octets = chunk
    if (this.held !== undefined) {
      octets = new Uint8Array(this.held.length + chunk.length)
      octets.set(this.held)
      octets.set(chunk, this.held.length)
    }
    const found = ServerConnection.matchPreface(octets)
    if (found === "Partial") {
      if (this.held === undefined) this.deadlines.armHead()
      this.held = octets
      return this.retiring ? this.finish : this.pulling
    }
    this.handOver = undefined
    this.held = undefined
    if (found === "Complete") {
      this.deadlines.dispose()
      return handOver(octets)
    }
    this.feed(octets)
    return this.next()
  }

  private next(): Effect.Effect<void> {
    const head = this.nextHead()
    if (head === undefined) {
      const state = this.decoderState
      if (state._tag === "Failed") return Effect.andThen(this.report(state.error), refuse(this, state.error))
      if (this.deadlines.expired) return this.giveUp()
      if (RequestDecoder.isBetweenMessages(state)) return this.retiring ? this.finish : this.pulling
      // The head has to be complete in time, from its first octet on.
      if (this.phaseCode === IDLE) this.deadlines.armHead()
      this.advance(ConnectionState.code.OctetsRead)
      return this.pulling
    }
    this.requests++
    this.advance(ConnectionState.code.HeadRead)
    this.deadlines.atWork()
    const exchange = new Http1Exchange(this, head, this.requests, this.goesOn)
    this.exchange = exchange
    // The end of a request without a body stands behind its head.
    if (exchange.bodyEnded) this.queueAt++
    return !this.surplus && this.engine.overload.enter() ? this.begin(exchange) : this.admit(exchange)
  }

  private begin(exchange: Http1Exchange): Effect.Effect<void> {
    exchange.inFlight = true
    const { handler } = this.engine.millis
    if (handler > 0) this.deadlines.limitHandler(exchange, handler)
    const context = this.engine.telemetry?.contextOf(this.context, exchange) ?? this.context
    this.fiber?.setContext(Context.add(context, HttpServerRequest, new ServerRequest(exchange)))
    return this.handling
  }

  // The server is full or behind, or the connection is one too many.
  private admit(exchange: Http1Exchange): Effect.Effect<void> {
    const { config, isExempt, overload } = this.engine
    const exempt = isExempt(exchange.head.rawTarget)
    if (this.surplus && !exempt) {
      return this.turnAway(exchange, { _tag: "ConnectionRefused", limit: config.connectionCount })
    }
    return Effect.matchCauseEffect(Effect.interruptible(overload.admit(exempt)), {
      onSuccess: (verdict) =>
        verdict === undefined ? this.begin(exchange) : this.turnAway(exchange, verdict),
      onFailure: (cause) => this.afterExchange(cause)
    })
  }

  private turnAway(exchange: Http1Exchange, reason: OverloadError.OverloadErrorReason): Effect.Effect<void> {
    const { config, shed } = this.engine
    shed(OverloadError.make(reason, this.id))
    return Effect.matchCauseEffect(
      handleResponse(new ServerRequest(exchange), turnedAway(reason, config.retryAfter)),
      {
        onSuccess: () => this.afterExchange(undefined),
        onFailure: (cause) => this.afterExchange(cause)
      }
    )
  }

  private giveUp(): Effect.Effect<void> {
    const state = this.decoderState
    // An idle connection that ends is nobody's failure.
    if (RequestDecoder.isBetweenMessages(state)) return this.finish
    const error = this.deadlines.error({ _tag: "HeadTimeout", after: this.engine.millis.head }, 1)
    return Effect.andThen(
      this.report(error),
      RequestDecoder.hasRequestLine(state) ? refuse(this, error) : this.finish
    )
  }

  private afterExchange(failure: Cause.Cause<unknown> | undefined): Effect.Effect<void> {
    this.fiber?.setContext(this.context)
    const exchange = this.exchange as Http1Exchange
    this.answered(exchange)
    if (
      failure === undefined &&
      exchange.bodyEnded &&
      exchange.persistent &&
      this.phaseCode === DRAINING &&
      !exchange.aborted &&
      exchange.timedOut === undefined
    ) {
      this.reuse()
      // The connection is idle since the exchange ended: no other look at the clock.
      this.endObservation(exchange, this.deadlines.since)
      return this.onward()
    }
    return Effect.flatMap(conclude(this, exchange, failure), (goesOn) =>
      goesOn ? this.onward() : this.finish
    )
  }

  private onward(): Effect.Effect<void> {
    if (this.rest === undefined || ++this.turn < this.engine.config.turnRequests) return this.next()
    this.turn = 0
    return this.yielding
  }

  /** The exchange is complete and the connection goes on. */
  reuse(): void {
    this.exchange = undefined
    this.advance(ConnectionState.code.Reused)
    this.deadlines.armIdle()
  }

  private get finish(): Effect.Effect<void> {
    return Effect.sync(() => {
      this.exchange = undefined
      if (this.phase !== "Closed") this.advance(ConnectionState.code.Finished)
    })
  }

  /** Whether octets came behind the message under way. */
  get hasRest(): boolean {
    return this.rest !== undefined
  }

  private reportEnd(cause: Cause.Cause<unknown>): Effect.Effect<void> {
    if (Pull.isDoneCause(cause)) {
      const outcome = RequestDecoder.end(this.decoder, this.decoderState)
      return outcome._tag === "Failed" ? this.report(outcome.error) : Effect.void
    }
    return this.reportCause(cause)
  }

  private reportCause(cause: Cause.Cause<unknown>): Effect.Effect<void> {
    for (const reason of cause.reasons) {
      if (reason._tag === "Fail") return this.report(reason.error as ServerError.ServerError)
    }
    return this.report(this.applicationError({ _tag: "EngineDefect", cause }))
  }

  reportFailure(exchange: Http1Exchange, cause: Cause.Cause<unknown>): Effect.Effect<void> {
    if (exchange.timedOut !== undefined) return Effect.void
    // A peer that was reset because it took too little did not leave.
    if (exchange.aborted) {
      return this.deadlines.stalled === undefined
        ? this.report(this.applicationError({ _tag: "ClientAborted" }))
        : Effect.void
    }
    // After a switch, how the peer closed is how applications learn that they are done.
    if (exchange.switched !== undefined && isClose(cause)) return Effect.void
    // A failure that says itself which response it is (404, 400…) is an answer, not an error of the server.
    if (exchange.status > 0 && exchange.status < 500 && this.phase === "Draining") return Effect.void
    const tag = exchange.status === 0 || this.phase === "Draining" ? "HandlerFailed" : "ResponseBodyFailed"
    exchange.observation?.fail(tag)
    return this.report(this.applicationError({ _tag: tag, cause: withoutResponse(cause) }))
  }

  // The application made its response to the end, and the peer did not get it.
  reportUndelivered(exchange: Http1Exchange): Effect.Effect<void> {
    if (this.deadlines.stalled !== undefined) return Effect.void
    if (exchange.writeError !== undefined) return this.report(exchange.writeError)
    if (this.phaseCode === DRAINING) return Effect.void
    const cause = new Error("The peer had left before its response was made")
    return this.report(TransportError.make({ _tag: "WriteFailed", cause }, this.id))
  }

  // RFC 9112 §8: a body that ends with the connection would look complete; a reset tells. Other framings tell
  // by themselves that something is missing, and an orderly end lets what was sent arrive.
  abandon(exchange: Http1Exchange): Effect.Effect<void> {
    if (exchange.status === 0 || (exchange.minorVersion === 0 && this.phase === "Responding")) {
      return this.transport.reset
    }
    this.advance(ConnectionState.code.Ended)
    return Effect.ignore(this.deadlines.sending(this.transport.end))
  }

  // What the application left unread is thrown away, up to a budget.
  drainBody(exchange: Http1Exchange): Effect.Effect<void> {
    const budget = exchange.bodyBytes + this.engine.config.drainBytes
    exchange.discarded = true
    const { framing } = exchange.head
    if (exchange.awaitsContinue || (framing._tag === "Length" && framing.length > budget)) return Effect.void
    const loop: Effect.Effect<void> = Effect.suspend(() => {
      this.takeBody(exchange)
      if (exchange.bodyEnded || exchange.bodyError !== undefined || exchange.bodyBytes > budget)
        return Effect.void
      this.deadlines.awaitBody(exchange)
      return Effect.matchCauseEffect(this.transport.pull, {
        onSuccess: (chunk) => {
          this.deadlines.bodyCame(exchange, chunk.length)
          this.feed(chunk)
          return loop
        },
        onFailure: (cause) => this.reportEnd(cause)
      })
    })
    return Effect.andThen(
      loop,
      Effect.suspend(() => this.reportBodyError(exchange))
    )
  }

  private reportBodyError(exchange: Http1Exchange): Effect.Effect<void> {
    return exchange.bodyError === undefined ? Effect.void : this.report(exchange.bodyError)
  }

  /** Ends this side; where the peer may still be sending, goes on reading for a while (RFC 9112 §9.6). */
  endAndLinger(peerMaySend: boolean): Effect.Effect<void> {
    if (this.phase !== "Lingering") this.advance(ConnectionState.code.Ended)
    this.exchange = undefined
    const ended = Effect.ignore(this.deadlines.sending(this.transport.end))
    if (!peerMaySend) return ended
    const linger: Effect.Effect<void> = Effect.suspend(() =>
      this.deadlines.expired
        ? Effect.void
        : Effect.matchCauseEffect(this.transport.pull, {
            onSuccess: () => linger,
            onFailure: () => Effect.void
          })
    )
    return Effect.andThen(
      ended,
      Effect.suspend(() => {
        this.deadlines.armLinger()
        return linger
      })
    )
  }
}

// What is left to do after an exchange that did not simply end well. Gives whether the connection goes on.
const conclude = Effect.fnUntraced(function* (
  self: Connection,
  exchange: Http1Exchange,
  failure: Cause.Cause<unknown> | undefined
) {
  if (exchange.bodyError !== undefined) yield* self.report(exchange.bodyError)
  if (exchange.timedOut !== undefined) yield* self.report(exchange.timedOut)
  if (failure !== undefined) {
    // The application had its turn and nothing was sent, as when a pre-response handler fails.
    if (exchange.status === 0 && !exchange.aborted) {
      yield* Effect.ignore(answerFailure(new ServerRequest(exchange), failure))
    }
    yield* self.reportFailure(exchange, failure)
  } else if (exchange.aborted && exchange.switched === undefined) yield* self.reportUndelivered(exchange)
  self.observeEnd(exchange)
  if (exchange.switched !== undefined) return false
  if (exchange.aborted) {
    // A peer that has ended its side only can still read; see `abandon`.
    if (exchange.minorVersion === 0 && self.phase === "Responding") yield* self.transport.reset
    return false
  }
  // No complete response: the peer can tell by the way the connection ends.
  if (self.phase !== "Draining") {
    yield* self.abandon(exchange)
    return false
  }
  if (exchange.reading && exchange.timedOut === undefined) {
    // A fiber that the handler left behind waits for the body. It owns the octets that come, so none of them can
    // begin another request.
    yield* self.endAndLinger(false)
    return false
  }
  if (!exchange.bodyEnded && exchange.persistent && exchange.bodyError === undefined) {
    yield* self.drainBody(exchange)
    // A peer that left meanwhile has interrupted this fiber: no other handler can run in it.
    if (exchange.aborted) return false
  }
  if (exchange.bodyEnded && exchange.persistent) {
    self.reuse()
    return true
  }
  yield* self.endAndLinger(!exchange.bodyEnded || self.hasRest)
  return false
})
