/**
 * The program of one HTTP/2 connection: a fiber that reads and dispatches, and a fiber for each stream's handler.
 *
 * The protocol (`ServerConnection`) owns all state of frames and streams; this owns the fibers. What comes in one batch
 * is dispatched, and what the handlers answered meanwhile leaves in one write. Whatever ends a stream before its
 * handler interrupts exactly that handler; the end of the connection interrupts all of them and waits for them.
 *
 * Whoever edits this: handlers run inside `dispatch`, as far as they come without waiting, so that anything may have
 * changed behind a call that begins one; and everything that writes ends with `flush` or `flushSoon`.
 */
import {
  type ConnectionId,
  ErrorCode,
  type Http2Error,
  type Http2Event,
  type Http2RequestHead,
  ServerConnection
} from "@nvo/protocol"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { ClientAbort } from "effect/http/HttpServerError"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Pull from "effect/Pull"
import * as References from "effect/References"
import * as ApplicationError from "../../ApplicationError.ts"
import type * as ConnectionState from "../../ConnectionState.ts"
import type { ConnectionInfo } from "../../Connections.ts"
import * as DeadlineError from "../../DeadlineError.ts"
import type * as OverloadError from "../../OverloadError.ts"
import * as ServerConfig from "../../ServerConfig.ts"
import type * as ServerError from "../../ServerError.ts"
import type * as Transport from "../../Transport.ts"
import * as TransportError from "../../TransportError.ts"
import type { EngineContext } from "../engineContext.ts"
import { failureOf } from "../failures.ts"
import { problem, turnedAway } from "../refusal.ts"
import { answerFailure, handleResponse } from "../responseWriter.ts"
import type { Served } from "../served.ts"
import { ServerRequest } from "../serverRequest.ts"
import { Http2Deadlines } from "./deadlines.ts"
import { Http2Exchange } from "./exchange.ts"

const NO_EVENTS: ReadonlyArray<Http2Event.Http2Event> = []

// How often a flush goes round before others have their turn: handlers that are resumed may fill what was emptied.
const FLUSH_ROUNDS = 16

/** See the module. */
export class Http2Connection implements Served {
  readonly engine: EngineContext
  readonly transport: Transport.Connection
  readonly id: ConnectionId.ConnectionId
  readonly machine: ServerConnection.ServerConnection
  private readonly acceptedAt: number
  /** Over the limit of connections: its requests are told that there is no room. */
  private readonly surplus: boolean
  private readonly deadlines: Http2Deadlines
  private readonly context: Context.Context<never>
  /** The exchanges whose handler is at work, by stream. */
  private readonly exchanges = new Map<number, Http2Exchange>()
  private requests = 0
  private fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  private events: ReadonlyArray<Http2Event.Http2Event> = NO_EVENTS
  private eventAt = 0
  private isCut = false
  private isClosed = false
  /** Whether nothing more is read. */
  private expired = false
  /** Whether events are being dispatched: what is written meanwhile leaves behind the last of them. */
  private dispatching = false
  private flushing = false
  private flushDue = false
  /** Waits for the transport to take what was written. */
  private blocked: Fiber.Fiber<unknown, unknown> | undefined = undefined
  private readonly first: Uint8Array | undefined

  /** `first` are octets that were read to find out what is spoken. `began` is when the connection was accepted. */
  constructor(
    engine: EngineContext,
    transport: Transport.Connection,
    acceptedAt: number,
    surplus: boolean,
    first: Uint8Array | undefined,
    began: number
  ) {
    this.engine = engine
    this.transport = transport
    this.id = transport.id
    this.acceptedAt = acceptedAt
    this.surplus = surplus
    this.first = first
    this.machine = new ServerConnection.ServerConnection({
      connectionId: transport.id,
      limits: ServerConfig.http2Limits(engine.config)
    })
    this.deadlines = new Http2Deadlines(this, began)
    this.context = Context.add(engine.context, References.CurrentLogAnnotations, {
      ...Context.get(engine.context, References.CurrentLogAnnotations),
      "nvo.connection.id": transport.id
    })
    this.pulling = Effect.matchCauseEffect(transport.pull, {
      onSuccess: (chunk) => this.take(chunk),
      onFailure: (cause) => this.inputEnded(cause)
    })
    this.yielding = Effect.flatMap(Effect.yieldNow, () => this.dispatch())
  }

  // --- what the engine asks ------------------------------------------------------------------------------------

