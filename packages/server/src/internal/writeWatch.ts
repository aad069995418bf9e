/**
 * Whether the peer takes what is written: while a write waits, octets have to leave at the slowest rate that is allowed,
 * or the connection is reset.
 */
import * as Effect from "effect/Effect"
import type * as DeadlineError from "../DeadlineError.ts"
import { Deadline } from "../Deadlines.ts"
import type { ServerError } from "../ServerError.ts"
import type * as Transport from "../Transport.ts"
import type { EngineContext } from "./engineContext.ts"
import * as Pace from "./pace.ts"

/** The connection, as its writes see it. */
interface Watched {
  readonly engine: EngineContext
  readonly transport: Transport.Connection
  readonly report: (error: ServerError) => Effect.Effect<void>
}

/** See the module. One write waits at a time. */
export class WriteWatch {
  /** Why the connection was reset, where its peer took too little of what was written. */
  stalled: DeadlineError.DeadlineError | undefined = undefined
  private readonly connection: Watched
  private readonly onStall: () => DeadlineError.DeadlineError
  private deadline: Deadline | undefined = undefined
  private pace: Pace.Pace | undefined = undefined
  private mark = 0

  /** `onStall` is called before the reset, and gives the error that is reported. */
  constructor(connection: Watched, onStall: () => DeadlineError.DeadlineError) {
    this.connection = connection
    this.onStall = onStall
  }

  dispose(): void {
    this.deadline?.release()
  }

  /** Waits for the peer to take what is written, as long as it keeps to the pace. */
  sending<A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.suspend(() => {
      this.begin()
      return Effect.onExit(effect, () => {
        const stalled = this.finish()
        return stalled === undefined ? Effect.void : this.connection.report(stalled)
      })
    })
  }

  /** Something begins to wait for the peer. */
  begin(): void {
    const { engine, transport } = this.connection
    const { deadlines, millis } = engine
    this.deadline ??= new Deadline(deadlines, () => this.expire())
    this.pace = Pace.make(millis.write)
    this.mark = transport.bytesWritten
    this.deadline.armAt(Pace.wait(this.pace, deadlines.now()))
  }

  /** It waits no more. Gives what is to be reported, if the peer took too little of it. */
  finish(): DeadlineError.DeadlineError | undefined {
    this.deadline?.disarm()
    this.pace = undefined
    return this.stalled
  }

  private expire(): void {
    const { engine, transport } = this.connection
    const { config, deadlines, millis } = engine
    const { pace } = this
    if (pace === undefined) return
    const now = deadlines.now()
    const taken = transport.bytesWritten - this.mark
    this.mark += taken
    Pace.progress(pace, now, taken, millis.write, config.writeRate)
    if (pace.credit > 0) {
      this.deadline?.armAt(Pace.wait(pace, now))
      return
    }
    this.stalled = this.onStall()
    Effect.runFork(transport.reset)
  }
}
