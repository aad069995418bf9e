/**
 * One WebSocket of this server: the owner of its state, of both directions and of its deadlines.
 *
 * It lives beside the application's fiber, not in it. What comes is taken in the turn in which it comes: Pings and
 * Close frames are answered whether or not the application reads, and messages wait for it up to a bound, at which
 * the peer is no longer read. Every way in which it ends has a deadline.
 *
 * Whoever edits this: the table of `CloseHandshake` decides what may happen; nothing here throws, for a transport
 * calls it; and a pull that waits is resumed in the turn in which its message came, so it comes last.
 */
import {
  CloseHandshake,
  type ConnectionId,
  type DeflateCodec,
  FrameEncoder,
  type Latin1,
  MessageDecoder,
  PerMessageDeflate,
  Utf8,
  WebSocketError
} from "@nvo/protocol"
import * as Effect from "effect/Effect"
import type { Diversion } from "../../ConnectionInbox.ts"
import * as Deadlines from "../../Deadlines.ts"
import type { TransportError } from "../../TransportError.ts"
import type { Carrier } from "./carrier.ts"
import { Rate } from "./rate.ts"
import { PART_BYTES, Parts, Sending } from "./sending.ts"
import type { Settings } from "./settings.ts"

/** A message. */
export type Data = string | Uint8Array

/** At least one message. */
export type Batch = readonly [Data, ...Array<Data>]

/** What a session knows of the server. */
export interface Host {
  readonly transport: Carrier
  readonly deadlines: Deadlines.Deadlines
  readonly settings: Settings
  report(error: WebSocketError.WebSocketError): Effect.Effect<void>
  /** Interrupts the application. */
  abort(): void
  /** Runs what nobody waits for. */
  fork(effect: Effect.Effect<void>): void
}

/** Compression, where it was agreed on. */
export interface Deflation {
  readonly agreement: PerMessageDeflate.Agreement
  readonly inflater: DeflateCodec.Inflater
  readonly deflater: DeflateCodec.Deflater
  /** Gives them back. Nothing is sent or read any more. */
  readonly release: Effect.Effect<void>
}

/** Resumes who waits for messages, or for how it ended. */
type Waiting = () => void

/** What the deadline of a session's life waits for. */
type Awaits = "Octets" | "Pong" | "Close" | "End" | "Application"

const NO_MESSAGES: Array<Data> = []
const NO_WAITERS: ReadonlyArray<() => void> = []
const NO_OCTETS = new Uint8Array(0)
const NO_PIECES: ReadonlyArray<Latin1.Octets> = []

const sizeOf = (pieces: ReadonlyArray<Latin1.Octets>): number =>
  pieces.reduce((bytes, piece) => bytes + piece.length, 0)

/** See the module. */
export class Session implements Diversion {
  readonly connectionId: ConnectionId.ConnectionId
  readonly deflation: Deflation | undefined
  private readonly host: Host
  /** Made when the first octets come: most sockets of a large server are idle. So are the rates. */
  private decoder: MessageDecoder.MessageDecoder | undefined = undefined
  private messages: Rate | undefined = undefined
  private controls: Rate | undefined = undefined
  private readonly life: Deadlines.Deadline
  private stall: Deadlines.Deadline | undefined = undefined
  private awaits: Awaits = "Octets"
  private state: CloseHandshake.State = CloseHandshake.initial
  private decoderState: MessageDecoder.State = MessageDecoder.initial
  private ending: WebSocketError.WebSocketError | undefined = undefined
  private queue: Array<Data> = NO_MESSAGES
  private queuedBytes = 0
  private waiting: Waiting | undefined = undefined
  /** Whether nobody will read any more. */
  private discards = false
  /** Whether the application is done with it. */
  private disposed = false
  private isOver = false
  private onOver: ReadonlyArray<() => void> = NO_WAITERS
  /** What the transport had read or written when it was last looked at. */
  private mark = 0
  private stallMark = 0
  /** What had left when it was last asked whether the peer takes what waits. */
  private taken = 0
  private stalled = 0
  /** The Ping that will be answered once there is room; only the last one has to be (RFC 6455 §5.5.3). */
  private owedPong: Uint8Array | undefined = undefined
  private drains = false
  /** Whether the deflater remembers what the peer has not seen in this order. */
  private staleDeflater = false
  /** What is sent in parts, and behind it. */
  private sending: Sending | undefined = undefined
  /** Whether a Close frame waits behind that. */
  private closes = false