  get info(): ConnectionInfo {
    return {
      id: this.id,
      peerAddress: this.transport.peerAddress,
      peerPort: this.transport.peerPort,
      protocol: "h2",
      phase: this.phase,
      since: Math.round(this.acceptedAt + this.deadlines.since - this.deadlines.began),
      acceptedAt: this.acceptedAt,
      requests: this.requests,
      bytesRead: this.transport.bytesRead,
      bytesWritten: this.transport.bytesWritten
    }
  }

  get phase(): ConnectionState.Phase {
    if (this.isClosed) return "Closed"
    return this.isIdle ? "Idle" : "Handling"
  }

  /** Whether there is nothing to do here: no handler, and nothing to send. What is still to come is thrown away. */
  get isIdle(): boolean {
    return this.exchanges.size === 0 && this.machine.isAtRest
  }

  get idleSince(): number | undefined {
    return this.isIdle && !this.isClosed ? this.deadlines.since : undefined
  }

  retire(): void {
    if (this.machine.phase === "AwaitingPreface" || this.machine.phase === "AwaitingSettings") {
      return this.leave()
    }
    for (const { carrier } of [...this.exchanges.values()]) carrier?.session?.goAway()
    this.announceShutdown()
  }

  /** Serves no more streams than the peer has opened until it knows. */
  announceShutdown(): void {
    this.machine.shutdown()
    this.deadlines.armShutdown()
    this.flush()
  }

  leave(): void {
    this.machine.commitShutdown()
    this.expired = true
    this.flush()
    this.transport.wake()
  }

  /** Names the last stream, and ends the connection if none is open. */
  commitShutdown(): void {
    this.machine.commitShutdown()
    this.flush()
    this.endIfDone()
  }

  cut(): void {
    this.isCut = true
  }

  dispose(): void {
    this.isClosed = true
    this.deadlines.dispose()
  }

  drainError(): DeadlineError.DeadlineError {
    return this.deadlineError({ _tag: "DrainTimeout", after: this.engine.millis.drain })
  }

  deadlineError(
    reason: DeadlineError.DeadlineErrorReason,
    exchange?: Http2Exchange
  ): DeadlineError.DeadlineError {
    return DeadlineError.make({
      connectionId: this.id,
      requestIndex: exchange?.requestIndex ?? this.requests,
      phase: exchange === undefined ? this.phase : phaseOf(exchange),
      reason
    })
  }

  private applicationError(
    exchange: Http2Exchange | undefined,
    reason: ApplicationError.ApplicationErrorReason
  ): ApplicationError.ApplicationError {
    return ApplicationError.make({
      connectionId: this.id,
      requestIndex: exchange?.requestIndex ?? this.requests,
      phase: exchange === undefined ? this.phase : phaseOf(exchange),
      reason
    })
  }

  readonly report = (error: ServerError.ServerError): Effect.Effect<void> => this.engine.errors.report(error)

  /** Runs what nobody waits for. */
  fork(effect: Effect.Effect<void>): void {
    Effect.runForkWith(this.context)(effect)
  }

  // From where no effect can be given.
  private tell(error: ServerError.ServerError): void {
    this.fork(this.report(error))
  }

  private lost(cause: unknown): TransportError.TransportError {
    return TransportError.make({ _tag: "ConnectionReset", cause }, this.id)
  }

  // What becomes of the streams that are open at the end.
  private get ending(): TransportError.TransportError {
    if (this.machine.error !== undefined) return this.lost(this.machine.error)
    return this.expired || this.machine.phase === "Draining"
      ? TransportError.make({ _tag: "ConnectionClosed" }, this.id)
      : this.lost(new Error("the peer ended the connection"))
  }

  // --- reading -------------------------------------------------------------------------------------------------

  private readonly pulling: Effect.Effect<void>
  // A peer that begins many requests at once lets the others have their turn.
  private readonly yielding: Effect.Effect<void>

  /** The program. It completes when the connection has ended; its Scope then releases the socket. */
  get run(): Effect.Effect<void> {
    return Effect.uninterruptible(
      Effect.withFiber((fiber) => {
        this.fiber = fiber
        fiber.setContext(this.context)
        this.transport.onDeparture = (departure) => {
          if (departure === "Lost") this.abandonAll(this.lost(new Error("the connection is lost")))
        }
        return Effect.catchCause(
          Effect.suspend(() => (this.first === undefined ? this.dispatch() : this.take(this.first))),
          (cause) =>
            Cause.hasInterruptsOnly(cause)
              ? Effect.void
              : this.report(this.applicationError(undefined, { _tag: "EngineDefect", cause }))
        ).pipe(Effect.andThen(Effect.suspend(() => this.end)))
      })
    )
  }

