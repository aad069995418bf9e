/**
 * Writes a response as HTTP/1.1: decides its head, writes it and its body, and keeps the body to its framing.
 *
 * A response whose body is at hand is written at once and gives a finished effect, which is what lets a request
 * be answered in the turn in which it came.
 */
import { type Latin1, ResponseEncoder, type ResponseEvent } from "@nvo/protocol"
import * as Effect from "effect/Effect"
import type { HttpServerError } from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import * as ConnectionState from "../ConnectionState.ts"
import * as Trailers from "../Trailers.ts"
import { TransportError } from "../TransportError.ts"
import type { Fields } from "./exchange.ts"
import type { Http1Exchange } from "./http1Exchange.ts"
import { cancelBody } from "./rawBody.ts"
import { bodyFailed, fieldsOf, responseError } from "./responseWriter.ts"

const encodeHead = (
  exchange: Http1Exchange,
  response: HttpServerResponse.HttpServerResponse,
  bodyLength: number | undefined,
  extra: Fields | undefined,
  streaming: boolean
): ResponseEncoder.EncodedHead | Error => {
  const { engine } = exchange.connection
  if (exchange.persistent && (!exchange.connection.goesOn || closesAfter(exchange, streaming))) {
    exchange.persistent = false
  }
  return ResponseEncoder.encodeHead(
    exchange,
    {
      _tag: "ResponseHead",
      status: response.status,
      reasonPhrase: response.statusText,
      fields: fieldsOf(exchange, response, extra),
      bodyLength
    },
    engine.date()
  )
}

// Said in the head while it still can be: a peer that waits for 100 may or may not send its body after this
// response, and a body larger than the budget will not be read to its end. A streaming response may read it.
const closesAfter = (exchange: Http1Exchange, streaming: boolean): boolean => {
  if (exchange.bodyEnded) return false
  // Behind a body that was refused nothing can be read: where the next message begins cannot be known.
  if (exchange.awaitsContinue || exchange.bodyError !== undefined) return true
  if (streaming) return false
  const { framing } = exchange.head
  return (
    // A fiber that the handler left behind owns the octets that come.
    exchange.reading ||
    (framing._tag === "Length" &&
      framing.length - exchange.bodyBytes > exchange.connection.engine.config.drainBytes)
  )
}

const commitHead = (exchange: Http1Exchange, status: number, head: ResponseEncoder.EncodedHead): void => {
  exchange.status = status
  exchange.persistent = head.persistent
  exchange.connection.advance(ConnectionState.code.HeadSent)
  exchange.connection.answered(exchange)
  if (status >= 500) exchange.observation?.tellSpan()
}

// More waits than the high-water mark allows: goes on when the peer has taken it.
const awaitPeer = ({ connection }: Http1Exchange): Effect.Effect<void, TransportError> =>
  connection.deadlines.sending(connection.transport.write([]))

// A response that could not be written is no failure of the application: the connection tells of it.
const written = (exchange: Http1Exchange, result: boolean | TransportError): Effect.Effect<void> => {
  if (result === true) return Effect.void
  const fail = (error: TransportError): void => exchange.failWrite(error)
  if (result === false) return Effect.catch(awaitPeer(exchange), (error) => Effect.sync(() => fail(error)))
  fail(result)
  return Effect.void
}

/** A response that cannot be encoded is answered with what its error says; the error stays in the channel. */
export const writeFailure = (
  exchange: Http1Exchange,
  request: HttpServerRequest,
  response: HttpServerResponse.HttpServerResponse,
  cause: Error
): Effect.Effect<never, HttpServerError> => {
  const status = "status" in cause && typeof cause.status === "number" ? cause.status : 500
  const fallback = encodeHead(exchange, HttpServerResponse.empty({ status }), 0, undefined, false)
  if (fallback instanceof Error) exchange.persistent = false
  else {
    commitHead(exchange, status, fallback)
    const result = exchange.connection.transport.writeUnsafe([fallback.text])
    if (result instanceof Error) exchange.aborted = true
    else exchange.connection.advance(ConnectionState.code.ResponseSent)
  }
  return Effect.andThen(cancelBody(response.body), Effect.fail(responseError(request, response, cause)))
}