  constructor(host: Host, deflation: Deflation | undefined) {
    const { deadlines, transport } = host
    this.host = host
    this.connectionId = transport.id
    this.deflation = deflation
    this.life = new Deadlines.Deadline(deadlines, () => this.expire())
  }

  private makeDecoder(): MessageDecoder.MessageDecoder {
    const { connectionId, deflation, host } = this
    return MessageDecoder.make({
      connectionId,
      limits: host.settings.limits,
      inPlace: true,
      inflation:
        deflation === undefined
          ? undefined
          : {
              inflater: deflation.inflater,
              contextTakeover: !deflation.agreement.clientNoContextTakeover
            }
    })
  }

  /**
   * The next messages. Fails with how the WebSocket ended, as its reader says it. One at a time.
   *
   * A reader makes it once: what it consists of is made once too, and a message costs the callback and nothing else.
   */
  pull<E>(onEnd: (error: WebSocketError.WebSocketError) => Effect.Effect<never, E>): Effect.Effect<Batch, E> {
    const unpark = Effect.sync(() => {
      this.waiting = undefined
    })
    const parked = Effect.callback<Batch, E>((resume) => {
      if (this.waiting !== undefined) {
        return resume(Effect.die(new Error("Two fibers read from one WebSocket")))
      }
      // The fiber may have given way since it looked.
      if (this.queue.length > 0 || this.ending !== undefined) return resume(pull)
      // With a name: see `onDepart` of the connection of HTTP/1.1.
      const goOn = () => resume(pull)
      this.waiting = goOn
      return unpark
    })
    const pull = Effect.suspend((): Effect.Effect<Batch, E> => {
      if (this.queue.length > 0) return Effect.succeed(this.take())
      return this.ending === undefined ? parked : onEnd(this.ending)
    })
    return pull
  }

  /** The next messages, or how the WebSocket ended; with neither, `waiting` is called when there is one. One at a time. */
  next(waiting: Waiting): Batch | WebSocketError.WebSocketError | undefined {
    if (this.queue.length > 0) return this.take()
    if (this.ending === undefined) this.waiting = waiting
    return this.ending
  }

  /** Begins, with octets that came behind the handshake. */
  open(rest: Uint8Array | undefined): void {
    const { settings, transport } = this.host
    if (settings.pingInterval > 0) this.life.arm(settings.pingInterval)
    this.mark = transport.bytesRead
    transport.onDeparture = undefined
    if (rest !== undefined) this.octets(rest)
    transport.divert(this)
  }

  /** Whether messages can be sent. */
  get isOpen(): boolean {
    return this.state === "Open" && !this.closes
  }

  // --- what comes ------------------------------------------------------------------------------------------------

  octets(bytes: Uint8Array): boolean {
    if (!CloseHandshake.mayReceive(this.state)) return true
    this.decoder ??= this.makeDecoder()
    const step = MessageDecoder.step(this.decoder, this.decoderState, bytes)
    this.decoderState = step.state
    for (let i = 0; i < step.events.length && CloseHandshake.mayReceive(this.state); i++) {
      this.receive(step.events[i])
    }
    if (step.state.error !== undefined && CloseHandshake.mayReceive(this.state)) this.fail(step.state.error)
    this.deliver()
    return this.state !== "Open" || !this.isAhead
  }

  // Whether as much waits for the application as may.
  private get isAhead(): boolean {
    return this.queuedBytes >= this.host.settings.readAheadBytes
  }

  private receive(event: MessageDecoder.MessageEvent): void {
    switch (event._tag) {
      case "Text":
      case "Binary":
        if (!this.takesMessage()) return this.fail(this.error("MessageFlood"))
        // Behind a Close frame of this side the peer's is what counts, whether anybody reads what comes before it or not.
        if (this.discards || (this.state !== "Open" && this.isAhead)) return
        // Most sockets are idle, and those share the empty list.
        if (this.queue === NO_MESSAGES) this.queue = []
        this.queue.push(event.data)
        this.queuedBytes += event.data.length
        return
      case "Ping":
        if (!this.takesControl()) return this.fail(this.error("ControlFlood"))
        this.owedPong = event.payload
        if (!this.drains) this.pong()
        return
      case "Pong":
        if (!this.takesControl()) this.fail(this.error("ControlFlood"))
        return
      case "Close":
        return this.closedByPeer(event.code, event.reason)
    }
  }