  private take(chunk: Uint8Array): Effect.Effect<void> {
    if (chunk.length > 0) {
      this.events = this.machine.receive(chunk, this.engine.deadlines.now())
      this.eventAt = 0
    }
    return this.dispatch()
  }

  private dispatch(): Effect.Effect<void> {
    const { events } = this
    let begun = 0
    this.dispatching = true
    while (this.eventAt < events.length) {
      const event = events[this.eventAt++]
      this.handle(event)
      if (event._tag === "RequestHead" && ++begun === this.engine.config.turnRequests) break
    }
    this.dispatching = false
    this.flush()
    if (this.eventAt < events.length) return this.yielding
    this.events = NO_EVENTS
    return this.onward()
  }

  private onward(): Effect.Effect<void> {
    if (this.isDone) return Effect.void
    // A peer that takes nothing of what it makes the server say (answers to its PING and SETTINGS, heads) is not read
    // from until it does.
    if (this.blocked !== undefined && this.machine.outputBytes > this.engine.config.writeHighWaterMark) {
      return Effect.flatMap(Effect.exit(Fiber.await(this.blocked)), () => this.onward())
    }
    return this.pulling
  }

  private get isDone(): boolean {
    const { phase } = this.machine
    return (
      phase === "Closed" ||
      this.expired ||
      (phase === "Draining" && this.exchanges.size === 0 && this.machine.openStreams === 0)
    )
  }

  /** Ends the connection if that was all. */
  endIfDone(): void {
    if (this.isDone) this.transport.wake()
  }

  // The peer has ended its side, or is gone. With `halfClose` it still gets its answers.
  private inputEnded(cause: Cause.Cause<unknown>): Effect.Effect<void> {
    if (!Pull.isDoneCause(cause)) {
      for (const reason of cause.reasons) {
        if (reason._tag === "Fail") return this.report(reason.error as ServerError.ServerError)
      }
      return this.report(this.applicationError(undefined, { _tag: "EngineDefect", cause }))
    }
    if (!this.engine.config.halfClose || this.exchanges.size === 0) return Effect.void
    const fibers = [...this.exchanges.values()].flatMap(({ fiber }) => (fiber === undefined ? [] : [fiber]))
    return Effect.asVoid(Fiber.awaitAll(fibers))
  }

  /** A deadline of the connection has passed. */
  giveUp(error: ServerError.ServerError | undefined): void {
    if (error !== undefined) this.tell(error)
    this.leave()
  }

  // What is due when nothing more is read.
  private get end(): Effect.Effect<void> {
    this.abandonAll(this.ending)
    const fibers = [...this.exchanges.values()].flatMap(({ fiber }) => (fiber === undefined ? [] : [fiber]))
    // What the peer sends meanwhile, credit for the last response at least, would be answered with a reset, which could
    // take from it what is on its way. A connection that nobody used is not worth waiting for.
    const lingers = this.machine.phase === "Closed" || !this.expired
    return Effect.andThen(
      fibers.length === 0 ? Effect.void : Fiber.awaitAll(fibers),
      Effect.suspend(() => {
        this.machine.commitShutdown()
        this.flush()
        this.isClosed = true
        const ended = Effect.ignore(this.deadlines.sending(this.transport.end))
        return lingers ? Effect.andThen(ended, this.linger) : ended
      })
    )
  }

  private get linger(): Effect.Effect<void> {
    const discard: Effect.Effect<void> = Effect.matchCauseEffect(this.transport.pull, {
      onSuccess: () => discard,
      onFailure: () => Effect.void
    })
    return Effect.asVoid(
      Effect.timeoutOption(Effect.interruptible(discard), this.engine.config.lingerTimeout)
    )
  }

  // --- events --------------------------------------------------------------------------------------------------

  private handle(event: Http2Event.Http2Event): void {
    switch (event._tag) {
      case "RequestHead":
        return this.begin(event)
      case "RequestData":
        return this.exchanges.get(event.streamId)?.offer(event.bytes)
      case "RequestEnd":
        return this.exchanges.get(event.streamId)?.endBody(event.trailers)
      case "StreamReset": {
        const exchange = this.exchanges.get(event.streamId)
        if (exchange !== undefined) {
          this.abandon(exchange, this.lost(new Error(`RST_STREAM with ${ErrorCode.nameOf(event.code)}`)))
        }
        return
      }
      case "StreamFailed": {
        this.tell(event.error)
        const exchange = this.exchanges.get(event.streamId)
        if (exchange === undefined) return
        exchange.observation?.fail(event.error.reason._tag)
        return this.abandon(exchange, this.lost(event.error))
      }
      case "RequestRefused":
        return this.refuse(event)
      case "ConnectionFailed":
        return this.tell(event.error)
      case "PeerGoAway":
        // The peer opens no more streams. What is open is finished, and then nothing holds the connection.
        return
    }
  }

