/**
 * The client's side of a WebSocket once it is open, RFC 6455, as a strict one: what comes, what is to be sent, and a
 * violation for everything that a server must not do. It knows no network, no clock, and nothing of how it was opened.
 */
import { FrameEncoder, MessageDecoder } from "@nvo/protocol"
import * as Bytes from "../../../Bytes.ts"
import type { Listener } from "../http2/Peer.ts"
import { content } from "../Requests.ts"
import { malformedOf } from "./Malformed.ts"
import type { Conversation, Send } from "./Script.ts"

/** What a message holds. A text has characters of one octet and of two, so that frames may end within one. */
export const payloadOf = ({ binary, id, size }: Send): Uint8Array =>
  binary
    ? Bytes.fromText(content(`w${id}`, size))
    : new TextEncoder()
        .encode(content(`ü${id}`, size))
        .slice(0, size)
        .map((octet, i, all) => {
          // A character that would be cut off is replaced.
          return i === all.length - 1 && octet >= 0xc0 ? 0x2e : octet
        })

const keyOf = (id: number, index: number): number => (id * 0x9e3779b1 + index * 0x85ebca6b) | 0

/** See the module. */
export class Endpoint {
  /** Whether the server has agreed to it. */
  isOpen = false
  /** Messages that came back. */
  echoed = 0
  /** The code with which the server closed. */
  closed: number | undefined
  /** Pings that were sent, and the last one that was answered. */
  pings = 0
  answered = 0
  private readonly script: Conversation
  private readonly listener: Listener
  private readonly decoder = MessageDecoder.make({ role: "Client" })
  private state = MessageDecoder.initial
  private output: Array<Uint8Array> = []
  private closing = false
  private keys = 0

  constructor(script: Conversation, listener: Listener) {
    this.script = script
    this.listener = listener
  }

  /** What is to be sent. */
  takeOutput(): Uint8Array {
    const { output } = this
    this.output = []
    return Bytes.concat(output)
  }

  /** How many messages have to come back. */
  get due(): number {
    const { closesAfter, sends } = this.script
    return closesAfter === 0 ? sends.length : Math.min(closesAfter, sends.length)
  }

  /** Whether it has what it is due, and nothing more will be said unless it leaves. */
  get isSatisfied(): boolean {
    const { closesAfter, sends } = this.script
    if (this.closed !== undefined) return true
    if (closesAfter > 0 && closesAfter <= sends.length) return false
    return this.isOpen && this.echoed === this.due && this.answered === this.pings
  }

  /** Whether it is time to leave: all has been sent. */
  get mayLeave(): boolean {
    return this.script.ending._tag === "CloseSoon" ? this.isOpen : this.isSatisfied
  }

  private write(frame: FrameEncoder.Frame): void {
    if (this.closing) return
    if (frame.opcode === "Close") this.closing = true
    this.output.push(FrameEncoder.encodeBytes(frame, keyOf(this.script.id, this.keys++)))
  }

  /** The frames of a message, each with what stands in front of it. */
  framesOf(send: Send): ReadonlyArray<() => void> {
    const payload = payloadOf(send)
    const size = Math.ceil(payload.length / send.fragments)
    return Array.from({ length: send.fragments }, (_, i) => () => {
      if (this.closing) return
      for (let j = 0; j < send.pings; j++) this.write({ opcode: "Ping", payload: this.nextPing() })
      for (let j = 0; j < send.pongs; j++) this.write({ opcode: "Pong", payload: new Uint8Array(0) })
      const fin = i === send.fragments - 1
      if (i === 0)
        this.listener.say(
          `← client sends message ${send.id}, ${payload.length} octets in ${send.fragments} frames`
        )
      this.write({
        opcode: i > 0 ? "Continuation" : send.binary ? "Binary" : "Text",
        fin,
        payload: payload.slice(i * size, fin ? payload.length : (i + 1) * size)
      })
    })
  }

  private nextPing(): Uint8Array {
    return Bytes.fromText(String(++this.pings))
  }

  close(code: number): void {
    if (this.closing) return
    this.listener.say(`← client closes with ${code}`)
    this.write({
      opcode: "Close",
      payload: FrameEncoder.closePayload(code === 1_005 ? undefined : code) ?? new Uint8Array(0)
    })
  }

  breakDown(which: number): void {
    if (this.closing) return
    const { octets, what } = malformedOf(which)
    this.listener.say(`← client sends ${what}`)
    this.closing = true
    this.output.push(Uint8Array.from(octets))
  }

  /** Takes what came. */
  receive(octets: Uint8Array): void {
    if (octets.length === 0) return
    if (this.closed !== undefined) return this.listener.violation("octets behind a Close frame")
    const step = MessageDecoder.step(this.decoder, this.state, octets)
    this.state = step.state
    for (const event of step.events) this.take(event)
    if (step.state.error !== undefined)
      this.listener.violation(`what a server must not send: ${step.state.error.reason._tag}`)
  }

  private take(event: MessageDecoder.MessageEvent): void {
    const { listener } = this
    switch (event._tag) {
      case "Text":
      case "Binary":
        return this.message(
          event._tag === "Text" ? new TextEncoder().encode(event.data) : event.data,
          event._tag
        )
      case "Ping":
        return this.write({ opcode: "Pong", payload: event.payload.slice() })
      case "Pong": {
        // RFC 6455 §5.5.3: of several, the last has to be answered.
        const answers = Number(Bytes.toText(event.payload))
        if (!(answers > this.answered && answers <= this.pings))
          listener.violation(`a Pong that answers ${JSON.stringify(Bytes.toText(event.payload))}`)
        this.answered = answers
        return
      }
      case "Close": {
        listener.say(`→ the server closes with ${event.code}`)
        this.closed = event.code
        if (!this.closing) this.close(event.code)
        return
      }
    }
  }

  private message(data: Uint8Array, kind: "Text" | "Binary"): void {
    const { closesAfter, sends } = this.script
    const due = sends[this.echoed]
    if (due === undefined || (closesAfter > 0 && this.echoed >= closesAfter))
      return this.listener.violation("a message came back that was not sent")
    const same = Bytes.toText(data) === Bytes.toText(payloadOf(due)) && due.binary === (kind === "Binary")
    if (!same) this.listener.violation(`the answer to message ${due.id} is not its own`)
    else this.listener.say(`→ message ${due.id} comes back`)
    this.echoed++
  }
}
