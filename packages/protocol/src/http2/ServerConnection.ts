/**
 * The server's side of one HTTP/2 connection, RFC 9113: octets and commands in, events and octets out.
 *
 * It owns everything that the protocol remembers: phases, streams, windows, tables of header compression and the
 * budgets against floods. It knows no sockets, clock or handlers: what it has to say stands in `takeOutput`, and
 * the time is told by whoever feeds it. The same octets and commands give the same events and octets, however the
 * octets were cut. A connection has one owner, and nothing that a peer sends makes a method throw.
 *
 * Whoever edits this: the states decide (`StreamState`, `ConnectionState`); a header block must be decoded whatever
 * becomes of its stream; and what was received must be given back to the windows on every path.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import * as Status from "../http/Status.ts"
import * as ErrorCode from "./ErrorCode.ts"
import * as FrameEncoder from "./frame/FrameEncoder.ts"
import type * as Http2Error from "./Http2Error.ts"
import type * as Http2Event from "./Http2Event.ts"
import * as Core from "./internal/core.ts"
import * as Receiving from "./internal/receiving.ts"
import * as ResponseFields from "./internal/responseFields.ts"

export type Options = Core.Options

/** The head of a final response. */
export interface ResponseHead {
  /** An integer from 200 to 599. */
  readonly status: number
  /** Names in any case. Fields of HTTP/1.1 connections are left out. */
  readonly fields: ResponseFields.Fields
  /** Octets of the body; `undefined` where it is not known before the end. */
  readonly bodyLength: number | undefined
  /** Whether a 2xx answer to CONNECT opens a tunnel. */
  readonly tunnel?: boolean | undefined
}

/** The client's connection preface, RFC 9113 §3.4. */
export const PREFACE = Receiving.PREFACE

/** Whether octets begin with the client's preface, may come to, or do not. */
export const matchPreface = (octets: Uint8Array): "Complete" | "Partial" | "None" => {
  for (let i = 0; i < PREFACE.length; i++) {
    if (i === octets.length) return "Partial"
    if (octets[i] !== PREFACE.charCodeAt(i)) return "None"
  }
  return "Complete"
}

const NOTHING = new Uint8Array(0)
const NO_STREAMS: ReadonlyArray<number> = []

/** See the module. */
export class ServerConnection extends Receiving.Receiving {
  /** Streams that are open. */
  get openStreams(): number {
    return this.streams.open.size
  }

  /** The streams that are answered, and whose requests, which nobody wants any more, go on: see `discard`. */
  get owing(): ReadonlySet<number> {
    return this.streams.owing
  }

  /** Whether nothing is to be done on any stream: there are none, or they are only owing. */
  get isAtRest(): boolean {
    return this.streams.open.size === this.streams.owing.size
  }

  /** Whether this side's settings are acknowledged; the driver decides how long that may take. */
  get isAcknowledged(): boolean {
    return this.acknowledged
  }

  /** Whether the peer's windows or frames hold nothing back that is ready to be sent. */
  get hasWork(): boolean {
    return this.sender.hasWork
  }

  /** The streams on which something waits for a window of the peer's to open, and how much. */
  get heldBack(): ReadonlyArray<{ readonly streamId: number; readonly octets: number }> {
    const held: Array<{ readonly streamId: number; readonly octets: number }> = []
    for (const stream of this.streams.open.values()) {
      if (stream.queued > 0 && !stream.scheduled) held.push({ streamId: stream.id, octets: stream.queued })
    }
    return held
  }

  /** Whether a response to the stream can still be sent. */
  canSend(streamId: number): boolean {
    return this.phase !== "Closed" && this.streams.open.get(streamId)?.isSending === true
  }

  /**
   * Sends an interim head: 100, or 102 to 199. Nothing is sent where the final head was or the stream is closed.
   * Gives what is wrong with the head, if anything is.
   */
  interim(
    streamId: number,
    status: number,
    fields: ResponseFields.Fields
  ): Http2Error.Http2Error | undefined {
    if (!Status.isInterim(status) || status === 101) {
      return this.makeError("InvalidInterimStatus", streamId, String(status))
    }
    const fault = ResponseFields.checkInterim(fields)
    if (fault !== undefined) return this.makeError(fault.reason, streamId, fault.detail)
    if (this.canSend(streamId) && this.streams.open.get(streamId)?.answered === false) {
      this.sender.block(streamId, status, false)
    }
    return undefined
  }

