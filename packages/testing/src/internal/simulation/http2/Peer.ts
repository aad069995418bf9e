/**
 * The client's side of an HTTP/2 connection, RFC 9113, as a strict one: octets in, octets out, and a violation for
 * everything that a server must not do. It is made of the pure codecs; what frames mean is its own.
 *
 * It knows no network and no clock: what it has to say stands in `takeOutput`, and what it wants to do later in
 * `takeTimers`.
 */
import {
  ErrorCode,
  HpackDecoder,
  HpackEncoder,
  type Http2Frame,
  Http2FrameDecoder,
  Http2FrameEncoder,
  Http2Settings,
  ServerConnection
} from "@nvo/protocol"
import * as Bytes from "../../../Bytes.ts"
import type { FieldLine } from "../../../ResponseReader.ts"
import { requestBody, targetOf } from "../Requests.ts"
import { socketTarget } from "../websocket/Peer.ts"
import { malformedOf } from "./Malformed.ts"
import type { Http2Script, StreamAsk } from "./Script.ts"
import { dataFrame, type Stream } from "./Stream.ts"
import { Tunnel } from "./Tunnel.ts"

/** What a peer tells of itself. */
export interface Listener {
  readonly say: (text: string) => void
  readonly violation: (text: string) => void
}

/** Something to be done later. */
export interface Timer {
  readonly millis: number
  readonly act: () => void
}

const CONNECTION_WINDOW = 65_535
// DATA frames of less than `TINY` octets, behind each of which the client opens its window no further than its script
// says: a fifth of what the budget `tinyWindows` bears. The script keeps what was asked for below that (`TINY_FRAMES`), but
// a page of an error that takes a response's place has a size of the server's choice. Behind them windows are wide.
const PATIENT_TINY_FRAMES = 100
const TINY = 256
const WIDE = 16_384
// More than any list here has.
const LIST = { listBytes: 1_000_000, fieldCount: 1_000 }
// What the server takes of a header block: see `Limits.continuations`.
const MOST_FRAGMENTS = 8
const CONNECTION_FIELDS = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]
const NOT_OF_TUNNELS = ["content-length", "sec-websocket-accept"]

/** See the module. */
export class Peer {
  readonly streams = new Map<number, Stream>()
  /** The code of the server's last GOAWAY, and the last stream that it names. */
  goAway: { readonly code: ErrorCode.ErrorCode; readonly last: number } | undefined
  private readonly script: Http2Script
  private readonly listener: Listener
  private readonly encoder = new HpackEncoder.HpackEncoder()
  private readonly decoder = new HpackDecoder.HpackDecoder()
  private frames = Http2FrameDecoder.initial
  private output: Array<Uint8Array> = []
  private timers: Array<Timer> = []
  private settings: Http2Settings.Settings | undefined
  /** What each SETTINGS frame said that the server has not acknowledged. */
  private readonly unacknowledged: Array<{
    readonly window: number
    readonly tableBytes: number | undefined
  }> = []
  private window = Http2Settings.initial.initialWindowSize
  private sendWindow = CONNECTION_WINDOW
  private receiveWindow = CONNECTION_WINDOW
  private owed = 0
  private tinyFrames = 0
  private pings = 0
  /** Requests that may be opened by now. */
  private released = 0
  private opened = 0
  private block:
    | { readonly stream: number; readonly end: boolean; readonly parts: Array<Uint8Array> }
    | undefined

  constructor(script: Http2Script, listener: Listener) {
    this.script = script
    this.listener = listener
    this.output.push(Bytes.fromText(ServerConnection.PREFACE))
    this.setWindow(script.window, script.tableBytes)
    for (const { after, window } of script.changes) {
      this.timers.push({ millis: after, act: () => this.setWindow(window, undefined) })
    }
  }

  /** What is to be sent. */
  takeOutput(): Uint8Array {
    const { output } = this
    this.output = []
    return Bytes.concat(output)
  }

  takeTimers(): ReadonlyArray<Timer> {
    const { timers } = this
    this.timers = []
    return timers
  }

