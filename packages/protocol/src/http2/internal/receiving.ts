/**
 * What a peer sends, RFC 9113 §4 to §6 and §8: from octets to events.
 */
import * as FieldSection from "../../http/FieldSection.ts"
import * as FlowControl from "../FlowControl.ts"
import type * as Frame from "../frame/Frame.ts"
import * as FrameDecoder from "../frame/FrameDecoder.ts"
import * as FrameEncoder from "../frame/FrameEncoder.ts"
import * as Http2Error from "../Http2Error.ts"
import * as Http2Event from "../Http2Event.ts"
import * as Priority from "../Priority.ts"
import * as RequestHead from "../RequestHead.ts"
import * as Settings from "../Settings.ts"
import * as StreamState from "../StreamState.ts"
import { Core, SHUTDOWN_PING } from "./core.ts"
import { HeaderBlocks } from "./headerBlocks.ts"
import { Stream } from "./stream.ts"

/** The client's connection preface, RFC 9113 §3.4. */
export const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

const NO_EVENTS: ReadonlyArray<Http2Event.Http2Event> = []

/** See the module. */
export abstract class Receiving extends Core {
  private prefaceAt = 0
  private frames: FrameDecoder.State = FrameDecoder.initial
  private readonly blocks = new HeaderBlocks()
  /** The DATA frames that WINDOW_UPDATE were counted against. */
  private creditedFrames = 0

  /** Feeds octets that came at `now` (milliseconds, from any origin). Gives what they say, in order. */
  receive(chunk: Uint8Array, now = 0): ReadonlyArray<Http2Event.Http2Event> {
    if (this.phase === "Closed") return NO_EVENTS
    this.now = now
    let rest = chunk
    if (this.phase === "AwaitingPreface") {
      let at = 0
      while (at < rest.length && this.prefaceAt < PREFACE.length) {
        if (rest[at] !== PREFACE.charCodeAt(this.prefaceAt)) {
          this.fail("InvalidPreface")
          return this.takeEvents()
        }
        at++
        this.prefaceAt++
      }
      if (this.prefaceAt < PREFACE.length) return NO_EVENTS
      this.advance("PrefaceReceived")
      rest = rest.subarray(at)
    }
    const step = FrameDecoder.step(this.frames, rest, this.limits.frameBytes)
    this.frames = step.state
    for (const frame of step.frames) {
      this.frame(frame)
      // Commands may have closed it, too.
      if (this.isClosed) return this.takeEvents()
    }
    if (step.failure !== undefined) this.fail(step.failure.reason, step.failure.streamId)
    return this.takeEvents()
  }

  /** Whether a header block was begun and is not complete: a peer may not take for ever with it. */
  get isInHeaderBlock(): boolean {
    return this.blocks.pendingStreamId !== 0 || FrameDecoder.isInHeaders(this.frames)
  }

  // Asked behind calls that may have changed the phase.
  private get isClosed(): boolean {
    return this.phase === "Closed"
  }

  private frame(frame: Frame.Frame): void {
    if (this.phase === "AwaitingSettings") {
      if (frame._tag !== "Settings" || frame.ack) return this.fail("MissingSettings")
      this.advance("SettingsReceived")
    }
    // §6.10: nothing comes between the frames of a header block.
    const { pendingStreamId } = this.blocks
    if (pendingStreamId !== 0 && (frame._tag !== "Continuation" || frame.streamId !== pendingStreamId)) {
      return this.fail("ContinuationExpected", pendingStreamId)
    }
    switch (frame._tag) {
      case "Data":
        return this.data(frame)
      case "Headers":
      case "Continuation":
        return this.headers(frame)
      case "WindowUpdate":
        return this.windowUpdate(frame)
      case "RstStream":
        return this.rstStream(frame)
      case "Settings":
        return this.settings(frame)
      case "Ping":
        return this.ping(frame)
      case "Priority":
        if (this.spend("priorities", frame.streamId)) return
        // RFC 9218 §2.1: of a peer that does without such priorities nothing of them is looked at.
        if (frame.dependency.streamId === frame.streamId && !this.peer.noRfc7540Priorities) {
          this.failStream(frame.streamId, "SelfDependency")
        }
        return
      case "PriorityUpdate":
        return this.priorityUpdate(frame)
      case "GoAway":
        this.events.push({ _tag: "PeerGoAway", code: frame.code })
        return
      case "PushPromise":
        return this.fail("PushFromClient", frame.streamId)
      case "Extension":
        this.spend("ignored", frame.streamId)
        return
      case "Invalid":
        return this.failStream(frame.streamId, frame.reason)
    }
  }