  /**
   * Sends the head of a final response. Gives how many octets the body will have (`undefined` if not known; with 0
   * the response is complete), or what is wrong with the head. `date` is the Date field's value, left out if the
   * fields have one or it is `undefined`.
   */
  respond(
    streamId: number,
    head: ResponseHead,
    date: string | undefined
  ): { readonly length: number | undefined } | Http2Error.Http2Error {
    const stream = this.streams.open.get(streamId)
    const method = stream?.method ?? "GET"
    const opensTunnel = method === "CONNECT" && head.status < 300
    if (opensTunnel && head.tunnel !== true) {
      return this.makeError("ConnectWithoutTunnel", streamId, String(head.status))
    }
    const checked = ResponseFields.checkHead(method, head.status, head.fields, head.bodyLength, date)
    if (ResponseFields.isFault(checked)) return this.makeError(checked.reason, streamId, checked.detail)
    if (stream === undefined || stream.answered || !this.canSend(streamId)) return checked
    stream.answered = true
    stream.tunnel = opensTunnel
    stream.remaining = checked.length ?? -1
    const ends = checked.length === 0
    this.sender.block(streamId, head.status, ends)
    if (ends) this.endSent(stream)
    return checked
  }

  /**
   * Queues octets of the body behind those that wait. They leave with `pump`. Gives what is wrong, if the body
   * becomes longer than was said.
   */
  send(streamId: number, bytes: Uint8Array): Http2Error.Http2Error | undefined {
    const stream = this.streams.open.get(streamId)
    if (stream === undefined || !stream.isSending || bytes.length === 0) return undefined
    if (stream.remaining !== -1) {
      if (bytes.length > stream.remaining) {
        return this.makeError(
          "ResponseTooLong",
          streamId,
          `${bytes.length - stream.remaining} octets too many`
        )
      }
      stream.remaining -= bytes.length
    }
    stream.queue.push(bytes)
    stream.queued += bytes.length
    this.sender.schedule(stream)
    return undefined
  }

  /** Ends the response behind what is queued, with trailers if there are any. */
  finish(streamId: number, trailers?: ResponseFields.Fields): Http2Error.Http2Error | undefined {
    const stream = this.streams.open.get(streamId)
    if (stream === undefined || !stream.isSending) return undefined
    if (stream.remaining > 0) {
      return this.makeError("ResponseTooShort", streamId, `${stream.remaining} octets missing`)
    }
    // §8.5: nothing but data goes through a tunnel.
    if (trailers !== undefined && !stream.tunnel) {
      const fault = ResponseFields.checkTrailers(trailers)
      if (fault !== undefined) return this.makeError(fault.reason, streamId, fault.detail)
      if (ResponseFields.names.length > 0) stream.trailers = trailers
    }
    stream.ending = true
    this.sender.schedule(stream)
    return undefined
  }

  /** How many octets wait on a stream for windows and for `pump`. */
  queuedOn(streamId: number): number {
    return this.streams.open.get(streamId)?.queued ?? 0
  }

  /** The application has taken octets of a body: the peer may send as many more. */
  consumed(streamId: number, bytes: number): void {
    const stream = this.streams.open.get(streamId)
    if (stream !== undefined) this.consume(stream, bytes)
  }

  /**
   * What is still to come of the request is not wanted. Up to `budget` octets of it are thrown away, then the
   * stream is reset with NO_ERROR (§8.1); with none, as soon as the response is complete.
   */
  discard(streamId: number, budget: number): void {
    const stream = this.streams.open.get(streamId)
    if (stream === undefined || !stream.isReceiving) return
    stream.discard = budget
    if (stream.isOwing) this.streams.owing.add(streamId)
    this.consume(stream, stream.held)
    if (stream.state === "HalfClosedLocal" && stream.isTooLong) this.reset(streamId, "NO_ERROR")
  }

