/**
 * A socket of the poller as a connection: reads until it would block, writes what a turn wrote at its end.
 *
 * Whoever edits this: readiness is told at its edge. A read that filled less than it could has taken everything, and
 * the next octet is a new edge; whoever stops earlier has to ask the poller to tell again (`rearm`).
 */
import { type ConnectionId, Latin1 } from "@nvo/protocol"
import { ConnectionInbox, type Transport, TransportError } from "@nvo/server"
import * as Effect from "effect/Effect"
import type * as Poller from "../../Poller.ts"
import * as Bits from "./backend.ts"
import { SCRATCH_BYTES, type System, SystemError, wouldBlock } from "./system.ts"

// How long a socket whose program has ended may take to give its last octets to the operating system.
const FLUSH_TIMEOUT = "1 second"

// Reads of one connection in a row, 64 KiB each: then the others have their turn. Chosen by feel.
const READS_PER_TURN = 4

// Octets that one connection gives to the operating system in a row. Chosen by feel.
const WRITTEN_PER_TURN = 4 * SCRATCH_BYTES

// Pieces up to this many octets are copied together; a larger one is sent from where it is. Chosen by feel.
const COPIED_PIECE = 16_384

const INTEREST = Bits.READABLE
const WHILE_WRITING = Bits.READABLE | Bits.WRITABLE

type Exit = Effect.Effect<void, TransportError.TransportError>
type Resume = (exit: Exit) => void

/** Who the peer is. */
export interface Peer {
  readonly address: string
  readonly port: number
}

/** See the module. */
export class PollConnection implements Transport.Connection {
  readonly id: ConnectionId.ConnectionId
  readonly peerAddress: string | undefined
  readonly peerPort: number | undefined
  readonly tls: undefined = undefined
  readonly pull: Transport.Connection["pull"]
  bytesWritten = 0
  private readonly inbox: ConnectionInbox.ConnectionInbox
  private readonly fd: number
  private readonly poller: Poller.Unsafe
  private readonly system: System
  private readonly highWaterMark: number
  private readonly registration: Poller.Registration
  /** What this turn wrote. */
  private outbox: Array<Latin1.Octets> = []
  private outboxBytes = 0
  /** Whether it holds a piece that is better not copied. */
  private outboxIsLarge = false
  /** Whether octets that just came are being handled: what is written meanwhile leaves together. */
  private dispatching = false
  /** What the operating system did not take yet; of the first piece, `pendingSkip` octets are gone. */
  private pending: Array<Uint8Array> = []
  private pendingSkip = 0
  private pendingBytes = 0
  /** Whether this side is to end once everything is written, and whether it has. */
  private ending = false
  private ended = false
  private closed = false
  /** Why nothing can be written any more. */
  private broken: unknown = undefined
  private onDrain: Array<Resume> = []
  private onEnd: Array<Resume> = []

  /** Takes the descriptor over and registers it. Throws a `SystemError` where it cannot be registered. */
  constructor(
    id: ConnectionId.ConnectionId,
    fd: number,
    peer: Peer | undefined,
    poller: Poller.Unsafe,
    highWaterMark: number
  ) {
    this.id = id
    this.fd = fd
    this.peerAddress = peer?.address
    this.peerPort = peer?.port
    this.poller = poller
    this.system = poller.system
    this.highWaterMark = highWaterMark
    this.inbox = new ConnectionInbox.ConnectionInbox(id, () => this.readMore())
    this.pull = this.inbox.pull
    this.registration = poller.register(fd, INTEREST, this)
  }

  get bytesRead(): number {
    return this.inbox.bytesRead
  }