  /** Whether no request is open, and none will be. */
  get isDone(): boolean {
    if (this.opened < this.script.asks.length && this.goAway === undefined) return false
    return [...this.streams.values()].every((stream) => !this.isOpen(stream) || this.isDisowned(stream))
  }

  /** One more request may be opened. */
  release(): void {
    this.released++
    this.advance()
  }

  /** Whether the server has said that it does nothing for a stream. */
  isDisowned({ id }: Stream): boolean {
    return this.goAway !== undefined && id > this.goAway.last
  }

  /** Sends GOAWAY. */
  leave(): void {
    this.write({ _tag: "GoAway", lastStreamId: 0, code: 0, debug: new Uint8Array(0) })
  }

  /** Sends what ends the connection. */
  breakDown(which: number): void {
    const { frame, what } = malformedOf(which)
    this.listener.say(`← client sends ${what}`)
    this.write(frame(this.opened * 2 + 1))
  }

  /** Takes what came. */
  receive(octets: Uint8Array): void {
    const step = Http2FrameDecoder.step(this.frames, octets)
    this.frames = step.state
    for (const frame of step.frames) this.take(frame)
    if (step.failure !== undefined) this.listener.violation(`a frame that is none: ${step.failure.reason}`)
    this.advance()
  }

  private write(frame: Http2Frame.Frame): void {
    this.output.push(Http2FrameEncoder.encode(frame))
  }

  private setWindow(window: number, tableBytes: number | undefined): void {
    this.unacknowledged.push({ window, tableBytes })
    const table = tableBytes === undefined ? [] : [[Http2Settings.HEADER_TABLE_SIZE, tableBytes] as const]
    const entries = [[Http2Settings.INITIAL_WINDOW_SIZE, window] as const, ...table]
    this.listener.say(`← client sets its window to ${window}`)
    this.write({ _tag: "Settings", ack: false, entries })
  }

  private isOpen(stream: Stream): boolean {
    const { isReset, receivedEnd, resetCode, sentEnd } = stream
    return !isReset && resetCode === undefined && !(sentEnd && receivedEnd)
  }

  private get openCount(): number {
    return [...this.streams.values()].filter((stream) => this.isOpen(stream)).length
  }

  // --- sending -------------------------------------------------------------------------------------------------

  /** Opens what may be opened, and sends what the windows let through. A stream that ends makes room at once. */
  private advance(): void {
    const { asks, concurrency, greedy } = this.script
    // Before it knows the server's limit only a greedy client opens anything.
    const limit = greedy ? concurrency : Math.min(concurrency, this.settings?.maxConcurrentStreams ?? 0)
    const most = Math.min(this.released, asks.length)
    for (let goesOn = true; goesOn; ) {
      while (
        this.opened < most &&
        this.openCount < limit &&
        this.goAway === undefined &&
        this.mayOpen(asks[this.opened])
      )
        this.open(asks[this.opened])
      const { openCount } = this
      for (const stream of this.streams.values()) {
        if (stream.tunnel === undefined) this.sendBody(stream)
        else this.sendTunnel(stream, stream.tunnel)
      }
      goesOn = this.openCount < openCount
    }
  }

  // RFC 8441 §3: no extended CONNECT before the server has offered it.
  private mayOpen({ socket }: StreamAsk): boolean {
    return socket === undefined || this.settings?.enableConnectProtocol === true
  }

  private open(ask: StreamAsk): void {
    const id = this.opened * 2 + 1
    if (this.opened === 0) {
      for (let i = 0; i < this.script.pings; i++)
        this.write({ _tag: "Ping", ack: false, data: new Uint8Array(8) })
      this.pings += this.script.pings
    }
    this.opened++
    const tunnel = ask.socket === undefined ? undefined : new Tunnel(ask.socket, this.listener)
    const stream: Stream = {
      id,
      ask,
      tunnel,
      status: undefined,
      fields: [],
      interim: [],
      body: "",
      sent: 0,
      sentEnd: tunnel === undefined && ask.method !== "POST",
      receivedEnd: false,
      isReset: false,
      resetCode: undefined,
      sendWindow: this.settings?.initialWindowSize ?? Http2Settings.initial.initialWindowSize,
      receiveWindow: this.window,
      owed: 0
    }
    this.streams.set(id, stream)
    if (tunnel === undefined) this.request(stream)
    else this.handshake(stream, tunnel)
    // A window of nothing opens with the first credit.
    this.giveBack(stream)
    this.resetIfDue(stream)
  }

