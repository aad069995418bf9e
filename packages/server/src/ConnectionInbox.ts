/**
 * The reading half of a connection, shared by all transports: a bounded read-ahead, at most one reader, and one
 * place that decides the order of octets, end and loss.
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

/**
 * Reading pauses once this many octets, or this many batches, wait for somebody to ask for them. Reading ahead is
 * what shows that a peer has left while its request is handled, so the bound is beyond what a well-behaved peer
 * sends unasked: the rest of a small body, a few pipelined requests. A connection holds the bound and one batch of
 * its transport at the most. Chosen by feel.
 */
export const READ_AHEAD_BYTES = 16_384
export const READ_AHEAD_BATCHES = 64

/** Who takes what comes in place of `pull`. Neither function may throw. */
export interface Diversion {
  /** Takes octets at once, that nobody else will write to. Returns whether to go on reading. */
  readonly octets: (bytes: Uint8Array) => boolean
  /** The peer has ended its side (`undefined`), the connection is lost, or the server closes it. */
  readonly left: (error: TransportError.TransportError | undefined) => void
}

/** Is told of octets that came, or with none that it is to look again. Must not throw. */
export type Reader = (octets: Uint8Array) => void

type Resume = (effect: Pull.Pull<Uint8Array, TransportError.TransportError>) => void

const NOTHING: Array<Uint8Array> = []
const NO_OCTETS = new Uint8Array(0)

const twoReaders = () => new Error("Two pull from one connection")

/** See the module. The methods are for transports; none of them throws. */
export class ConnectionInbox {
  /** Told when the peer leaves, before a waiting pull is: of its end, and of its loss, each once at most. */
  onDeparture: ((departure: Departure) => void) | undefined = undefined
  /** How the peer left, once it has. */
  departure: Departure | undefined = undefined
  /** Octets that came so far. */
  bytesRead = 0
  private readonly id: ConnectionId.ConnectionId
  private readonly readMore: () => void
  private waiting: Resume | undefined = undefined
  private pulling: Pull.Pull<Uint8Array, TransportError.TransportError> | undefined = undefined
  private reader: Reader | undefined = undefined
  private ahead: Array<Uint8Array> = NOTHING
  private aheadBytes = 0
  /** Whether the transport was told not to go on reading. */
  isPaused = false
  private reason: (() => TransportError.TransportError) | undefined = undefined
  private made: TransportError.TransportError | undefined = undefined
  private diversion: Diversion | undefined = undefined

  /** `readMore` is called when `offer` has paused the transport and there is room again. */
  constructor(id: ConnectionId.ConnectionId, readMore: () => void) {
    this.id = id
    this.readMore = readMore
  }

  /** See `Transport.Connection`. Made when it is asked for: most connections have a reader. */
  get pull(): Pull.Pull<Uint8Array, TransportError.TransportError> {
    this.pulling ??= this.makePull()
    return this.pulling
  }

  private makePull(): Pull.Pull<Uint8Array, TransportError.TransportError> {
    const parked = Effect.callback<Uint8Array, TransportError.TransportError | Cause.Done>((resume) => {
      if (this.isWaiting) return resume(Effect.die(twoReaders()))
      // The fiber may have given way since it looked: what came meanwhile is in front of what is still to come.
      if (this.ahead.length > 0 || this.departure !== undefined) return resume(this.pull)
      this.waiting = resume
      return Effect.sync(() => {
        if (this.waiting === resume) this.waiting = undefined
      })
    })
    return Effect.suspend((): Pull.Pull<Uint8Array, TransportError.TransportError> => {
      const first = this.shift()
      if (first !== undefined) return Effect.succeed(first)
      const { error } = this
      if (error !== undefined) return Effect.fail(error)
      return this.departure === "Ended" ? Cause.done() : parked
    })
  }

  // Takes the first octets that were read ahead, and lets the transport go on.
  private shift(): Uint8Array | undefined {
    const first = this.ahead.shift()
    if (first === undefined) return undefined
    this.aheadBytes -= first.length
    if (this.isPaused && !this.isFull) {
      this.isPaused = false
      if (this.departure === undefined) this.readMore()
    }
    return first
  }

