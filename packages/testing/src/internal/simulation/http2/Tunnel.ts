/**
 * A WebSocket on a stream of HTTP/2, RFC 8441, as its client has it: which octets are to be sent as the stream's data,
 * and when the stream ends. Windows, frames and resets are the connection's.
 */
import * as Bytes from "../../../Bytes.ts"
import { Endpoint } from "../websocket/Endpoint.ts"
import type { Listener } from "./Peer.ts"
import type { TunnelScript } from "./Script.ts"

/** What stops what a tunnel sends, in the middle of a frame perhaps. */
export type BreakOff = "ResetAt" | "EndAt" | "StopAt"

/** See the module. */
export class Tunnel {
  readonly script: TunnelScript
  readonly socket: Endpoint
  /** Whether this side ends the stream behind what is to be sent. */
  ends = false
  /** How this side has broken off, by its script. */
  brokeOff: BreakOff | undefined
  /** Whether the network of this stream was held up, once. */
  private hasStalled = false
  private hasSent = false
  private hasLeft = false
  private pending: Uint8Array = new Uint8Array(0)
  private sent = 0

  constructor(script: TunnelScript, listener: Listener) {
    this.script = script
    this.socket = new Endpoint(script, listener)
  }

  /** The frames of all messages, each with the milliseconds in front of it. */
  get steps(): ReadonlyArray<{ readonly millis: number; readonly act: () => void }> {
    return this.script.sends.flatMap((send) =>
      this.socket.framesOf(send).map((act) => ({ millis: send.gap, act }))
    )
  }

  /** All messages have been said. */
  said(): void {
    this.hasSent = true
    this.leaveIfDue()
  }

  /** The server has answered: it agrees, or nothing will be said. */
  answeredWith(status: number): void {
    if (status === 200) {
      this.socket.isOpen = true
      this.leaveIfDue()
    } else this.abandon()
  }

  /** Octets have come. */
  receive(octets: Uint8Array): void {
    this.socket.receive(octets)
    this.leaveIfDue()
  }

  private abandon(): void {
    this.ends = true
    this.pending = new Uint8Array(0)
  }

  private leaveIfDue(): void {
    const { ending } = this.script
    if (this.hasLeft || !this.hasSent || !this.socket.mayLeave) return
    this.hasLeft = true
    if (ending._tag === "Malformed") this.socket.breakDown(ending.which)
    else if (ending._tag === "End") this.ends = true
    else this.socket.close("code" in ending ? ending.code : 1_000)
  }

  /** How many octets wait that may be sent. */
  get waiting(): number {
    if (!this.socket.isOpen && this.ends) return 0
    const { ending } = this.script
    this.pending = Bytes.concat([this.pending, this.socket.takeOutput()])
    return "octets" in ending ? Math.min(this.pending.length, ending.octets - this.sent) : this.pending.length
  }

  /** Takes so many of them. */
  take(length: number): Uint8Array {
    const taken = this.pending.slice(0, length)
    this.pending = this.pending.slice(length)
    this.sent += length
    return taken
  }

  /** Whether, and how, it breaks off where it is. */
  get breaksOff(): BreakOff | undefined {
    const { ending } = this.script
    return "octets" in ending && this.sent === ending.octets ? ending._tag : undefined
  }

  /** Milliseconds for which credit is held back, of `received` octets: once. */
  stallAt(received: number): number {
    const { stall } = this.script
    if (stall === undefined || this.hasStalled || received < stall.after) return 0
    this.hasStalled = true
    return stall.millis
  }
}
