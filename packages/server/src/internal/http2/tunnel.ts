/**
 * CONNECT over HTTP/2, RFC 9113 §8.5: the stream becomes a tunnel, and its data what is sent through it.
 *
 * The 200 is sent when the socket's reader is acquired. Releasing the reader's Scope ends this side of the stream.
 */
import { Http2Error, Latin1 } from "@nvo/protocol"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Headers from "effect/http/Headers"
import type { HttpServerError } from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Pull from "effect/Pull"
import type * as Socket from "effect/socket/Socket"
import type * as Transport from "../../Transport.ts"
import * as TransportError from "../../TransportError.ts"
import * as ConnectionSocket from "../connectionSocket.ts"
import * as Upgrade from "../upgrade.ts"
import type { Http2Exchange } from "./exchange.ts"

const concat = (chunks: ReadonlyArray<Uint8Array>): Uint8Array => {
  if (chunks.length === 1) return chunks[0]
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

// The stream as far as a socket needs a connection.
const connectionOf = (exchange: Http2Exchange): Pick<Transport.Connection, "pull" | "write" | "end"> => {
  const failed = (cause: unknown) =>
    TransportError.make({ _tag: "WriteFailed", cause }, exchange.connectionId)
  const pull: Transport.Connection["pull"] = Effect.suspend(
    (): Pull.Pull<Uint8Array, TransportError.TransportError> => {
      const data = exchange.takeBody()
      if (data.length > 0) return Effect.succeed(concat(data))
      if (exchange.bodyEnded) return Cause.done()
      if (exchange.isOver) {
        return Effect.fail(TransportError.make({ _tag: "ConnectionClosed" }, exchange.connectionId))
      }
      return Effect.andThen(exchange.awaitBody, pull)
    }
  )
  return {
    pull,
    write: (octets) =>
      Effect.suspend(() => Effect.mapError(exchange.write(octets.map(Latin1.toBytes)), failed)),
    end: Effect.suspend(() => Effect.mapError(exchange.finish(undefined), failed))
  }
}

/** `HttpServerRequest.upgradeWith` for a stream. */
export const open = (
  exchange: Http2Exchange,
  request: HttpServerRequest,
  headers: Headers.Headers
): Effect.Effect<Socket.Socket, HttpServerError> => {
  // RFC 9113 §8.6: there is no Upgrade; what would be one is an extended CONNECT (RFC 8441).
  if (exchange.method !== "CONNECT") {
    return Effect.fail(Upgrade.refused(request, "not an upgradeable ServerRequest"))
  }
  if (exchange.isWebSocket) return Upgrade.webSocketSocket(exchange, request, headers)
  const invalid = Upgrade.invalidHeader(headers)
  if (invalid !== undefined) return Effect.fail(Upgrade.misused(request, invalid))
  const opening = Effect.gen(function* () {
    if (!exchange.isUnanswered) {
      return yield* ConnectionSocket.openError(
        new Error("The exchange has ended or has been upgraded before")
      )
    }
    const head = exchange.connection.machine.respond(
      exchange.streamId,
      { status: 200, fields: headers, bodyLength: undefined, tunnel: true },
      exchange.engine.date()
    )
    if (head instanceof Http2Error.Http2Error) return yield* ConnectionSocket.openError(head)
    exchange.switched = HttpServerResponse.empty({ status: 200, headers })
    exchange.commit(200)
  })
  return Effect.succeed(ConnectionSocket.make(connectionOf(exchange), opening, () => undefined))
}
