/**
 * A WebSocket that is served by a function of its messages: each message has a fiber, one after the other, and between
 * two messages there is none.
 *
 * A message is handled in the turn in which it came, as far as its effect comes without waiting. One that waits holds
 * back those behind it, which wait in the session up to its bound, at which the peer is no longer read.
 */
import { WebSocketError } from "@nvo/protocol"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { ClientAbort } from "effect/http/HttpServerError"
import * as References from "effect/References"
import * as Scope from "effect/Scope"
import type { Batch, Data, Session } from "./session.ts"

/** What is done with a message. */
export type OnMessage = (message: Data) => Effect.Effect<unknown, unknown>

/** Who is told when it is over. */
interface Owner {
  hasEnded(): void
}

/** See the module. Its Scope is the WebSocket's. */
export class Attended {
  /** Whether the WebSocket has ended, and its Scope is closed. */
  isOver = false
  private readonly session: Session
  private readonly services: Context.Context<never>
  private readonly scope: Scope.Closeable
  private readonly onMessage: OnMessage
  /** Tells of an application that failed. */
  private readonly report: (cause: Cause.Cause<unknown>) => Effect.Effect<void>
  /** The services with the connection's identity in every log line; made with the first fiber. */
  private context: Context.Context<never> | undefined = undefined
  private fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined
  private finishing = false
  private owner: Owner | undefined = undefined
  private readonly resume = (): void => this.come()

  constructor(
    session: Session,
    services: Context.Context<never>,
    scope: Scope.Closeable,
    onMessage: OnMessage,
    report: (cause: Cause.Cause<unknown>) => Effect.Effect<void>
  ) {
    this.session = session
    this.services = services
    this.scope = scope
    this.onMessage = onMessage
    this.report = report
  }

  /** Runs what nobody waits for. */
  fork<A>(effect: Effect.Effect<A, unknown>): Fiber.Fiber<A, unknown> {
    this.context ??= Context.add(this.services, References.CurrentLogAnnotations, {
      ...Context.get(this.services, References.CurrentLogAnnotations),
      "nvo.connection.id": this.session.connectionId
    })
    return Effect.runForkWith(this.context)(effect)
  }

  /** Interrupts the message that is handled. */
  abort(): void {
    this.fiber?.interruptUnsafe(undefined, ClientAbort.annotation)
  }

  /** Waits until it is over. */
  get over(): Effect.Effect<void> {
    return Effect.callback((resume) => this.onOver({ hasEnded: () => resume(Effect.void) }))
  }

  /** `owner` is told once it is over. */
  onOver(owner: Owner): void {
    this.owner = owner
    if (this.isOver) owner.hasEnded()
  }

  /** Messages have come, or the end. */
  come(): void {
    while (!this.finishing) {
      const next = this.session.next(this.resume)
      if (next === undefined) return
      if (next instanceof WebSocketError.WebSocketError) return this.finish(Exit.void)
      const fiber = this.fork(this.handle(next))
      const exit = fiber.pollUnsafe()
      if (exit === undefined) {
        this.fiber = fiber
        fiber.addObserver((later) => {
          this.fiber = undefined
          if (this.goesOn(later)) this.come()
        })
        return
      }
      if (!this.goesOn(exit)) return
    }
  }

  private handle(batch: Batch): Effect.Effect<unknown, unknown> {
    return batch.length === 1
      ? Effect.suspend(() => this.onMessage(batch[0]))
      : Effect.forEach(batch, this.onMessage, { discard: true })
  }

  private goesOn(exit: Exit.Exit<unknown, unknown>): boolean {
    if (Exit.isSuccess(exit)) return true
    this.finish(exit)
    return false
  }

  // Closes the Scope, then the WebSocket, and waits for the end of its connection.
  private finish(exit: Exit.Exit<unknown, unknown>): void {
    if (this.finishing) return
    this.finishing = true
    const ended = Effect.andThen(
      Exit.isSuccess(exit) ? Effect.void : this.report(exit.cause),
      Effect.matchCauseEffect(Scope.close(this.scope, exit), {
        onSuccess: () => this.session.dispose(codeOf(exit)),
        onFailure: (cause) => Effect.andThen(this.report(cause), this.session.dispose(1011))
      })
    )
    this.fork(
      Effect.andThen(
        ended,
        Effect.sync(() => {
          this.isOver = true
          this.owner?.hasEnded()
        })
      )
    )
  }
}

/** The close code that says how an application ended: well, told to stop, or not well. */
export const codeOf = (exit: Exit.Exit<unknown, unknown>): number =>
  Exit.isSuccess(exit) ? 1000 : Cause.hasInterruptsOnly(exit.cause) ? 1001 : 1011
