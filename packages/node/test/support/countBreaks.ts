/**
 * Connections that break: what is sent, how far, what is awaited, and how the peer leaves, drawn from a seed.
 */

import { Duplex } from "node:stream"
import * as Tls from "node:tls"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Wire from "./Wire.ts"

/** A small generator of numbers below `n`, the same for the same seed (mulberry32). */
export const random = (seed: number): ((n: number) => number) => {
  let state = seed >>> 0
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % n
  }
}

export const leavings = ["reset", "end", "close"] as const
export type Leaving = (typeof leavings)[number]

export interface Break {
  readonly what: string
  readonly tls: boolean
  /** Sent in two pieces: up to `cut`, and nothing or all of the rest. */
  readonly octets: Buffer
  readonly cut: number
  /** What has come back before the peer leaves. */
  readonly awaits: string | number | undefined
  /** Whether the peer reads. */
  readonly reads: boolean
  readonly leaving: Leaving
}

const body = Buffer.alloc(3_000, 99)

export interface Shape {
  readonly octets: Buffer
  /** Whether all of it is sent, and the answer awaited. */
  readonly whole?: boolean
  readonly awaits?: string | number
  readonly reads?: boolean
}

const get = (target: string, fields: Readonly<Record<string, string>> = {}): Buffer =>
  Wire.request("GET", target, fields)

const chunkedTo = (target: string): Buffer =>
  Buffer.concat([
    Wire.request("POST", target, { "Transfer-Encoding": "chunked" }),
    Wire.chunked([body, body], "x: y\r\n")
  ])

export type Shapes = Readonly<Record<string, Shape>>

/** What can be under way over HTTP/1.1 when a connection breaks. */
export const shapes: Shapes = {
  "in a head": { octets: get("/", { Cookie: "a".repeat(200) }) },
  "in a body of known length that is read": { octets: Wire.request("POST", "/read", {}, body) },
  "in a chunked body that is read": { octets: chunkedTo("/slow-read") },
  "in a chunked body that is sent back": { octets: chunkedTo("/echo") },
  "in a body that waits for 100": { octets: Wire.request("POST", "/read", { Expect: "100-continue" }, body) },
  "in a body that nobody reads": { octets: Wire.request("POST", "/", {}, Buffer.alloc(200_000)) },
  "between two requests": { octets: Buffer.concat([get("/"), get("/")]) },
  "in the second of two requests": { octets: Buffer.concat([get("/"), chunkedTo("/read")]), whole: false },
  "while the handler runs": { octets: get("/hang"), whole: true, awaits: "/running" },
  "while the handler runs, a body behind it": { octets: chunkedTo("/hang") },
  "while a response streams": { octets: get("/endless"), whole: true, awaits: 100_000 },
  "while a response streams that nobody reads": { octets: get("/endless"), whole: true, reads: false },
  "while a response waits for its stream": { octets: get("/stuck"), whole: true, awaits: 4_000 },
  "while a large response is written": { octets: get("/large"), whole: true, awaits: 70_000 },
  "while a large response is written that nobody reads": { octets: get("/large"), whole: true, reads: false },
  "while upgraded": {
    octets: Buffer.concat([get("/upgrade", { Connection: "upgrade", Upgrade: "echo" }), Buffer.from("ping")]),
    whole: true,
    awaits: "ping"
  },
  "in a request to upgrade": { octets: get("/upgrade", { Connection: "upgrade", Upgrade: "echo" }) },
  "after a refusal": { octets: Buffer.from("GET / HTTP/7.0\r\n\r\n"), whole: true, awaits: "505" },
  ...Object.fromEntries(
    [
      "/fail",
      "/die",
      "/interrupt",
      "/bad-field",
      "/bad-length",
      "/bad-stream",
      "/bad-trailer",
      "/dying-stream"
    ].map((target) => [`after ${target}`, { octets: get(target), whole: true, awaits: "HTTP/1.1 " }])
  )
}

/** Draws one. */
export const draw = (next: (n: number) => number, shapes: Shapes, tls: boolean): Break => {
  const names = Object.keys(shapes)
  const name = names[next(names.length)]
  const shape = shapes[name]
  const reads = shape.reads ?? true
  // Half of what could be sent as a whole is cut as well.
  const whole = shape.whole === true && next(4) > 0
  const { octets } = shape
  return {
    what: name,
    tls,
    octets,
    cut: whole ? octets.length : next(octets.length + 1),
    awaits: whole && next(2) === 0 ? shape.awaits : undefined,
    reads,
    // A peer that does not read would not see the end either.
    leaving: reads ? leavings[next(3)] : leavings[next(2) * 2]
  }
}

/** How a peer leaves. One that ends its side stays until the server has ended, too. */
export const leave = (wire: Wire.Wire, leaving: Leaving): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (wire.closed) return
    if (leaving === "reset" && !(wire.socket instanceof Tls.TLSSocket)) return yield* wire.reset
    if (leaving !== "end") return yield* wire.leave
    // What still comes is not kept.
    wire.socket.removeAllListeners("data").resume()
    yield* wire.finish
    yield* wire.end
    yield* wire.leave
  })

/** Connects, sends, waits and leaves. */
export const run = (plan: Break, connect: Effect.Effect<Wire.Wire, Error, Scope.Scope>) =>
  Effect.scoped(
    Effect.gen(function* () {
      const wire = yield* connect
      if (!plan.reads) wire.socket.pause()
      if (plan.cut > 0) wire.sendUnsafe(plan.octets.subarray(0, plan.cut))
      const { awaits } = plan
      if (typeof awaits === "string") yield* wire.contains(awaits)
      else if (typeof awaits === "number") {
        yield* wire.until("octets", () => (wire.received.length >= awaits ? true : undefined))
      } else if (plan.cut % 2 === 0) yield* Effect.sleep(plan.cut % 5)
      yield* leave(wire, plan.leaving)
    })
  )

/** The first octets of a TLS handshake, as a client sends them. */
export const clientHello: Effect.Effect<Buffer> = Effect.callback((resume) => {
  const wire = new Duplex({
    read() {},
    write(chunk: Buffer) {
      resume(Effect.succeed(chunk))
      setImmediate(() => client.destroy())
    }
  })
  const client = Tls.connect({ socket: wire, servername: "localhost" })
  client.on("error", () => {})
})
