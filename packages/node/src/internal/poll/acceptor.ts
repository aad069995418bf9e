/**
 * A listening socket of the poller. Nothing is accepted that nobody asked for: `take` accepts when it is called, and
 * waits where nobody has come. Who asks again at once empties the operating system's queue in one turn.
 */
import * as Fs from "node:fs"
import * as Os from "node:os"
import { TransportError } from "@nvo/server"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import type * as Poller from "../../Poller.ts"
import * as ConnectionIds from "../connectionIds.ts"
import * as Bits from "./backend.ts"
import type { Listening } from "./listening.ts"
import { type Peer, PollConnection } from "./pollConnection.ts"
import * as SocketAddress from "./socketAddress.ts"
import { type System, SystemError, wouldBlock } from "./system.ts"

const { ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM } = Os.constants.errno

// What is lacking when these are said may be there later; the peers wait in the queue.
const exhausted = new Set([EMFILE, ENFILE, ENOBUFS, ENOMEM])

// How long to wait then. Each try that fails is reported.
const EXHAUSTED_WAIT = "100 millis"

// Connections that are accepted in a row before others have their turn. Chosen by feel.
const ACCEPTS_PER_TURN = 64

type Accepted = Effect.Effect<PollConnection, TransportError.TransportError>

/** See the module. */
export class Acceptor {
  readonly address: NetAddress.SocketAddress
  private readonly listening: Listening
  private readonly poller: Poller.Unsafe
  private readonly system: System
  private readonly highWaterMark: number
  private readonly registration: Poller.Registration
  private waiting: ((accepted: Accepted) => void) | undefined = undefined
  /** Whether somebody may have come since the queue was last found empty. */
  private ready = true
  private inARow = 0
  private rests = false
  private closed = false

  /** Takes the socket over and registers it. Throws a `SystemError` where it cannot be registered. */
  constructor(listening: Listening, poller: Poller.Unsafe, highWaterMark: number) {
    this.listening = listening
    this.address = listening.address
    this.poller = poller
    this.system = poller.system
    this.highWaterMark = highWaterMark
    try {
      this.registration = poller.register(listening.fd, Bits.READABLE, this)
    } catch (cause) {
      this.system.close(listening.fd)
      throw cause
    }
  }

  /** Somebody has come. */
  onEvent(): void {
    this.ready = true
    this.inARow = 0
    const { waiting } = this
    if (waiting === undefined) return
    this.waiting = undefined
    waiting(this.take)
  }

  /** Whoever waits was not told: the next event does. */
  onDefect(cause: unknown): void {
    const { waiting } = this
    this.waiting = undefined
    waiting?.(Effect.fail(acceptFailed(cause)))
  }

  /** Accepts a connection, or waits for one. One waits at a time. */
  readonly take: Accepted = Effect.suspend((): Accepted => {
    if (this.rests) {
      this.rests = false
      return Effect.andThen(Effect.sleep(EXHAUSTED_WAIT), this.take)
    }
    while (this.ready && !this.closed) {
      if (++this.inARow > ACCEPTS_PER_TURN) {
        // Told of in the next turn.
        this.poller.modify(this.registration, Bits.READABLE)
        this.ready = false
        break
      }
      const fd = this.system.accept(this.listening.fd)
      if (fd >= 0) return this.connection(fd)
      if (wouldBlock(fd)) this.ready = false
      // A peer that left before it was accepted.
      else if (fd !== -ECONNABORTED) {
        this.rests = exhausted.has(-fd)
        return Effect.fail(acceptFailed(new SystemError("accept", -fd)))
      }
    }
    return this.parked
  })

  private readonly parked: Accepted = Effect.callback((resume) => {
    // The fiber may have given way since it looked.
    if (this.ready && !this.closed) return resume(this.take)
    this.waiting = resume
    return Effect.sync(() => {
      if (this.waiting === resume) this.waiting = undefined
    })
  })

  private connection(fd: number): Accepted {
    try {
      const id = ConnectionIds.next()
      return Effect.succeed(new PollConnection(id, fd, this.peer(), this.poller, this.highWaterMark))
    } catch (cause) {
      this.system.close(fd)
      this.rests = true
      return Effect.fail(acceptFailed(cause))
    }
  }

  private peer(): Peer | undefined {
    if (this.listening.path !== undefined) return undefined
    const address = SocketAddress.decodeInet(this.system.address)
    return address === undefined ? undefined : { address: hostOf(address), port: address.port }
  }

  /** Stops listening; a unix socket's path is gone afterwards. */
  readonly close: Effect.Effect<void> = Effect.sync(() => {
    if (this.closed) return
    this.closed = true
    this.poller.deregister(this.registration)
    this.system.close(this.listening.fd)
    const { path } = this.listening
    if (path !== undefined && !path.startsWith("\0")) Fs.rmSync(path, { force: true })
  })
}

const acceptFailed = (cause: unknown) => TransportError.make({ _tag: "AcceptFailed", cause })

const hostOf = (address: NetAddress.InetAddress): string => {
  const host = NetAddress.formatIp(address.address)
  if (NetAddress.isInetAddressV4(address) || address.scopeId === 0) return host
  // A link-local address says by which interface.
  const zone = Object.entries(Os.networkInterfaces()).find(([_, all]) =>
    all?.some((one) => one.family === "IPv6" && one.scopeid === address.scopeId)
  )
  return `${host}%${zone?.[0] ?? address.scopeId}`
}
