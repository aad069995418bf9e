/**
 * `hello` as a plain handler of `node:http`, without any framework: what the servers are measured against.
 */
import * as Http from "node:http"
import * as Http2 from "node:http2"
import * as Https from "node:https"
import * as Effect from "effect/Effect"
import { ServeError } from "effect/http/HttpServerError"
import type { Certificate } from "./selfSigned.ts"

const hello: Http.RequestListener = (request, response) => {
  const { method, url = "" } = request
  if (method === "GET" && url === "/") return answer(response, 200, "text/plain", "Hello, World!")
  const id = /^\/users\/([^/?]+)$/.exec(url)?.[1]
  if (method === "GET" && id !== undefined) {
    return answer(response, 200, "application/json", JSON.stringify({ id, name: `User ${id}` }))
  }
  if (method === "POST" && url === "/echo") {
    response.writeHead(200, {
      "content-type": request.headers["content-type"] ?? "application/octet-stream"
    })
    request.pipe(response)
    return
  }
  answer(response, 404, "text/plain", "")
}

const answer = (response: Http.ServerResponse, status: number, contentType: string, body: string): void => {
  response.writeHead(status, { "content-type": contentType, "content-length": Buffer.byteLength(body) })
  response.end(body)
}

const listening = (server: Http.Server, port: number, host: string) =>
  Effect.callback<Http.Server, ServeError>((resume) => {
    server.once("error", (cause) => resume(Effect.fail(new ServeError({ cause }))))
    server.listen(port, host, () => resume(Effect.succeed(server)))
  })

const closed = (server: Http.Server) =>
  Effect.callback<void>((resume) => {
    server.close(() => resume(Effect.void))
    // A server of node:http2 has none.
    server.closeAllConnections?.()
  })

/** Listens until the Scope closes; gives the port. With `h2c` it speaks HTTP/2 without TLS, and nothing else. */
export const serve = (port: number, host: string, tls: Certificate | undefined, h2c = false) =>
  Effect.acquireRelease(
    Effect.suspend(() =>
      listening(
        h2c
          ? // The compatibility API: the handler is the same.
            (Http2.createServer(
              hello as unknown as Parameters<typeof Http2.createServer>[0]
            ) as unknown as Http.Server)
          : tls === undefined
            ? Http.createServer(hello)
            : Https.createServer({ ...tls }, hello),
        port,
        host
      )
    ),
    closed
  ).pipe(
    Effect.map((server) => {
      const address = server.address()
      return typeof address === "object" && address !== null ? address.port : port
    })
  )
