/**
 * The exchanges that are under way on a connection of HTTP/2: how each begins, in a fiber of its own, and how it ends.
 *
 * Whatever ends a stream before its handler interrupts exactly that handler.
 */
import type { Http2RequestHead } from "@nvo/protocol"
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import type * as OverloadError from "../../OverloadError.ts"
import type * as TransportError from "../../TransportError.ts"
import { failureOf } from "../failures.ts"
import { turnedAway } from "../refusal.ts"
import { answerFailure, handleResponse } from "../responseWriter.ts"
import { ServerRequest } from "../serverRequest.ts"
import type { Http2Connection } from "./connection.ts"
import { Http2Exchange } from "./exchange.ts"

/** See the module. */
export class Http2Exchanges {
  /** Requests that have come, those that were refused included. */
  count = 0
  private readonly connection: Http2Connection
  private readonly byStream = new Map<number, Http2Exchange>()

  constructor(connection: Http2Connection) {
    this.connection = connection
  }

  /** Whether no handler is at work. */
  get isEmpty(): boolean {
    return this.byStream.size === 0
  }

  get(streamId: number): Http2Exchange | undefined {
    return this.byStream.get(streamId)
  }

  /** The WebSockets among them are told that the server stops. */
  goAway(): void {
    for (const { carrier } of [...this.byStream.values()]) carrier?.session?.goAway()
  }

  /** Whether one of them is a WebSocket that is open: it tells how it ended. */
  get hasWebSocket(): boolean {
    for (const { carrier } of this.byStream.values()) if (carrier?.session?.isOpen === true) return true
    return false
  }

  /** Completes when the handlers that are at work now are done. */
  get done(): Effect.Effect<unknown> {
    return this.isEmpty ? Effect.void : Fiber.awaitAll([...this.byStream.values()].map(({ fiber }) => fiber))
  }

  // --- the begin -----------------------------------------------------------------------------------------------

  /** `hasBody` is whether some of its body is known to have come. */
  begin(head: Http2RequestHead.RequestHead, hasBody: boolean): void {
    const { connection } = this
    const { context, engine, machine } = connection
    // Reset in the same batch: nobody wants it.
    if (!machine.canSend(head.streamId)) return
    this.count++
    const exchange = new Http2Exchange(connection, head, this.count)
    if (hasBody) exchange.awaitsContinue = false
    this.byStream.set(head.streamId, exchange)
    if (connection.isWornOut) connection.endAfterThese()
    const program = this.programOf(exchange)
    const own = engine.telemetry?.contextOf(context, exchange) ?? context
    Effect.runForkWith(Context.add(own, HttpServerRequest, new ServerRequest(exchange)))(
      Effect.withFiber((fiber) => {
        exchange.fiber = fiber
        return Effect.matchCauseEffect(program, {
          onSuccess: () => this.afterExchange(exchange, undefined),
          onFailure: (cause) => this.afterExchange(exchange, cause)
        })
      }),
      { uninterruptible: true }
    )
  }

  private programOf(exchange: Http2Exchange): Effect.Effect<unknown> {
    const { engine, surplus } = this.connection
    if (!surplus && engine.overload.enter()) return this.admitted(exchange)
    const exempt = engine.isExempt(exchange.rawTarget)
    return surplus && !exempt
      ? this.turnAway(exchange, { _tag: "ConnectionRefused", limit: engine.config.connectionCount })
      : this.admit(exchange, exempt)
  }

  // The server is full or behind.
  private admit(exchange: Http2Exchange, exempt: boolean): Effect.Effect<unknown> {
    return Effect.flatMap(Effect.interruptible(this.connection.engine.overload.admit(exempt)), (verdict) =>
      verdict === undefined ? this.admitted(exchange) : this.turnAway(exchange, verdict)
    )
  }

  // What a request waits before it is let in is not its handler's time.
  private admitted(exchange: Http2Exchange): Effect.Effect<unknown> {
    const { handled, millis } = this.connection.engine
    exchange.inFlight = true
    if (millis.handler > 0) exchange.limitHandler(millis.handler)
    return handled
  }

  private turnAway(
    exchange: Http2Exchange,
    reason: OverloadError.OverloadErrorReason
  ): Effect.Effect<unknown> {
    const { config, shed } = this.connection.engine
    shed(reason, this.connection.id)
    return Effect.ignore(handleResponse(new ServerRequest(exchange), turnedAway(reason, config.retryAfter)))
  }

  // --- the end -------------------------------------------------------------------------------------------------

  /** The peer does not want the answer any more, or cannot have it. */
  abandon(exchange: Http2Exchange, error: TransportError.TransportError): void {
    if (exchange.isOver) return
    // A WebSocket tells its application how it ended.
    if (exchange.carrier?.session !== undefined) return exchange.close(error)
    exchange.interrupt(error)
  }

  abandonAll(error: TransportError.TransportError): void {
    for (const exchange of [...this.byStream.values()]) this.abandon(exchange, error)
  }

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
      this.close(exchange, undefined)
      return Effect.void
    }
    return this.conclude(exchange, failure)
  }

  private close(exchange: Http2Exchange, failure: Cause.Cause<unknown> | undefined): void {
    const { connection } = this
    const { engine, machine, output } = connection
    const { observation, streamId } = exchange
    exchange.answered()
    // No complete response, or no complete tunnel: a reset tells.
    if (exchange.switched !== undefined) {
      if (failure === undefined || exchange.carrier !== undefined) machine.finish(streamId)
      else machine.reset(streamId, exchange.tunnelError)
    } else if (!exchange.complete) machine.reset(streamId, "INTERNAL_ERROR")
    // Who was too slow is not waited for any longer.
    machine.discard(streamId, exchange.bodyError === undefined ? engine.config.drainBytes : 0)
    exchange.dispose()
    this.byStream.delete(streamId)
    if (observation !== undefined) engine.telemetry?.end(observation, engine.deadlines.now(), exchange.fiber)
    output.flushSoon()
  }

  private conclude(exchange: Http2Exchange, failure: Cause.Cause<unknown> | undefined): Effect.Effect<void> {
    const { connection } = this
    return Effect.gen({ self: this }, function* () {
      if (exchange.bodyError !== undefined) yield* connection.report(exchange.bodyError)
      if (exchange.timedOut !== undefined) yield* connection.report(exchange.timedOut)
      if (failure !== undefined) {
        yield* this.reportFailure(exchange, yield* answerFailure(new ServerRequest(exchange), failure))
      }
      this.close(exchange, failure)
    })
  }

  private reportFailure(exchange: Http2Exchange, cause: Cause.Cause<unknown>): Effect.Effect<void> {
    const { connection } = this
    const reason = connection.isCut ? undefined : failureOf(exchange, exchange.complete, cause)
    if (reason?._tag === "ClientAborted") connection.toldAbort()
    return reason === undefined
      ? Effect.void
      : connection.report(connection.applicationError(exchange, reason))
  }
}
