/**
 * What both directions of a connection share: everything that is remembered, and the ways in which a stream or the
 * connection ends.
 */
import * as ConnectionId from "../../http/ConnectionId.ts"
import * as ConnectionState from "../ConnectionState.ts"
import * as ErrorCode from "../ErrorCode.ts"
import * as FloodGuard from "../FloodGuard.ts"
import * as FlowControl from "../FlowControl.ts"
import * as FrameEncoder from "../frame/FrameEncoder.ts"
import * as Http2Error from "../Http2Error.ts"
import type * as Http2Event from "../Http2Event.ts"
import { HpackDecoder } from "../hpack/HpackDecoder.ts"
import * as Limits from "../Limits.ts"
import * as Settings from "../Settings.ts"
import * as StreamState from "../StreamState.ts"
import { Sender } from "./sender.ts"
import { type Stream, Streams } from "./stream.ts"

/** What a connection is made with. */
export interface Options {
  readonly connectionId?: ConnectionId.ConnectionId | undefined
  readonly limits?: Partial<Limits.Limits> | undefined
}

const NOTHING = new Uint8Array(0)
const NO_EVENTS: ReadonlyArray<Http2Event.Http2Event> = []
export const MAX_STREAM_ID = 0x7fffffff
// What the peer has when it acknowledges this, it has of the first GOAWAY, too.
export const SHUTDOWN_PING = Uint8Array.of(0x6e, 0x76, 0x6f, 0x20, 0x73, 0x74, 0x6f, 0x70)

/** See the module. */
export abstract class Core {
  readonly connectionId: ConnectionId.ConnectionId
  readonly limits: Limits.Limits
  phase: ConnectionState.Phase = ConnectionState.initial
  /** Why the connection was refused. */
  error: Http2Error.Http2Error | undefined = undefined
  protected readonly streams = new Streams()
  protected readonly sender: Sender
  protected readonly decoder: HpackDecoder
  protected readonly guard: FloodGuard.FloodGuard
  protected readonly receiver: FlowControl.Receiver
  protected peer: Settings.Settings = Settings.initial
  /** The last stream of a connection that drains. */
  protected lastStream = MAX_STREAM_ID
  /** Whether this side's settings are acknowledged. */
  protected acknowledged = false
  protected events: Array<Http2Event.Http2Event> = []
  protected flushed: Array<number> = []
  protected now = 0

  constructor(options?: Options) {
    this.connectionId = options?.connectionId ?? ConnectionId.none
    this.limits = Limits.make(options?.limits)
    const { limits } = this
    this.guard = new FloodGuard.FloodGuard(limits.bursts)
    // A smaller table than every connection begins with holds once the peer has acknowledged it.
    this.decoder = new HpackDecoder()
    if (limits.headerTableBytes > 4096) this.decoder.setTableBytes(limits.headerTableBytes)
    this.receiver = new FlowControl.Receiver(limits.connectionWindowBytes)
    this.sender = new Sender(limits.headerTableBytes, {
      onEndSent: (stream) => this.endSent(stream),
      onTinyFrame: () => this.spend("tinyWindows", 0),
      onFlushed: (stream) => this.flushed.push(stream.id)
    })
    this.greet()
  }

  // §3.4: the server's preface. The settings that are as every connection begins are not said.
  protected greet(): void {
    const { limits } = this
    const { writer } = this.sender
    const entries: Array<readonly [number, number]> = [
      [Settings.MAX_CONCURRENT_STREAMS, limits.concurrentStreams],
      [Settings.INITIAL_WINDOW_SIZE, limits.streamWindowBytes],
      [Settings.MAX_HEADER_LIST_SIZE, limits.headerListBytes]
    ]
    if (limits.headerTableBytes !== 4096) entries.push([Settings.HEADER_TABLE_SIZE, limits.headerTableBytes])
    if (limits.frameBytes !== 16_384) entries.push([Settings.MAX_FRAME_SIZE, limits.frameBytes])
    if (limits.connectProtocol) entries.push([Settings.ENABLE_CONNECT_PROTOCOL, 1])
    entries.push([Settings.NO_RFC7540_PRIORITIES, 1])
    FrameEncoder.settings(writer, entries)
    const more = limits.connectionWindowBytes - 65_535
    if (more > 0) FrameEncoder.windowUpdate(writer, 0, more)
  }

  protected takeEvents(): ReadonlyArray<Http2Event.Http2Event> {
    if (this.events.length === 0) return NO_EVENTS
    const { events } = this
    this.events = []
    return events
  }