  // --- requests ------------------------------------------------------------------------------------------------

  private headers(frame: Frame.Headers | Frame.Continuation): void {
    const { fragment, streamId } = frame
    if (fragment.length === 0 && !frame.endHeaders && this.spend("emptyFrames", streamId)) return
    const refusal = this.blocks.take(frame, this.limits)
    if (refusal !== undefined) return this.fail(refusal, streamId)
    const { complete } = this.blocks
    if (complete !== undefined)
      this.headerBlock(streamId, complete.endStream, complete.selfDependent, complete.bytes)
  }

  private headerBlock(streamId: number, endStream: boolean, selfDependent: boolean, block: Uint8Array): void {
    const { limits, streams } = this
    // §4.3: decoded first, whatever becomes of the stream, since the next block builds on it.
    const { fields, refusal, tooLarge } = this.decoder.decode(block, {
      listBytes: limits.headerListBytes,
      fieldCount: limits.fieldCount
    })
    if (refusal !== undefined) return this.fail(refusal, streamId)
    // §5.1.1.
    if (streamId % 2 === 0) return this.fail("InvalidStreamId", streamId)
    const state = streams.stateOf(streamId)
    if (state === "Closed" && streams.isSkipped(streamId)) return this.fail("StreamIdNotRising", streamId)
    const verdict = StreamState.verdicts[state].Headers
    if (verdict === "Ignore") {
      this.spend("ignored", streamId)
      return
    }
    if (verdict !== "Accept") return this.failStream(streamId, verdict)
    if (state !== "Idle")
      return this.trailers(streams.open.get(streamId) as Stream, fields, endStream, tooLarge)

    const urgency = streams.use(streamId)
    this.guard.earn("windowUpdates", 2)
    // §6.8: the peer was told that this stream will not be looked at.
    if (streamId > this.lastStream) {
      streams.remember(streamId)
      this.spend("ignored", streamId)
      return
    }
    if (selfDependent && !this.peer.noRfc7540Priorities) {
      return this.refuseStream(streamId, endStream, "SelfDependency", "")
    }
    if (streams.open.size >= limits.concurrentStreams) {
      return this.refuseStream(streamId, endStream, "TooManyStreams", String(limits.concurrentStreams))
    }
    const head: RequestHead.RequestHead | RequestHead.Refusal = tooLarge
      ? { reason: "HeaderListTooLarge", detail: "" }
      : RequestHead.read(streamId, fields, endStream, limits)
    if (RequestHead.isRefusal(head)) {
      if (Http2Error.reasons[head.reason].status === 0) {
        return this.refuseStream(streamId, endStream, head.reason, head.detail)
      }
      if (this.spend("refusals", streamId)) return
      this.openStream(streamId, "GET", -1, Priority.initial.urgency, endStream)
      this.events.push({
        _tag: "RequestRefused",
        streamId,
        error: this.makeError(head.reason, streamId, head.detail)
      })
      return
    }
    const expected = head.framing._tag === "Length" ? head.framing.length : -1
    // RFC 9218 §7: what PRIORITY_UPDATE said goes before what the field says.
    this.openStream(streamId, head.method, expected, urgency ?? head.priority.urgency, endStream)
    this.events.push(head)
  }