  private request(stream: Stream): void {
    const { ask, id } = stream
    this.listener.say(
      `← client opens stream ${id}: request ${ask.id}, ${ask.method} ${ask.kind}, ${ask.body} octets`
    )
    this.headers(stream, [
      [":method", ask.method],
      [":scheme", "http"],
      [":path", targetOf(ask)],
      [":authority", "simulated.test"],
      ...(ask.method === "POST" && ask.chunk === 0 ? [["content-length", String(ask.body)] as const] : [])
    ])
  }

  // RFC 8441 §5.
  private handshake(stream: Stream, tunnel: Tunnel): void {
    this.listener.say(`← client opens stream ${stream.id}: WebSocket ${tunnel.script.id}`)
    this.headers(stream, [
      [":method", "CONNECT"],
      [":protocol", "websocket"],
      [":scheme", "http"],
      [":path", socketTarget(tunnel.script)],
      [":authority", "simulated.test"],
      ["sec-websocket-version", "13"]
    ])
    if (tunnel.script.eager) this.converse(tunnel)
  }

  // Says all messages, frame by frame.
  private converse(tunnel: Tunnel): void {
    const { steps } = tunnel
    const goOn = (from: number): void => {
      const step = steps.at(from)
      if (step === undefined) return tunnel.said()
      this.timers.push({
        millis: step.millis,
        act: () => {
          step.act()
          goOn(from + 1)
          this.advance()
        }
      })
    }
    goOn(0)
  }

  private headers(stream: Stream, fields: ReadonlyArray<FieldLine>): void {
    const { fragment, padding } = stream.ask
    const block = this.encoder.encode(fields.map(([name, value]) => ({ name, value })))
    const size = fragment === 0 ? block.length : Math.max(fragment, Math.ceil(block.length / MOST_FRAGMENTS))
    for (let at = 0; at === 0 || at < block.length; at += size) {
      const part = {
        streamId: stream.id,
        endHeaders: at + size >= block.length,
        fragment: block.slice(at, at + size)
      }
      this.write(
        at === 0
          ? {
              ...part,
              _tag: "Headers",
              endStream: stream.sentEnd,
              dependency: undefined,
              padding: padding === 0 ? undefined : padding
            }
          : { ...part, _tag: "Continuation" }
      )
    }
  }

  private sendBody(stream: Stream): void {
    const { ask, id } = stream
    const body = requestBody(ask)
    while (!stream.sentEnd && !stream.isReset && stream.resetCode === undefined) {
      const left = body.length - stream.sent
      if (left === 0 && !ask.trailers && stream.sent > 0) return
      if (left === 0) {
        stream.sentEnd = true
        if (ask.trailers) this.headers(stream, [["x-checked", String(ask.id)]])
        else this.write(dataFrame(id, true, new Uint8Array(0), undefined))
        return
      }
      const window = Math.min(stream.sendWindow, this.sendWindow)
      // A window that padding would fill is used for data.
      const padding = ask.padding > 0 && ask.padding + 1 < window ? ask.padding : undefined
      const overhead = padding === undefined ? 0 : padding + 1
      const room = Math.min(window - overhead, ask.chunk === 0 ? 16_384 - overhead : ask.chunk)
      const most = ask.reset?.of === "Request" ? Math.max(0, ask.reset.octets - stream.sent) : left
      const length = Math.min(left, room, most)
      if (length <= 0) return
      const frame = dataFrame(
        id,
        length === left && !ask.trailers,
        Bytes.fromText(body.slice(stream.sent, stream.sent + length)),
        padding
      )
      stream.sentEnd = frame.endStream
      stream.sent += length
      stream.sendWindow -= frame.flowBytes
      this.sendWindow -= frame.flowBytes
      this.write(frame)
      this.resetIfDue(stream)
    }
  }

