/**
 * A stream, and the book of all streams of a connection: which are open, and what became of the others.
 */
import { Receiver } from "../FlowControl.ts"
import type * as StreamState from "../StreamState.ts"
import type { Fields } from "./responseFields.ts"

/** A stream that is not closed. Written by its connection only. */
export class Stream {
  readonly id: number
  readonly method: string
  state: StreamState.State = "Open"
  urgency: number

  // What the peer sends.
  readonly receiver: Receiver
  /** Octets of the body that were declared, or -1. */
  readonly expected: number
  /** Octets of the body that came. */
  received = 0
  /** Octets that were given to the application and that it has not taken yet. */
  held = 0
  /** How many more octets are thrown away before the stream is reset; -1 while they are wanted. */
  discard = -1

  // What is sent.
  sendWindow: number
  /** Whether the final head was sent. */
  answered = false
  /** Whether it is a tunnel: nothing but data goes through it (§8.5). */
  tunnel = false
  /** Octets of the response's body that are still due, or -1 if their number was not said. */
  remaining = -1
  queue: Array<Uint8Array> = []
  queued = 0
  /** Whether END_STREAM follows what is queued. */
  ending = false
  trailers: Fields | undefined = undefined
  /** Whether the stream stands in line to send. */
  scheduled = false

  constructor(
    id: number,
    method: string,
    expected: number,
    urgency: number,
    streamWindow: number,
    sendWindow: number
  ) {
    this.id = id
    this.method = method
    this.expected = expected
    this.urgency = urgency
    this.receiver = new Receiver(streamWindow)
    this.sendWindow = sendWindow
  }

  /** Whether more is to come of a body that nobody wants than may be thrown away. */
  get isTooLong(): boolean {
    if (this.discard === -1) return false
    return this.expected === -1 ? this.discard === 0 : this.expected - this.received > this.discard
  }

  /** Whether nothing happens on it any more but that the rest of a request comes that nobody wants. */
  get isOwing(): boolean {
    return this.state === "HalfClosedLocal" && this.discard !== -1
  }

  /** Whether the peer may still send something. */
  get isReceiving(): boolean {
    return this.state === "Open" || this.state === "HalfClosedLocal"
  }

  /** Whether this side may still send something. */
  get isSending(): boolean {
    return this.state === "Open" || this.state === "HalfClosedRemote"
  }
}

// Streams that this side has reset, and whose late frames are ignored. Those beyond are taken for closed; a round
// trip with so many resets is over the budget for them. Chosen by feel.
const REMEMBERED_RESETS = 256

// Runs of numbers that the peer has left out. They are closed without having been open (§5.1.1).
const REMEMBERED_GAPS = 16

/** See the module. */
export class Streams {
  readonly open = new Map<number, Stream>()
  /** Those of them whose response is complete, and whose request, which nobody wants any more, goes on. */
  readonly owing = new Set<number>()
  /** The highest number that the peer has used. */
  last = 0
  /** What PRIORITY_UPDATE said of streams that are idle, by their numbers. */
  readonly prioritized = new Map<number, number>()
  private readonly resets = new Set<number>()
  private readonly gaps: Array<readonly [from: number, to: number]> = []

  /** The peer uses a number for the first time. Gives the urgency that it was given before, if it was. */
  use(id: number): number | undefined {
    if (id > this.last + 2) {
      this.gaps.push([this.last + 1, id - 2])
      if (this.gaps.length > REMEMBERED_GAPS) this.gaps.shift()
    }
    this.last = id
    const urgency = this.prioritized.get(id)
    // §5.1.1: those below are not idle any more either.
    for (const other of this.prioritized.keys()) if (other <= id) this.prioritized.delete(other)
    return urgency
  }

  remember(id: number): void {
    this.resets.add(id)
    if (this.resets.size > REMEMBERED_RESETS) {
      for (const first of this.resets) {
        this.resets.delete(first)
        break
      }
    }
  }

  /** Whether the number was left out. */
  isSkipped(id: number): boolean {
    return this.gaps.some(([from, to]) => id >= from && id <= to)
  }

  /** The state of a stream, whatever became of it. */
  stateOf(id: number): StreamState.State {
    const stream = this.open.get(id)
    if (stream !== undefined) return stream.state
    // Even numbers are the server's, which opens none (§5.1.1).
    if (id > this.last || id % 2 === 0) return "Idle"
    return this.resets.has(id) ? "Reset" : "Closed"
  }
}
