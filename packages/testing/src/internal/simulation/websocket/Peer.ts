/** The client's side of a WebSocket over HTTP/1.1: the handshake, and what follows it. Knows no network and no clock. */
import { Handshake } from "@nvo/protocol"
import * as Bytes from "../../../Bytes.ts"
import type { Listener } from "../http2/Peer.ts"
import { targetOf } from "../Requests.ts"
import { Endpoint } from "./Endpoint.ts"
import type { Conversation, SocketScript } from "./Script.ts"

const NONCE = new Uint8Array(16)
const HEAD_END = "\r\n\r\n"

/** The target of the request that becomes a WebSocket. */
export const socketTarget = ({ closesAfter, id }: Conversation): string =>
  targetOf({ id, kind: "Socket", pieces: closesAfter, size: 0, sleep: 0 })

/** See the module. */
export class Peer {
  /** The status of the answer to the handshake. */
  status: number | undefined
  readonly socket: Endpoint
  private readonly listener: Listener
  private head = ""
  private handshake: Uint8Array

  constructor(script: SocketScript, listener: Listener) {
    this.socket = new Endpoint(script, listener)
    this.listener = listener
    const fields = Object.entries(Handshake.requestFields({ nonce: NONCE }))
    const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")
    this.handshake = Bytes.fromText(
      `GET ${socketTarget(script)} HTTP/1.1\r\nHost: simulated.test\r\n${lines}\r\n`
    )
  }

  /** What is to be sent. */
  takeOutput(): Uint8Array {
    const { handshake } = this
    this.handshake = new Uint8Array(0)
    return Bytes.concat([handshake, this.socket.takeOutput()])
  }

  /** Takes what came. */
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
    this.socket.isOpen = true
    this.frames(Bytes.fromText(this.head.slice(end + HEAD_END.length)))
  }

  private frames(octets: Uint8Array): void {
    if (this.status === 101) this.socket.receive(octets)
  }
}