/** See `Exchange`. */
export const writeWhole = (
  exchange: Http1Exchange,
  request: HttpServerRequest,
  response: HttpServerResponse.HttpServerResponse,
  length: number,
  body: Latin1.Octets
): Effect.Effect<unknown, HttpServerError> => {
  const head = encodeHead(exchange, response, length, undefined, false)
  if (head instanceof Error) return writeFailure(exchange, request, response, head)
  commitHead(exchange, response.status, head)
  const { connection } = exchange
  const omitted = head.framing._tag === "None" || length === 0
  if (!omitted) exchange.responseBytes = length
  const result = connection.transport.writeUnsafe(
    omitted ? [head.text] : typeof body === "string" ? [head.text + body] : [head.text, body]
  )
  if (!(result instanceof Error)) connection.advance(ConnectionState.code.ResponseSent)
  return written(exchange, result)
}

/** See `Exchange`. */
export const writeStream = (
  exchange: Http1Exchange,
  request: HttpServerRequest,
  response: HttpServerResponse.HttpServerResponse,
  length: number | undefined,
  stream: Stream.Stream<Uint8Array, unknown>,
  extra: Fields | undefined
): Effect.Effect<unknown, HttpServerError> => {
  const head = encodeHead(exchange, response, length, extra, true)
  if (head instanceof Error) return writeFailure(exchange, request, response, head)
  commitHead(exchange, response.status, head)
  const { transport } = exchange.connection
  const first = transport.writeUnsafe([head.text])
  if (first instanceof Error || HttpServerResponse.omitsBody(response) || exchange.method === "HEAD") {
    if (!(first instanceof Error)) exchange.connection.advance(ConnectionState.code.ResponseSent)
    return Effect.andThen(cancelBody(response.body), written(exchange, first))
  }

  let state = ResponseEncoder.afterHead(head)
  const send = (event: ResponseEvent.ResponseEvent, octets: Array<Latin1.Octets>): Error | undefined => {
    const step = ResponseEncoder.step(exchange, state, event)
    state = step.state
    for (const item of step.octets) octets.push(item)
    return state._tag === "Failed" ? state.error : undefined
  }
  const write = (octets: ReadonlyArray<Latin1.Octets>): Effect.Effect<void, Error> => {
    const result = transport.writeUnsafe(octets)
    if (result === true) return Effect.void
    return Effect.mapError(result === false ? awaitPeer(exchange) : Effect.fail(result), (error) => {
      // The peer has left, though its leaving was not told yet: the stream did not fail.
      if (error instanceof TransportError && error.reason._tag === "WriteFailed") {
        exchange.aborted = true
        exchange.observation?.fail("ClientAborted")
      }
      return error
    })
  }
  const finish = Effect.suspend((): Effect.Effect<void, Error> => {
    const trailers = Trailers.ofBody(response.body)
    return Effect.flatMap(trailers, (fields) => {
      const octets: Array<Latin1.Octets> = []
      const error = send({ _tag: "ResponseEnd", trailers: fields }, octets)
      if (error !== undefined) return Effect.fail(error)
      return Effect.andThen(
        octets.length === 0 ? Effect.void : write(octets),
        Effect.sync(() => exchange.connection.advance(ConnectionState.code.ResponseSent))
      )
    })
  })
  const pieces = Stream.runForEachArray(stream, (chunks): Effect.Effect<void, Error> => {
    const octets: Array<Latin1.Octets> = []
    for (const bytes of chunks) {
      const error = send({ _tag: "ResponseData", bytes }, octets)
      if (error !== undefined) return Effect.fail(error)
      exchange.responseBytes += bytes.length
    }
    return octets.length === 0 ? Effect.void : write(octets)
  })
  return Effect.andThen(pieces, finish).pipe(
    Effect.interruptible,
    Effect.catchCause((cause) => {
      // The head is out: the connection ends, so that the peer can tell (see `abandon` in `ending.ts`).
      exchange.persistent = false
      exchange.observation?.fail("ResponseBodyFailed")
      return bodyFailed(cause, request, response)
    })
  )
}
