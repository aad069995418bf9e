/**
 * What the peer and the handler of one connection have to do by when.
 *
 * The peer has one thing at a time to do: begin a request, complete its head, send its body, end. Beside that it
 * has to take what is written, and the handler has to answer. A deadline that passes changes a value and wakes who
 * waits; what follows from it is for the connection to decide.
 */
import type { ConnectionId } from "@nvo/protocol"
import type * as Effect from "effect/Effect"
import type { Phase } from "../ConnectionState.ts"
import * as DeadlineError from "../DeadlineError.ts"
import { Deadline } from "../Deadlines.ts"
import type { ServerError } from "../ServerError.ts"
import type * as Transport from "../Transport.ts"
import type { EngineContext } from "./engineContext.ts"
import type { Http1Exchange } from "./http1Exchange.ts"
import * as Pace from "./pace.ts"
import { WriteWatch } from "./writeWatch.ts"

/** The connection, as its deadlines see it. */
interface Watched {
  readonly engine: EngineContext
  readonly transport: Transport.Connection
  readonly id: ConnectionId.ConnectionId
  readonly surplus: boolean
  readonly requests: number
  readonly phase: Phase
  readonly exchange: Http1Exchange | undefined
  readonly report: (error: ServerError) => Effect.Effect<void>
  readonly interrupt: (exchange: Http1Exchange) => void
}

// A new connection whose peer has sent nothing yet is given this long for its request, in milliseconds, before it
// counts as idle for a server that ends: the request may be on its way. Chosen by feel.
const FRESH = 1_000

/** See the module. Times are in milliseconds of the wheel's clock. */
export class ConnectionDeadlines {
  /** When the connection was accepted. */
  readonly began: number
  /** Since when it is idle, or at work. */
  since: number
  /** Whether the peer did not do in time what it had to, between exchanges. */
  expired = false
  private readonly connection: Watched
  private readonly deadline: Deadline
  private handler: Deadline | undefined = undefined
  private handlerMillis = 0
  private writes: WriteWatch | undefined = undefined

  constructor(connection: Watched) {
    this.connection = connection
    const { deadlines } = connection.engine
    this.began = deadlines.now()
    this.since = this.began
    this.deadline = new Deadline(deadlines, () => this.expire())
  }

  error(reason: DeadlineError.DeadlineErrorReason, next = 0): DeadlineError.DeadlineError {
    const { id, phase, requests } = this.connection
    return DeadlineError.make({ connectionId: id, requestIndex: requests + next, phase, reason })
  }

  dispose(): void {
    this.deadline.release()
    this.handler?.release()
    this.writes?.dispose()
  }

  // --- what the peer has to do ---

  /** Nothing is under way. A deadline of the work before is overridden, not taken back: that costs nothing. */
  armIdle(): void {
    const { engine, surplus } = this.connection
    const { deadlines, millis } = engine
    const now = deadlines.now()
    this.since = now
    const idle = now + (surplus ? millis.head : millis.idle)
    this.deadline.armAt(millis.age > 0 ? Math.min(idle, this.began + millis.age) : idle)
  }

  /** A new connection has a moment to begin; `false` if it is not so new any more. */
  armFresh(): boolean {
    const { deadlines } = this.connection.engine
    if (deadlines.now() - this.began >= FRESH) return false
    this.deadline.armAt(this.began + FRESH)
    return true
  }

  /** The first octet of a head has come. */
  armHead(): void {
    this.deadline.arm(this.connection.engine.millis.head)
  }

  /** A head has come. */
  atWork(): void {
    this.since = this.connection.engine.deadlines.now()
  }

  /** This side has ended, and goes on reading. */
  armLinger(): void {
    this.expired = false
    this.deadline.arm(this.connection.engine.millis.linger)
  }

  /** Whether the connection is as old as it may be. */
  get isAged(): boolean {
    const { deadlines, millis } = this.connection.engine
    return millis.age > 0 && deadlines.now() - this.began >= millis.age
  }

  /** Somebody is about to wait for octets of the body. */
  awaitBody(exchange: Http1Exchange): void {
    const { deadlines, millis } = this.connection.engine
    exchange.reading = true
    exchange.pace ??= Pace.make(millis.body)
    this.deadline.armAt(Pace.wait(exchange.pace, deadlines.now()))
  }

  /** Octets that somebody waited for have come. */
  bodyCame(exchange: Http1Exchange, octets: number): void {
    const { config, deadlines, millis } = this.connection.engine
    exchange.reading = false
    if (exchange.pace !== undefined) {
      Pace.progress(exchange.pace, deadlines.now(), octets, millis.body, config.bodyRate)
    }
  }

  // Whoever waits for octets looks again and finds out. While a handler is at work nobody does, and the peer is not
  // to blame.
  private expire(): void {
    const { engine, exchange, transport } = this.connection
    if (exchange === undefined) this.expired = true
    else if (exchange.reading) {
      exchange.bodyError = this.error({ _tag: "BodyTimeout", after: engine.millis.body })
    } else return
    transport.wake()
  }

  // --- what the handler has to do ---

  /** From now on, the handler has this long for the head of its response; 0: for ever. */
  limitHandler(exchange: Http1Exchange, duration: number): void {
    if (this.connection.exchange !== exchange || exchange.status !== 0) return
    this.handlerMillis = duration
    this.handler ??= new Deadline(this.connection.engine.deadlines, () => this.expireHandler())
    if (duration === 0) this.handler.disarm()
    else this.handler.arm(duration)
  }

  disarmHandler(): void {
    this.handler?.disarm()
  }

  private expireHandler(): void {
    const { exchange } = this.connection
    if (exchange === undefined || !exchange.isUnanswered) return
    exchange.timedOut = this.error({ _tag: "HandlerTimeout", after: this.handlerMillis })
    this.connection.interrupt(exchange)
  }

  // --- what the peer has to take ---

  /** Waits for the peer to take what is written, as long as it keeps to the pace. */
  sending<A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    this.writes ??= new WriteWatch(this.connection, () => {
      const { engine, exchange } = this.connection
      exchange?.observation?.fail("WriteTimeout")
      return this.error({ _tag: "WriteTimeout", after: engine.millis.write })
    })
    return this.writes.sending(effect)
  }

  /** Why the connection was reset, where its peer took too little of what was written. */
  get stalled(): DeadlineError.DeadlineError | undefined {
    return this.writes?.stalled
  }
}