  // As a body without an end that is known: what breaks it off is its script, or the end of what the server says.
  private sendTunnel(stream: Stream, tunnel: Tunnel): void {
    const { ask, id } = stream
    while (!stream.sentEnd && this.isOpen(stream)) {
      const left = tunnel.waiting
      if (left === 0) return this.endTunnel(stream, tunnel)
      const window = Math.min(stream.sendWindow, this.sendWindow)
      const padding = ask.padding > 0 && ask.padding + 1 < window ? ask.padding : undefined
      const overhead = padding === undefined ? 0 : padding + 1
      const length = Math.min(left, window - overhead, ask.chunk === 0 ? 16_384 - overhead : ask.chunk)
      if (length <= 0) return
      const frame = dataFrame(id, false, tunnel.take(length), padding)
      stream.sendWindow -= frame.flowBytes
      this.sendWindow -= frame.flowBytes
      this.write(frame)
    }
  }

  private endTunnel(stream: Stream, tunnel: Tunnel): void {
    const { breaksOff } = tunnel
    if (breaksOff !== undefined && tunnel.brokeOff === undefined) {
      tunnel.brokeOff = breaksOff
      this.listener.say(`← client ${breaksOff} on stream ${stream.id}`)
      if (breaksOff === "ResetAt") this.reset(stream)
    }
    if (breaksOff === "EndAt" || (tunnel.ends && breaksOff === undefined)) {
      stream.sentEnd = true
      this.listener.say(`← client ends its side of stream ${stream.id}`)
      this.write(dataFrame(stream.id, true, new Uint8Array(0), undefined))
    }
  }

  private resetIfDue(stream: Stream): void {
    const { ask, body, sent, status } = stream
    const { reset } = ask
    if (reset === undefined || !this.isOpen(stream)) return
    const gone =
      reset.of === "Request" ? sent >= Math.min(reset.octets, ask.body) : body.length >= reset.octets
    if (!gone || (reset.of === "Response" && status === undefined)) return
    this.reset(stream)
  }

  private reset(stream: Stream): void {
    const { id } = stream
    stream.isReset = true
    this.listener.say(`← client resets stream ${id}`)
    this.write({ _tag: "RstStream", streamId: id, code: ErrorCode.toNumber("CANCEL") })
  }

  // --- receiving -----------------------------------------------------------------------------------------------

  private take(frame: Http2Frame.Frame): void {
    const { listener } = this
    if (this.block !== undefined && (frame._tag !== "Continuation" || frame.streamId !== this.block.stream))
      listener.violation(`${frame._tag} in the middle of a header block`)
    if (this.settings === undefined && frame._tag !== "Settings")
      listener.violation(`the server begins with ${frame._tag}`)
    switch (frame._tag) {
      case "Data":
        return this.data(frame)
      case "Headers": {
        this.block = { stream: frame.streamId, end: frame.endStream, parts: [frame.fragment.slice()] }
        return frame.endHeaders ? this.head() : undefined
      }
      case "Continuation": {
        if (this.block === undefined) return listener.violation("CONTINUATION of nothing")
        this.block.parts.push(frame.fragment.slice())
        return frame.endHeaders ? this.head() : undefined
      }
      case "RstStream": {
        const code = ErrorCode.nameOf(frame.code)
        const stream = this.streams.get(frame.streamId)
        listener.say(`→ stream ${frame.streamId} is reset: ${code}`)
        if (stream === undefined)
          return listener.violation(`RST_STREAM on stream ${frame.streamId}, which is idle`)
        // The end of the request may have crossed a reset that says that nobody waits for it, or that a client which did
        // not wait for the server's settings sent too much of it.
        if (
          !this.isOpen(stream) &&
          !stream.isReset &&
          code !== "NO_ERROR" &&
          // What the peer of a WebSocket has to say behind its end is waited for, for a while.
          !(stream.tunnel !== undefined && stream.receivedEnd && code === "CANCEL") &&
          !(this.script.greedy && code === "FLOW_CONTROL_ERROR")
        )
          listener.violation(`${code} on stream ${stream.id}, which has ended`)
        stream.resetCode ??= code as ErrorCode.ErrorCode
        return
      }
      case "Settings":
        return frame.ack ? this.acknowledged() : this.configured(frame)
      case "Ping":
        if (!frame.ack) return this.write({ ...frame, ack: true, data: frame.data.slice() })
        return --this.pings < 0 ? listener.violation("an answer to no PING") : undefined
      case "GoAway": {
        const code = ErrorCode.nameOf(frame.code) as ErrorCode.ErrorCode
        listener.say(`→ GOAWAY ${code}, last stream ${frame.lastStreamId}`)
        if (this.goAway !== undefined && frame.lastStreamId > this.goAway.last)
          listener.violation(
            `GOAWAY names stream ${frame.lastStreamId}, and named ${this.goAway.last} before`
          )
        this.goAway = { code, last: frame.lastStreamId }
        return
      }
      case "WindowUpdate":
        return this.credited(frame)
      default:
        return listener.violation(`a server sends ${frame._tag}`)
    }
  }

