/**
 * What the peer of an HTTP/2 connection has to do by when: greet, complete a header block, use the connection, open its
 * windows, take what is written. What streams have to do by when is theirs (`Http2Exchange`).
 */
import type * as DeadlineError from "../../DeadlineError.ts"
import { Deadline } from "../../Deadlines.ts"
import * as Pace from "../pace.ts"
import { WriteWatch } from "../writeWatch.ts"
import type { Http2Connection } from "./connection.ts"

// How long a peer may take to answer the PING of a shutdown, in milliseconds: a round trip, and then some. Chosen by
// feel.
const SHUTDOWN_PATIENCE = 1_000

interface Held {
  readonly pace: Pace.Pace
  octets: number
}

/** See the module. Times are in milliseconds of the wheel's clock. */
export class Http2Deadlines {
  /** When the connection was accepted. */
  readonly began: number
  /** Since when it is idle, or at work. */
  since: number
  private readonly connection: Http2Connection
  private readonly deadline: Deadline
  /** Whether the peer takes what is written. */
  readonly writes: WriteWatch
  private closing: Deadline | undefined = undefined
  private windows: Deadline | undefined = undefined
  /** The streams whose peer keeps their windows closed. */
  private held = new Map<number, Held>()
  private rests: Deadline | undefined = undefined
  /** By when the rest of a request has to come that nobody wants, by stream. */
  private readonly rest = new Map<number, number>()
  private idle = false
  /** Requests that had come when it was looked at. */
  private requests = 0
  private blockBegan = -1

  constructor(connection: Http2Connection, began: number) {
    this.connection = connection
    this.began = began
    this.since = began
    this.deadline = new Deadline(connection.engine.deadlines, () => this.expire())
    this.writes = new WriteWatch(connection, () => this.error("WriteTimeout"))
    this.deadline.arm(connection.engine.millis.head)
  }

  private error(tag: "HeadTimeout" | "WriteTimeout"): DeadlineError.DeadlineError {
    const { millis } = this.connection.engine
    return this.connection.deadlineError({
      _tag: tag,
      after: tag === "HeadTimeout" ? millis.head : millis.write
    })
  }

  dispose(): void {
    this.deadline.release()
    this.closing?.release()
    this.windows?.release()
    this.rests?.release()
    this.writes.dispose()
  }

  get isAged(): boolean {
    const { deadlines, millis } = this.connection.engine
    return millis.age > 0 && deadlines.now() - this.began >= millis.age
  }

  /** Something has happened on the connection: arms what is due next. */
  look(): void {
    const { engine, exchanges, isIdle, machine } = this.connection
    const { deadlines, millis } = engine
    this.watchRests()
    // The greeting is not complete.
    if (!machine.isAcknowledged) return
    if (machine.isInHeaderBlock) {
      if (this.blockBegan === -1) this.blockBegan = deadlines.now()
      this.deadline.armAt(this.blockBegan + millis.head)
      return
    }
    this.blockBegan = -1
    // A request may have come and been answered since: nobody saw it at work.
    if (isIdle !== this.idle || (isIdle && exchanges.count !== this.requests)) {
      this.idle = isIdle
      this.since = deadlines.now()
    }
    this.requests = exchanges.count
    // Told once: afterwards what is under way has its own deadlines.
    const age =
      millis.age > 0 && machine.phase === "Open" ? this.began + millis.age : Number.POSITIVE_INFINITY
    const due = isIdle ? Math.min(this.since + millis.idle, age) : age
    if (due === Number.POSITIVE_INFINITY) this.deadline.disarm()
    else this.deadline.armAt(due)
  }

  private expire(): void {
    const { connection } = this
    const { machine } = connection
    if (!machine.isAcknowledged) {
      // Who has not even begun is not told anything, like a client of HTTP/1.1 without a request line.
      if (machine.phase === "AwaitingPreface") connection.giveUp(this.error("HeadTimeout"))
      else connection.giveUp(machine.abort("SettingsTimeout"))
    } else if (machine.isInHeaderBlock) connection.giveUp(this.error("HeadTimeout"))
    else if (connection.isIdle) connection.leave()
    else connection.announceShutdown()
  }

  /** The shutdown was announced: it is committed when the peer answers, or after a while. */
  armShutdown(): void {
    this.closing ??= new Deadline(this.connection.engine.deadlines, () => this.connection.commitShutdown())
    this.closing.arm(SHUTDOWN_PATIENCE)
  }

  /** Looks at the streams that wait for a window of the peer's to open. */
  watchWindows(): void {
    const { engine, machine } = this.connection
    const waiting = machine.heldBack
    if (waiting.length === 0) {
      if (this.held.size > 0) this.held.clear()
      this.windows?.disarm()
      return
    }
    const { config, deadlines, millis } = engine
    const now = deadlines.now()
    const before = this.held
    this.held = new Map()
    let due = Number.POSITIVE_INFINITY
    for (const { octets, streamId } of waiting) {
      if (this.connection.watchesItself(streamId)) continue
      const known = before.get(streamId)
      const pace = known?.pace ?? Pace.make(millis.write)
      if (known === undefined) Pace.wait(pace, now)
      else if (known.octets !== octets) {
        const sent = known.octets > octets ? known.octets - octets : 0
        Pace.progress(pace, now, sent, millis.write, config.writeRate)
      } else Pace.progress(pace, now, 0, millis.write, config.writeRate)
      if (pace.credit <= 0) {
        this.connection.stalled(streamId, this.error("WriteTimeout"))
        continue
      }
      this.held.set(streamId, { pace, octets })
      due = Math.min(due, now + pace.credit)
    }
    this.windows ??= new Deadline(deadlines, () => this.watchWindows())
    if (due === Number.POSITIVE_INFINITY) this.windows.disarm()
    else this.windows.armAt(due)
  }

  // What is left of a request that is answered, and that nobody wants, has to come in time, or else keeps its stream open.
  private watchRests(): void {
    const { rest } = this
    const { engine, machine } = this.connection
    const { owing } = machine
    if (owing.size === 0 && rest.size === 0) return
    const { deadlines, millis } = engine
    const now = deadlines.now()
    for (const streamId of rest.keys()) if (!owing.has(streamId)) rest.delete(streamId)
    for (const streamId of owing) if (!rest.has(streamId)) rest.set(streamId, now + millis.body)
    this.rests ??= new Deadline(deadlines, () => this.expireRests())
    // They are in the order in which they are due.
    for (const due of rest.values()) return this.rests.armAt(due)
    this.rests.disarm()
  }

  private expireRests(): void {
    const { connection, rest } = this
    const now = connection.engine.deadlines.now()
    for (const [streamId, due] of rest) {
      if (due > now) break
      // RFC 9113 §8.1: the response was complete, so that nothing went wrong.
      connection.machine.reset(streamId, "NO_ERROR")
    }
    connection.output.flush()
  }
}
