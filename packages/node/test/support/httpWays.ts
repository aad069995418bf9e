/**
 * One list of tests for every way to speak HTTP to a server: HTTP/1.1 and HTTP/2, each without TLS and with it, over
 * sockets of `node:net` and of a poller. A test is written with `Wire` and `serve` as its suite is given them, and what the
 * protocols do differently is in `expected`. What only HTTP/1.1 has is in files that say so by their names (`http1-*`).
 */
import * as Net from "node:net"
import * as Tls from "node:tls"
import { describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Gateway from "./gateway.ts"
import * as Certificate from "./peersCertificate.ts"
import type * as ReadResponse from "./ReadResponse.ts"
import { serve } from "./serve.ts"
import * as Wire from "./Wire.ts"
import * as Ways from "./ways.ts"

/** How a peer leaves while its request is handled, and what ends with it. */
export interface Departure {
  readonly name: string
  readonly leave: (wire: Wire.Wire) => Effect.Effect<void>
  readonly ends: "connection" | "stream"
  /** Whether it takes no more of the response: who has only ended its side may. */
  readonly isGone: boolean
}

export interface Way extends Ways.Way {
  /** `serve`, with what the way needs. */
  readonly serve: typeof serve
  readonly departures: ReadonlyArray<Departure>
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

const departures: ReadonlyArray<Departure> = [
  { name: "the end of its side", leave: (wire) => wire.finish, ends: "connection", isGone: false },
  { name: "leaving", leave: (wire) => wire.leave, ends: "connection", isGone: true },
  { name: "a reset", leave: (wire) => wire.reset, ends: "connection", isGone: true }
]

// What a Wire does not find on a socket.
class GatewayWire extends Wire.Wire {
  readonly cancel: Effect.Effect<void>

  constructor(near: Gateway.Near) {
    const { cancel, localPort, reset, socket } = near
    super(Object.assign(socket, { localPort, resetAndDestroy: reset }) as unknown as Net.Socket)
    this.cancel = Effect.sync(cancel)
  }
}

const cancelling: Departure = {
  name: "a reset of its stream",
  leave: (wire) => (wire as GatewayWire).cancel,
  ends: "stream",
  isGone: true
}

const throughGateway =
  (scheme: string): Way["Wire"]["connect"] =>
  (port) =>
    Effect.acquireRelease(
      Effect.map(
        Effect.tryPromise({
          try: () => Gateway.connect(`${scheme}://127.0.0.1:${port}`, { ca: Certificate.cert }),
          catch: (cause) => cause as Error
        }),
        (near): Wire.Wire => new GatewayWire(near)
      ),
      (wire) => wire.leave
    )

// A reset is one of TCP, under TLS.
const overTls: Way["Wire"]["connect"] = (port) =>
  Wire.opened(() => {
    const raw = Net.connect({ port, host: "127.0.0.1", allowHalfOpen: true })
    const socket = Tls.connect({ socket: raw, ca: Certificate.cert, servername: "localhost" })
    raw.on("error", (error) => socket.destroy(error))
    // `resetAndDestroy` would end the side first, and a peer that has seen the end does not look for a reset.
    const reset = () => void Object.assign(raw, { resetAndClosing: true }).destroy()
    return Object.assign(socket, { resetAndDestroy: reset }) as never
  }, "secureConnect")

const make = (way: Ways.Way): Way => {
  const { options, scheme, version } = way
  const connect =
    version === "2"
      ? throughGateway(scheme)
      : scheme === "https"
        ? overTls
        : (port: number) => Wire.connect(port)
  return {
    ...way,
    departures: version === "2" ? [...departures, cancelling] : departures,
    serve: (app, more) => serve(app, { ...options, ...more }),
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
  }
}

const ways = Ways.ways.map(make)

const over = (ways: ReadonlyArray<Way>, suite: (way: Way) => void): void => {
  for (const way of ways) describe(`over ${way.name}`, () => suite(way))
}

/** Runs a list of tests over every way. */
export const everyWay = (suite: (way: Way) => void): void => over(ways, suite)

/** Runs a list of tests over every way that speaks HTTP/1.1. */
export const everyHttp1Way = (suite: (way: Way) => void): void =>
  over(
    ways.filter(({ version }) => version === "1.1"),
    suite
  )