  private takesMessage(): boolean {
    const { deadlines, settings } = this.host
    if (settings.messageRate === 0) return true
    this.messages ??= new Rate(settings.messageRate, () => deadlines.now())
    return this.messages.take()
  }

  private takesControl(): boolean {
    const { deadlines, settings } = this.host
    if (settings.controlRate === 0) return true
    this.controls ??= new Rate(settings.controlRate, () => deadlines.now())
    return this.controls.take()
  }

  // RFC 6455 §5.5.2: a Pong with the Ping's payload, unless a Close frame was sent.
  private pong(): void {
    const payload = this.owedPong
    this.owedPong = undefined
    if (payload === undefined || this.state !== "Open") return
    if (this.host.transport.writeUnsafe(FrameEncoder.encode({ opcode: "Pong", payload })) === false)
      this.drain()
  }

  // The peer does not read: later Pings wait until it does, and the last of them is answered.
  private drain(): void {
    if (this.drains) return
    this.drains = true
    this.host.fork(
      Effect.andThen(
        Effect.ignore(this.host.transport.write([])),
        Effect.sync(() => {
          this.drains = false
          this.pong()
        })
      )
    )
  }

  private deliver(): void {
    const { waiting } = this
    if (waiting === undefined || (this.queue.length === 0 && this.ending === undefined)) return
    this.waiting = undefined
    waiting()
  }

  private take(): Batch {
    const batch = this.queue
    this.queue = NO_MESSAGES
    if (this.isAhead) {
      this.queuedBytes = 0
      this.host.transport.goOn()
    } else this.queuedBytes = 0
    return batch as unknown as Batch
  }

  // --- what is sent ----------------------------------------------------------------------------------------------

  /** Sends a message at once: `true`, `false` if it has to wait or the high-water mark is reached, or why it cannot be sent. */
  sendUnsafe(data: Data): boolean | WebSocketError.WebSocketError {
    if (this.sending?.isBusy !== true && !this.isSliced(data)) return this.writeUnsafe(this.encode(data))
    if (!this.isOpen) return this.closedError()
    if (this.isSliced(data)) return this.sendPartsUnsafe(new Parts(data), false)
    return this.queueUnsafe(data.length, () => {
      this.host.transport.writeUnsafe(this.encode(data))
      return true
    })
  }

  /** Whether a message is compressed in parts. */
  isSliced(data: Data): boolean {
    return data.length > PART_BYTES && this.compresses(data)
  }

  /** Sends a large message a part in a turn. `shared` are those that others are sent too. */
  sendPartsUnsafe(parts: Parts, shared: boolean): boolean | WebSocketError.WebSocketError {
    const { deflation } = this
    if (!this.isOpen || deflation === undefined) return this.closedError()
    let index = 0
    return this.queueUnsafe(parts.bytes.length, () => {
      if (shared) this.staleDeflater = true
      else this.refreshDeflater(deflation)
      const keeps = !deflation.agreement.serverNoContextTakeover
      const octets = shared ? parts.shared(deflation, index) : parts.make(deflation, index, keeps)
      this.host.transport.writeUnsafe(octets)
      return ++index === parts.count
    })
  }

  // Sends by `step` when its turn comes, until that gives `true`.
  private queueUnsafe(bytes: number, step: () => boolean): false {
    this.sending ??= new Sending(this)
    if (this.sending.add({ bytes, step })) this.host.fork(this.sending.run)
    return false
  }

  /** Whether what waits to be sent still may be. */
  get sends(): boolean {
    return this.state === "Open"
  }

  /** Whether the peer has to take what waits before more is sent. */
  get isFull(): boolean {
    return this.host.transport.writeUnsafe(NO_PIECES) === false
  }

  /** Waits until it has, or is cut off. */
  get room(): Effect.Effect<void> {
    return Effect.ignore(this.drained)
  }

