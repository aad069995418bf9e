/**
 * One list of tests for every way to speak HTTP to a server: HTTP/1.1 and HTTP/2, each without TLS and with it. A test is
 * written with `Wire` and `serve` as its suite is given them; what only HTTP/1.1 has is in files that say so by their
 * names (`http1-*`).
 */
import type * as Net from "node:net"
import { describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Gateway from "./gateway.ts"
import * as Certificate from "./peersCertificate.ts"
import type * as ReadResponse from "./ReadResponse.ts"
import { serve } from "./serve.ts"
import * as Wire from "./Wire.ts"

export interface Way {
  readonly name: "h1" | "h1 with TLS" | "h2c" | "h2 with TLS"
  readonly version: "1.1" | "2"
  /** `serve`, with what the way needs. */
  readonly serve: typeof serve
  readonly Wire: {
    readonly connect: (port: number) => Effect.Effect<Wire.Wire, Error, Scope.Scope>
    readonly exchange: (
      port: number,
      request: string | Uint8Array,
      method?: string
    ) => Effect.Effect<ReadResponse.ReadResponse, Error>
    readonly request: typeof Wire.request
    readonly chunked: typeof Wire.chunked
  }
}

const make = (
  name: Way["name"],
  version: Way["version"],
  tls: boolean,
  connect: Way["Wire"]["connect"]
): Way => ({
  name,
  version,
  serve: (app, options) => serve(app, tls ? { tls: Certificate, ...options } : options),
  Wire: {
    connect,
    exchange: (port, request, method) =>
      Effect.scoped(
        Effect.flatMap(connect(port), (wire) => {
          wire.sendUnsafe(request)
          return wire.response(method)
        })
      ),
    request: Wire.request,
    chunked: Wire.chunked
  }
})

const throughGateway =
  (scheme: "http" | "https"): Way["Wire"]["connect"] =>
  (port) =>
    Effect.acquireRelease(
      Effect.map(
        Effect.tryPromise({
          try: () => Gateway.connect(`${scheme}://127.0.0.1:${port}`, { ca: Certificate.cert }),
          catch: (cause) => cause as Error
        }),
        (near) => {
          // A reset of TCP is one of all streams, and then of the connection.
          const socket = Object.assign(near, { resetAndDestroy: () => near.destroy() })
          return new Wire.Wire(socket as unknown as Net.Socket)
        }
      ),
      (wire) => wire.leave
    )

/** Every way. */
export const ways: ReadonlyArray<Way> = [
  make("h1", "1.1", false, (port) => Wire.connect(port)),
  make("h1 with TLS", "1.1", true, (port) =>
    Effect.tap(
      Wire.connectTls({ port, host: "127.0.0.1", ca: Certificate.cert, servername: "localhost" }),
      ({ socket }) => Effect.sync(() => Object.assign(socket, { resetAndDestroy: () => socket.destroy() }))
    )
  ),
  make("h2c", "2", false, throughGateway("http")),
  make("h2 with TLS", "2", true, throughGateway("https"))
]

/** Runs a list of tests over every way. */
export const everyWay = (suite: (way: Way) => void): void => {
  for (const way of ways) describe(`over ${way.name}`, () => suite(way))
}
