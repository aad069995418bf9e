/**
 * One `serve` under way: its connections, who may come in, and how it ends.
 */
import type { ConnectionId } from "@nvo/protocol"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { Phase } from "../ConnectionState.ts"
import type { ConnectionInfo, Connections, Entry } from "../Connections.ts"
import { Deadline } from "../Deadlines.ts"
import type { Health } from "../Health.ts"
import * as OverloadError from "../OverloadError.ts"
import * as Shutdown from "../Shutdown.ts"
import type * as Transport from "../Transport.ts"
import type { TransportError } from "../TransportError.ts"
import { Burst } from "./burst.ts"
import type { EngineContext } from "./engineContext.ts"
import { type Linked, Links } from "./links.ts"
import { longestIdle } from "./longestIdle.ts"
import { choose } from "./negotiation.ts"
import type { Owner, Served } from "./served.ts"

// A connection that is open, as the registry has it. Its effects are made when somebody asks, and it lets go of what has
// ended: the table of a `Map` may keep its entries for long (see `links.ts`).
class Active implements Entry, Linked<Active>, Owner {
  previous: Active | undefined = undefined
  next: Active | undefined = undefined
  readonly id: ConnectionId.ConnectionId
  /** The socket, and everything registered for it. */
  readonly scope: Scope.Closeable
  private readonly serving: Serving
  /** The program that has the connection; none when its socket is released. */
  served: Served | undefined
  private waiting: Deferred.Deferred<void> | undefined = undefined

  constructor(serving: Serving, served: Served, scope: Scope.Closeable) {
    this.id = served.id
    this.scope = scope
    this.serving = serving
    this.served = served
  }

  become(served: Served): void {
    this.served?.dispose()
    this.served = served
    served.start(this)
  }

  hasEnded(): void {
    this.serving.end(this)
  }

  get info(): Effect.Effect<ConnectionInfo | undefined> {
    return Effect.sync(() => this.served?.info)
  }

  /** Closes the connection and interrupts what is done for it. */
  get close(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.served === undefined) return Effect.void
      this.served.cut()
      return Effect.andThen(
        this.served.transport.close,
        Effect.sync(() => this.served?.stop())
      )
    })
  }

  get retire(): Effect.Effect<void> {
    return Effect.sync(() => this.served?.retire())
  }

  get ended(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.served === undefined) return Effect.void
      this.waiting ??= Deferred.makeUnsafe<void>()
      return Deferred.await(this.waiting)
    })
  }

  /** Nothing is left of it. */
  released(): void {
    this.served?.dispose()
    this.served = undefined
    if (this.waiting !== undefined) Deferred.doneUnsafe(this.waiting, Exit.void)
  }
}

// How long connections that were cut may take to finish. One that cannot be interrupted must not keep the server
// from stopping; chosen by feel.
const CUT_TIMEOUT = Duration.seconds(1)

// How many turns without a connection show that none is queued, and for how many turns that is waited for at most.
// Chosen by feel: a busy server that stops goes on accepting for some milliseconds.
const QUIET_TURNS = 3
const MOST_TURNS = 1_000

// How often the delay of the event loop is looked at while there are connections, in milliseconds; chosen by feel.
const SAMPLE = 100

/** See the module. */
export class Serving {
  private readonly engine: EngineContext
  private readonly clock: Clock.Clock
  private readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  private readonly registry: Connections["Service"]
  private readonly health: Health["Service"]
  private readonly listener: Transport.Listener
  private readonly active = new Links<Active>()
  private readonly turnedAway: Burst<OverloadError.OverloadError>
  private readonly notAccepted: Burst<TransportError>
  /** Looks at the delay of the event loop. */
  private readonly sampler: Deadline
  private victims: Array<Served> = []
  /** Connections that came. */
  private accepted = 0
  private emptied: Deferred.Deferred<void> | undefined = undefined

  constructor(
    engine: EngineContext,
    registry: Connections["Service"],
    health: Health["Service"],
    listener: Transport.Listener
  ) {
    this.engine = engine
    this.registry = registry
    this.health = health
    this.listener = listener
    this.clock = Context.get(engine.context, Clock.Clock)
    this.fork = Effect.runForkWith(engine.context)
    const { deadlines, errors, overload } = engine
    this.sampler = new Deadline(deadlines, (late) => {
      overload.observe(late)
      engine.telemetry?.loopDelay(late)
      if (this.active.size > 0) this.sampler.arm(SAMPLE)
    })
    const run = (effect: Effect.Effect<void>) => this.run(effect)
    this.turnedAway = new Burst(deadlines, errors, run, "connections were turned away")
    this.notAccepted = new Burst(deadlines, errors, run, "connections could not be accepted")
  }

  /** How many connections are in a phase. */
  count(phase: Phase): number {
    let count = 0
    for (const { served } of this.active) if (served?.phase === phase) count++
    return count
  }

  private run(effect: Effect.Effect<void>): void {
    this.fork(effect)
  }

