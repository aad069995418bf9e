/**
 * The program of one HTTP/2 connection: a fiber that reads and dispatches.
 *
 * The protocol (`ServerConnection`) owns all state of frames and streams, `Http2Exchanges` the fibers of the handlers,
 * and `Http2Output` what is to be written. What comes in one batch is dispatched, and what the handlers answered
 * meanwhile leaves in one write. The end of the connection interrupts all handlers and waits for them.
 *
 * Whoever edits this: handlers run inside `dispatch`, as far as they come without waiting, so that anything may have
 * changed behind a call that begins one; and everything that writes ends with `flush` or `flushSoon`.
 */
import {
  type ConnectionId,
  ErrorCode,
  type Http2Error,
  type Http2Event,
  ServerConnection
} from "@nvo/protocol"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Pull from "effect/Pull"
import * as References from "effect/References"
import * as ApplicationError from "../../ApplicationError.ts"
import type * as ConnectionState from "../../ConnectionState.ts"
import type { ConnectionInfo } from "../../Connections.ts"
import * as DeadlineError from "../../DeadlineError.ts"
import * as ServerConfig from "../../ServerConfig.ts"
import type * as ServerError from "../../ServerError.ts"
import type * as Transport from "../../Transport.ts"
import * as TransportError from "../../TransportError.ts"
import type { EngineContext } from "../engineContext.ts"
import { problem } from "../refusal.ts"
import { infoOf, type Owner, type Served } from "../served.ts"
import { Http2Deadlines } from "./deadlines.ts"
import type { Http2Exchange } from "./exchange.ts"
import { Http2Exchanges } from "./exchanges.ts"
import { Http2Output } from "./output.ts"
import { prohibited } from "./security.ts"

const NO_EVENTS: ReadonlyArray<Http2Event.Http2Event> = []

