/** The server's end of a simulated connection: what the engine gets from `accept`. */
import { type ConnectionId, Latin1 } from "@nvo/protocol"
import { ConnectionInbox, type Transport, TransportError } from "@nvo/server"
import * as Effect from "effect/Effect"
import type { Pipe } from "./Pipe.ts"

// How long an end whose program has ended may take to give its last octets to the network: what the transports
// over sockets do.
const FLUSH_TIMEOUT = "1 second"

type Wait = (exit: Effect.Effect<void, TransportError.TransportError>) => void

/** See the module. */
export class ServerEnd implements Transport.Connection {
  readonly id: ConnectionId.ConnectionId
  readonly peerAddress: string
  readonly peerPort: number
  readonly tls = undefined
  readonly pull: Transport.Connection["pull"]
  private readonly inbox: ConnectionInbox.ConnectionInbox
  private readonly incoming: Pipe
  private readonly outgoing: Pipe
  private readonly highWaterMark: number
  private readonly onQueued: (octets: number) => void
  private readonly released: () => void
  private waiting: Array<Wait> = []
  /** Who waits for the end of this side. */
  private onFinish: Wait | undefined = undefined
  private ended = false
  /** Why nothing can be written any more. */
  private lost: unknown = undefined
  private isReleased = false

  constructor(
    id: ConnectionId.ConnectionId,
    peer: { readonly address: string; readonly port: number },
    pipes: { readonly incoming: Pipe; readonly outgoing: Pipe },
    highWaterMark: number,
    onQueued: (octets: number) => void,
    released: () => void
  ) {
    this.id = id
    this.peerAddress = peer.address
    this.peerPort = peer.port
    this.incoming = pipes.incoming
    this.outgoing = pipes.outgoing
    this.highWaterMark = highWaterMark
    this.onQueued = onQueued
    this.released = released
    this.inbox = new ConnectionInbox.ConnectionInbox(id, () => this.incoming.resume())
    this.pull = this.inbox.pull
  }

  get bytesRead(): number {
    return this.inbox.bytesRead
  }

  get bytesWritten(): number {
    return this.outgoing.taken
  }

  get bytesQueued(): number {
    return this.outgoing.queued
  }

  pullUnsafe(reader: ConnectionInbox.Reader): Uint8Array | boolean {
    return this.inbox.pullUnsafe(reader)
  }

  wake(): void {
    this.inbox.wake()
  }

  divert(diversion: ConnectionInbox.Diversion): void {
    this.inbox.divert(diversion)
  }

  goOn(): void {
    this.inbox.goOn()
  }

  get onDeparture(): Transport.Connection["onDeparture"] {
    return this.inbox.onDeparture
  }

  set onDeparture(hook: Transport.Connection["onDeparture"]) {
    this.inbox.onDeparture = hook
  }

  /** Octets came. A socket that is closed answers them with a reset. */
  data(bytes: Uint8Array): boolean {
    if (!this.isReleased) return this.inbox.offer(bytes)
    this.outgoing.reset()
    return true
  }

  /** The peer has ended its side. */
  peerEnded(): void {
    this.inbox.end()
  }

  /** The connection is lost. */
  lose(cause: unknown): void {
    this.outgoing.close()
    this.fail(cause)
  }

  private fail(cause: unknown): void {
    if (this.lost === undefined) this.lost = cause
    this.inbox.lose(() => TransportError.make({ _tag: "ConnectionReset", cause }, this.id))
    const failed = Effect.fail(this.writeFailed())
    this.settle(failed)
    this.onFinish?.(failed)
  }

  /** The network has taken some of what waited. */
  room(): void {
    if (this.outgoing.queued === 0) this.settle(Effect.void)
    if (this.outgoing.finished) this.onFinish?.(Effect.void)
  }

  writeUnsafe(octets: ReadonlyArray<Latin1.Octets>): boolean | TransportError.TransportError {
    if (this.lost !== undefined || this.ended) return this.writeFailed()
    // Copied: who writes may change its octets as soon as they are written.
    for (const item of octets) {
      this.outgoing.write(typeof item === "string" ? Latin1.encode(item) : item.slice())
    }
    this.onQueued(this.outgoing.queued)
    return this.outgoing.queued < this.highWaterMark
  }