  private openStream(
    id: number,
    method: string,
    expected: number,
    urgency: number,
    endStream: boolean
  ): void {
    const stream = new Stream(
      id,
      method,
      expected,
      urgency,
      this.limits.streamWindowBytes,
      this.peer.initialWindowSize
    )
    this.streams.open.set(id, stream)
    if (endStream) this.move(stream, "EndReceived")
  }

  private trailers(
    stream: Stream,
    fields: Parameters<typeof RequestHead.readTrailers>[0],
    endStream: boolean,
    tooLarge: boolean
  ): void {
    if (stream.tunnel) return this.failStream(stream.id, "HeadersInTunnel")
    if (!endStream) return this.failStream(stream.id, "MissingEndOfTrailers")
    // There is no way to answer in the middle of a body that may have been answered.
    if (tooLarge) return this.failStream(stream.id, "TrailersTooLarge")
    const trailers = RequestHead.readTrailers(fields)
    if ("reason" in trailers) return this.failStream(stream.id, trailers.reason, trailers.detail)
    this.end(stream, trailers)
  }

  private end(stream: Stream, trailers: FieldSection.FieldSection): void {
    // §8.1.1.
    if (stream.expected !== -1 && stream.received !== stream.expected) {
      return this.failStream(
        stream.id,
        "ContentLengthMismatch",
        `${stream.received} of ${stream.expected} octets`
      )
    }
    if (stream.discard === -1) this.events.push({ _tag: "RequestEnd", streamId: stream.id, trailers })
    this.move(stream, "EndReceived")
  }

  private data(frame: Frame.Data): void {
    const { bytes, endStream, flowBytes, streamId } = frame
    // §6.9: the connection's window counts, whatever becomes of the stream.
    if (!this.receiver.receive(flowBytes)) return this.fail("ConnectionWindowExceeded", streamId)
    if (bytes.length === 0 && !endStream && this.spend("emptyFrames", streamId)) return
    const verdict = StreamState.verdicts[this.streams.stateOf(streamId)].Data
    if (verdict !== "Accept") {
      this.giveBack(flowBytes)
      if (verdict === "Ignore") this.spend("ignored", streamId)
      else this.failStream(streamId, verdict)
      return
    }
    const stream = this.streams.open.get(streamId) as Stream
    if (!stream.receiver.receive(flowBytes)) {
      this.giveBack(flowBytes)
      return this.failStream(streamId, "WindowExceeded")
    }
    stream.received += bytes.length
    stream.held += flowBytes
    if (stream.expected !== -1 && stream.received > stream.expected) {
      return this.failStream(
        streamId,
        "ContentLengthMismatch",
        `${stream.received} of ${stream.expected} octets`
      )
    }
    if (stream.discard !== -1) {
      if (stream.discard >= bytes.length) stream.discard -= bytes.length
      else {
        stream.discard = 0
        // §8.1: behind a complete response. One that is still on its way is not cut off; the reset follows it.
        if (!endStream && stream.state === "HalfClosedLocal") return this.reset(streamId, "NO_ERROR")
      }
      this.consume(stream, flowBytes)
    } else {
      if (bytes.length > 0) this.events.push(new Http2Event.RequestData(streamId, bytes))
      // Padding is taken at once: nobody else will.
      if (flowBytes > bytes.length) this.consume(stream, flowBytes - bytes.length)
    }
    if (endStream) this.end(stream, FieldSection.empty)
  }

  // --- the rest of what a peer sends ---------------------------------------------------------------------------