  get bytesQueued(): number {
    return this.pendingBytes + this.outboxBytes
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

  /** The descriptor is ready. */
  onEvent(event: Poller.PollEvent): void {
    if (event.writable) this.sendPending()
    if (event.readable || event.departed) this.receive(event)
  }

  /** Handling the event failed: the connection is over. */
  onDefect(cause: unknown): void {
    if (!this.closed) this.lose(cause)
  }

  private receive(event: Poller.PollEvent): void {
    const { departed } = event
    this.dispatching = true
    try {
      for (
        let reads = 1;
        !this.inbox.isPaused && !this.closed && this.inbox.departure === undefined;
        reads++
      ) {
        const count = this.system.read(this.fd)
        if (count > 0) {
          const bytes = Buffer.allocUnsafe(count)
          this.system.input.copy(bytes, 0, 0, count)
          if (!this.inbox.offer(bytes)) break
          // Everything has been read, but for what comes after it: the end, if it was told.
          if (count < SCRATCH_BYTES && !departed) break
          if (reads === READS_PER_TURN) {
            this.rearm()
            break
          }
        } else if (count === 0) {
          this.inbox.end()
        } else if (wouldBlock(count)) {
          break
        } else {
          this.lose(new SystemError("read", -count))
        }
      }
      if (event.failed && !this.closed && this.inbox.departure !== "Lost") {
        const error = this.system.pendingError(this.fd)
        if (error > 0) this.lose(new SystemError("read", error))
      }
    } finally {
      this.dispatching = false
      if (this.outbox.length > 0) this.flush()
    }
  }

  private readMore(): void {
    if (!this.closed) this.rearm()
  }

  // Asks the poller to tell again what the descriptor is ready for.
  private rearm(): void {
    try {
      this.poller.modify(this.registration, this.pendingBytes > 0 ? WHILE_WRITING : INTEREST)
    } catch (cause) {
      this.breakLater(cause)
    }
  }

  private lose(cause: unknown): void {
    this.broken ??= cause
    this.dropPending()
    this.inbox.lose(() => TransportError.make({ _tag: "ConnectionReset", cause }, this.id))
    this.failWaiting(() => this.writeFailed())
  }

  // Whoever writes is told by the write; the reader and the engine's hook in a turn of their own, since a hook may
  // interrupt the very fiber that writes.
  private breakLater(cause: unknown): void {
    this.broken ??= cause
    this.dropPending()
    setImmediate(() => {
      if (!this.closed) this.lose(cause)
    })
  }

  private dropPending(): void {
    this.pending = []
    this.pendingSkip = 0
    this.pendingBytes = 0
  }

  writeUnsafe(octets: ReadonlyArray<Latin1.Octets>): boolean | TransportError.TransportError {
    if (this.closed || this.ending || this.broken !== undefined) return this.writeFailed()
    const { outbox } = this
    for (let i = 0; i < octets.length; i++) {
      const item = octets[i]
      const last = outbox.length - 1
      // Heads and small bodies of one turn become one string, which is written to memory at once.
      if (typeof item === "string" && last >= 0 && typeof outbox[last] === "string") outbox[last] += item
      else outbox.push(item)
      this.outboxBytes += item.length
      if (item.length > COPIED_PIECE) this.outboxIsLarge = true
    }
    if (!this.dispatching || this.outboxBytes >= SCRATCH_BYTES) {
      this.flush()
      if (this.broken !== undefined) return this.writeFailed()
    }
    return this.pendingBytes + this.outboxBytes < this.highWaterMark
  }

  // Gives what was written to the operating system, and keeps what it does not take.
  private flush(): void {
    const { outbox, outboxBytes, outboxIsLarge } = this
    if (outbox.length === 0) return
    this.clearOutbox()
    if (this.closed || this.broken !== undefined) return
    if (this.pendingBytes > 0 || outboxIsLarge || outboxBytes > SCRATCH_BYTES) {
      const idle = this.pendingBytes === 0
      this.pend(outbox)
      if (idle) this.sendPending()
      return
    }
    const { output } = this.system
    let length = 0
    for (let i = 0; i < outbox.length; i++) {
      const item = outbox[i]
      if (typeof item === "string") Latin1.write(output, item, length)
      else output.set(item, length)
      length += item.length
    }
    if (length === 0) return
    const sent = this.system.sendOutput(this.fd, length)
    if (sent === length) {
      this.bytesWritten += sent
      return
    }
    if (sent < 0 && !wouldBlock(sent)) return this.breakLater(new SystemError("write", -sent))
    const taken = Math.max(sent, 0)
    this.bytesWritten += taken
    this.pending.push(Buffer.from(output.subarray(taken, length)))
    this.pendingBytes = length - taken
    this.rearm()
  }

  private clearOutbox(): void {
    this.outbox = []
    this.outboxBytes = 0
    this.outboxIsLarge = false
  }

  // Small neighbours become one piece.
  private pend(outbox: ReadonlyArray<Latin1.Octets>): void {
    let small: Array<Uint8Array> = []
    const join = () => {
      if (small.length === 1) this.pending.push(small[0])
      else if (small.length > 1) this.pending.push(Buffer.concat(small))
      small = []
    }
    for (const item of outbox) {
      if (item.length === 0) continue
      this.pendingBytes += item.length
      if (item.length <= COPIED_PIECE) small.push(Latin1.toBytes(item))
      else {
        join()
        this.pending.push(Latin1.toBytes(item))
      }
    }
    join()
  }

  private sendPending(): void {
    const limit = this.bytesWritten + WRITTEN_PER_TURN
    while (this.pendingBytes > 0) {
      if (this.bytesWritten >= limit) return this.rearm()
      const sent = this.system.sendPieces(this.fd, this.pending, this.pendingSkip)
      if (sent < 0) {
        if (wouldBlock(sent)) return this.rearm()
        return this.breakLater(new SystemError("write", -sent))
      }
      this.bytesWritten += sent
      this.pendingBytes -= sent
      let skip = this.pendingSkip + sent
      let done = 0
      while (done < this.pending.length && skip >= this.pending[done].length)
        skip -= this.pending[done++].length
      this.pending.splice(0, done)
      this.pendingSkip = skip
    }
    if (this.onDrain.length > 0) this.settle(Effect.void)
    if (this.ending) this.finish()
  }

  readonly write = (octets: ReadonlyArray<Latin1.Octets>): Exit =>
    Effect.suspend(() => {
      const result = this.writeUnsafe(octets)
      if (result === true) return Effect.void
      if (result !== false) return Effect.fail(result)
      this.flush()
      if (this.broken !== undefined) return Effect.fail(this.writeFailed())
      return this.pendingBytes < this.highWaterMark ? Effect.void : this.drained
    })

  roomUnsafe(resume: () => void): boolean {
    this.flush()
    if (this.closed || this.broken !== undefined || this.pendingBytes < this.highWaterMark) return true
    this.onDrain.push(resume)
    return false
  }

  private readonly drained: Exit = Effect.callback((resume) => {
    // The fiber may have given way since it looked: what it waits for has happened then.
    if (this.closed || this.broken !== undefined) return resume(Effect.fail(this.writeFailed()))
    if (this.pendingBytes === 0) return resume(Effect.void)
    this.onDrain.push(resume)
    return Effect.sync(() => {
      this.onDrain = this.onDrain.filter((other) => other !== resume)
    })
  })

  private settle(exit: Exit): void {
    const waiting = this.onDrain
    this.onDrain = []
    for (const resume of waiting) resume(exit)
  }

  private settleEnd(exit: Exit): void {
    const waiting = this.onEnd
    this.onEnd = []
    for (const resume of waiting) resume(exit)
  }

  private failWaiting(error: () => TransportError.TransportError): void {
    const exit = Effect.suspend(() => Effect.fail(error()))
    this.settle(exit)
    this.settleEnd(exit)
  }

  private writeFailed(): TransportError.TransportError {
    const cause = this.broken ?? new Error("The connection is closed")
    return TransportError.make({ _tag: "WriteFailed", cause }, this.id)
  }

  private finish(): void {
    if (this.ended) return
    const result = this.system.shutdownWrite(this.fd)
    if (result < 0) return this.breakLater(new SystemError("shutdown", -result))
    this.ended = true
    this.settleEnd(Effect.void)
  }

  flushUnsafe(): boolean {
    this.flush()
    return !this.closed && this.broken === undefined && this.pendingBytes === 0
  }

  endUnsafe(): boolean {
    this.flush()
    if (this.ended || this.closed || this.broken !== undefined) return true
    this.ending = true
    if (this.pendingBytes > 0) return false
    this.finish()
    return true
  }

  readonly end: Exit = Effect.callback((resume) => {
    this.flush()
    if (this.ended) return resume(Effect.void)
    this.ending = true
    if (!this.closed && this.broken === undefined && this.pendingBytes === 0) this.finish()
    if (this.ended) return resume(Effect.void)
    if (this.closed || this.broken !== undefined) return resume(Effect.fail(this.writeFailed()))
    this.onEnd.push(resume)
    return Effect.sync(() => {
      this.onEnd = this.onEnd.filter((other) => other !== resume)
    })
  })

  readonly reset: Effect.Effect<void> = Effect.sync(() => {
    if (this.closed) return
    // A unix socket has no reset; closing with octets missing tells the peer there.
    if (this.peerAddress !== undefined) this.system.resetOnClose(this.fd)
    this.inbox.onDeparture = undefined
    this.destroy()
  })

  readonly close: Effect.Effect<void> = Effect.sync(() => {
    this.inbox.close()
    this.failWaiting(() => TransportError.make({ _tag: "ConnectionClosed" }, this.id))
  })

  private destroy(): void {
    if (this.closed) return
    this.closed = true
    this.dropPending()
    this.clearOutbox()
    this.poller.deregister(this.registration)
    this.system.close(this.fd)
    // Whoever still waits is told.
    this.lose(new Error("The connection was closed"))
  }

  /** What the Scope does at the end: gives the last octets to the operating system and closes the socket. */
  readonly release: Effect.Effect<void> = Effect.suspend(() => {
    this.inbox.onDeparture = undefined
    this.flush()
    const destroy = Effect.sync(() => this.destroy())
    if (this.closed || this.pendingBytes === 0) return destroy
    return Effect.andThen(Effect.timeoutOption(Effect.ignore(this.end), FLUSH_TIMEOUT), destroy)
  })
}
