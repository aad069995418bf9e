/**
 * `hello` as a plain handler of `node:http`, without any framework: what the servers are measured against.
 */
import * as Http from "node:http"
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
    server.closeAllConnections()
  })

/** Listens until the Scope closes; gives the port. */
export const serve = (port: number, host: string, tls: Certificate | undefined) =>
  Effect.acquireRelease(
    Effect.suspend(() =>
      listening(
        tls === undefined ? Http.createServer(hello) : Https.createServer({ ...tls }, hello),
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