  private windowUpdate({ increment, streamId }: Frame.WindowUpdate): void {
    const { sender, streams } = this
    this.guard.earn("windowUpdates", 4 * (sender.dataFrames - this.creditedFrames))
    this.creditedFrames = sender.dataFrames
    if (this.spend("windowUpdates", streamId)) return
    if (streamId === 0) {
      if (increment === 0) return this.fail("ZeroConnectionIncrement")
      const window = FlowControl.increase(sender.window, increment)
      if (window === undefined) return this.fail("ConnectionWindowOverflow")
      const wasClosed = sender.window <= 0
      sender.window = window
      if (wasClosed) for (const stream of streams.open.values()) sender.schedule(stream)
      return
    }
    const verdict = StreamState.verdicts[streams.stateOf(streamId)].WindowUpdate
    if (verdict === "Ignore") {
      // The peer may have opened the window of each stream before it saw its end.
      if (increment === 0) this.spend("ignored", streamId)
      return
    }
    if (verdict !== "Accept") return this.failStream(streamId, verdict)
    if (increment === 0) return this.failStream(streamId, "ZeroWindowIncrement")
    const stream = streams.open.get(streamId) as Stream
    const window = FlowControl.increase(stream.sendWindow, increment)
    if (window === undefined) return this.failStream(streamId, "WindowOverflow")
    stream.sendWindow = window
    sender.schedule(stream)
  }

  private rstStream({ code, streamId }: Frame.RstStream): void {
    if (this.spend("resets", streamId)) return
    const verdict = StreamState.verdicts[this.streams.stateOf(streamId)].RstStream
    if (verdict === "Ignore") return
    if (verdict !== "Accept") return this.failStream(streamId, verdict)
    const stream = this.streams.open.get(streamId) as Stream
    this.events.push({ _tag: "StreamReset", streamId, code })
    this.move(stream, "ResetReceived")
  }

  private settings({ ack, entries }: Frame.Settings): void {
    if (this.spend("settings", 0)) return
    const { sender } = this
    if (ack) {
      if (!this.acknowledged) this.decoder.setTableBytes(this.limits.headerTableBytes)
      this.acknowledged = true
      return
    }
    // §6.5.3: each value in its order, and an acknowledgement behind the last.
    for (const entry of entries) {
      const settings = Settings.apply(this.peer, entry)
      if (Settings.isFault(settings)) return this.fail(settings.reason, 0, settings.detail)
      if (settings !== this.peer && !this.become(settings)) return
    }
    FrameEncoder.settingsAck(sender.writer)
  }

  // The peer has other settings now. Whether they can be honoured.
  private become(settings: Settings.Settings): boolean {
    const { sender } = this
    const change = settings.initialWindowSize - this.peer.initialWindowSize
    this.peer = settings
    // §6.9.2: the change holds for all streams, and may take a window below zero.
    if (change !== 0) {
      for (const stream of this.streams.open.values()) {
        const window = FlowControl.increase(stream.sendWindow, change)
        if (window === undefined) {
          this.fail("InvalidInitialWindow", stream.id)
          return false
        }
        stream.sendWindow = window
        sender.schedule(stream)
      }
    }
    sender.maxFrameBytes = settings.maxFrameSize
    // RFC 7541 §4.2: the smallest size on the way is announced, too.
    sender.encoder.setPeerTableBytes(settings.headerTableSize)
    return true
  }

  private ping({ ack, data }: Frame.Ping): void {
    if (this.spend("pings", 0)) return
    if (!ack) return FrameEncoder.ping(this.sender.writer, true, data)
    if (this.phase === "ShuttingDown" && data.every((octet, i) => octet === SHUTDOWN_PING[i])) {
      this.commitShutdown()
    }
  }

  private priorityUpdate({ prioritizedStreamId, value }: Frame.PriorityUpdate): void {
    if (this.spend("priorities", 0)) return
    // RFC 9218 §7.1.
    if (prioritizedStreamId % 2 === 0) return this.fail("InvalidPriorityUpdate", prioritizedStreamId)
    const stream = this.streams.open.get(prioritizedStreamId)
    const { urgency } = Priority.parse(value)
    // A stream in line keeps its place: the next frame goes by the new urgency.
    if (stream !== undefined) stream.urgency = urgency
    if (this.streams.stateOf(prioritizedStreamId) !== "Idle") return
    const { open, prioritized } = this.streams
    prioritized.set(prioritizedStreamId, urgency)
    if (prioritized.size + open.size > this.limits.concurrentStreams) {
      this.fail("TooManyPrioritized", prioritizedStreamId, String(this.limits.concurrentStreams))
    }
  }
}
