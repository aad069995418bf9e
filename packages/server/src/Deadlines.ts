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
import { Links } from "./internal/links.ts"

/** How coarse the wheel is, in milliseconds. Nobody who waits for seconds notices; chosen by feel. */
export const TICK = 50

const NEVER = Number.POSITIVE_INFINITY
// Always in the future: nothing comes due while it is armed.
const tickOf = (at: number): number => Math.floor(at / TICK) + 1

// The deadlines of one tick.
class Slot extends Links<Deadline> {
  readonly tick: number

  constructor(tick: number) {
    super()
    this.tick = tick
  }
}

/** One deadline. Not armed at first. */
export class Deadline {
  /** When it is due, in the wheel's milliseconds; infinite while it is not armed. */
  at = NEVER
  /** For the wheel: where it stands. The slot may be of an earlier time than `at`: it is put off when its turn comes. */
  slot: Slot | undefined = undefined
  previous: Deadline | undefined = undefined
  next: Deadline | undefined = undefined
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
    if (this.slot !== undefined && this.slot.tick * TICK <= at) return
    this.leave()
    this.wheel.add(this)
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

  /** Its tick has come, `late` milliseconds ago: it is due, is put off, or is not armed any more. For the wheel. */
  turn(now: number, late: number): void {
    if (this.at <= now) {
      this.at = NEVER
      this.expire(late)
    } else if (this.at !== NEVER) this.wheel.add(this)
  }

  private leave(): void {
    if (this.slot !== undefined) this.wheel.remove(this, this.slot)
  }
}

/** The wheel. */
export class Deadlines {
  private readonly clock: Clock.Clock
  private readonly context: Context.Context<never>
  private readonly slots = new Map<number, Slot>()
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
  add(deadline: Deadline): void {
    const tick = tickOf(deadline.at)
    let slot = this.slots.get(tick)
    if (slot === undefined) {
      slot = new Slot(tick)
      this.slots.set(tick, slot)
      if (tick < this.wakeTick) this.sleepUntil(tick)
    }
    slot.add(deadline)
    deadline.slot = slot
  }

  /** For deadlines. */
  remove(deadline: Deadline, slot: Slot): void {
    slot.remove(deadline)
    deadline.slot = undefined
    // The slot whose turn it is is not on the wheel any more.
    if (slot.size > 0 || this.slots.get(slot.tick) !== slot) return
    this.slots.delete(slot.tick)
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
      // One that is due may take others out, or put them in again elsewhere.
      for (let one = slot?.first; one !== undefined; one = slot?.first) {
        slot?.remove(one)
        one.slot = undefined
        one.turn(now, now - tick * TICK)
      }
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
