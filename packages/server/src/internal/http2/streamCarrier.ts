/**
 * A stream as what a WebSocket goes over, RFC 8441 §5: the stream is the connection, its data the octets, END_STREAM the
 * orderly end of a side, and RST_STREAM with CANCEL what a reset is to TCP.
 *
 * Octets that the WebSocket has no room for wait here, and count against the stream's window until they are taken.
 */
import { Http2Error, Latin1 } from "@nvo/protocol"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { Diversion } from "../../ConnectionInbox.ts"
import * as TransportError from "../../TransportError.ts"
import type { Fields } from "../exchange.ts"
import type { Carrier, Takeover } from "../webSocket/carrier.ts"
import type { Session } from "../webSocket/session.ts"
import type { Http2Exchange } from "./exchange.ts"
import type { Pieces } from "./pieces.ts"

/** See the module. */
export class StreamCarrier implements Carrier {
  bytesRead = 0
  onDeparture: Carrier["onDeparture"] = undefined
  session: Session | undefined = undefined
  readonly end: Carrier["end"]
  readonly reset: Carrier["reset"]
  private readonly exchange: Http2Exchange
  private diversion: Diversion | undefined = undefined
  private isPaused = false
  private sent = 0
  /** Where what was framed last ends, in the octets that the connection writes. */
  private framedTo = 0
  /** What came and waits, and what of it is about to be given. */
  private readonly ahead: Pieces
  private next: Array<Uint8Array> = []
  private inputEnded: boolean
  private error: TransportError.TransportError | undefined = undefined

  /** `ahead` is what has come of the stream, and `inputEnded` whether that was all. */
  constructor(exchange: Http2Exchange, ahead: Pieces, inputEnded: boolean) {
    const { connection, streamId } = exchange
    this.exchange = exchange
    this.ahead = ahead
    this.inputEnded = inputEnded
    this.end = Effect.suspend(() => {
      connection.machine.finish(streamId)
      connection.output.flushSoon()
      return this.flushed
    })
    this.reset = Effect.sync(() => {
      connection.machine.reset(streamId, "CANCEL")
      connection.output.flushSoon()
      this.lose(TransportError.make({ _tag: "ConnectionClosed" }, this.id))
    })
  }

  get id(): Carrier["id"] {
    return this.exchange.connectionId
  }

  /**
   * How much has left. What is framed waits in the connection behind what others send, so it grows as the peer opens its
   * windows, and as it takes what stands before the last octet; it falls where others have sent something before that.
   */
  get bytesWritten(): number {
    return this.sent - this.bytesQueued
  }

  /** What waits here, and in the connection before the last octet: credit for a window comes behind what is on its way. */
  get bytesQueued(): number {
    const { connection, streamId } = this.exchange
    const queued = connection.machine.queuedOn(streamId)
    if (queued > 0) return queued + connection.output.waiting
    return Math.max(0, this.framedTo - connection.transport.bytesWritten)
  }

  /** All that was written is framed. */
  hasFlushed(): void {
    const { output, transport } = this.exchange.connection
    this.framedTo = transport.bytesWritten + output.waiting
  }

  // --- what comes ---

  /** Octets have come. */
  offer(bytes: Uint8Array): void {
    this.bytesRead += bytes.length
    if (this.isPaused || this.diversion === undefined) this.ahead.push(bytes)
    else this.give(this.diversion, bytes)
  }

  private give(diversion: Diversion, bytes: Uint8Array): void {
    const { connection, streamId } = this.exchange
    this.isPaused = !diversion.octets(bytes)
    // Flow control is backpressure: what was taken may come again.
    connection.machine.consumed(streamId, bytes.length)
    connection.output.flushSoon()
  }

  /** The peer has ended its side. */
  endInput(): void {
    this.inputEnded = true
    this.giveAhead()
  }

  /** The stream was reset, or its connection is lost. */
  lose(error: TransportError.TransportError): void {
    if (this.error !== undefined) return
    this.error = error
    this.ahead.take()
    this.next = []
    this.exchange.hasFlushed()
    this.diversion?.left(error)
  }

  divert(diversion: Diversion): void {
    this.diversion = diversion
    this.giveAhead()
    if (this.error !== undefined) diversion.left(this.error)
  }

  goOn(): void {
    if (!this.isPaused) return
    this.isPaused = false
    this.giveAhead()
  }

  private giveAhead(): void {
    const { diversion } = this
    if (diversion === undefined) return
    while (!this.isPaused) {
      if (this.next.length === 0) this.next = this.ahead.take()
      const bytes = this.next.shift()
      if (bytes === undefined) {
        if (this.inputEnded && this.error === undefined) diversion.left(undefined)
        return
      }
      this.give(diversion, bytes)
    }
  }

  // --- what is sent ---

  writeUnsafe(octets: ReadonlyArray<Latin1.Octets>): boolean | TransportError.TransportError {
    const { connection, engine, streamId } = this.exchange
    const { machine } = connection
    if (!machine.canSend(streamId)) return this.writeError()
    for (const piece of octets) {
      const bytes = Latin1.toBytes(piece)
      machine.send(streamId, bytes)
      this.sent += bytes.length
    }
    connection.output.flushSoon()
    return machine.queuedOn(streamId) < engine.config.writeHighWaterMark
  }

  write(octets: ReadonlyArray<Latin1.Octets>): Effect.Effect<void, TransportError.TransportError> {
    return Effect.suspend(() => {
      const result = this.writeUnsafe(octets)
      if (result === true) return Effect.void
      return result === false ? this.flushed : Effect.fail(result)
    })
  }

  private get flushed(): Effect.Effect<void, TransportError.TransportError> {
    return Effect.flatMap(this.exchange.flushed, () =>
      this.error === undefined ? Effect.void : Effect.fail(this.error)
    )
  }

  private writeError(): TransportError.TransportError {
    const cause = new Error("The stream is closed")
    return this.error ?? TransportError.make({ _tag: "WriteFailed", cause }, this.id)
  }
}

/** `Exchange.takeOver` for a stream. */
export const takeOver = (exchange: Http2Exchange, fields: Fields): Takeover | Error => {
  const { connection } = exchange
  const carrier = exchange.carry()
  return {
    carrier,
    begin: (session) => {
      const head = connection.machine.respond(
        exchange.streamId,
        { status: 200, fields, bodyLength: undefined, tunnel: true },
        exchange.engine.date()
      )
      // The fields are the handshake's own: nothing can be wrong with them.
      if (head instanceof Http2Error.Http2Error) {
        return TransportError.make({ _tag: "WriteFailed", cause: head }, exchange.connectionId)
      }
      exchange.switched = HttpServerResponse.empty({ status: 200 })
      exchange.commit(200)
      carrier.session = session
      return undefined
    },
    rest: () => undefined,
    abort: () => exchange.interrupt(),
    fork: (effect) => connection.fork(effect),
    // The stream is its request's until both have ended.
    detach: () => false
  }
}