  private encode(data: Data): ReadonlyArray<Latin1.Octets> {
    const { deflation } = this
    return deflation !== undefined && this.compresses(data)
      ? this.compressed(deflation, data)
      : FrameEncoder.encodeMessage(data)
  }

  /** Whether so much waits for the peer that more should not be sent to it now. */
  get isCongested(): boolean {
    if (this.state !== "Open") return false
    return this.isFull || (this.sending?.waitingBytes ?? 0) >= this.host.settings.sendAheadBytes
  }

  /** Whether a message is compressed when it is sent. */
  compresses(data: Data): boolean {
    return this.deflation !== undefined && data.length >= this.host.settings.deflateFrom
  }

  /** The peer does not read what is sent to it. */
  tooSlow(): void {
    this.fail(this.error("SlowConsumer"))
  }

  /** Sends octets that are whole frames of a message. */
  writeUnsafe(octets: ReadonlyArray<Latin1.Octets>): boolean | WebSocketError.WebSocketError {
    if (!this.isOpen) return this.closedError()
    if (this.sending?.isBusy === true) {
      return this.queueUnsafe(sizeOf(octets), () => {
        this.host.transport.writeUnsafe(octets)
        return true
      })
    }
    const result = this.host.transport.writeUnsafe(octets)
    return typeof result === "boolean" ? result : this.error("ConnectionLost", result.message)
  }

  /** Sends octets that were compressed elsewhere: what is compressed here must not refer to what came before. */
  writeCompressedUnsafe(octets: ReadonlyArray<Latin1.Octets>): boolean | WebSocketError.WebSocketError {
    if (this.isOpen && this.sending?.isBusy === true) {
      return this.queueUnsafe(sizeOf(octets), () => {
        this.staleDeflater = true
        this.host.transport.writeUnsafe(octets)
        return true
      })
    }
    this.staleDeflater = true
    return this.writeUnsafe(octets)
  }

  // What is compressed next must not refer to what the peer has not seen in this order.
  private refreshDeflater({ agreement, deflater }: Deflation): void {
    if (!this.staleDeflater) return
    this.staleDeflater = false
    if (!agreement.serverNoContextTakeover) deflater.reset()
  }

  private compressed(deflation: Deflation, data: Data): ReadonlyArray<Latin1.Octets> {
    const { agreement, deflater } = deflation
    if (this.state !== "Open") return []
    this.refreshDeflater(deflation)
    const text = typeof data === "string"
    const payload = PerMessageDeflate.compress(
      deflater,
      !agreement.serverNoContextTakeover,
      text ? Utf8.encode(data) : data
    )
    return FrameEncoder.encode({ opcode: text ? "Text" : "Binary", rsv1: true, payload })
  }

  /** Sends a message, and waits while the peer does not read. */
  send(data: Data): Effect.Effect<void, WebSocketError.WebSocketError> {
    return Effect.suspend(() => this.settle(this.sendUnsafe(data)))
  }

  /** Sends messages together, at once: as `sendUnsafe`. */
  sendAllUnsafe(batch: ReadonlyArray<Data>): boolean | WebSocketError.WebSocketError {
    if (batch.length === 1) return this.sendUnsafe(batch[0])
    if (this.sending?.isBusy === true || batch.some((data) => this.isSliced(data))) {
      let all: boolean | WebSocketError.WebSocketError = true
      for (const data of batch) {
        const result = this.sendUnsafe(data)
        if (typeof result !== "boolean") return result
        all &&= result
      }
      return all
    }
    const octets: Array<Latin1.Octets> = []
    for (const data of batch) for (const piece of this.encode(data)) octets.push(piece)
    return this.writeUnsafe(octets)
  }

  /** What a send's result means for who sends. */
  settle(
    result: boolean | WebSocketError.WebSocketError
  ): Effect.Effect<void, WebSocketError.WebSocketError> {
    if (result === true) return Effect.void
    if (result !== false) return Effect.fail(result)
    return this.sending?.isBusy === true ? this.sentAndDrained(this.sending) : this.drained
  }

  private sentAndDrained(sending: Sending): Effect.Effect<void, WebSocketError.WebSocketError> {
    return Effect.flatMap(sending.sent, (whole) => (whole ? this.drained : Effect.fail(this.closedError())))
  }

