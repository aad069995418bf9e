/**
 * Runs an Effect in simulated time: when nothing more can happen now, the clock moves to the next thing that was
 * to happen. An hour takes no time, and the same program takes the same steps in the same order, always.
 *
 * Everything that an Effect does with Effect works: fibers, timeouts, schedules, streams, `Random`. What waits for
 * the world outside, as a `Promise` or a socket, cannot complete here, and is told as `Stuck`.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import * as SimulatedTime from "@nvo/testing/SimulatedTime"
 *
 * SimulatedTime.run(Effect.as(Effect.sleep("1 hour"), "done")) // "done"
 * ```
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Scheduler from "effect/Scheduler"
import { Seeded } from "./internal/Seeded.ts"

/** How time runs. Everything has a default. */
export interface Options {
  /** Decides what Effect's `Random` gives, and with `shuffle` the order of fibers. Default: 0. */
  readonly seed?: number | undefined
  /** Whether fibers that could run now do so in any order, and not in that in which they became ready. Default: false. */
  readonly shuffle?: boolean | undefined
  /** Steps that a fiber makes before another one has its turn. Default: Effect's 2,048. */
  readonly stepsBeforeYield?: number | undefined
  /** Simulated time after which the program is interrupted as `Stuck`. Default: a day. */
  readonly limit?: Duration.Input | undefined
  /** Turns of fibers without any time passing after which the program is `Stuck`. Default: 1,000,000. */
  readonly turns?: number | undefined
  /** Called after every turn of a fiber. What it throws is thrown by the run. */
  readonly inspect?: (() => void) | undefined
}

/** Nothing can happen any more, or nothing else: the program waits for what never comes, or goes in circles. */
export class Stuck extends Data.TaggedError("Stuck")<{
  readonly reason: "Deadlock" | "TimeLimit" | "Livelock"
  /** Milliseconds since the start. */
  readonly time: number
}> {
  override get message(): string {
    return `${sentences[this.reason]} at ${this.time} ms of simulated time`
  }
}

const sentences = {
  Deadlock: "Every fiber waits, and nothing is left to happen,",
  TimeLimit: "The program has not ended",
  Livelock: "Fibers go on without time passing,"
}

/** Where simulated time begins: a Thursday, so that dates have two digits and names that sort. */
export const EPOCH = Date.UTC(2026, 0, 1)

interface Timer {
  readonly time: number
  readonly order: number
  fire: (() => void) | undefined
}

const isBefore = (a: Timer, b: Timer): boolean => a.time < b.time || (a.time === b.time && a.order < b.order)

// A binary heap: thousands of timers come and go in one simulation.
class Timers {
  private readonly heap: Array<Timer> = []

  push(timer: Timer): void {
    const { heap } = this
    let at = heap.length
    heap.push(timer)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(timer, heap[parent])) break
      heap[at] = heap[parent]
      at = parent
    }
    heap[at] = timer
  }

  pop(): Timer | undefined {
    const { heap } = this
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || last === first) return first
    let at = 0
    while (true) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1], heap[child])) child++
      if (!isBefore(heap[child], last)) break
      heap[at] = heap[child]
      at = child
    }
    heap[at] = last
    return first
  }
}

// The tasks of one root fiber and its children: they run by priority and in order, as Effect's own scheduler does it.
class Dispatcher implements Scheduler.SchedulerDispatcher {
  private tasks: Array<{ readonly task: () => void; readonly priority: number }> = []
  private readonly world: World

  constructor(world: World) {
    this.world = world
  }

  scheduleTask(task: () => void, priority: number): void {
    if (this.tasks.length === 0) this.world.ready.push(this)
    let at = this.tasks.length
    while (at > 0 && this.tasks[at - 1].priority > priority) at--
    this.tasks.splice(at, 0, { task, priority })
  }

  /** Runs what was scheduled before now. */
  run(): void {
    const tasks = this.tasks
    this.tasks = []
    for (const { task } of tasks) task()
  }

  flush(): void {
    while (this.tasks.length > 0) this.run()
  }
}

