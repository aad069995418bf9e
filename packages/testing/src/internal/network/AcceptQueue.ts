/** Connections that came and that nobody has accepted yet, and who waits for one. */
import type { TransportError } from "@nvo/server"
import * as Effect from "effect/Effect"
import type { ServerEnd } from "./ServerEnd.ts"

/** A connection, or why it could not be accepted. */
export type Arrival = Effect.Effect<ServerEnd, TransportError.TransportError>

const dropped = (arrival: Arrival): Effect.Effect<void> =>
  Effect.ignore(Effect.flatMap(arrival, (end) => Effect.andThen(end.reset, end.release)))

/** See the module. */
export class AcceptQueue {
  private readonly ready: Array<Arrival> = []
  private closed = false
  private waiting: ((arrival: Arrival) => void) | undefined = undefined

  push(arrival: Arrival): void {
    const { waiting } = this
    if (this.closed) {
      Effect.runSync(dropped(arrival))
      return
    }
    if (waiting === undefined) {
      this.ready.push(arrival)
      return
    }
    this.waiting = undefined
    waiting(arrival)
  }

  /** The next connection. Interruption loses none. */
  readonly take: Arrival = Effect.callback<ServerEnd, TransportError.TransportError>((resume) => {
    const ready = this.ready.shift()
    if (ready !== undefined) return resume(ready)
    this.waiting = resume
    return Effect.sync(() => {
      if (this.waiting === resume) this.waiting = undefined
    })
  })

  /** Drops what nobody will accept, now and later. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.closed = true
    this.waiting = undefined
    return Effect.forEach(this.ready.splice(0), dropped, { discard: true })
  })
}