  /** Accepts connections for ever. */
  get accepting(): Effect.Effect<never> {
    return Effect.forever(
      Effect.suspend(() => {
        const scope = Scope.makeUnsafe()
        return Effect.matchEffect(Scope.provide(this.listener.accept, scope), {
          onSuccess: (transport) => {
            this.take(transport, scope, this.clock.currentTimeMillisUnsafe())
            return Effect.void
          },
          onFailure: (error) => Effect.andThen(Scope.close(scope, Exit.void), this.acceptFailed(error))
        })
      }),
      { disableYield: true }
    )
  }

  // Descriptors that have run out come back when connections end: a moment without accepting, and no busy loop.
  private acceptFailed(error: TransportError): Effect.Effect<void> {
    if (error.reason._tag !== "AcceptFailed") return this.engine.errors.report(error)
    this.notAccepted.add(error.reason._tag, () => error)
    return Effect.sleep(this.engine.config.acceptPause)
  }

  // A connection has come. Where there are too many, an idle one makes room; where none is idle, it is told so.
  private take(transport: Transport.Connection, scope: Scope.Closeable, acceptedAt: number): void {
    this.accepted++
    this.engine.overload.accepted()
    const { connectionCount: limit, connectionPolicy, surplusCount } = this.engine.config
    const full = limit > 0 && this.active.size >= limit
    const surplus = full && !(connectionPolicy === "evict" && this.evict())
    if (surplus && this.active.size >= limit + surplusCount) {
      this.turnedAway.add("ConnectionRefused", () =>
        OverloadError.make({ _tag: "ConnectionRefused", limit }, transport.id)
      )
      this.run(Effect.andThen(transport.reset, Scope.close(scope, Exit.void)))
      return
    }
    this.start(choose(this.engine, transport, acceptedAt, surplus), scope)
  }

  private evict(): boolean {
    for (let looked = 0; looked < 2; looked++) {
      for (let victim = this.victims.pop(); victim !== undefined; victim = this.victims.pop()) {
        // It may have been used or have ended since it was chosen.
        if (victim.idleSince === undefined || !this.registry.entries.has(victim.id)) continue
        const { connectionCount: limit } = this.engine.config
        const evicted = victim
        this.turnedAway.add("ConnectionEvicted", () =>
          OverloadError.make({ _tag: "ConnectionEvicted", limit }, evicted.id)
        )
        victim.leave()
        return true
      }
      this.victims = longestIdle(this.active)
    }
    return false
  }

  private start(served: Served, scope: Scope.Closeable): void {
    const active = new Active(this, served, scope)
    if (!this.sampler.isArmed) this.sampler.arm(SAMPLE)
    this.active.add(active)
    this.registry.entries.set(active.id, active)
    served.start(active)
  }

  /** The program of a connection has ended: its socket is released, and it is forgotten. */
  end(active: Active): void {
    this.run(
      Effect.andThen(
        Scope.close(active.scope, Exit.void),
        Effect.sync(() => {
          this.registry.entries.delete(active.id)
          this.active.remove(active)
          active.released()
          if (this.active.size === 0 && this.emptied !== undefined) {
            Deferred.doneUnsafe(this.emptied, Exit.void)
          }
        })
      )
    )
  }

  // The operating system resets connections that are queued when a listener closes, and requests with them. A
  // transport may take one of them in each turn, so the listener closes when some turns brought none.
  private get letIn(): Effect.Effect<void> {
    const look = (quiet: number, turns: number): Effect.Effect<void> => {
      const before = this.accepted
      return Effect.flatMap(Effect.yieldNow, () => {
        const still = this.accepted === before ? quiet + 1 : 0
        return still === QUIET_TURNS || turns === MOST_TURNS ? Effect.void : look(still, turns + 1)
      })
    }
    return look(0, 1)
  }

  private move(input: Shutdown.Input): void {
    const { shutdown } = this.health
    shutdown.stage = Shutdown.next(shutdown.stage, input)
  }

  /** The end: see `Shutdown`. */
  get stop(): Effect.Effect<void> {
    const { config } = this.engine
    return Effect.gen({ self: this }, function* () {
      this.move("Stop")
      this.engine.closing = true
      if (Duration.toMillis(config.drainDelay) > 0) yield* Effect.sleep(config.drainDelay)
      this.move("DelayPassed")
      yield* this.letIn
      yield* this.listener.close
      // What is on its way through the process is still let in.
      yield* Effect.yieldNow
      const emptied = Deferred.makeUnsafe<void>()
      this.emptied = emptied
      for (const { served } of [...this.active]) served?.retire()
      if (this.active.size > 0) yield* Effect.timeoutOption(Deferred.await(emptied), config.drainTimeout)
      if (this.active.size > 0) {
        this.move("DeadlinePassed")
        for (const active of [...this.active]) {
          // It may have ended while others were cut.
          const { served } = active
          if (served === undefined) continue
          yield* this.engine.errors.report(served.drainError())
          yield* Effect.andThen(active.close, served.transport.reset)
        }
        // What was cut runs its finalizers while the services that it was given are there.
        yield* Effect.timeoutOption(Deferred.await(emptied), CUT_TIMEOUT)
      }
      this.move(this.active.size === 0 ? "Emptied" : "DeadlinePassed")
    })
  }
}
