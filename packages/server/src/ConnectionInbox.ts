/**
 * The reading half of a connection, shared by all transports: at most one batch ahead, at most one reader, and
 * one place that decides the order of octets, end and loss.
 *
 * A transport offers what arrives and is told whether to go on reading; the engine pulls. A pull that waits is
 * resumed in the same turn in which octets arrive.
 */
import type { ConnectionId } from "@nvo/protocol"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import type { Departure } from "./Transport.ts"
import * as TransportError from "./TransportError.ts"

type Resume = (effect: Pull.Pull<Uint8Array, TransportError.TransportError>) => void

/** See the module. The methods are for transports; none of them throws. */
export class ConnectionInbox {
  /** Told when the peer leaves, before a waiting pull is: of its end, and of its loss, each once at most. */
  onDeparture: ((departure: Departure) => void) | undefined = undefined
  /** How the peer left, once it has. */
  departure: Departure | undefined = undefined
  readonly pull: Pull.Pull<Uint8Array, TransportError.TransportError>
  private readonly id: ConnectionId.ConnectionId
  private readonly readMore: () => void
  private waiting: Resume | undefined = undefined
  private ahead: Uint8Array | undefined = undefined
  private error: TransportError.TransportError | undefined = undefined

  /** `readMore` is called when a batch read ahead was taken and the transport shall go on reading. */
  constructor(id: ConnectionId.ConnectionId, readMore: () => void) {
    this.id = id
    this.readMore = readMore
    const parked = Effect.callback<Uint8Array, TransportError.TransportError | Cause.Done>((resume) => {
      if (this.waiting !== undefined)
        return resume(Effect.die(new Error("Two fibers pull from one connection")))
      this.waiting = resume
      return Effect.sync(() => {
        if (this.waiting === resume) this.waiting = undefined
      })
    })
    this.pull = Effect.suspend((): Pull.Pull<Uint8Array, TransportError.TransportError> => {
      const ahead = this.ahead
      if (ahead !== undefined) {
        this.ahead = undefined
        if (this.departure === undefined) this.readMore()
        return Effect.succeed(ahead)
      }
      if (this.error !== undefined) return Effect.fail(this.error)
      return this.departure === "Ended" ? Cause.done() : parked
    })
  }

  /** Whether somebody waits for octets. */
  get isWaiting(): boolean {
    return this.waiting !== undefined
  }

  /** Takes octets that nobody else will write to. Returns whether to go on reading. */
  offer(bytes: Uint8Array): boolean {
    const waiting = this.waiting
    if (waiting !== undefined) {
      this.waiting = undefined
      waiting(Effect.succeed(bytes))
      return true
    }
    this.ahead = bytes
    return false
  }

  /** The peer has ended its side. */
  end(): void {
    this.leave("Ended", undefined)
  }

  /** The connection is lost. */
  lose(error: TransportError.TransportError): void {
    this.leave("Lost", error)
  }

  /** The server closes the connection: the reader is told, the engine's hook is not. */
  close(): void {
    this.onDeparture = undefined
    this.leave("Lost", TransportError.make({ _tag: "ConnectionClosed" }, this.id))
  }

  private leave(departure: Departure, error: TransportError.TransportError | undefined): void {
    // A connection that has ended may still be lost, not the other way about.
    if (this.departure === "Lost" || this.departure === departure) return
    this.departure = departure
    this.error = error
    const hook = this.onDeparture
    if (hook !== undefined) hook(departure)
    const waiting = this.waiting
    if (waiting === undefined) return
    this.waiting = undefined
    waiting(error === undefined ? Cause.done() : Effect.fail(error))
  }
}