  /**
   * `pull` without a fiber that waits. Gives octets that have come; `true` if `reader` will be called, once, in the
   * turn in which the next ones come, or the peer leaves; `false` if the peer has left: `pull` says how.
   */
  pullUnsafe(reader: Reader): Uint8Array | boolean {
    const first = this.shift()
    if (first !== undefined) return first
    if (this.departure !== undefined) return false
    if (this.isWaiting) throw twoReaders()
    this.reader = reader
    return true
  }

  /** Whether somebody waits for octets. */
  get isWaiting(): boolean {
    return this.waiting !== undefined || this.reader !== undefined
  }

  /** Takes octets that nobody else will write to. Returns whether to go on reading. */
  offer(bytes: Uint8Array): boolean {
    this.bytesRead += bytes.length
    if (this.diversion !== undefined) {
      this.isPaused = !this.diversion.octets(bytes)
      return !this.isPaused
    }
    const { reader, waiting } = this
    if (reader !== undefined) {
      this.reader = undefined
      reader(bytes)
      return !this.isPaused
    }
    if (waiting !== undefined) {
      this.waiting = undefined
      waiting(Effect.succeed(bytes))
      return !this.isPaused
    }
    // Most connections never read ahead: they share the empty list.
    if (this.ahead === NOTHING) this.ahead = []
    this.ahead.push(bytes)
    this.aheadBytes += bytes.length
    this.isPaused = this.isFull
    return !this.isPaused
  }

  /** From here on what comes goes to `diversion`, what waits first. Nobody may pull any more. */
  divert(diversion: Diversion): void {
    this.diversion = diversion
    const ahead = this.ahead
    this.ahead = NOTHING
    this.aheadBytes = 0
    let goesOn = true
    for (const bytes of ahead) goesOn = diversion.octets(bytes)
    if (this.departure !== undefined) diversion.left(this.error)
    else if (this.isPaused && goesOn) this.goOn()
  }

  /** Goes on reading after a diversion has asked to pause. */
  goOn(): void {
    if (!this.isPaused) return
    this.isPaused = false
    if (this.departure === undefined) this.readMore()
  }

  /** Completes a waiting pull with no octets. */
  wake(): void {
    const { reader, waiting } = this
    this.reader = undefined
    this.waiting = undefined
    if (reader !== undefined) reader(NO_OCTETS)
    else if (waiting !== undefined) waiting(Effect.succeed(NO_OCTETS))
  }

  private get isFull(): boolean {
    return this.aheadBytes >= READ_AHEAD_BYTES || this.ahead.length >= READ_AHEAD_BATCHES
  }

  /** The peer has ended its side. */
  end(): void {
    this.leave("Ended", undefined)
  }

  /** The connection is lost. Why is asked for once somebody wants to know: mostly nobody does. */
  lose(reason: () => TransportError.TransportError): void {
    this.leave("Lost", reason)
  }

  /** The server closes the connection: the reader is told, the engine's hook is not. */
  close(): void {
    this.onDeparture = undefined
    this.leave("Lost", () => TransportError.make({ _tag: "ConnectionClosed" }, this.id))
  }

  private get error(): TransportError.TransportError | undefined {
    this.made ??= this.reason?.()
    return this.made
  }

  private leave(departure: Departure, reason: (() => TransportError.TransportError) | undefined): void {
    // A connection that has ended may still be lost, not the other way about.
    if (this.departure === "Lost" || this.departure === departure) return
    this.departure = departure
    this.reason = reason
    const hook = this.onDeparture
    if (hook !== undefined) hook(departure)
    this.diversion?.left(this.error)
    const { reader, waiting } = this
    this.reader = undefined
    this.waiting = undefined
    if (reader !== undefined) reader(NO_OCTETS)
    else if (waiting !== undefined) {
      const { error } = this
      waiting(error === undefined ? Cause.done() : Effect.fail(error))
    }
  }
}
