/**
 * How an exchange of HTTP/1.1 ends that did not simply end well, and how its connection does.
 */
import { ResponseEncoder } from "@nvo/protocol"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as ConnectionState from "../ConnectionState.ts"
import * as ServerError from "../ServerError.ts"
import type { Connection } from "./connection.ts"
import { reportEnd, reportFailure, reportUndelivered } from "./failures.ts"
import type { Http1Exchange } from "./http1Exchange.ts"
import { problem, type Refusal } from "./refusal.ts"
import { answerFailure } from "./responseWriter.ts"
import { ServerRequest } from "./serverRequest.ts"

/** What is left to do after an exchange that did not simply end well. Gives whether the connection goes on. */
export const conclude = Effect.fnUntraced(function* (
  self: Connection,
  exchange: Http1Exchange,
  failure: Cause.Cause<unknown> | undefined
) {
  if (exchange.bodyError !== undefined) yield* self.report(exchange.bodyError)
  if (exchange.timedOut !== undefined) yield* self.report(exchange.timedOut)
  if (failure !== undefined) {
    yield* reportFailure(self, exchange, yield* answerFailure(new ServerRequest(exchange), failure))
  } else if (exchange.aborted && exchange.switched === undefined) yield* reportUndelivered(self, exchange)
  self.observeEnd(exchange)
  if (exchange.switched !== undefined) return false
  if (exchange.aborted) {
    // A peer that has ended its side only can still read; see `abandon`.
    if (exchange.minorVersion === 0 && self.phase === "Responding") yield* self.transport.reset
    return false
  }
  // No complete response: the peer can tell by the way the connection ends.
  if (self.phase !== "Draining") {
    yield* abandon(self, exchange)
    return false
  }
  if (exchange.reading && exchange.timedOut === undefined) {
    // A fiber that the handler left behind waits for the body. It owns the octets that come, so none of them can
    // begin another request.
    yield* endAndLinger(self, false)
    return false
  }
  if (!exchange.bodyEnded && exchange.persistent && exchange.bodyError === undefined) {
    yield* drainBody(self, exchange)
    // A peer that left meanwhile has interrupted this fiber: no other handler can run in it.
    if (exchange.aborted) return false
  }
  if (exchange.bodyEnded && exchange.persistent) {
    self.reuse()
    return true
  }
  yield* endAndLinger(self, true)
  return false
})

// RFC 9112 §8: a body that ends with the connection would look complete; a reset tells. Other framings tell
// by themselves that something is missing, and an orderly end lets what was sent arrive.
const abandon = (self: Connection, exchange: Http1Exchange): Effect.Effect<void> => {
  if (exchange.status === 0 || (exchange.minorVersion === 0 && self.phase === "Responding")) {
    return self.transport.reset
  }
  self.advance(ConnectionState.code.Ended)
  return Effect.ignore(self.deadlines.sending(self.transport.end))
}

// What the application left unread is thrown away, up to a budget.
const drainBody = (self: Connection, exchange: Http1Exchange): Effect.Effect<void> => {
  const { deadlines, incoming, transport } = self
  const budget = exchange.bodyBytes + self.engine.config.drainBytes
  exchange.discarded = true
  const { framing } = exchange.head
  if (exchange.awaitsContinue || (framing._tag === "Length" && framing.length > budget)) return Effect.void
  const loop: Effect.Effect<void> = Effect.suspend(() => {
    incoming.takeBody(exchange)
    if (exchange.bodyEnded || exchange.bodyError !== undefined || exchange.bodyBytes > budget)
      return Effect.void
    deadlines.awaitBody(exchange)
    return Effect.matchCauseEffect(transport.pull, {
      onSuccess: (chunk) => {
        deadlines.bodyCame(exchange, chunk.length)
        incoming.feed(chunk)
        return loop
      },
      onFailure: (cause) => reportEnd(self, cause)
    })
  })
  return Effect.andThen(
    loop,
    Effect.suspend(() => (exchange.bodyError === undefined ? Effect.void : self.report(exchange.bodyError)))
  )
}

/**
 * Ends this side; where the peer may still be sending, goes on reading for a while (RFC 9112 §9.6). It may be sending
 * whatever it has said: a request that is on its way is answered by the operating system with a reset once nobody reads,
 * and the reset takes the response away from a peer that has not read it yet.
 */
export const endAndLinger = (self: Connection, peerMaySend: boolean): Effect.Effect<void> => {
  const { deadlines, transport } = self
  if (self.phase !== "Lingering") self.advance(ConnectionState.code.Ended)
  self.exchange = undefined
  const ended = Effect.ignore(deadlines.sending(transport.end))
  if (!peerMaySend) return ended
  const linger: Effect.Effect<void> = Effect.suspend(() =>
    deadlines.expired
      ? Effect.void
      : Effect.matchCauseEffect(transport.pull, {
          onSuccess: () => linger,
          onFailure: () => Effect.void
        })
  )
  return Effect.andThen(
    ended,
    Effect.suspend(() => {
      deadlines.armLinger()
      return linger
    })
  )
}

/** Answers a message that was refused, and ends the connection. */
export const refuse = (connection: Connection, error: Refusal): Effect.Effect<void> => {
  const status = ServerError.statusOf(error)
  connection.observeRefusal(error, status)
  if (status === 0) {
    connection.advance(ConnectionState.code.Finished)
    return connection.transport.reset
  }
  const body = problem(error, status)
  const head = ResponseEncoder.encodeHead(
    ResponseEncoder.unknownExchange(connection.id, error.requestIndex),
    {
      _tag: "ResponseHead",
      status,
      fields: { "content-type": "application/problem+json" },
      bodyLength: body.length
    },
    connection.engine.date()
  )
  connection.advance(ConnectionState.code.Refused)
  const written =
    head._tag === "EncodedHead"
      ? connection.deadlines.sending(connection.transport.write([head.text + body]))
      : connection.transport.reset
  return Effect.andThen(
    Effect.ignore(written),
    Effect.andThen(
      endAndLinger(connection, true),
      Effect.sync(() => connection.advance(ConnectionState.code.Finished))
    )
  )
}
