/**
 * When what the protocol has to say leaves: what was written in one turn leaves together, as far as the peer's windows
 * and the transport take it, and goes on when the transport has room again.
 *
 * Whoever edits this: handlers that wait for room are resumed in here and may write, so that a flush goes round.
 */
import * as Effect from "effect/Effect"
import type { Http2Connection } from "./connection.ts"

// How often a flush goes round before others have their turn: handlers that are resumed may fill what was emptied.
const FLUSH_ROUNDS = 16

/** See the module. */
export class Http2Output {
  /** Whether events are being dispatched: what is written meanwhile leaves behind the last of them. */
  isHeld = false
  private readonly connection: Http2Connection
  private flushing = false
  private flushDue = false
  /** Whether the transport is full: nothing is written until it has room. */
  private blocked = false
  /** Who waits until it has. */
  private onRoom: (() => void) | undefined = undefined

  constructor(connection: Http2Connection) {
    this.connection = connection
  }

  /** Octets that are framed, and that the operating system has not taken. */
  get waiting(): number {
    const { machine, transport } = this.connection
    return machine.outputBytes + transport.bytesQueued
  }

  /** Something was written: it leaves behind the dispatch under way, or with what others write in this turn. */
  flushSoon(): void {
    if (this.isHeld || this.flushing || this.flushDue) return
    this.flushDue = true
    this.connection.fiber.currentDispatcher.scheduleTask(() => {
      this.flushDue = false
      this.flush()
    }, 0)
  }

  /** What was written leaves now. */
  flush(): void {
    const { connection } = this
    if (this.flushing || this.blocked || connection.isClosed) return
    const { deadlines, engine, exchanges, machine, transport } = connection
    const room = engine.config.writeHighWaterMark
    this.flushing = true
    for (let round = 0; round < FLUSH_ROUNDS && !this.blocked; round++) {
      const flushed = machine.pump(room)
      if (machine.hasOutput) {
        const result = transport.writeUnsafe(machine.takeOutput())
        if (result === false) this.block()
        // A lost connection is noticed by whoever reads.
        else if (result !== true) break
      }
      for (const streamId of flushed) exchanges.get(streamId)?.hasFlushed()
      if (!machine.hasWork && !machine.hasOutput) break
    }
    this.flushing = false
    if (!this.blocked && (machine.hasWork || machine.hasOutput)) this.flushSoon()
    deadlines.watchWindows()
    deadlines.look()
    connection.afterFlush()
  }

  // The transport is full: goes on when the peer has taken it. No fiber waits for that: without it
  // 100 MiB over TLS in pieces of 64 KiB took 0.958 ± 0.020 of the CPU (docs/benchmarks/http2.md).
  private block(): void {
    const { deadlines, transport } = this.connection
    if (transport.roomUnsafe(this.goOn)) return
    this.blocked = true
    deadlines.writes.begin()
  }

  private readonly goOn = (): void => {
    const { connection, onRoom } = this
    this.blocked = false
    this.onRoom = undefined
    const stalled = connection.deadlines.writes.finish()
    if (stalled !== undefined) connection.tell(stalled)
    this.flush()
    onRoom?.()
  }

  /** Completes when the peer has taken what was written, where more than the high-water mark waits behind it. */
  get drained(): Effect.Effect<void> | undefined {
    const { engine, machine } = this.connection
    return this.blocked && machine.outputBytes > engine.config.writeHighWaterMark ? this.room : undefined
  }

  private readonly room: Effect.Effect<void> = Effect.callback((resume) => {
    if (!this.blocked) return resume(Effect.void)
    this.onRoom = () => resume(Effect.void)
    return Effect.sync(() => {
      this.onRoom = undefined
    })
  })
}
