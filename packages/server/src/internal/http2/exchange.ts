/**
 * An exchange of HTTP/2: a stream of its connection, which has others at the same time.
 *
 * Its fiber runs the handler. What comes for it waits here until the handler takes it, and only then may the peer
 * send as much again; what the handler writes waits in the protocol until the peer's windows and the transport take
 * it, and a stream of a response is suspended meanwhile.
 */
import { Http2Error, type Http2RequestHead, Latin1 } from "@nvo/protocol"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Headers from "effect/http/Headers"
import { ClientAbort, type HttpServerError } from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import { Deadline } from "../../Deadlines.ts"
import * as Trailers from "../../Trailers.ts"
import type * as TransportError from "../../TransportError.ts"
import type { ProtocolVersion } from "../../telemetry/HttpMetrics.ts"
import { Exchange, type Fields } from "../exchange.ts"
import { toHeaders } from "../fields.ts"
import * as Pace from "../pace.ts"
import { cancelBody } from "../rawBody.ts"
import { bodyFailed, fieldsOf, responseError } from "../responseWriter.ts"
import type { Http2Connection } from "./connection.ts"
import { Pieces } from "./pieces.ts"
import * as StreamCarrier from "./streamCarrier.ts"
import * as Tunnel from "./tunnel.ts"

const NOBODY: Array<Resume> = []

// What :protocol stands for.
const HANDSHAKE = { connection: "Upgrade", upgrade: "websocket" }

type Resume = (effect: Effect.Effect<void>) => void

/** See the module. */
export class Http2Exchange extends Exchange {
  readonly connection: Http2Connection
  override readonly head: Http2RequestHead.RequestHead
  /** Runs the handler: there from when it begins, before which nothing happens here. */
  fiber!: Fiber.Fiber<unknown, unknown>
  /** Whether the response is complete, as far as the application is concerned. */
  complete = false
  /** Whether nothing comes for it any more that anybody wants. */
  isOver = false
  private readonly inbox = new Pieces()
  private inputEnded: boolean
  private onBody: Resume | undefined = undefined
  private onFlushed: Array<Resume> = NOBODY
  /** The octets of the WebSocket that it has become, if it has. */
  carrier: StreamCarrier.StreamCarrier | undefined = undefined
  private bodyDeadline: Deadline | undefined = undefined
  private handlerDeadline: Deadline | undefined = undefined
  private handlerMillis = 0

  constructor(connection: Http2Connection, head: Http2RequestHead.RequestHead, requestIndex: number) {
    super(connection.engine, connection.transport, head, requestIndex)
    this.connection = connection
    this.head = head
    this.inputEnded = this.bodyEnded
    const { deadlines, telemetry } = connection.engine
    this.observation = telemetry?.begin(this, deadlines.now())
  }

  get streamId(): number {
    return this.head.streamId
  }

  get version(): ProtocolVersion {
    return "2"
  }

  get authority(): string | undefined {
    return this.head.authority
  }

  // RFC 9113 §8.3.1: what takes the request for one of HTTP/1.1 finds the authority in Host, whatever Host said.
  makeHeaders(): Headers.Headers {
    const headers = toHeaders(this.head.fields)
    const { authority } = this.head
    const hosted = headers.host === authority ? headers : Headers.set(headers, "host", authority)
    return this.isWebSocket ? Headers.setAll(hosted, HANDSHAKE) : hosted
  }

  // RFC 8441 §5: over HTTP/2, CONNECT stands where the handshake has GET. Routes and apps that look for a handshake are
  // the same for both.
  override get seenMethod(): string {
    return this.isWebSocket ? "GET" : this.head.method
  }

  // What a tunnel ends with that does not end in order, as a connection of TCP that is reset: RFC 9113 §8.5, RFC 8441 §4.
  get tunnelError(): "CONNECT_ERROR" | "CANCEL" {
    return this.head.protocol === undefined ? "CONNECT_ERROR" : "CANCEL"
  }

  /** Whether the request is the handshake of a WebSocket. */
  get isWebSocket(): boolean {
    const { protocol } = this.head
    return protocol !== undefined && protocol.toLowerCase() === "websocket"
  }

  // --- the body of the request ---

  /** Octets of the body have come. */
  offer(bytes: Uint8Array): void {
    if (this.carrier !== undefined) return this.carrier.offer(bytes)
    this.inbox.push(bytes)
    this.resumeReader(bytes.length)
  }

  /** The body has ended. */
  endBody(trailers: Exchange["trailers"]): void {
    this.inputEnded = true
    this.trailers = trailers
    if (this.carrier !== undefined) this.carrier.endInput()
    else this.resumeReader(0)
  }

