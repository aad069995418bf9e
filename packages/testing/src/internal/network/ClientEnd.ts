/** The client's end of a simulated connection: what a test holds. */
import type { Transport } from "@nvo/server"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { Pipe } from "./Pipe.ts"

/** The connection is gone, so nothing can be sent. */
export class ConnectionLost extends Data.TaggedError("ConnectionLost")<{ readonly connection: number }> {
  override get message(): string {
    return `Connection ${this.connection} is lost`
  }
}

type Received = Uint8Array | Transport.Departure

/** See the module. */
export class ClientEnd {
  /** The number of the connection: 1 is the first that was opened. */
  readonly connection: number
  private readonly incoming: Pipe
  private readonly outgoing: Pipe
  private readonly released: () => void
  private readonly received: Array<Uint8Array> = []
  private departure: Transport.Departure | undefined = undefined
  private waiting: ((received: Effect.Effect<Received>) => void) | undefined = undefined
  private onSent: Array<(exit: Effect.Effect<void, ConnectionLost>) => void> = []
  private isReleased = false
  private lost = false

  constructor(
    connection: number,
    pipes: { readonly incoming: Pipe; readonly outgoing: Pipe },
    released: () => void
  ) {
    this.connection = connection
    this.incoming = pipes.incoming
    this.outgoing = pipes.outgoing
    this.released = released
  }

  /** Sends octets; completes when the network has taken them. */
  readonly send = (octets: Uint8Array): Effect.Effect<void, ConnectionLost> =>
    Effect.callback((resume) => {
      if (this.lost) return resume(Effect.fail(new ConnectionLost({ connection: this.connection })))
      this.outgoing.write(octets.slice())
      this.outgoing.fill()
      if (this.outgoing.queued === 0) return resume(Effect.void)
      this.onSent.push(resume)
      return Effect.sync(() => {
        this.onSent = this.onSent.filter((other) => other !== resume)
      })
    })

  /** Ends this side. What comes can still be received. */
  readonly end: Effect.Effect<void> = Effect.sync(() => this.outgoing.end())

  /** Leaves at once; the server is told. What was on its way to this side is gone. */
  readonly reset: Effect.Effect<void> = Effect.sync(() => {
    if (this.lost) return
    this.outgoing.reset()
    this.incoming.close()
    this.fail()
  })

  /** The next octets, or how the server left. */
  readonly receive: Effect.Effect<Received> = Effect.callback((resume) => {
    const next = this.received.shift() ?? this.departure
    if (next === undefined) this.waiting = resume
    else resume(Effect.succeed(next))
    this.incoming.resume()
    return Effect.sync(() => {
      if (this.waiting === resume) this.waiting = undefined
    })
  })

  /** Octets came. It reads only what it is asked to, and one segment ahead. */
  data(bytes: Uint8Array): boolean {
    const { waiting } = this
    if (waiting === undefined) {
      this.received.push(bytes)
      return false
    }
    this.waiting = undefined
    waiting(Effect.succeed(bytes))
    return this.received.length === 0
  }

  /** The server has ended its side. */
  serverEnded(): void {
    this.leave("Ended")
  }

  /** The connection is lost. */
  lose(): void {
    this.outgoing.close()
    this.fail()
  }

  private fail(): void {
    this.lost = true
    this.leave("Lost")
    const failed = Effect.fail(new ConnectionLost({ connection: this.connection }))
    for (const resume of this.onSent.splice(0)) resume(failed)
  }

  /** The network has taken some of what waited. */
  room(): void {
    if (this.outgoing.queued > 0) return
    for (const resume of this.onSent.splice(0)) resume(Effect.void)
  }

  /** What the Scope does at the end. A client that has not ended its side resets the connection. */
  readonly release: Effect.Effect<void> = Effect.suspend(() => {
    if (this.isReleased) return Effect.void
    this.isReleased = true
    this.released()
    return this.outgoing.finished && this.departure === "Ended" ? Effect.void : this.reset
  })

  private leave(departure: Transport.Departure): void {
    if (this.departure === "Lost" || this.departure === departure) return
    this.departure = departure
    const { waiting } = this
    if (waiting === undefined) return
    this.waiting = undefined
    waiting(Effect.succeed(departure))
  }
}
