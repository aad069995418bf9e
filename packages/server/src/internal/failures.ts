/**
 * What is told of exchanges that do not end well, and of HTTP/1.1 connections: one place that decides what is an error,
 * whose, and what is none.
 */
import { WebSocketError } from "@nvo/protocol"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { causeResponseStripped } from "effect/http/HttpServerError"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import { isSocketError } from "effect/socket/Socket"
import type { ApplicationErrorReason } from "../ApplicationError.ts"
import type * as ServerError from "../ServerError.ts"
import * as TransportError from "../TransportError.ts"
import type { Connection } from "./connection.ts"
import type { Exchange } from "./exchange.ts"
import type { Http1Exchange } from "./http1Exchange.ts"

// A failure carries the response that it became as a defect, which says nothing about why.
const withoutResponse = (cause: Cause.Cause<unknown>): Cause.Cause<unknown> =>
  Option.getOrElse(causeResponseStripped(cause)[1], () => cause)

/** Whether a cause is the end of what an exchange was handed to, as applications see it. */
export const isClose = (cause: Cause.Cause<unknown>): boolean =>
  withoutResponse(cause).reasons.every(
    (reason) =>
      reason._tag === "Interrupt" ||
      (reason._tag === "Fail" &&
        ((isSocketError(reason.error) && reason.error.reason._tag === "SocketCloseError") ||
          WebSocketError.isWebSocketError(reason.error)))
  )

/** Tells why no more octets come, unless the peer ended where it may. */
export const reportEnd = (connection: Connection, cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  if (Pull.isDoneCause(cause)) {
    const { cut } = connection.incoming
    return cut === undefined ? Effect.void : connection.report(cut)
  }
  for (const reason of cause.reasons) {
    if (reason._tag === "Fail") return connection.report(reason.error as ServerError.ServerError)
  }
  return reportDefect(connection, cause)
}

/** Tells of a bug of the engine. */
export const reportDefect = (connection: Connection, cause: Cause.Cause<unknown>): Effect.Effect<void> =>
  connection.report(connection.applicationError({ _tag: "EngineDefect", cause }))

/**
 * What is told of an application that failed, over any HTTP: `undefined` where it did not fail, or why was told before.
 * `complete` is whether its response is out.
 */
export const failureOf = (
  exchange: Exchange,
  complete: boolean,
  cause: Cause.Cause<unknown>
): ApplicationErrorReason | undefined => {
  if (exchange.timedOut !== undefined) return undefined
  if (exchange.aborted) return { _tag: "ClientAborted" }
  // After a switch, how the peer closed is how applications learn that they are done.
  if (exchange.switched !== undefined && isClose(cause)) return undefined
  // A failure that says itself which response it is (404, 400…) is an answer, not an error of the server.
  if (exchange.status > 0 && exchange.status < 500 && complete) return undefined
  const _tag = exchange.status === 0 || complete ? "HandlerFailed" : "ResponseBodyFailed"
  exchange.observation?.fail(_tag)
  return { _tag, cause: withoutResponse(cause) }
}

/** Tells of an application that failed. */
export const reportFailure = (
  connection: Connection,
  exchange: Http1Exchange,
  cause: Cause.Cause<unknown>
): Effect.Effect<void> => {
  if (connection.isCut) return Effect.void
  // A peer that was reset because it took too little did not leave.
  if (exchange.aborted && connection.deadlines.stalled !== undefined) return Effect.void
  // The switch did not reach the peer, which is all that an application that wanted it can fail with.
  if (exchange.switched !== undefined && exchange.writeError !== undefined) {
    return connection.report(exchange.writeError)
  }
  const reason = failureOf(exchange, connection.phase === "Draining", cause)
  return reason === undefined ? Effect.void : connection.report(connection.applicationError(reason))
}

/** The application made its response to the end, and the peer did not get it. */
export const reportUndelivered = (connection: Connection, exchange: Http1Exchange): Effect.Effect<void> => {
  if (connection.deadlines.stalled !== undefined || connection.isCut) return Effect.void
  if (exchange.writeError !== undefined) return connection.report(exchange.writeError)
  if (connection.phase === "Draining") return Effect.void
  const cause = new Error("The peer had left before its response was made")
  return connection.report(TransportError.make({ _tag: "WriteFailed", cause }, connection.id))
}