  private refuse({ error, streamId }: Http2Event.RequestRefused): void {
    const { config, telemetry } = this.engine
    const body = new TextEncoder().encode(problem(error, error.status))
    this.tell(error)
    this.requests++
    if (this.fiber !== undefined) {
      const refused = { connectionId: this.id, requestIndex: this.requests, reason: error.reason }
      telemetry?.refuse(refused, error.status, this.transport.peerAddress, this.fiber)
    }
    this.machine.respond(
      streamId,
      {
        status: error.status,
        fields: { "content-type": "application/problem+json" },
        bodyLength: body.length
      },
      this.engine.date()
    )
    this.machine.send(streamId, body)
    this.machine.finish(streamId)
    this.discard(streamId, config.drainBytes)
  }

  // Nobody wants the rest of a request: so many octets of it are thrown away, and not for ever.
  private discard(streamId: number, octets: number): void {
    this.machine.discard(streamId, octets)
    this.deadlines.watchRest(streamId)
  }

  private begin(head: Http2RequestHead.RequestHead): void {
    const { config, isExempt, overload, telemetry } = this.engine
    // Reset in the same batch: nobody wants it.
    if (!this.machine.canSend(head.streamId)) return
    this.requests++
    const exchange = new Http2Exchange(this, head, this.requests)
    this.exchanges.set(head.streamId, exchange)
    if (
      this.surplus ||
      this.deadlines.isAged ||
      (config.requestsPerConnection > 0 && this.requests >= config.requestsPerConnection)
    ) {
      this.machine.shutdown()
      this.deadlines.armShutdown()
    }
    let program: Effect.Effect<unknown>
    if (!this.surplus && overload.enter()) program = this.admitted(exchange)
    else {
      const exempt = isExempt(head.rawTarget)
      program =
        this.surplus && !exempt
          ? this.turnAway(exchange, { _tag: "ConnectionRefused", limit: config.connectionCount })
          : this.admit(exchange, exempt)
    }
    const context = telemetry?.contextOf(this.context, exchange) ?? this.context
    const fiber = Effect.runForkWith(Context.add(context, HttpServerRequest, new ServerRequest(exchange)))(
      Effect.withFiber((fiber) => {
        exchange.fiber = fiber
        return Effect.matchCauseEffect(program, {
          onSuccess: () => this.afterExchange(exchange, undefined),
          onFailure: (cause) => this.afterExchange(exchange, cause)
        })
      }),
      { uninterruptible: true }
    )
    exchange.fiber = fiber
  }

  // The server is full or behind.
  private admit(exchange: Http2Exchange, exempt: boolean): Effect.Effect<unknown> {
    return Effect.flatMap(Effect.interruptible(this.engine.overload.admit(exempt)), (verdict) => {
      return verdict === undefined ? this.admitted(exchange) : this.turnAway(exchange, verdict)
    })
  }

  // What a request waits before it is let in is not its handler's time.
  private admitted(exchange: Http2Exchange): Effect.Effect<unknown> {
    const { handled, millis } = this.engine
    exchange.inFlight = true
    if (millis.handler > 0) exchange.limitHandler(millis.handler)
    return handled
  }

  private turnAway(
    exchange: Http2Exchange,
    reason: OverloadError.OverloadErrorReason
  ): Effect.Effect<unknown> {
    const { config, shed } = this.engine
    shed(reason, this.id)
    return Effect.ignore(handleResponse(new ServerRequest(exchange), turnedAway(reason, config.retryAfter)))
  }

  // The peer does not want the answer any more, or cannot have it.
  private abandon(exchange: Http2Exchange, error: TransportError.TransportError): void {
    if (exchange.isOver) return
    // A WebSocket tells its application how it ended.
    if (exchange.carrier?.session !== undefined) return exchange.close(error)
    exchange.aborted = true
    exchange.observation?.fail("ClientAborted")
    exchange.close(error)
    exchange.fiber?.interruptUnsafe(undefined, ClientAbort.annotation)
  }

  private abandonAll(error: TransportError.TransportError): void {
    for (const exchange of [...this.exchanges.values()]) this.abandon(exchange, error)
  }

  /** Whether a stream has deadlines of its own for a peer that takes nothing. */
  watchesItself(streamId: number): boolean {
    return this.exchanges.get(streamId)?.carrier?.session !== undefined
  }

