/**
 * Deadlines on one coarse wheel, driven by Effect's Clock: for all connections of a server together one sleeping
 * fiber, and none while nothing is due.
 *
 * A deadline is made once for whatever it watches over, and armed again and again. Arming it later than before is
 * an assignment; only an earlier time moves it. A deadline that is due is never early and at most `TICK`
 * milliseconds late.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"

/** How coarse the wheel is, in milliseconds. Nobody who waits for seconds notices; chosen by feel. */
export const TICK = 50

const NEVER = Number.POSITIVE_INFINITY
// Always in the future: nothing comes due while it is armed.
const tickOf = (at: number): number => Math.floor(at / TICK) + 1

/** One deadline. Not armed at first. */
export class Deadline {
  /** When it is due, in the wheel's milliseconds; infinite while it is not armed. */
  at = NEVER
  /** The tick in whose slot it stands, or -1. May be earlier than `at`: it is then put off when its turn comes. */
  private tick = -1
  private readonly wheel: Deadlines
  private readonly expire: (late: number) => void

  /**
   * `expire` is called once for each time it comes due, with how many milliseconds after its tick that is: 0 unless
   * the event loop is behind. It must not throw.
   */
  constructor(wheel: Deadlines, expire: (late: number) => void) {
    this.wheel = wheel
    this.expire = expire
  }

  /** Due in `duration` milliseconds from now, whatever it was before. */
  arm(duration: number): void {
    this.armAt(this.wheel.now() + duration)
  }

  /** Due at a time of the wheel's clock. */
  armAt(at: number): void {
    this.at = at
    if (this.tick !== -1 && this.tick * TICK <= at) return
    this.leave()
    this.enter()
  }

  /** Not due any more. It may keep its place on the wheel until its tick. */
  disarm(): void {
    this.at = NEVER
  }

  get isArmed(): boolean {
    return this.at !== NEVER
  }

  /** Not due any more, and nothing of it is left on the wheel. */
  release(): void {
    this.at = NEVER
    this.leave()
  }

  /** Its tick has come: it is due, is put off, or is not armed any more. For the wheel. */
  turn(now: number): void {
    const late = now - this.tick * TICK
    this.tick = -1
    if (this.at <= now) {
      this.at = NEVER
      this.expire(late)
    } else if (this.at !== NEVER) this.enter()
  }

  private enter(): void {
    this.tick = tickOf(this.at)
    this.wheel.add(this, this.tick)
  }

  private leave(): void {
    if (this.tick === -1) return
    this.wheel.remove(this, this.tick)
    this.tick = -1
  }
}

/** The wheel. */
export class Deadlines {
  private readonly clock: Clock.Clock
  private readonly context: Context.Context<never>
  private readonly slots = new Map<number, Set<Deadline>>()
  private wakeTick = NEVER
  private sleeper: Fiber.Fiber<unknown, unknown> | undefined = undefined

  constructor(context: Context.Context<never>, clock: Clock.Clock) {
    this.context = context
    this.clock = clock
  }

  /** Now, in milliseconds from an origin of its own: a system clock that is set moves no deadline. */
  now(): number {
    return Number(this.clock.monotonicTimeNanosUnsafe()) / 1e6
  }

  /** How many deadlines stand on the wheel, armed or not. */
  get size(): number {
    let size = 0
    for (const slot of this.slots.values()) size += slot.size
    return size
  }

  /** For deadlines. */
  add(deadline: Deadline, tick: number): void {
    const slot = this.slots.get(tick)
    if (slot !== undefined) {
      slot.add(deadline)
      return
    }
    this.slots.set(tick, new Set([deadline]))
    if (tick < this.wakeTick) this.sleepUntil(tick)
  }

  /** For deadlines. */
  remove(deadline: Deadline, tick: number): void {
    const slot = this.slots.get(tick)
    if (slot === undefined) return
    slot.delete(deadline)
    if (slot.size > 0) return
    this.slots.delete(tick)
    if (this.slots.size === 0) this.stop()
  }

  /** Nothing comes due any more. */
  stop(): void {
    this.slots.clear()
    this.wakeTick = NEVER
    this.sleeper?.interruptUnsafe()
    this.sleeper = undefined
  }

  private sleepUntil(tick: number): void {
    this.wakeTick = tick
    this.sleeper?.interruptUnsafe()
    const sleep = this.clock.sleep(Duration.millis(Math.max(0, tick * TICK - this.now())))
    this.sleeper = Effect.runForkWith(this.context)(
      Effect.andThen(
        sleep,
        Effect.sync(() => this.turn())
      )
    )
  }

  private turn(): void {
    this.sleeper = undefined
    this.wakeTick = NEVER
    const now = this.now()
    const due = [...this.slots.keys()].filter((tick) => tick * TICK <= now).sort((a, b) => a - b)
    for (const tick of due) {
      const slot = this.slots.get(tick)
      this.slots.delete(tick)
      for (const deadline of slot ?? []) deadline.turn(now)
    }
    // Deadlines that were put off may have set the next waking already, but not for the earliest slot.
    let next = this.wakeTick
    for (const tick of this.slots.keys()) if (tick < next) next = tick
    if (next < this.wakeTick) this.sleepUntil(next)
  }
}

/** Makes a wheel that stops with the Scope. */
export const make: Effect.Effect<Deadlines, never, Scope.Scope> = Effect.acquireRelease(
  Effect.contextWith((context: Context.Context<never>) =>
    // The fiber that sleeps is scheduled as others are, and is none of the application's.
    Effect.map(Clock.Clock, (clock) => new Deadlines(Context.pick(Scheduler.Scheduler)(context), clock))
  ),
  (deadlines) => Effect.sync(() => deadlines.stop())
)
