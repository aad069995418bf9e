/**
 * One direction of a simulated connection: what was written, what is on its way, and who is told.
 *
 * Octets wait with the sender until the network has room, are cut into segments, travel, and are offered to the
 * receiver, which may pause. The end and a reset travel in order behind the octets. A pipe knows nothing of the
 * other direction.
 */
import * as Bytes from "../../Bytes.ts"
import type { Direction } from "../../FaultPlan.ts"
import type { Seeded } from "../Seeded.ts"

/** What the world around a pipe does for it. */
export interface World {
  /** Milliseconds. */
  readonly now: () => number
  /** Calls back after so many milliseconds, not before this turn has ended. */
  readonly after: (millis: number, act: () => void) => void
  /** Whether no new faults are wanted. */
  readonly healed: () => boolean
}

/** Who is told of what arrives. */
export interface Receiver {
  /** Takes octets. Returns whether to go on; where not, `resume` does. */
  readonly data: (bytes: Uint8Array) => boolean
  readonly end: () => void
  readonly reset: () => void
}

/** Who is told of what leaves. */
export interface Sender {
  /** The network has taken some of what waited. */
  readonly room: () => void
}

/** What is told for the record. */
export type Note = "Sent" | "Arrived" | "Stalled" | "End" | "Reset" | "Cut"

type Item =
  | { readonly _tag: "Data"; readonly due: number; readonly bytes: Uint8Array }
  | { readonly _tag: "End"; readonly due: number }
  | { readonly _tag: "Reset"; readonly due: number }

/** See the module. */
export class Pipe {
  /** Octets that wait with the sender. */
  queued = 0
  /** Octets that the network has taken so far. */
  taken = 0
  /** Octets in the network. */
  inside = 0
  /** Octets that the receiver took. */
  delivered = 0
  /** Whether the sender has ended and the network has taken everything. */
  finished = false
  private readonly world: World
  private readonly faults: Direction
  private readonly seeded: Seeded
  private readonly note: (note: Note, octets: number) => void
  private readonly cut: () => void
  private readonly resetAt: number
  private receiver!: Receiver
  private sender!: Sender
  private queue: Array<Uint8Array> = []
  private flight: Array<Item> = []
  private lastDue = 0
  private ending = false
  private closed = false
  private paused = false
  private filling = false
  private arriving = false

  /** `cut` is called when the plan says that the connection is lost here. */
  constructor(
    world: World,
    faults: Direction,
    seeded: Seeded,
    note: (note: Note, octets: number) => void,
    cut: () => void
  ) {
    this.world = world
    this.faults = faults
    this.seeded = seeded
    this.note = note
    this.cut = cut
    this.resetAt = seeded.chance(faults.reset.chance)
      ? seeded.between(...faults.reset.after)
      : Number.POSITIVE_INFINITY
  }

  join(sender: Sender, receiver: Receiver): void {
    this.sender = sender
    this.receiver = receiver
  }

  /** Whether octets, an end or a reset wait for the receiver to go on. */
  get hasArrived(): boolean {
    return this.paused && this.flight.length > 0 && this.flight[0].due <= this.world.now()
  }

  /** Takes octets that nobody else will write to. */
  write(bytes: Uint8Array): void {
    if (this.closed || bytes.length === 0) return
    this.queue.push(bytes)
    this.queued += bytes.length
    this.fillSoon()
  }

  /** Ends the direction behind what was written. */
  end(): void {
    if (this.closed || this.ending) return
    this.ending = true
    this.fillSoon()
  }

  /** Drops what waits with the sender; what is on its way is followed by a reset. */
  reset(): void {
    if (this.closed) return
    this.dropQueue()
    this.closed = true
    this.launch({ _tag: "Reset", due: this.arrival() })
  }

  /** Drops everything. Nobody is told. */
  close(): void {
    this.closed = true
    this.dropQueue()
    this.flight = []
    this.inside = 0
  }