  /** Sends what is queued, as far as the windows go and `room` octets or a frame more at the most. */
  pump(room: number): ReadonlyArray<number> {
    if (this.phase !== "Closed") this.sender.pump(room)
    if (this.flushed.length === 0) return NO_STREAMS
    const { flushed } = this
    this.flushed = []
    return flushed
  }

  /**
   * Tells the peer that the server will stop: GOAWAY for no stream in particular, and a PING behind it. Whatever the
   * peer opened until it knows is still served. Its answer to the PING commits the shutdown (§6.8).
   */
  shutdown(): void {
    if (this.phase !== "Open") return
    this.advance("ShutdownAnnounced")
    const { writer } = this.sender
    FrameEncoder.goAway(writer, Core.MAX_STREAM_ID, ErrorCode.toNumber("NO_ERROR"), NOTHING)
    FrameEncoder.ping(writer, false, Core.SHUTDOWN_PING)
  }

  /** Ends the connection with an error that the driver found: a deadline that passed, or TLS that is too weak. */
  abort(reason: Http2Error.ReasonTag, detail = ""): Http2Error.Http2Error | undefined {
    this.fail(reason, 0, detail)
    this.takeEvents()
    return this.error
  }

  /** Whether there is something to be written. */
  get hasOutput(): boolean {
    return !this.sender.writer.isEmpty
  }

  /** How many octets are to be written. */
  get outputBytes(): number {
    return this.sender.writer.length
  }

  /** What is to be written, in order. */
  takeOutput(): ReadonlyArray<Uint8Array> {
    return this.sender.writer.take()
  }
}

type Item = Http2Event.Http2Event | Http2Event.Output

// What the octets say, and behind it what is to be written. Data that is given on counts as taken: whoever runs the
// stream decides how fast.
const feed = (self: ServerConnection, chunks: ReadonlyArray<Uint8Array>): Array<Item> => {
  const items: Array<Item> = []
  for (const chunk of chunks) {
    for (const event of self.receive(chunk)) {
      items.push(event)
      if (event._tag === "RequestData") self.consumed(event.streamId, event.bytes.length)
    }
  }
  self.pump(Number.POSITIVE_INFINITY)
  if (self.hasOutput) items.push({ _tag: "Output", octets: self.takeOutput() })
  return items
}

/**
 * A connection as a transform of streams: what a peer sends to events, with what is to be written among them. Commands
 * may be given to the connection at any time; what they write comes with the next item. The stream fails with the
 * error of a connection that was refused, behind the GOAWAY that says so.
 *
 * @example
 * ```ts
 * import { Effect, Stream } from "effect"
 * import * as ServerConnection from "@nvo/protocol/http2/ServerConnection"
 *
 * const connection = new ServerConnection.ServerConnection()
 * const items = Stream.make(new TextEncoder().encode(ServerConnection.PREFACE)).pipe(
 *   ServerConnection.decode(connection)
 * )
 * // The server's SETTINGS, though nothing was asked for yet.
 * export const program = Effect.map(Stream.runCollect(items), (all) => all.map((item) => item._tag)) // ["Output"]
 * ```
 */
export const decode =
  (self: ServerConnection) =>
  <E, R>(octets: Stream.Stream<Uint8Array, E, R>): Stream.Stream<Item, E | Http2Error.Http2Error, R> =>
    Stream.transformPull(octets, (upstream) =>
      Effect.sync(() => {
        type Out = Pull.Pull<Arr.NonEmptyReadonlyArray<Item>, E | Http2Error.Http2Error>
        const pull: Out = Effect.suspend((): Out => {
          if (self.error !== undefined) return Effect.fail(self.error)
          return Effect.flatMap(upstream, (chunks) => {
            const items = feed(self, chunks)
            return Arr.isArrayNonEmpty(items) ? Effect.succeed(items) : pull
          })
        })
        const finish = (): Pull.Pull<never, Http2Error.Http2Error> =>
          self.error === undefined ? Cause.done() : Effect.fail(self.error)
        return Pull.catchDone(pull, finish)
      })
    )