  // Waits below the high-water mark. Not for ever: a peer that takes nothing for `sendTimeout` is cut off.
  private get drained(): Effect.Effect<void, WebSocketError.WebSocketError> {
    const { deadlines, settings, transport } = this.host
    return Effect.suspend(() => {
      if (this.stalled++ === 0) {
        this.stallMark = transport.bytesWritten
        this.stall ??= new Deadlines.Deadline(deadlines, () => this.expireStall())
        this.stall.arm(settings.sendTimeout)
      }
      return Effect.ensuring(
        Effect.mapError(
          transport.write([]),
          (error) => this.ending ?? this.error("ConnectionLost", error.message)
        ),
        Effect.sync(() => {
          if (--this.stalled === 0) this.stall?.disarm()
        })
      )
    })
  }

  private expireStall(): void {
    const { settings, transport } = this.host
    if (transport.bytesWritten !== this.stallMark) {
      this.stallMark = transport.bytesWritten
      this.stall?.arm(settings.sendTimeout)
    } else this.cut(this.error("SlowConsumer", `nothing taken for ${settings.sendTimeout} ms`))
  }

  // --- how it ends -----------------------------------------------------------------------------------------------

  /**
   * Sends a Close frame, if none was sent, behind the messages that are sent in parts, and waits for the peer's until `closeTimeout`. Gives `false` where the
   * code or the reason may not be sent.
   */
  beginClose(code?: number, reason?: string): boolean {
    const payload = FrameEncoder.closePayload(code, reason)
    if (payload === undefined) return false
    if (!this.isOpen) return true
    if (this.sending?.isBusy !== true) this.sendClose(payload)
    else {
      this.closes = true
      this.queueUnsafe(0, () => {
        this.sendClose(payload)
        return true
      })
    }
    return true
  }

  private sendClose(payload: Uint8Array): void {
    this.advance("CloseSent")
    this.host.transport.writeUnsafe(FrameEncoder.encode({ opcode: "Close", payload }))
    this.host.transport.goOn()
    this.taken = this.host.transport.bytesWritten
    this.await("Close", this.host.settings.closeTimeout)
  }

  /** The server stops: tells the peer. */
  goAway(): void {
    this.beginClose(1001, "the server stops")
  }

  /** Ends it: sends the error's code where it has one, and reads no more. */
  fail(error: WebSocketError.WebSocketError): void {
    const { code } = error.reason
    this.ending ??= error
    this.host.fork(this.host.report(error))
    const sent = this.state !== "Closing"
    this.advance("Failed")
    if (sent && code !== 0) {
      const payload = FrameEncoder.closePayload(code, error.reason._tag) ?? NO_OCTETS
      this.host.transport.writeUnsafe(FrameEncoder.encode({ opcode: "Close", payload }))
    }
    this.finish()
    this.deliver()
  }

  private closedByPeer(code: number, reason: string): void {
    this.ending ??= WebSocketError.make("PeerClosed", {
      connectionId: this.connectionId,
      code,
      detail: reason === "" ? String(code) : `${code}, ${JSON.stringify(reason)}`
    })
    this.closeReason = reason
    const answers = this.state === "Open"
    this.advance("CloseReceived")
    if (answers) {
      // RFC 6455 §5.5.1: the answer usually repeats the code.
      const payload = FrameEncoder.closePayload(code === 1005 ? undefined : code) ?? NO_OCTETS
      this.host.transport.writeUnsafe(FrameEncoder.encode({ opcode: "Close", payload }))
      this.advance("CloseSent")
    }
    this.finish()
  }

  /** The reason that the peer closed with. */
  closeReason = ""

  // RFC 6455 §7.1.1: the server ends the connection first. It goes on reading for a while, so that no reset takes the
  // Close frame from the peer, and for as long as the peer still takes what waits for it.
  private finish(): void {
    const { settings, transport } = this.host
    this.mark = transport.bytesWritten
    this.await("End", settings.lingerTimeout)
    this.discards = true
    transport.goOn()
    this.host.fork(Effect.ignore(transport.end))
  }

