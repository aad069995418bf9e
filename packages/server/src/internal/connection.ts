/**
 * The program of one HTTP/1.1 connection: one Scope, one owner of all its state.
 *
 * It waits for octets, feeds the decoder, runs the application, and decides after each exchange whether the connection
 * goes on. Each request has a fiber of its own; between requests the connection is a callback in its transport, and no
 * fiber waits with it. A fiber is uninterruptible but for what the application makes interruptible.
 *
 * Whoever edits this: the peer may leave at any point. What has come is in `Incoming`, how an exchange ends that does
 * not simply end well in `ending.ts`, and what is told of it in `failures.ts`.
 */
import type { ConnectionId } from "@nvo/protocol"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { ClientAbort } from "effect/http/HttpServerError"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as References from "effect/References"
import * as ApplicationError from "../ApplicationError.ts"
import * as ConnectionState from "../ConnectionState.ts"
import type { ConnectionInfo } from "../Connections.ts"
import type * as DeadlineError from "../DeadlineError.ts"
import type * as OverloadError from "../OverloadError.ts"
import * as ServerConfig from "../ServerConfig.ts"
import type * as ServerError from "../ServerError.ts"
import type * as Transport from "../Transport.ts"
import { ConnectionDeadlines } from "./connectionDeadlines.ts"
import { conclude, refuse } from "./ending.ts"
import type { EngineContext } from "./engineContext.ts"
import { reportDefect, reportEnd } from "./failures.ts"
import { Http1Exchange } from "./http1Exchange.ts"
import { Incoming } from "./incoming.ts"
import { Preface } from "./preface.ts"
import { type Refusal, turnedAway } from "./refusal.ts"
import { handleResponse } from "./responseWriter.ts"
import { infoOf, type Owner, type Served } from "./served.ts"
import { ServerRequest } from "./serverRequest.ts"
import { Upgraded } from "./upgraded.ts"
import type { Attended } from "./webSocket/attended.ts"
import type { Session } from "./webSocket/session.ts"

const IDLE = ConnectionState.phaseCode("Idle")
const CLOSED = ConnectionState.phaseCode("Closed")
const DRAINING = ConnectionState.phaseCode("Draining")
const LINGERING = ConnectionState.phaseCode("Lingering")
// A handler makes interruptible what may be interrupted.
const UNINTERRUPTIBLE: Effect.RunOptions = { uninterruptible: true }
const INITIAL_PHASE = ConnectionState.phaseCode(ConnectionState.initial)

