/** Echoes WebSocket messages, text and binary, on every path; other requests are answered with 426. */
import type { ServerConfig } from "@nvo/server"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"

/** The largest message that is echoed. */
export const MESSAGE_BYTES = 64 * 1024 * 1024

/** What the server is held to: messages of 64 MiB, whole or in pieces of any size. */
export const config = (deflate: boolean): ServerConfig.Input => ({
  webSocketMessageBytes: MESSAGE_BYTES,
  webSocketFrameBytes: MESSAGE_BYTES + 65_536,
  webSocketDeflate: deflate
})

const upgradeRequired = HttpServerResponse.text("This is a WebSocket server\n", {
  status: 426,
  headers: { upgrade: "websocket", connection: "Upgrade" }
})

const echo = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  if (request.headers.upgrade === undefined) return upgradeRequired
  const socket = yield* request.upgrade
  const reader = yield* socket.reader
  const writer = yield* socket.writer
  return yield* Effect.forever(Effect.flatMap(reader.pull, writer.writeAll), { disableYield: true }).pipe(
    Effect.catchTag("SocketError", () => Effect.succeed(HttpServerResponse.empty()))
  )
})

export const layer = HttpServer.serve(echo)