  /** The receiver goes on. */
  resume(): void {
    this.paused = false
    if (this.flight.length > 0) this.arm()
  }

  /** Gives what waits to the network, as far as there is room. */
  fill(): void {
    const { faults, queue } = this
    let moved = false
    while (this.queued > 0 && this.inside < faults.buffer) {
      const bytes = this.take(
        Math.min(this.healed ? faults.buffer : this.draw(faults.segment), faults.buffer - this.inside)
      )
      moved = true
      this.inside += bytes.length
      this.note("Sent", bytes.length)
      this.launch({ _tag: "Data", due: this.arrival(), bytes })
    }
    if (this.ending && queue.length === 0 && !this.finished && !this.closed) {
      this.finished = true
      moved = true
      this.launch({ _tag: "End", due: this.arrival() })
    }
    if (moved) this.sender.room()
  }

  private get healed(): boolean {
    return this.world.healed()
  }

  private draw([least, most]: readonly [number, number]): number {
    return Math.max(1, this.seeded.between(least, most))
  }

  // The next octets of the queue, `most` of them where the plan joins what was written apart.
  private take(most: number): Uint8Array {
    const { queue, seeded } = this
    const parts: Array<Uint8Array> = []
    let size = 0
    while (queue.length > 0 && size < most) {
      const first = queue[0]
      const length = Math.min(first.length, most - size)
      parts.push(length === first.length ? first : first.subarray(0, length))
      size += length
      if (length < first.length) queue[0] = first.subarray(length)
      else {
        queue.shift()
        const { coalesce } = this.faults
        if (coalesce < 1 && !this.healed && !seeded.chance(coalesce)) break
      }
    }
    this.queued -= size
    this.taken += size
    return parts.length === 1 ? parts[0] : Bytes.concat(parts)
  }

  // When what leaves now arrives. Nothing overtakes.
  private arrival(): number {
    const { latency, stall } = this.faults
    let delay = 0
    if (!this.healed) {
      delay = this.seeded.between(...latency)
      if (this.seeded.chance(stall.chance)) {
        const held = this.seeded.between(...stall.millis)
        this.note("Stalled", held)
        delay += held
      }
    }
    this.lastDue = Math.max(this.lastDue, this.world.now() + delay)
    return this.lastDue
  }

  private launch(item: Item): void {
    this.flight.push(item)
    this.arm()
  }

  private fillSoon(): void {
    if (this.filling) return
    this.filling = true
    this.world.after(0, () => {
      this.filling = false
      this.fill()
    })
  }

  private arm(): void {
    if (this.arriving || this.paused || this.flight.length === 0) return
    this.arriving = true
    this.world.after(this.flight[0].due - this.world.now(), () => {
      this.arriving = false
      this.arrive()
    })
  }

  private arrive(): void {
    while (!this.paused && this.flight.length > 0 && this.flight[0].due <= this.world.now()) {
      const item = this.flight.shift() as Item
      if (item._tag === "Data") {
        if (!this.offer(item.bytes)) return
      } else {
        this.note(item._tag, 0)
        if (item._tag === "End") this.receiver.end()
        else this.receiver.reset()
      }
    }
    if (this.queued > 0) this.fill()
    this.arm()
  }

  // Gives octets to the receiver. Returns whether the connection is still there.
  private offer(bytes: Uint8Array): boolean {
    const room = this.healed ? Number.POSITIVE_INFINITY : this.resetAt - this.delivered
    const part = bytes.length < room ? bytes : bytes.subarray(0, room)
    this.inside -= bytes.length
    this.delivered += part.length
    if (part.length > 0) {
      this.note("Arrived", part.length)
      if (!this.receiver.data(part)) this.paused = true
    }
    if (bytes.length < room) return true
    this.note("Cut", 0)
    this.cut()
    return false
  }

  private dropQueue(): void {
    this.queue = []
    this.queued = 0
  }
}