/** Makes the program that goes on with a connection, from octets that have come. */
export type HandOver = (connection: Connection, octets: Uint8Array) => Served

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
  /** What serves it where that is not the fiber of its request. */
  attended: Attended | undefined = undefined
  /** Requests whose head was read. */
  requests = 0
  /** The services of the app, with the connection's identity in every log line. */
  readonly context: Context.Context<never>
  /** What has come. */
  readonly incoming: Incoming
  /** The fiber of what is under way: while the connection is idle there is none. */
  private fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  private readonly fork: (effect: Effect.Effect<void>, options: Effect.RunOptions) => Fiber.Fiber<void>
  /** Octets that came and that the next fiber is to read. */
  private came: Uint8Array | undefined = undefined
  /** Whether another fiber is to go on when the one that runs has ended. */
  private again = false
  private hasEnded = false
  private owner: Owner | undefined = undefined
  /** What goes on with the connection after HTTP/1.1, if anything does. */
  private successor: Served | undefined = undefined
  private readonly handling: Effect.Effect<void>
  /** Whether it ends once what is under way is complete. */
  private retiring = false
  /** See `Served.cut`. */
  isCut = false
  /** Requests that were begun in the turn under way. */
  private turn = 0
  /** Takes the connection over where the octets that have come begin with the preface of HTTP/2. */
  handOver: HandOver | undefined = undefined
  private readonly preface = new Preface()

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
    const { config } = engine
    this.incoming = new Incoming(transport.id, ServerConfig.limits(config), config.excerptLength)
    this.fork = Effect.runForkWith(this.context)
    this.handling = Effect.matchCauseEffect(engine.handled, {
      onSuccess: () => this.afterExchange(undefined),
      onFailure: (cause) => this.afterExchange(cause)
    })
  }

  get info(): ConnectionInfo {
    return infoOf(this, {
      protocol: "http/1.1",
      since: Math.round(this.acceptedAt + this.deadlines.since - this.deadlines.began),
      acceptedAt: this.acceptedAt,
      requests: this.requests
    })
  }

  get idleSince(): number | undefined {
    return this.phaseCode === IDLE && !this.hasEnded ? this.deadlines.since : undefined
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

  cut(): void {
    this.isCut = true
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

  readonly report = (error: ServerError.ServerError): Effect.Effect<void> =>
    error._tag === "Http1Error" && this.incoming.excerpt !== ""
      ? this.engine.errors.report(error, { "nvo.error.excerpt": this.incoming.excerpt })
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

  // A peer that leaves during an exchange interrupts exactly the work done for it. (V8 puts a function that is written
  // where it is assigned, `x.y = () => …`, among the old objects, and what it leads to stays until the whole heap is
  // looked at: here a third of what a connection costs. Hence fields, and names for functions that are assigned.)
  private readonly onDepart = (departure: Transport.Departure): void => {
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

  start(owner: Owner): void {
    this.owner = owner
    this.transport.onDeparture = this.onDepart
    this.deadlines.armIdle()
    this.work()
  }

  stop(): void {
    if (this.hasEnded) return
    this.fiber?.interruptUnsafe()
    this.leave()
  }

  // --- fibers ---

  // Runs what came in fibers of their own, until there is nothing more to do now.
  private work(): void {
    do {
      this.again = false
      const fiber = this.fork(this.working, UNINTERRUPTIBLE)
      const exit = fiber.pollUnsafe()
      if (exit === undefined) {
        fiber.addObserver((later) => {
          this.worked(later)
          if (this.again) this.work()
        })
        return
      }
      this.worked(exit)
    } while (this.again)
  }

  private readonly working: Effect.Effect<void> = Effect.withFiber((fiber) => {
    this.fiber = fiber
    const { came } = this
    if (came === undefined) return this.next()
    this.came = undefined
    return this.receive(came)
  })

  private worked(exit: Exit.Exit<void>): void {
    this.fiber = undefined
    if (exit._tag === "Failure") this.crashed(exit.cause)
    else if (this.phaseCode === CLOSED || this.successor !== undefined) this.end()
  }

  private end(): void {
    this.hasEnded = true
    if (this.successor === undefined) this.owner?.hasEnded()
    else this.owner?.become(this.successor)
  }

  // A bug of the engine: it ends this connection, and nothing else.
  private crashed(cause: Cause.Cause<unknown>): void {
    const { exchange } = this
    this.again = false
    const last = Effect.withFiber((fiber) => {
      this.fiber = fiber
      if (exchange !== undefined) {
        this.answered(exchange)
        this.observeEnd(exchange)
      }
      return Cause.hasInterruptsOnly(cause) ? Effect.void : reportDefect(this, cause)
    })
    this.fork(last, UNINTERRUPTIBLE).addObserver(() => this.end())
  }

  // Waits for octets, and no fiber with it: the next ones start one. Ends the fiber that runs.
  private get reading(): Effect.Effect<void> {
    const octets = this.transport.pullUnsafe(this.onOctets)
    if (octets === false) return this.left
    if (octets !== true) {
      this.came = octets
      this.again = true
    }
    return Effect.void
  }

  private readonly onOctets = (octets: Uint8Array): void => {
    this.came = octets
    this.work()
  }

  private receive(octets: Uint8Array): Effect.Effect<void> {
    if (this.phaseCode === LINGERING) return this.lingering
    this.turn = 0
    if (this.handOver !== undefined && octets.length > 0) return this.begins(octets, this.handOver)
    this.incoming.feed(octets)
    return this.next()
  }

  // The peer has left.
  private get left(): Effect.Effect<void> {
    return Effect.matchCauseEffect(this.transport.pull, {
      onSuccess: (octets) => this.receive(octets),
      onFailure: (cause) => {
        if (this.preface.held !== undefined) this.incoming.feed(this.preface.held)
        return Effect.andThen(reportEnd(this, cause), this.finish)
      }
    })
  }

  // Until the first octets say which protocol is spoken.
  private begins(chunk: Uint8Array, handOver: HandOver): Effect.Effect<void> {
    const isFirst = this.preface.held === undefined
    const known = this.preface.match(chunk)
    if (known === undefined) {
      if (isFirst) this.deadlines.armHead()
      return this.retiring ? this.finish : this.reading
    }
    this.handOver = undefined
    if (known.isHttp2) {
      this.successor = handOver(this, known.octets)
      return Effect.void
    }
    this.incoming.feed(known.octets)
    return this.next()
  }

  private next(): Effect.Effect<void> {
    const { incoming } = this
    const head = incoming.nextHead()
    if (head === undefined) {
      const { refused } = incoming
      if (refused !== undefined) return Effect.andThen(this.report(refused), refuse(this, refused))
      if (this.deadlines.expired) return this.giveUp()
      if (incoming.isBetweenMessages) return this.retiring ? this.finish : this.reading
      // The head has to be complete in time, from its first octet on.
      if (this.phaseCode === IDLE) this.deadlines.armHead()
      this.advance(ConnectionState.code.OctetsRead)
      return this.reading
    }
    this.requests++
    this.advance(ConnectionState.code.HeadRead)
    this.deadlines.atWork()
    const exchange = new Http1Exchange(this, head, this.requests, this.goesOn)
    this.exchange = exchange
    if (exchange.bodyEnded) incoming.skipEnd()
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
    shed(reason, this.id)
    return Effect.matchCauseEffect(
      handleResponse(new ServerRequest(exchange), turnedAway(reason, config.retryAfter)),
      {
        onSuccess: () => this.afterExchange(undefined),
        onFailure: (cause) => this.afterExchange(cause)
      }
    )
  }

  private giveUp(): Effect.Effect<void> {
    const { incoming } = this
    // An idle connection that ends is nobody's failure.
    if (incoming.isBetweenMessages) return this.finish
    const error = this.deadlines.error({ _tag: "HeadTimeout", after: this.engine.millis.head }, 1)
    return Effect.andThen(this.report(error), incoming.hasRequestLine ? refuse(this, error) : this.finish)
  }

  private afterExchange(failure: Cause.Cause<unknown> | undefined): Effect.Effect<void> {
    this.fiber?.setContext(this.context)
    const exchange = this.exchange as Http1Exchange
    this.answered(exchange)
    if (
      failure === undefined &&
      exchange.bodyEnded &&
      this.phaseCode === DRAINING &&
      !exchange.aborted &&
      exchange.timedOut === undefined
    ) {
      if (exchange.persistent) {
        this.reuse()
        // The connection is idle since the exchange ended: no other look at the clock.
        this.endObservation(exchange, this.deadlines.since)
        return this.onward()
      }
      if (this.isDone(exchange) && this.transport.flushUnsafe()) {
        this.observeEnd(exchange)
        this.exchange = undefined
        this.advance(ConnectionState.code.Finished)
        return Effect.void
      }
      if (!exchange.reading && exchange.bodyError === undefined && this.transport.endUnsafe()) {
        this.observeEnd(exchange)
        this.exchange = undefined
        this.advance(ConnectionState.code.Ended)
        this.deadlines.armLinger()
        return this.lingering
      }
    }
    return Effect.flatMap(conclude(this, exchange, failure), (goesOn) => {
      if (goesOn) return this.onward()
      const { attended, session } = this
      if (attended === undefined || attended.isOver || session === undefined) return this.finish
      // Nothing of the request and of HTTP/1.1 is kept beside a WebSocket that needs neither.
      this.successor = new Upgraded(this, session, attended)
      return Effect.void
    })
  }

  // Whether nothing more can come, so that closing takes no response away from its reader (RFC 9112 §9.6): the request had
  // no body and said that it is the last, nothing came behind it, and no end of TLS is to be said. Waiting for the peer's
  // end is an event, a read and a shutdown more: a connection with one request costs 45 µs instead of 60 without them.
  private isDone({ head }: Http1Exchange): boolean {
    return (
      !head.persistent &&
      head.framing._tag === "None" &&
      !this.incoming.hasRest &&
      this.transport.tls === undefined
    )
  }

  // `endAndLinger`, where no fiber has to wait for either.
  private get lingering(): Effect.Effect<void> {
    while (!this.deadlines.expired) {
      const octets = this.transport.pullUnsafe(this.onOctets)
      if (octets === true) return Effect.void
      if (octets === false) break
    }
    return this.finish
  }

  // The next request has a fiber of its own, so that nothing that a handler left in its fiber reaches another. A peer
  // that pipelines lets the others have their turn.
  private onward(): Effect.Effect<void> {
    if (!this.incoming.hasRest) return this.next()
    this.again = true
    if (++this.turn < this.engine.config.turnRequests) return Effect.void
    this.turn = 0
    return Effect.yieldNow
  }

  /** The exchange is complete and the connection goes on. */
  reuse(): void {
    this.exchange = undefined
    this.advance(ConnectionState.code.Reused)
    this.deadlines.armIdle()
  }

  // What was written before and still waits reaches a peer that takes it: the connection has nothing more to do, which
  // is no reason to cut what it has done.
  private get finish(): Effect.Effect<void> {
    const { bytesQueued, end } = this.transport
    const close = Effect.sync(() => {
      this.exchange = undefined
      if (this.phase !== "Closed") this.advance(ConnectionState.code.Finished)
    })
    return bytesQueued === 0 ? close : Effect.andThen(Effect.ignore(this.deadlines.sending(end)), close)
  }
}