  private configured({ entries }: Http2Frame.Settings): void {
    const before = this.settings ?? Http2Settings.initial
    let settings = before
    for (const entry of entries) {
      const next = Http2Settings.apply(settings, entry)
      if (Http2Settings.isFault(next)) return this.listener.violation(`SETTINGS with ${next.detail}`)
      this.encoder.setPeerTableBytes(next.headerTableSize)
      settings = next
    }
    for (const stream of this.streams.values())
      stream.sendWindow += settings.initialWindowSize - before.initialWindowSize
    this.settings = settings
    this.write({ _tag: "Settings", ack: true, entries: [] })
  }

  // §6.5.3: what was said holds from here on, and behind it come the frames that keep to it.
  private acknowledged(): void {
    const said = this.unacknowledged.shift()
    if (said === undefined) return this.listener.violation("an acknowledgement of no SETTINGS")
    for (const stream of this.streams.values()) {
      stream.receiveWindow += said.window - this.window
    }
    this.window = said.window
    if (said.tableBytes !== undefined) this.decoder.setTableBytes(said.tableBytes)
    for (const stream of this.streams.values()) if (this.isOpen(stream)) this.giveBack(stream)
  }

  private credited({ increment, streamId }: Http2Frame.WindowUpdate): void {
    if (streamId === 0) {
      this.sendWindow += increment
      if (this.sendWindow > Http2Settings.MAX_WINDOW)
        this.listener.violation("the connection's window overflows")
      return
    }
    const stream = this.streams.get(streamId)
    if (stream === undefined)
      return this.listener.violation(`WINDOW_UPDATE on stream ${streamId}, which is idle`)
    stream.sendWindow += increment
    if (this.settings !== undefined && stream.sendWindow > this.settings.initialWindowSize)
      this.listener.violation(`stream ${streamId} was given back more than was sent on it`)
  }

  private data(frame: Http2Frame.Data): void {
    const { listener } = this
    const { bytes, endStream, flowBytes, streamId } = frame
    const stream = this.streams.get(streamId)
    if (stream === undefined) return listener.violation(`DATA on stream ${streamId}, which is idle`)
    this.mustBeOpen(stream, "DATA")
    if (flowBytes > 0 && (flowBytes > stream.receiveWindow || flowBytes > this.receiveWindow))
      listener.violation(
        `${flowBytes} octets on stream ${streamId}, whose window has ${stream.receiveWindow} and whose connection's ${this.receiveWindow}`
      )
    this.receiveWindow -= flowBytes
    stream.receiveWindow -= flowBytes
    this.owed += flowBytes
    stream.owed += flowBytes
    if (flowBytes < TINY && !endStream) this.tinyFrames++
    if (!stream.isReset) {
      if (stream.status === undefined) listener.violation(`DATA on stream ${streamId} before its head`)
      stream.body += Bytes.toText(bytes)
      if (stream.status === 200) stream.tunnel?.receive(bytes)
      if (endStream) this.ended(stream)
      this.resetIfDue(stream)
    }
    this.giveBack(stream)
  }