  /**
   * The peer does not want the answer any more, or cannot have it: the application is interrupted. With an error nothing
   * comes any more either.
   */
  interrupt(error?: TransportError.TransportError): void {
    this.aborted = true
    this.observation?.fail("ClientAborted")
    if (error !== undefined) this.close(error)
    this.fiber.interruptUnsafe(undefined, ClientAbort.annotation)
  }

  /** Nothing more comes: whoever waits is told. */
  close(error: TransportError.TransportError): void {
    this.isOver = true
    if (this.carrier !== undefined) return this.carrier.lose(error)
    this.resumeReader(0)
    this.hasFlushed()
  }

  private resumeReader(octets: number): void {
    const { onBody } = this
    if (onBody === undefined) return
    this.onBody = undefined
    this.reading = false
    if (this.pace !== undefined) {
      const { config, deadlines, millis } = this.engine
      Pace.progress(this.pace, deadlines.now(), octets, millis.body, config.bodyRate)
    }
    this.bodyDeadline?.disarm()
    onBody(Effect.void)
  }

  takeBody(): Array<Uint8Array> {
    const data = this.inbox.take()
    let taken = 0
    for (const bytes of data) taken += bytes.length
    if (taken > 0) {
      this.bodyBytes += taken
      // Flow control is backpressure: what was taken may come again.
      this.connection.machine.consumed(this.streamId, taken)
      this.connection.output.flushSoon()
    }
    if (this.inputEnded) this.bodyEnded = true
    return data
  }

  readonly awaitBody: Pull.Pull<void, TransportError.TransportError> = Effect.callback((resume) => {
    if (this.onBody !== undefined) return resume(Effect.die(new Error("Two fibers read one request body")))
    if (!this.inbox.isEmpty || this.inputEnded || this.isOver || this.bodyError !== undefined) {
      return resume(Effect.void)
    }
    const { deadlines, millis } = this.engine
    this.onBody = resume
    // What goes through a tunnel has no rate.
    if (this.switched !== undefined) return this.stopWaiting
    this.reading = true
    this.pace ??= Pace.make(millis.body)
    this.bodyDeadline ??= new Deadline(deadlines, () => {
      this.bodyError = this.connection.deadlineError({ _tag: "BodyTimeout", after: millis.body }, this)
      this.resumeReader(0)
    })
    this.bodyDeadline.armAt(Pace.wait(this.pace, deadlines.now()))
    return this.stopWaiting
  })

  private get stopWaiting(): Effect.Effect<void> {
    return Effect.sync(() => {
      this.onBody = undefined
      this.reading = false
      this.bodyDeadline?.disarm()
    })
  }

  sendContinue(): void {
    this.awaitsContinue = false
    if (this.status !== 0 || this.bodyBytes > 0) return
    this.connection.machine.interim(this.streamId, 100, {})
    this.connection.output.flushSoon()
  }

  // --- the handler ---

  limitHandler(millis: number): void {
    if (this.isOver || this.status !== 0) return
    this.handlerMillis = millis
    this.handlerDeadline ??= new Deadline(this.engine.deadlines, () => {
      if (!this.isUnanswered) return
      const reason = { _tag: "HandlerTimeout", after: this.handlerMillis } as const
      this.timedOut = this.connection.deadlineError(reason, this)
      this.fiber.interruptUnsafe()
    })
    if (millis === 0) this.handlerDeadline.disarm()
    else this.handlerDeadline.arm(millis)
  }

  /** The head of the response is on its way: the request is not in flight any more. */
  answered(): void {
    this.handlerDeadline?.release()
    if (!this.inFlight) return
    this.inFlight = false
    this.engine.overload.leave()
  }

  /** The handler is done: nothing of it is left on the wheel, and a reader that it left behind waits for nothing. */
  dispose(): void {
    this.isOver = true
    if (this.carrier === undefined) this.resumeReader(0)
    this.handlerDeadline?.release()
    this.bodyDeadline?.release()
  }

  // --- the response ---

  private respond(
    response: HttpServerResponse.HttpServerResponse,
    bodyLength: number | undefined,
    extra: Fields | undefined
  ): { readonly length: number | undefined } | Http2Error.Http2Error {
    const { connection } = this
    const head = connection.machine.respond(
      this.streamId,
      { status: response.status, fields: fieldsOf(this, response, extra), bodyLength },
      this.engine.date()
    )
    if (!(head instanceof Http2Error.Http2Error)) this.commit(response.status)
    return head
  }

  /** The head was sent. */
  commit(status: number): void {
    this.status = status
    this.answered()
    if (status >= 500) this.observation?.tellSpan()
    this.connection.output.flushSoon()
  }

