/**
 * Which requests are begun, which wait, and which are turned away.
 *
 * Two limits. The number in flight is bounded, with a short queue whose waiting time is bounded too. And while the
 * event loop is behind, requests are begun in the order in which they were read, a few milliseconds of them in each
 * turn: so turns stay short, whatever is read is read soon, and health endpoints and new connections have the next
 * turn. Who has waited for `loopDelay` is turned away, at a fraction of the cost. Nobody waits longer for an answer,
 * of either kind; and when the load falls nothing has to be reset.
 *
 * While the server is neither full nor behind, a request costs two comparisons here, and one look at the clock in 64.
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

/** Runs a task when all that has come in the turn under way has been read: a dispatcher of Effect's scheduler. */
export type Later = (task: () => void) => void

/** What became of a request: admitted (`undefined`), or turned away and why. */
export type Verdict = OverloadErrorReason | undefined

// Given a place or a verdict. It goes on in a turn of its own, so that a chain of places handed on is no recursion.
type Waiter = (verdict: Verdict) => void

// A request that waits for its turn, since a time of the wheel. `go` runs its handler.
interface Read {
  readonly since: number
  readonly go: (verdict: Verdict) => void
}

// Requests have turns while the loop was late by this part of `loopDelay` within the last moments.
const ALARM = 4

// How long that goes on after the last time the loop was late, in milliseconds; chosen by feel.
const ALERT = 1_000

/**
 * For how long requests are begun in one turn while the loop is behind, in milliseconds. A turn costs some 20 µs by
 * itself, and libuv accepts one connection in each.
 */
export const TURN = 5

// How many requests are begun between two looks at the clock while all is well. Between two sampled delays, a burst of
// requests could otherwise become one long turn.
const LOOK = 64

const ADMITTED: Effect.Effect<Verdict> = Effect.succeed(undefined)

/** See the module. */
export class Overload {
  /** Requests that were begun and have no response yet. */
  inFlight = 0
  private readonly limits: Limits
  private readonly wheel: Deadlines
  private readonly later: Later
  private readonly waiting = new Set<Waiter>()
  /** Requests that were read while the loop is behind, in their order. */
  private readonly read = new Set<Read>()
  /** The number in flight below which a request is begun without a further look: 0 while the loop is behind. */
  private free: number
  private readonly most: number
  private alertUntil = 0
  private unlooked = LOOK
  /** When the turn under way was first looked at, or -1. */
  private lookedAt = -1
  private isScheduled = false
  /** Whether a connection came since the last turn: others may be behind it. */
  private hasAccepted = false

  constructor(limits: Limits, wheel: Deadlines, later: Later) {
    this.limits = limits
    this.wheel = wheel
    this.later = later
    this.most = limits.inFlightCount === 0 ? Number.POSITIVE_INFINITY : limits.inFlightCount
    this.free = this.most
  }

  /** Begins a request where nothing is against it; otherwise `admit` decides. */
  enter(): boolean {
    if (this.inFlight >= this.free) return false
    this.inFlight++
    if (--this.unlooked === 0) this.look()
    return true
  }

  /** Begins a request, lets it wait, or turns it away. `exempt` ones are always begun. */
  admit(exempt: boolean): Effect.Effect<Verdict> {
    return Effect.withFiber((fiber) => {
      if (exempt) {
        this.inFlight++
        return ADMITTED
      }
      if (this.free !== 0) return this.place(fiber)
      return Effect.flatMap(this.turn, (verdict) =>
        verdict === undefined ? this.place(fiber) : Effect.succeed(verdict)
      )
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
    if (late * ALARM >= loopDelay) this.alert(now)
    else if (now >= this.alertUntil) this.free = this.most
  }

  /** A connection came. While the loop is behind, the next one is not made to wait for a whole turn. */
  accepted(): void {
    this.hasAccepted = true
  }

  private alert(now: number): void {
    this.alertUntil = now + ALERT
    this.free = 0
  }

  // Whether the turn under way has become a long one.
  private look(): void {
    this.unlooked = LOOK
    const { loopDelay } = this.limits
    if (loopDelay === 0) return
    const now = this.wheel.now()
    if (this.lookedAt !== -1) {
      if ((now - this.lookedAt) * ALARM >= loopDelay) this.alert(now)
      return
    }
    this.lookedAt = now
    this.later(() => {
      this.lookedAt = -1
    })
  }

  // --- turns ---

  private readonly turn: Effect.Effect<Verdict> = Effect.callback((resume) => {
    const one: Read = {
      since: this.wheel.now(),
      go: (verdict) => resume(verdict === undefined ? ADMITTED : Effect.succeed(verdict))
    }
    this.read.add(one)
    this.schedule()
    return Effect.sync(() => void this.read.delete(one))
  })

  private schedule(): void {
    if (this.isScheduled) return
    this.isScheduled = true
    this.later(this.begin)
  }

  // Begins those that were read first, for one turn.
  private readonly begin = (): void => {
    this.isScheduled = false
    const { read, wheel } = this
    const { loopDelay } = this.limits
    const began = wheel.now()
    const until = this.hasAccepted ? began : began + TURN
    this.hasAccepted = false
    let now = began
    for (const one of read) {
      read.delete(one)
      one.go(now - one.since > loopDelay ? { _tag: "LoopDelayed", limit: loopDelay } : undefined)
      now = wheel.now()
      if (now >= until) break
    }
    if (read.size === 0) return
    // More than fits into a turn has come: it goes on so.
    this.alert(now)
    this.schedule()
  }

  // --- places ---

  private place(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<Verdict> {
    if (this.inFlight < this.most) {
      this.inFlight++
      return ADMITTED
    }
    if (this.waiting.size >= this.limits.queueCount) {
      return Effect.succeed<Verdict>({ _tag: "QueueFull", limit: this.limits.inFlightCount })
    }
    return this.wait(fiber)
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