/** See the module. */
export class Http2Connection implements Served {
  readonly engine: EngineContext
  readonly transport: Transport.Connection
  readonly id: ConnectionId.ConnectionId
  readonly machine: ServerConnection.ServerConnection
  private readonly acceptedAt: number
  /** Over the limit of connections: its requests are told that there is no room. */
  readonly surplus: boolean
  readonly deadlines: Http2Deadlines
  /** The services of the app, with the connection's identity in every log line. */
  readonly context: Context.Context<never>
  readonly exchanges = new Http2Exchanges(this)
  readonly output = new Http2Output(this)
  /** The fiber that reads: there from when the program begins, before which nothing happens here. */
  fiber!: Fiber.Fiber<unknown, unknown>
  private program: Fiber.Fiber<void> | undefined = undefined
  private events: ReadonlyArray<Http2Event.Http2Event> = NO_EVENTS
  private eventAt = 0
  /** See `Served.cut`. */
  isCut = false
  isClosed = false
  /** Whether nothing more is read. */
  private expired = false
  private lingers = false
  private isLost = false
  /** Whether somebody who was served when the connection was lost has told of it, or will. */
  private lossIsTold = false
  private loss: ServerError.ServerError | undefined = undefined
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
    return infoOf(this, {
      protocol: "h2",
      since: Math.round(this.acceptedAt + this.deadlines.since - this.deadlines.began),
      acceptedAt: this.acceptedAt,
      requests: this.exchanges.count
    })
  }

  get phase(): ConnectionState.Phase {
    if (this.lingers) return "Lingering"
    if (this.isClosed) return "Closed"
    return this.isIdle ? "Idle" : "Handling"
  }

  /** Whether there is nothing to do here: no handler, and nothing to send. What is still to come is thrown away. */
  get isIdle(): boolean {
    return this.exchanges.isEmpty && this.machine.isAtRest
  }

  get idleSince(): number | undefined {
    return this.isIdle && !this.isClosed ? this.deadlines.since : undefined
  }

  retire(): void {
    if (this.machine.phase === "AwaitingPreface" || this.machine.phase === "AwaitingSettings") {
      return this.leave()
    }
    this.exchanges.goAway()
    this.announceShutdown()
  }

  /** Serves no more streams than the peer has opened until it knows. */
  announceShutdown(): void {
    this.endAfterThese()
    this.output.flush()
  }

  /** As `announceShutdown`, with what is written next. */
  endAfterThese(): void {
    this.machine.shutdown()
    this.deadlines.armShutdown()
  }

  leave(): void {
    this.machine.commitShutdown()
    this.expired = true
    this.output.flush()
    this.transport.wake()
  }

  /** Names the last stream, and ends the connection if none is open. */
  commitShutdown(): void {
    this.machine.commitShutdown()
    this.output.flush()
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
      requestIndex: exchange?.requestIndex ?? this.exchanges.count,
      phase: exchange === undefined ? this.phase : phaseOf(exchange),
      reason
    })
  }

  applicationError(
    exchange: Http2Exchange | undefined,
    reason: ApplicationError.ApplicationErrorReason
  ): ApplicationError.ApplicationError {
    return ApplicationError.make({
      connectionId: this.id,
      requestIndex: exchange?.requestIndex ?? this.exchanges.count,
      phase: exchange === undefined ? this.phase : phaseOf(exchange),
      reason
    })
  }

  readonly report = (error: ServerError.ServerError): Effect.Effect<void> => this.engine.errors.report(error)

  /** Runs what nobody waits for. */
  fork(effect: Effect.Effect<void>): void {
    Effect.runForkWith(this.context)(effect)
  }

  /** Reports an error from where no effect can be given. */
  tell(error: ServerError.ServerError): void {
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

  start(owner: Owner): void {
    this.program = Effect.runForkWith(this.engine.context)(this.run)
    this.program.addObserver(() => owner.hasEnded())
  }

  stop(): void {
    this.program?.interruptUnsafe()
  }

  // The program. It completes when the connection has ended.
  private get run(): Effect.Effect<void> {
    return Effect.uninterruptible(
      Effect.withFiber((fiber) => {
        this.fiber = fiber
        fiber.setContext(this.context)
        // With a name: see `onDepart` of the connection of HTTP/1.1.
        const onDepart = (departure: Transport.Departure) => {
          if (departure !== "Lost") return
          this.isLost = true
          this.lossIsTold = this.exchanges.hasWebSocket
          this.exchanges.abandonAll(this.lost(new Error("the connection is lost")))
        }
        this.transport.onDeparture = onDepart
        // RFC 9113 §9.2.2.
        const weak = prohibited(this.transport.tls)
        if (weak !== undefined) this.giveUp(this.machine.abort("InadequateSecurity", weak))
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
    this.output.isHeld = true
    while (this.eventAt < events.length) {
      const event = events[this.eventAt++]
      this.handle(event)
      if (event._tag === "RequestHead" && ++begun === this.engine.config.turnRequests) break
    }
    this.output.isHeld = false
    this.output.flush()
    if (this.eventAt < events.length) return this.yielding
    this.events = NO_EVENTS
    return this.onward()
  }

  private onward(): Effect.Effect<void> {
    if (this.isDone) return Effect.void
    // A peer that takes nothing of what it makes the server say (answers to its PING and SETTINGS, heads) is not read
    // from until it does.
    const { drained } = this.output
    return drained === undefined ? this.pulling : Effect.flatMap(drained, () => this.onward())
  }

  private get isDone(): boolean {
    const { phase } = this.machine
    return (
      phase === "Closed" ||
      this.expired ||
      (phase === "Draining" && this.exchanges.isEmpty && this.machine.openStreams === 0)
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
        if (reason._tag !== "Fail") continue
        this.loss = reason.error as ServerError.ServerError
        return Effect.void
      }
      return this.report(this.applicationError(undefined, { _tag: "EngineDefect", cause }))
    }
    return this.engine.config.halfClose ? Effect.asVoid(this.exchanges.done) : Effect.void
  }

  /** An application is told of as interrupted by its peer: that tells of the loss of the connection, if it is lost. */
  toldAbort(): void {
    if (this.isLost) this.lossIsTold = true
  }

  /** A deadline of the connection has passed. */
  giveUp(error: ServerError.ServerError | undefined): void {
    if (error !== undefined) this.tell(error)
    this.leave()
  }

  // What is due when nothing more is read.
  private get end(): Effect.Effect<void> {
    this.exchanges.abandonAll(this.ending)
    // What the peer sends meanwhile, credit for the last response at least, would be answered with a reset, which could
    // take from it what is on its way. A connection that nobody used is not worth waiting for.
    const lingers = this.machine.phase === "Closed" || !this.expired
    return this.exchanges.done.pipe(
      Effect.andThen(
        Effect.suspend(() =>
          this.loss === undefined || this.lossIsTold ? Effect.void : this.report(this.loss)
        )
      ),
      Effect.andThen(
        Effect.suspend(() => {
          this.machine.commitShutdown()
          this.output.flush()
          this.isClosed = true
          const ended = Effect.ignore(this.deadlines.writes.sending(this.transport.end))
          return lingers ? Effect.andThen(ended, this.linger) : ended
        })
      )
    )
  }

  private get linger(): Effect.Effect<void> {
    const discard: Effect.Effect<void> = Effect.matchCauseEffect(this.transport.pull, {
      onSuccess: () => discard,
      onFailure: () => Effect.void
    })
    const { lingerTimeout } = this.engine.config
    return Effect.suspend(() => {
      this.lingers = true
      return Effect.map(Effect.timeoutOption(Effect.interruptible(discard), lingerTimeout), () => {
        this.lingers = false
      })
    })
  }

  // --- events --------------------------------------------------------------------------------------------------

  private handle(event: Http2Event.Http2Event): void {
    switch (event._tag) {
      case "RequestHead":
        return this.exchanges.begin(event, event.expectContinue && this.hasBody(event.streamId))
      case "RequestData":
        return this.exchanges.get(event.streamId)?.offer(event.bytes)
      case "RequestEnd":
        return this.exchanges.get(event.streamId)?.endBody(event.trailers)
      case "StreamReset": {
        const exchange = this.exchanges.get(event.streamId)
        if (exchange === undefined) return
        const cause = new Error(`RST_STREAM with ${ErrorCode.nameOf(event.code)}`)
        return this.exchanges.abandon(exchange, this.lost(cause))
      }
      case "StreamFailed": {
        this.tell(event.error)
        const exchange = this.exchanges.get(event.streamId)
        if (exchange === undefined) return
        exchange.observation?.fail(event.error.reason._tag)
        return this.exchanges.abandon(exchange, this.lost(event.error))
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

  // Whether some of a request's body came in the same batch: then its peer has not waited for a 100 (RFC 9110 §10.1.1).
  private hasBody(streamId: number): boolean {
    return this.events.some(
      (event, i) => i >= this.eventAt && event._tag === "RequestData" && event.streamId === streamId
    )
  }

  private refuse({ error, streamId }: Http2Event.RequestRefused): void {
    const { config, telemetry } = this.engine
    const body = new TextEncoder().encode(problem(error, error.status))
    this.tell(error)
    const requestIndex = ++this.exchanges.count
    const refused = { connectionId: this.id, requestIndex, reason: error.reason }
    telemetry?.refuse(refused, error.status, this.transport.peerAddress, this.fiber)
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
    this.machine.discard(streamId, config.drainBytes)
  }

  /** Whether its requests are its last. */
  get isWornOut(): boolean {
    const { closing, config } = this.engine
    const { requestsPerConnection } = config
    return (
      closing ||
      this.surplus ||
      this.deadlines.isAged ||
      (requestsPerConnection > 0 && this.exchanges.count >= requestsPerConnection)
    )
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
    if (exchange !== undefined) this.exchanges.abandon(exchange, this.lost(error))
    this.output.flushSoon()
    this.endIfDone()
  }

  /** What was written has left, as far as it could. */
  afterFlush(): void {
    const { error } = this.machine
    if (error !== undefined && !this.expired && !this.output.isHeld) this.failedOutside(error)
    else this.endIfDone()
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
