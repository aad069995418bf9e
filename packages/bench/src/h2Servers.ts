/**
 * The servers of the HTTP/2 benchmark: `h2Servers.ts nvo|platform-node|node-http2 PORT CERTIFICATE`, where the certificate
 * is a file of `{ cert, key }` in JSON, or `-` for none: HTTP/2 by ALPN, or with prior knowledge.
 *
 * `GET /` is a text, `GET /download` 100 MiB in pieces of 64 KiB, `POST /upload` counts what comes, `POST /echo` streams it
 * back.
 */
import { readFileSync } from "node:fs"
import type { Server } from "node:http"
import * as Http2 from "node:http2"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { NvoServer } from "@nvo/node"
import { Effect, Layer } from "effect"
import { HttpRouter } from "effect/http"
import * as Hello from "./hello.ts"
import * as App from "./measure/App.ts"
import type { Certificate } from "./selfSigned.ts"

const [name, portText, certificate] = process.argv.slice(2)
const where = { port: Number(portText), host: "127.0.0.1" }
const tls: Certificate | undefined =
  certificate === "-" ? undefined : JSON.parse(readFileSync(certificate, "utf8"))

const http2 = () => (tls === undefined ? Http2.createServer() : Http2.createSecureServer({ ...tls }))

function* pieces() {
  for (let i = 0; i < App.PIECES; i++) yield App.PIECE
}

// The compatibility API, which looks like node:http's.
const handle = async (request: Http2.Http2ServerRequest, response: Http2.Http2ServerResponse) => {
  switch (request.url) {
    case "/": {
      const text = "Hello, World!"
      response.writeHead(200, { "content-type": "text/plain", "content-length": text.length })
      return response.end(text)
    }
    case "/download":
      response.writeHead(200, { "content-type": "application/octet-stream" })
      return pipeline(Readable.from(pieces()), response)
    case "/upload": {
      let bytes = 0
      for await (const chunk of request) bytes += chunk.length
      response.writeHead(200, { "content-type": "application/json" })
      return response.end(JSON.stringify({ bytes }))
    }
    case "/echo":
      response.writeHead(200, { "content-type": "application/octet-stream" })
      return pipeline(request, response)
  }
  response.writeHead(404)
  return response.end()
}

const bare = Effect.callback<never>(() => {
  const server = http2()
  server.on("request", (request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  server.listen(where.port, where.host)
})

const app = HttpRouter.serve(Layer.merge(App.plain(App.fold), HttpRouter.add("POST", "/echo", Hello.echo)), {
  disableLogger: true,
  disableListenLog: true
})

const program =
  name === "node-http2"
    ? bare
    : Layer.launch(
        name === "nvo"
          ? Layer.provide(app, NvoServer.layer({ ...where, tls }))
          : // The compatibility API of node:http2 has what the server asks of one of node:http.
            Layer.provide(
              app,
              NodeHttpServer.layer(() => http2() as unknown as Server, where)
            )
      )

NodeRuntime.runMain(program)