  /** The peer keeps the window of a stream closed. */
  stalled(streamId: number, error: DeadlineError.DeadlineError): void {
    this.tell(error)
    const exchange = this.exchanges.get(streamId)
    exchange?.observation?.fail("WriteTimeout")
    this.machine.reset(streamId, "CANCEL")
    if (exchange !== undefined) this.abandon(exchange, this.lost(error))
    this.flushSoon()
    this.endIfDone()
  }

  // --- the end of an exchange ----------------------------------------------------------------------------------

  private afterExchange(
    exchange: Http2Exchange,
    failure: Cause.Cause<unknown> | undefined
  ): Effect.Effect<void> {
    if (
      failure === undefined &&
      exchange.complete &&
      exchange.timedOut === undefined &&
      exchange.bodyError === undefined
    ) {
      this.close(exchange)
      return Effect.void
    }
    return this.conclude(exchange, failure)
  }

  private close(exchange: Http2Exchange): void {
    const { machine } = this
    const { streamId } = exchange
    exchange.answered()
    // No complete response: a reset tells.
    if (exchange.switched !== undefined) machine.finish(streamId)
    else if (!exchange.complete) machine.reset(streamId, "INTERNAL_ERROR")
    // Who was too slow is not waited for any longer.
    this.discard(streamId, exchange.bodyError === undefined ? this.engine.config.drainBytes : 0)
    exchange.dispose()
    this.exchanges.delete(streamId)
    const { observation } = exchange
    if (observation !== undefined && exchange.fiber !== undefined) {
      this.engine.telemetry?.end(observation, this.engine.deadlines.now(), exchange.fiber)
    }
    this.flushSoon()
  }

  private conclude(exchange: Http2Exchange, failure: Cause.Cause<unknown> | undefined): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      if (exchange.bodyError !== undefined) yield* this.report(exchange.bodyError)
      if (exchange.timedOut !== undefined) yield* this.report(exchange.timedOut)
      if (failure !== undefined) {
        // The application had its turn and nothing was sent, as when a pre-response handler fails.
        if (exchange.status === 0 && !exchange.aborted) {
          yield* Effect.ignore(answerFailure(new ServerRequest(exchange), failure))
        }
        yield* this.reportFailure(exchange, failure)
      }
      this.close(exchange)
    })
  }

  private reportFailure(exchange: Http2Exchange, cause: Cause.Cause<unknown>): Effect.Effect<void> {
    const reason = this.isCut ? undefined : failureOf(exchange, exchange.complete, cause)
    return reason === undefined ? Effect.void : this.report(this.applicationError(exchange, reason))
  }

  // --- writing -------------------------------------------------------------------------------------------------

  /** Something was written: it leaves behind the dispatch under way, or with what others write in this turn. */
  flushSoon(): void {
    if (this.dispatching || this.flushing || this.flushDue || this.fiber === undefined) return
    this.flushDue = true
    this.fiber.currentDispatcher.scheduleTask(() => {
      this.flushDue = false
      this.flush()
    }, 0)
  }

  private flush(): void {
    if (this.flushing || this.blocked !== undefined || this.isClosed) return
    const { machine, transport } = this
    const room = this.engine.config.writeHighWaterMark
    this.flushing = true
    for (let round = 0; round < FLUSH_ROUNDS && this.blocked === undefined; round++) {
      const flushed = machine.pump(room)
      if (machine.hasOutput) {
        const result = transport.writeUnsafe(machine.takeOutput())
        if (result === false) this.block()
        // A lost connection is noticed by whoever reads.
        else if (result !== true) break
      }
      for (const streamId of flushed) this.exchanges.get(streamId)?.hasFlushed()
      if (!machine.hasWork && !machine.hasOutput) break
    }
    this.flushing = false
    if (this.blocked === undefined && (machine.hasWork || machine.hasOutput)) this.flushSoon()
    this.deadlines.watchWindows()
    this.deadlines.look()
    if (machine.error !== undefined && !this.expired && !this.dispatching) this.failedOutside(machine.error)
    else this.endIfDone()
  }

  // The transport is full: goes on when the peer has taken it.
  private block(): void {
    this.blocked = Effect.runForkWith(this.context)(
      Effect.ignore(this.deadlines.sending(this.transport.write([])))
    )
    this.blocked.addObserver(() => {
      this.blocked = undefined
      this.flush()
    })
  }

  // A budget was spent by what this side had to send: nobody has been told yet.
  private failedOutside(error: Http2Error.Http2Error): void {
    if (error.reason._tag === "TinyWindows") this.tell(error)
    this.expired = true
    this.transport.wake()
  }
}

const phaseOf = (exchange: Http2Exchange): ConnectionState.Phase =>
  exchange.complete ? "Draining" : exchange.status === 0 ? "Handling" : "Responding"