  /** The peer has ended its side, or the connection is lost or closed. */
  left(error: TransportError | undefined): void {
    if (this.isOver) return
    const open = CloseHandshake.mayReceive(this.state)
    if (open) {
      const ending =
        error?.reason._tag === "ConnectionClosed"
          ? this.error("ServerStopping")
          : this.error("ConnectionLost", error === undefined ? "the peer ended its side" : error.message)
      if (ending.initiator === "Peer" && this.ending === undefined) this.host.fork(this.host.report(ending))
      this.ending ??= ending
    }
    const interrupts = open && this.waiting === undefined && !this.disposed
    this.over()
    this.deliver()
    // Work that does not wait for a message is done for nobody any more.
    if (interrupts) this.host.abort()
  }

  /** Drops the connection. */
  private cut(error: WebSocketError.WebSocketError): void {
    this.ending ??= error
    this.host.fork(this.host.report(error))
    this.over()
    this.host.fork(this.host.transport.reset)
    this.deliver()
  }

  private over(): void {
    if (this.isOver) return
    this.isOver = true
    this.advance("Ended")
    this.life.release()
    // The application learns it when it reads. One that does not come to read has the time that a peer has to close.
    if (!this.disposed) this.await("Application", this.host.settings.closeTimeout)
    this.stall?.release()
    this.sending?.clear()
    const waiting = this.onOver
    this.onOver = NO_WAITERS
    for (const resume of waiting) resume()
  }

  /** Completes when the connection has ended. */
  get awaitOver(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (this.isOver) return resume(Effect.void)
      const done = () => resume(Effect.void)
      this.onOver = [...this.onOver, done]
      return Effect.sync(() => {
        this.onOver = this.onOver.filter((other) => other !== done)
      })
    })
  }

  /** Nobody reads any more: closes with `code` if nothing was said yet, and completes when the connection has ended. */
  dispose(code: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.discards = true
      this.disposed = true
      if (this.isOver) this.life.release()
      this.queue = NO_MESSAGES
      this.queuedBytes = 0
      this.host.transport.goOn()
      this.beginClose(code)
      // What is still to be sent may have to be compressed.
      return this.deflation === undefined
        ? this.awaitOver
        : Effect.andThen(this.awaitOver, this.deflation.release)
    })
  }

  private advance(input: CloseHandshake.Input): void {
    this.state = CloseHandshake.next(this.state, input) ?? this.state
  }

  private closedError(): WebSocketError.WebSocketError {
    return this.ending ?? this.error("ApplicationClosed")
  }

  private error(tag: WebSocketError.ReasonTag, detail = ""): WebSocketError.WebSocketError {
    return WebSocketError.make(tag, { connectionId: this.connectionId, detail })
  }

  // --- deadlines -------------------------------------------------------------------------------------------------

  private await(what: Awaits, duration: number): void {
    this.awaits = what
    this.life.arm(duration)
  }

  // Whether the peer has taken octets since this was last asked, and more of them wait.
  private get takes(): boolean {
    const { bytesQueued, bytesWritten } = this.host.transport
    const moved = bytesWritten !== this.taken
    this.taken = bytesWritten
    return moved && bytesQueued > 0
  }

  private expire(): void {
    const { settings, transport } = this.host
    switch (this.awaits) {
      case "Octets":
      case "Pong": {
        // Octets that this side does not read are no silence of the peer, and a Ping waits behind what it still takes.
        const alive = this.takes || transport.bytesRead !== this.mark || this.isAhead
        this.mark = transport.bytesRead
        if (alive) return this.await("Octets", settings.pingInterval)
        if (this.awaits === "Pong") return this.cut(this.error("PingTimeout"))
        transport.writeUnsafe(FrameEncoder.encode({ opcode: "Ping", payload: NO_OCTETS }))
        return this.await("Pong", settings.pingTimeout)
      }
      case "Close":
        // It cannot answer what still waits behind other octets.
        if (this.takes) return this.await("Close", settings.closeTimeout)
        return this.cut(this.error("CloseTimeout"))
      case "End":
        if (transport.bytesWritten !== this.mark) {
          this.mark = transport.bytesWritten
          return this.await("End", settings.lingerTimeout)
        }
        this.over()
        this.host.fork(transport.reset)
        return
      case "Application":
        return this.host.abort()
    }
  }
}