  private mustBeOpen(stream: Stream, what: string): void {
    if (stream.receivedEnd || stream.resetCode !== undefined)
      this.listener.violation(`${what} on stream ${stream.id}, which has ended`)
  }

  private ended(stream: Stream): void {
    stream.receivedEnd = true
    if (stream.tunnel !== undefined) stream.tunnel.ends = true
    this.listener.say(`→ stream ${stream.id} ends, ${stream.body.length} octets`)
  }

  // Gives credit back where enough is owed, or the server can send nothing.
  private giveBack(stream: Stream): void {
    const { every } = this.script.credit
    const delay = this.script.credit.delay + (stream.tunnel?.stallAt(stream.body.length) ?? 0)
    const later = (act: () => void) => (delay === 0 ? act() : this.timers.push({ millis: delay, act }))
    if (this.owed >= every || this.receiveWindow <= 0) {
      const increment = this.owed
      this.owed = 0
      if (increment > 0)
        later(() => {
          this.receiveWindow += increment
          this.write({ _tag: "WindowUpdate", streamId: 0, increment })
        })
    }
    if (stream.receivedEnd || (stream.owed < every && stream.receiveWindow > 0)) return
    // What is below zero, by a smaller setting, takes more than what came.
    const opening = this.tinyFrames < PATIENT_TINY_FRAMES ? 1 : WIDE
    const increment = Math.max(stream.owed, opening - stream.receiveWindow)
    stream.owed = 0
    later(() => {
      if (increment <= 0 || stream.isReset || stream.resetCode !== undefined) return
      stream.receiveWindow += increment
      this.write({ _tag: "WindowUpdate", streamId: stream.id, increment })
    })
  }

  private head(): void {
    const { block, listener } = this
    if (block === undefined) return
    this.block = undefined
    const { fields, refusal } = this.decoder.decode(Bytes.concat(block.parts), LIST)
    if (refusal !== undefined) listener.violation(`a header block that is none: ${refusal}`)
    const stream = this.streams.get(block.stream)
    if (stream === undefined) return listener.violation(`HEADERS on stream ${block.stream}, which is idle`)
    this.mustBeOpen(stream, "HEADERS")
    if (stream.isReset) return
    const lines = fields.map(({ name, value }): FieldLine => [name, value])
    const status = Number(lines[0]?.[0] === ":status" ? lines[0][1] : Number.NaN)
    const rest = lines.slice(1)
    for (const [name] of rest) {
      // RFC 9113 §8.2.
      if (name !== name.toLowerCase() || name.startsWith(":") || CONNECTION_FIELDS.includes(name))
        listener.violation(`the field ${name} in a response on stream ${stream.id}`)
    }
    if (!(status >= 100 && status < 600))
      return listener.violation(`a head without a status on stream ${stream.id}`)
    if (status < 200) {
      stream.interim.push({ status, fields: rest })
      return
    }
    if (stream.status !== undefined) return listener.violation(`two heads on stream ${stream.id}`)
    listener.say(`→ stream ${stream.id} has ${status}`)
    stream.status = status
    stream.fields = rest
    if (stream.tunnel !== undefined) this.tunnelAnswered(stream, stream.tunnel, status)
    if (block.end) this.ended(stream)
    this.resetIfDue(stream)
  }

  private tunnelAnswered(stream: Stream, tunnel: Tunnel, status: number): void {
    const { fields, id } = stream
    // RFC 9110 §9.3.6, RFC 8441 §5: a tunnel has no length, and nothing of HTTP/1.1's handshake.
    if (status === 200 && fields.some(([name]) => NOT_OF_TUNNELS.includes(name)))
      this.listener.violation(`a tunnel with ${fields.map(([name]) => name).join(", ")} on stream ${id}`)
    tunnel.answeredWith(status)
    if (status === 200 && !tunnel.script.eager) this.converse(tunnel)
  }
}
