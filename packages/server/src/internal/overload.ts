/**
 * Which requests are begun, which wait, and which are turned away.
 *
 * Two limits. The number in flight is bounded, with a short queue whose waiting time is bounded too. And while the
 * event loop is behind, each turn begins only as many requests as it can within `loopDelay`: what is read later in
 * the same turn has waited as long already, and is turned away at a fraction of the cost. So the turn itself stays
 * short, nobody who is served waits long, and when the load falls nothing has to be reset.
 *
 * While the server is neither full nor behind, a request costs one comparison and one addition here.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { Deadline, type Deadlines } from "../Deadlines.ts"
import type { OverloadErrorReason } from "../OverloadError.ts"

/** What an Overload is made with: milliseconds and counts, 0 for no limit. */
export interface Limits {
  readonly inFlightCount: number
  readonly queueCount: number
  readonly queueTimeout: number
  readonly loopDelay: number
}

/** What became of a request: admitted (`undefined`), or turned away and why. */
export type Verdict = OverloadErrorReason | undefined

// Given a place or a verdict. It goes on in a turn of its own, so that a chain of places handed on is no recursion.
type Waiter = (verdict: Verdict) => void

// The loop is looked at closely while it was late by this part of `loopDelay` within the last moments.
const ALARM = 4

// How long a late loop is looked at closely, in milliseconds; chosen by feel.
const ALERT = 1_000

const ADMITTED: Effect.Effect<Verdict> = Effect.succeed(undefined)

/** See the module. */
export class Overload {
  /** Requests that were begun and have no response yet. */
  inFlight = 0
  private readonly limits: Limits
  private readonly wheel: Deadlines
  private readonly waiting = new Set<Waiter>()
  /** The number in flight below which a request is begun without a further look: 0 while the loop is behind. */
  private free: number
  private readonly most: number
  private alertUntil = 0
  /** When the turn under way began, while it is looked at. */
  private turnBegan = -1

  constructor(limits: Limits, wheel: Deadlines) {
    this.limits = limits
    this.wheel = wheel
    this.most = limits.inFlightCount === 0 ? Number.POSITIVE_INFINITY : limits.inFlightCount
    this.free = this.most
  }

  /** Begins a request where nothing is against it; otherwise `admit` decides. */
  enter(): boolean {
    if (this.inFlight >= this.free) return false
    this.inFlight++
    return true
  }

  /** Begins a request, lets it wait, or turns it away. `exempt` ones are always begun. */
  admit(exempt: boolean): Effect.Effect<Verdict> {
    return Effect.withFiber((fiber) => {
      if (exempt || this.enter()) {
        if (exempt) this.inFlight++
        return ADMITTED
      }
      if (this.isLate(fiber)) {
        return Effect.succeed<Verdict>({ _tag: "LoopDelayed", limit: this.limits.loopDelay })
      }
      if (this.inFlight < this.most) {
        this.inFlight++
        return ADMITTED
      }
      if (this.waiting.size >= this.limits.queueCount) {
        return Effect.succeed<Verdict>({ _tag: "QueueFull", limit: this.limits.inFlightCount })
      }
      return this.wait(fiber)
    })
  }

  /** A request that was begun has its response, or will have none. */
  leave(): void {
    for (const next of this.waiting) {
      // Its place is handed on.
      this.waiting.delete(next)
      next(undefined)
      return
    }
    this.inFlight--
  }

  /** The loop was found to be `late` milliseconds behind. */
  observe(late: number): void {
    const { loopDelay } = this.limits
    if (loopDelay === 0) return
    const now = this.wheel.now()
    if (late * ALARM >= loopDelay) this.alertUntil = now + ALERT
    this.free = now < this.alertUntil ? 0 : this.most
  }

  // Whether the turn under way has been at work for longer than a request may wait.
  private isLate(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    if (this.free !== 0) return false
    const now = this.wheel.now()
    if (this.turnBegan === -1) {
      this.turnBegan = now
      // Runs when the turn is over: what the scheduler is given waits until all that has come has been read.
      fiber.currentDispatcher.scheduleTask(() => {
        this.turnBegan = -1
      }, 0)
      return false
    }
    return now - this.turnBegan > this.limits.loopDelay
  }

  private wait(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<Verdict> {
    return Effect.callback((resume) => {
      let holds = false
      const waiter: Waiter = (verdict) => {
        deadline.release()
        holds = verdict === undefined
        fiber.currentDispatcher.scheduleTask(() => {
          // An interruption that came before has given the place back.
          if (holds || verdict !== undefined) resume(Effect.succeed(verdict))
        }, 0)
      }
      const deadline = new Deadline(this.wheel, () => {
        this.waiting.delete(waiter)
        waiter({ _tag: "QueueTimeout", limit: this.limits.queueTimeout })
      })
      deadline.arm(this.limits.queueTimeout)
      this.waiting.add(waiter)
      return Effect.sync(() => {
        deadline.release()
        this.waiting.delete(waiter)
        if (holds) {
          holds = false
          this.leave()
        }
      })
    })
  }
}