  writeWhole(
    request: HttpServerRequest,
    response: HttpServerResponse.HttpServerResponse,
    length: number,
    body: Uint8Array | string
  ): Effect.Effect<unknown, HttpServerError> {
    const head = this.respond(response, length, undefined)
    if (head instanceof Http2Error.Http2Error) return this.writeFailure(request, response, head)
    this.complete = true
    if (head.length === 0) return Effect.void
    const { machine } = this.connection
    this.responseBytes = length
    const error =
      machine.send(this.streamId, typeof body === "string" ? Latin1.encode(body) : body) ??
      machine.finish(this.streamId)
    if (error === undefined) return Effect.void
    this.complete = false
    return Effect.fail(responseError(request, response, error))
  }

  writeStream(
    request: HttpServerRequest,
    response: HttpServerResponse.HttpServerResponse,
    length: number | undefined,
    stream: Stream.Stream<Uint8Array, unknown>,
    extra: Fields | undefined
  ): Effect.Effect<unknown, HttpServerError> {
    const head = this.respond(response, length, extra)
    if (head instanceof Http2Error.Http2Error) return this.writeFailure(request, response, head)
    if (head.length === 0) {
      this.complete = true
      return cancelBody(response.body)
    }
    const pieces = Stream.runForEachArray(stream, (chunks) => this.write(chunks))
    const finish = Effect.suspend(() =>
      Effect.flatMap(Trailers.ofBody(response.body), (fields) => this.finish(fields))
    )
    return Effect.andThen(pieces, finish).pipe(
      Effect.interruptible,
      Effect.catchCause((cause) => {
        // The head is out: the stream is reset, so that the peer can tell.
        this.observation?.fail("ResponseBodyFailed")
        return bodyFailed(cause, request, response)
      })
    )
  }

  /** Writes octets of the body, and waits while too many of them wait. */
  write(chunks: ReadonlyArray<Uint8Array>): Effect.Effect<void, Error> {
    const { connection, streamId } = this
    const { machine } = connection
    for (const bytes of chunks) {
      const error = machine.send(streamId, bytes)
      if (error !== undefined) return Effect.fail(error)
      this.responseBytes += bytes.length
    }
    connection.output.flushSoon()
    return machine.queuedOn(streamId) < connection.engine.config.http2QueueBytes ? Effect.void : this.flushed
  }

  /** Ends the response. */
  finish(trailers: Fields | undefined): Effect.Effect<void, Error> {
    const error = this.connection.machine.finish(this.streamId, trailers)
    if (error !== undefined) return Effect.fail(error)
    this.complete = true
    this.connection.output.flushSoon()
    return Effect.void
  }

  /** Everything that was written has left, or never will. */
  hasFlushed(): void {
    this.carrier?.hasFlushed()
    const { onFlushed } = this
    this.onFlushed = NOBODY
    for (const resume of onFlushed) resume(Effect.void)
  }

  /** Waits until everything that was written has left, or never will. Of a tunnel, several may wait. */
  readonly flushed: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.connection.machine.queuedOn(this.streamId) === 0) return resume(Effect.void)
    this.onFlushed = [...this.onFlushed, resume]
    return Effect.sync(() => {
      this.onFlushed = this.onFlushed.filter((other) => other !== resume)
    })
  })

  writeFailure(
    request: HttpServerRequest,
    response: HttpServerResponse.HttpServerResponse,
    cause: Error
  ): Effect.Effect<never, HttpServerError> {
    const status = "status" in cause && typeof cause.status === "number" ? cause.status : 500
    const fallback = this.respond(HttpServerResponse.empty({ status }), 0, undefined)
    if (!(fallback instanceof Http2Error.Http2Error)) this.complete = true
    return Effect.andThen(cancelBody(response.body), Effect.fail(responseError(request, response, cause)))
  }

  interim(status: number, fields: Fields): Effect.Effect<void, Error> {
    const error = this.connection.machine.interim(this.streamId, status, fields)
    if (error !== undefined) return Effect.fail(error)
    this.connection.output.flushSoon()
    return Effect.void
  }

  upgrade(request: HttpServerRequest, headers: Headers.Headers) {
    return Tunnel.open(this, request, headers)
  }

  takeOver(fields: Fields) {
    return StreamCarrier.takeOver(this, fields)
  }

  /** From here on, what comes is what is said through the stream. */
  carry(): StreamCarrier.StreamCarrier {
    this.carrier ??= new StreamCarrier.StreamCarrier(this, this.inbox, this.inputEnded)
    return this.carrier
  }
}
