/**
 * The answer to a message that was refused: the status of its reason, and a problem document (RFC 9457) that
 * says what was wrong. The connection ends with it, since where the next message begins cannot be known.
 */
import { type Http1Error, ResponseEncoder, Status } from "@nvo/protocol"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as ConnectionState from "../ConnectionState.ts"
import * as ServerError from "../ServerError.ts"
import type { Connection } from "./connection.ts"

const problem = (error: Http1Error.Http1Error, status: number): string =>
  JSON.stringify({
    type: "about:blank",
    title: Status.reasonPhrase(status),
    status,
    detail: error.message,
    reason: error.reason._tag
  })
    // The body is written as one octet for each character.
    .replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** The answer to a body that was refused while the application read it, where the application has no other. */
export const bodyRefused = (error: Http1Error.Http1Error): HttpServerResponse.HttpServerResponse => {
  // A body that breaks off has no status of its own; a peer that ended its side only can still read one.
  const status = ServerError.statusOf(error) || 400
  return HttpServerResponse.text(problem(error, status), { status, contentType: "application/problem+json" })
}

/** Answers and ends the connection. */
export const refuse = (connection: Connection, error: Http1Error.Http1Error): Effect.Effect<void> => {
  const status = ServerError.statusOf(error)
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
    head._tag === "EncodedHead" ? connection.transport.write([head.text + body]) : connection.transport.reset
  return Effect.andThen(
    Effect.ignore(written),
    Effect.andThen(
      connection.endAndLinger(true),
      Effect.sync(() => connection.advance(ConnectionState.code.Finished))
    )
  )
}
