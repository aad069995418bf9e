/** The WebSocket echo on `ws` over `node:http`, as its own documentation writes it: what nvo is compared with. */
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { NodeWS } from "@effect/platform-node"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { MESSAGE_BYTES } from "./ws.ts"

/** Serves until the Scope closes, and gives the port. */
export const serve = (
  port: number,
  host: string,
  deflate: boolean
): Effect.Effect<number, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Http.Server>((resume) => {
      const server = Http.createServer()
      const sockets = new NodeWS.WebSocketServer({
        server,
        maxPayload: MESSAGE_BYTES,
        perMessageDeflate: deflate
      })
      sockets.on("connection", (socket) => {
        socket.on("error", () => undefined)
        socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }))
      })
      server.listen(port, host, () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => void server.close().closeAllConnections())
  ).pipe(Effect.map((server) => (server.address() as AddressInfo).port))
