/**
 * What a WebSocket sends while a large message is compressed: one part of it in a turn, so that other connections have
 * theirs, and what is sent meanwhile behind it, in order. Empty, and not made, for most sockets.
 *
 * A part leaves as a fragment (RFC 6455 §5.4), so control frames go between. Whoever edits this: a thing to send is
 * encoded when its turn comes, since what compression refers to is what the peer has seen by then.
 */
import { FrameEncoder, type Latin1, PerMessageDeflate, Utf8 } from "@nvo/protocol"
import * as Effect from "effect/Effect"
import type { Data, Deflation } from "./session.ts"

/**
 * The octets that are compressed in one turn: 3 to 5 ms of zlib, where 16 MiB in one go take 200 to 300. Smaller
 * parts compress worse, since each begins with an empty window where none is kept.
 */
export const PART_BYTES = 131_072

/** A large message in compressed fragments, each made when it is first asked for. */
export class Parts {
  readonly text: boolean
  readonly bytes: Uint8Array
  private readonly made: Array<ReadonlyArray<Latin1.Octets>> = []

  constructor(data: Data) {
    this.text = typeof data === "string"
    this.bytes = typeof data === "string" ? Utf8.encode(data) : data
  }

  get count(): number {
    return Math.max(1, Math.ceil(this.bytes.length / PART_BYTES))
  }

  /** A fragment. It may refer to the one before where `keeps`. */
  make({ deflater }: Deflation, index: number, keeps: boolean): ReadonlyArray<Latin1.Octets> {
    const last = index === this.count - 1
    const part = this.bytes.subarray(index * PART_BYTES, (index + 1) * PART_BYTES)
    return FrameEncoder.encode({
      opcode: index > 0 ? "Continuation" : this.text ? "Text" : "Binary",
      fin: last,
      rsv1: index === 0,
      payload: PerMessageDeflate.compress(deflater, keeps, part, last)
    })
  }

  /** A fragment for all whose windows are alike: by the stream of who comes first, which remembers nothing of it. */
  shared(deflation: Deflation, index: number): ReadonlyArray<Latin1.Octets> {
    const made = this.made[index]
    if (made !== undefined) return made
    deflation.deflater.reset()
    const octets = this.make(deflation, index, false)
    this.made[index] = octets
    return octets
  }
}

/** One thing to send. */
export interface Item {
  /** How much it is, before compression. */
  readonly bytes: number
  /** Sends the next part of it; `true` if that was the last. */
  readonly step: () => boolean
}

/** Whose queue it is. */
interface Owner {
  /** Whether data may still be sent. */
  readonly sends: boolean
  /** Whether the peer has to take what waits before more is sent. */
  readonly isFull: boolean
  /** Waits until it has, or is given up. */
  readonly room: Effect.Effect<void>
}

interface Waiter {
  readonly last: number
  readonly resume: (sent: boolean) => void
}

/** See the module. */
export class Sending {
  /** What waits behind the message under way, before compression. */
  waitingBytes = 0
  private readonly owner: Owner
  private items: Array<Item> = []
  private added = 0
  /** Whether `run` runs. */
  private runs = false
  private done = 0
  private waiters: Array<Waiter> = []

  constructor(owner: Owner) {
    this.owner = owner
  }

  get isBusy(): boolean {
    return this.items.length > 0
  }

  /** Puts something behind what is there. `true` if `run` has to be run for it. */
  add(item: Item): boolean {
    if (this.isBusy) this.waitingBytes += item.bytes
    this.items.push(item)
    this.added++
    const starts = !this.runs
    this.runs = true
    return starts
  }

  /** Sends what is there, a part in a turn. */
  readonly run: Effect.Effect<void> = Effect.suspend(() => {
    if (!this.owner.sends) this.clear()
    if (!this.isBusy) {
      this.runs = false
      return Effect.void
    }
    if (this.owner.isFull) return Effect.andThen(this.owner.room, this.run)
    if (this.items[0].step()) this.next()
    return Effect.andThen(Effect.yieldNow, this.run)
  })

  private next(): void {
    this.items.shift()
    this.done++
    if (this.isBusy) this.waitingBytes -= this.items[0].bytes
    this.settle()
  }

  /** Forgets what is there: it is over. */
  clear(): void {
    this.items = []
    this.waitingBytes = 0
    this.done = this.added
    this.settle(false)
  }

  private settle(sent = true): void {
    const ready = this.waiters.filter(({ last }) => last <= this.done)
    if (ready.length === 0) return
    this.waiters = this.waiters.filter(({ last }) => last > this.done)
    for (const { resume } of ready) resume(sent)
  }

  /** Completes when what is there now was sent, with `true`, or never will be. */
  get sent(): Effect.Effect<boolean> {
    return Effect.callback((resume) => {
      const last = this.added
      if (!this.isBusy) return resume(Effect.succeed(true))
      const waiter = { last, resume: (sent: boolean) => resume(Effect.succeed(sent)) }
      this.waiters.push(waiter)
      return Effect.sync(() => {
        this.waiters = this.waiters.filter((other) => other !== waiter)
      })
    })
  }
}