  readonly write = (
    octets: ReadonlyArray<Latin1.Octets>
  ): Effect.Effect<void, TransportError.TransportError> =>
    Effect.suspend(() => {
      const result = this.writeUnsafe(octets)
      if (result === true) return Effect.void
      if (result !== false) return Effect.fail(result)
      this.outgoing.fill()
      return this.outgoing.queued < this.highWaterMark ? Effect.void : this.drained
    })

  roomUnsafe(resume: () => void): boolean {
    this.outgoing.fill()
    if (this.lost !== undefined || this.outgoing.queued < this.highWaterMark) return true
    this.waiting.push(resume)
    return false
  }

  private readonly drained = Effect.callback<void, TransportError.TransportError>((resume) => {
    // The fiber may have given way since it looked: what it waits for has happened then.
    if (this.lost !== undefined) return resume(Effect.fail(this.writeFailed()))
    if (this.outgoing.queued < this.highWaterMark) return resume(Effect.void)
    this.waiting.push(resume)
    return Effect.sync(() => {
      this.waiting = this.waiting.filter((other) => other !== resume)
    })
  })

  flushUnsafe(): boolean {
    this.outgoing.fill()
    return this.lost === undefined && this.outgoing.queued === 0
  }

  endUnsafe(): boolean {
    if (this.lost !== undefined || this.outgoing.finished) return true
    this.ended = true
    this.outgoing.end()
    this.outgoing.fill()
    return this.outgoing.finished
  }

  readonly end: Effect.Effect<void, TransportError.TransportError> = Effect.callback((resume) => {
    if (this.outgoing.finished) return resume(Effect.void)
    if (this.lost !== undefined) return resume(Effect.fail(this.writeFailed()))
    this.ended = true
    const finish: Wait = (exit) => {
      if (this.onFinish === finish) this.onFinish = undefined
      resume(exit)
    }
    this.onFinish = finish
    this.outgoing.end()
    return Effect.sync(() => {
      if (this.onFinish === finish) this.onFinish = undefined
    })
  })

  readonly reset: Effect.Effect<void> = Effect.sync(() => {
    if (this.lost !== undefined) return
    this.outgoing.reset()
    this.incoming.close()
    this.fail(new Error("The connection was reset from this side"))
  })

  readonly close: Effect.Effect<void> = Effect.sync(() => {
    this.inbox.close()
    const closed = Effect.fail(TransportError.make({ _tag: "ConnectionClosed" }, this.id))
    this.settle(closed)
    this.onFinish?.(closed)
  })

  /** What the Scope does at the end: gives the last octets to the network and closes the socket. */
  readonly release: Effect.Effect<void> = Effect.suspend(() => {
    this.inbox.onDeparture = undefined
    const destroy = Effect.sync(() => this.destroy())
    if (this.lost !== undefined || this.outgoing.queued === 0) return destroy
    return Effect.andThen(Effect.timeoutOption(Effect.ignore(this.end), FLUSH_TIMEOUT), destroy)
  })

  private destroy(): void {
    if (this.isReleased) return
    this.isReleased = true
    // An operating system that closes a socket with octets unread, or with octets that it could not send,
    // resets the connection (RFC 9112 §9.6).
    if (this.incoming.hasArrived || this.outgoing.queued > 0) this.outgoing.reset()
    else this.outgoing.end()
    this.incoming.resume()
    this.released()
    // Whoever still waits is told.
    this.fail(new Error("The connection was closed"))
  }

  private settle(exit: Effect.Effect<void, TransportError.TransportError>): void {
    const waiting = this.waiting
    if (waiting.length === 0) return
    this.waiting = []
    for (const resume of waiting) resume(exit)
  }

  private writeFailed(): TransportError.TransportError {
    return TransportError.make(
      { _tag: "WriteFailed", cause: this.lost ?? new Error("The connection is closed") },
      this.id
    )
  }
}