  /** Resets a stream. What is queued on it is thrown away. */
  reset(streamId: number, code: ErrorCode.ErrorCode): void {
    const stream = this.streams.open.get(streamId)
    if (stream === undefined || this.phase === "Closed") return
    FrameEncoder.rstStream(this.sender.writer, streamId, ErrorCode.toNumber(code))
    this.move(stream, "ResetSent")
  }

  /** Names the last stream that is served. For a peer that does not answer the PING of `shutdown` in time. */
  commitShutdown(): void {
    if (this.phase !== "Open" && this.phase !== "ShuttingDown") return
    this.advance("ShutdownCommitted")
    this.lastStream = this.streams.last
    FrameEncoder.goAway(this.sender.writer, this.lastStream, ErrorCode.toNumber("NO_ERROR"), NOTHING)
  }

  protected advance(input: ConnectionState.Input): void {
    this.phase = ConnectionState.next(this.phase, input) ?? this.phase
  }

  protected move(stream: Stream, input: StreamState.Input): void {
    const state = StreamState.next(stream.state, input)
    if (state === undefined) return
    stream.state = state
    const { streams } = this
    if (stream.isOwing) streams.owing.add(stream.id)
    if (state !== "Closed" && state !== "Reset") return
    if (state === "Reset") streams.remember(stream.id)
    streams.open.delete(stream.id)
    streams.owing.delete(stream.id)
    // What nobody will take any more is given back to the others.
    this.giveBack(stream.held)
    stream.held = 0
    stream.queue.length = 0
    stream.queued = 0
  }

  protected endSent(stream: Stream): void {
    this.move(stream, "EndSent")
    // §8.1: the response is complete, and the rest of the request is more than anybody wants to read.
    if (stream.state === "HalfClosedLocal" && stream.isTooLong) this.reset(stream.id, "NO_ERROR")
  }

  protected consume(stream: Stream, bytes: number): void {
    const taken = bytes < stream.held ? bytes : stream.held
    if (taken === 0) return
    stream.held -= taken
    if (stream.isReceiving) {
      const increment = stream.receiver.take(taken)
      if (increment > 0) FrameEncoder.windowUpdate(this.sender.writer, stream.id, increment)
    }
    this.giveBack(taken)
  }

  protected giveBack(bytes: number): void {
    if (bytes === 0) return
    const increment = this.receiver.take(bytes)
    if (increment > 0) FrameEncoder.windowUpdate(this.sender.writer, 0, increment)
  }

  protected makeError(reason: Http2Error.ReasonTag, streamId: number, detail = ""): Http2Error.Http2Error {
    return Http2Error.make(reason, { connectionId: this.connectionId, streamId, detail })
  }

  // Whether the budget is spent, and with it the connection.
  protected spend(budget: FloodGuard.Name, streamId: number): boolean {
    const reason = this.guard.spend(budget, this.now)
    if (reason === undefined) return false
    this.fail(reason, streamId)
    return true
  }

  // A stream that was not opened is reset all the same (§5.4.2).
  protected refuseStream(
    streamId: number,
    endStream: boolean,
    reason: Http2Error.ReasonTag,
    detail: string
  ): void {
    this.events.push({ _tag: "StreamFailed", streamId, error: this.makeError(reason, streamId, detail) })
    FrameEncoder.rstStream(this.sender.writer, streamId, ErrorCode.toNumber(Http2Error.reasons[reason].code))
    if (!endStream) this.streams.remember(streamId)
    this.spend("provokedResets", streamId)
  }

  protected failStream(streamId: number, reason: Http2Error.ReasonTag, detail = ""): void {
    const stream = this.streams.open.get(streamId)
    // A stream that was never open, or is closed, cannot be reset (§5.4.2, §6.4).
    if (Http2Error.reasons[reason].scope === "Connection" || stream === undefined) {
      return this.fail(reason, streamId, detail)
    }
    this.events.push({ _tag: "StreamFailed", streamId, error: this.makeError(reason, streamId, detail) })
    this.reset(streamId, Http2Error.reasons[reason].code)
    this.spend("provokedResets", streamId)
  }

  protected fail(reason: Http2Error.ReasonTag, streamId = 0, detail = ""): void {
    if (this.phase === "Closed") return
    this.error = this.makeError(reason, streamId, detail)
    this.advance("Failed")
    const { code } = Http2Error.reasons[reason]
    const debug = Uint8Array.from(reason, (character) => character.charCodeAt(0))
    // §6.8: a last stream that was named may not become a higher one.
    const last = Math.min(this.lastStream, this.streams.last)
    FrameEncoder.goAway(this.sender.writer, last, ErrorCode.toNumber(code), debug)
    this.streams.open.clear()
    this.streams.owing.clear()
    this.sender.stop()
    this.events.push({ _tag: "ConnectionFailed", error: this.error })
  }
}
