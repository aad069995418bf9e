/**
 * The client's side of a WebSocket, RFC 6455, as a strict one: what comes, what is to be sent, and a violation for
 * everything that a server must not do. It knows no network and no clock.
 */
import { FrameEncoder, Handshake, MessageDecoder } from "@nvo/protocol"
import * as Bytes from "../../../Bytes.ts"
import type { Listener } from "../http2/Peer.ts"
import { content, targetOf } from "../Requests.ts"
import { malformedOf } from "./Malformed.ts"
import type { Send, SocketScript } from "./Script.ts"

const NONCE = new Uint8Array(16)
const HEAD_END = "\r\n\r\n"

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
export class Peer {
  /** The status of the answer to the handshake. */
  status: number | undefined
  /** Messages that came back. */
  echoed = 0
  /** The code with which the server closed. */
  closed: number | undefined
  /** Pings that were sent, and the last one that was answered. */
  pings = 0
  answered = 0
  private readonly script: SocketScript
  private readonly listener: Listener
  private readonly decoder = MessageDecoder.make({ role: "Client" })
  private state = MessageDecoder.initial
  private head = ""
  private output: Array<Uint8Array> = []
  private closing = false
  private keys = 0

  constructor(script: SocketScript, listener: Listener) {
    this.script = script
    this.listener = listener
    const fields = Object.entries(Handshake.requestFields({ nonce: NONCE }))
    const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")
    const ask = { id: script.id, kind: "Socket", pieces: script.closesAfter, size: 0, sleep: 0 } as const
    this.output.push(Bytes.fromText(`GET ${targetOf(ask)} HTTP/1.1\r\nHost: simulated.test\r\n${lines}\r\n`))
  }

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
    return this.status === 101 && this.echoed === this.due && this.answered === this.pings
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

  receive(octets: Uint8Array): void {
    if (this.status !== undefined) return this.frames(octets)
    this.head += Bytes.toText(octets)
    const end = this.head.indexOf(HEAD_END)
    if (end === -1) return
    this.status = Number(/^HTTP\/1\.1 ([0-9]{3}) /.exec(this.head)?.[1])
    this.listener.say(`→ client has ${this.status}`)
    if (this.status !== 101) return
    const accept = /\r\nsec-websocket-accept: (\S+)\r\n/i.exec(this.head)?.[1]
    const key = Handshake.requestFields({ nonce: NONCE })["sec-websocket-key"]
    if (accept !== Handshake.acceptOf(key))
      this.listener.violation("the handshake is not accepted as it must be")
    this.frames(Bytes.fromText(this.head.slice(end + HEAD_END.length)))
  }

  private frames(octets: Uint8Array): void {
    if (this.status !== 101 || octets.length === 0) return
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