class World implements Scheduler.Scheduler, Clock.Clock {
  readonly executionMode = "async"
  ready: Array<Dispatcher> = []
  private readonly timers = new Timers()
  private readonly seeded: Seeded
  private readonly shuffle: boolean
  private now = EPOCH
  private order = 0

  constructor(seed: number, shuffle: boolean) {
    this.seeded = new Seeded(seed)
    this.shuffle = shuffle
  }

  shouldYield(fiber: Parameters<Scheduler.Scheduler["shouldYield"]>[0]): boolean {
    return fiber.currentOpCount >= fiber.cache.maxOpsBeforeYield
  }

  makeDispatcher(): Dispatcher {
    return new Dispatcher(this)
  }

  get elapsed(): number {
    return this.now - EPOCH
  }

  currentTimeMillisUnsafe(): number {
    return this.now
  }
  currentTimeNanosUnsafe(): bigint {
    return BigInt(Math.round(this.now * 1_000)) * 1_000n
  }
  monotonicTimeNanosUnsafe(): bigint {
    return BigInt(Math.round(this.elapsed * 1_000)) * 1_000n
  }
  readonly currentTimeMillis = Effect.sync(() => this.currentTimeMillisUnsafe())
  readonly currentTimeNanos = Effect.sync(() => this.currentTimeNanosUnsafe())
  readonly monotonicTimeNanos = Effect.sync(() => this.monotonicTimeNanosUnsafe())

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    const millis = Duration.toMillis(duration)
    if (millis <= 0) return Effect.yieldNow
    if (!Number.isFinite(millis)) return Effect.never
    return Effect.callback((resume) => {
      const timer: Timer = {
        time: this.now + millis,
        order: this.order++,
        fire: () => resume(Effect.void)
      }
      this.timers.push(timer)
      return Effect.sync(() => {
        timer.fire = undefined
      })
    })
  }

  /** One turn of one root fiber. Returns whether there was one. */
  turn(): boolean {
    const { ready } = this
    if (ready.length === 0) return false
    const at = this.shuffle && ready.length > 1 ? this.seeded.between(0, ready.length - 1) : 0
    const dispatcher = ready[at]
    if (at === 0) ready.shift()
    else ready.splice(at, 1)
    dispatcher.run()
    return true
  }

  /** Moves time to the next timer and fires it. Returns whether there was one. */
  advance(): boolean {
    while (true) {
      const timer = this.timers.pop()
      if (timer === undefined) return false
      const { fire } = timer
      if (fire === undefined) continue
      this.now = timer.time
      fire()
      return true
    }
  }
}

/** Runs an Effect to its end, synchronously. */
export const runExit = <A, E>(
  effect: Effect.Effect<A, E>,
  options: Options = {}
): Exit.Exit<A, E | Stuck> => {
  const seed = options.seed ?? 0
  const limit = Duration.toMillis(Duration.fromInputUnsafe(options.limit ?? "1 day"))
  const maxTurns = options.turns ?? 1_000_000
  const world = new World(seed, options.shuffle ?? false)
  const context = Context.make(Clock.Clock, world).pipe(
    Context.add(Scheduler.Scheduler, world),
    Context.add(Scheduler.MaxOpsBeforeYield, options.stepsBeforeYield ?? 2_048)
  )
  const fiber = Effect.runForkWith(context)(Random.withSeed(effect, seed))
  const stuck = (reason: Stuck["reason"]) => Exit.fail(new Stuck({ reason, time: world.elapsed }))
  let turns = 0
  while (true) {
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return exit
    if (world.turn()) {
      options.inspect?.()
      if (++turns > maxTurns) return stuck("Livelock")
    } else if (world.elapsed > limit) return stuck("TimeLimit")
    else if (!world.advance()) return stuck("Deadlock")
    else turns = 0
  }
}

/** Runs an Effect to its end, synchronously, and gives its value or throws its failure. */
export const run = <A, E>(effect: Effect.Effect<A, E>, options?: Options): A => {
  const exit = runExit(effect, options)
  if (Exit.isSuccess(exit)) return exit.value
  throw Cause.squash(exit.cause)
}
