/** Connections that are closed from here: by the registry, and with their server, whatever they were doing. */
import { assert, describe, it } from "@effect/vitest"
import type { NvoServer } from "@nvo/node"
import type { ConnectionState } from "@nvo/server"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Count from "./support/countAll.ts"
import { app } from "./support/countApp.ts"
import * as Http2 from "./support/countBreaksHttp2.ts"
import { get as getOf, post as postOf } from "./support/http2Wire.ts"
import * as Certificate from "./support/peersCertificate.ts"
import { connectionOf, infoOf, peer, poll, quiet } from "./support/rawServer.ts"
import { type Running, serve } from "./support/serve.ts"
import * as Wire from "./support/Wire.ts"

interface Standing {
  readonly phase: ConnectionState.Phase
  readonly octets: Buffer
  /** What comes before the connection stands there. */
  readonly awaits?: string
  readonly reads?: boolean
}

const get = (target: string, fields: Readonly<Record<string, string>> = {}) =>
  Wire.request("GET", target, fields)

type Standings = Readonly<Record<string, Standing>>

/** A connection in each phase, and more than one where there is more than one thing to wait for. */
const standings: Standings = {
  "before the first request": { phase: "Idle", octets: Buffer.alloc(0) },
  "between two requests": { phase: "Idle", octets: get("/"), awaits: "hello" },
  "in a head": { phase: "Reading", octets: Buffer.from("GET / HT") },
  "in a handler": { phase: "Handling", octets: get("/hang"), awaits: "/running" },
  "in a body that is read": {
    phase: "Handling",
    octets: Buffer.from("POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
  },
  "in a stream that waits": { phase: "Responding", octets: get("/stuck"), awaits: "1000\r\n" },
  "in a stream that is read": { phase: "Responding", octets: get("/endless"), awaits: "1000\r\n" },
  "in a stream that nobody reads": { phase: "Responding", octets: get("/endless"), reads: false },
  "in a large response that nobody reads": { phase: "Draining", octets: get("/large"), reads: false },
  "in a body that is thrown away": {
    phase: "Draining",
    octets: Buffer.from("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"),
    awaits: "hello"
  },
  "after a refusal": { phase: "Lingering", octets: Buffer.from("GET / HTTP/7.0\r\n\r\n"), awaits: "505" },
  upgraded: {
    phase: "Upgraded",
    octets: Buffer.concat([get("/upgrade", { Connection: "upgrade", Upgrade: "echo" }), Buffer.from("ping")]),
    awaits: "ping"
  }
}

const greeted = (phase: Standing["phase"], awaits: string, ...octets: ReadonlyArray<Buffer>): Standing => ({
  phase,
  octets: Http2.greeting(...octets),
  awaits
})

const unread = (...octets: ReadonlyArray<Buffer>): Standing => ({
  phase: "Handling",
  octets: Http2.greeting(...octets),
  reads: false
})

/** The same of a connection of HTTP/2, which handles as long as one of its streams is open. */
const standingsHttp2: Standings = {
  "behind its greeting": greeted("Idle", Http2.SETTINGS_ACK),
  "between two requests": greeted("Idle", "hello", Http2.headers(1, getOf())),
  "in a handler": greeted("Handling", Http2.ANSWER, Http2.headers(1, getOf("/hang"))),
  "in a body that is read": {
    phase: "Handling",
    octets: Http2.greeting(Http2.headers(1, postOf("/read"), false), Http2.data(1, 3, false))
  },
  "in a stream that waits": greeted("Handling", "a".repeat(4_096), Http2.headers(1, getOf("/stuck"))),
  "in a stream that is read": greeted("Handling", "a".repeat(4_096), Http2.headers(1, getOf("/endless"))),
  "in a stream that nobody reads": unread(Http2.headers(1, getOf("/endless"))),
  "in a large response that nobody reads": unread(Http2.headers(1, getOf("/large"))),
  "in a response that waits for its window": {
    phase: "Handling",
    octets: Http2.narrow(Http2.headers(1, getOf("/large"))),
    awaits: Http2.ANSWER
  },
  "in several streams": greeted(
    "Handling",
    "hello",
    ...["/hang", "/stuck", "/endless", "/"].map((path, i) => Http2.headers(2 * i + 1, getOf(path)))
  ),
  "with a WebSocket": greeted("Handling", "ping", Http2.webSocket(1, "/upgrade")),
  "in a body that is thrown away": greeted(
    "Idle",
    "hello",
    Http2.headers(1, postOf("/"), false),
    Http2.data(1, 3, false)
  ),
  "after an error": greeted("Lingering", Http2.GOAWAY, Http2.headers(2, getOf()))
}

/** Brings a connection to where it shall stand. */
const stand = Effect.fnUntraced(function* (
  server: Running,
  connect: Effect.Effect<Wire.Wire, Error, Scope.Scope>,
  { awaits, octets, phase, reads }: Standing
) {
  const wire = yield* connect
  if (reads === false) wire.socket.pause()
  if (octets.length > 0) wire.sendUnsafe(octets)
  if (awaits !== undefined) yield* wire.contains(awaits)
  yield* poll(
    `a connection in ${phase}`,
    Effect.map(infoOf(server, wire), (info) => (info?.phase === phase ? true : undefined))
  )
  // What comes from here on is not looked at.
  if (reads !== false) wire.socket.removeAllListeners("data").resume()
  return wire
})

const serving = Effect.fnUntraced(function* (options: NvoServer.Options = {}, protocol = "http/1.1") {
  const requests = new Count.Counter()
  const fibers = new Count.Counter()
  const server = yield* Count.countingFibers(fibers)(
    serve(app(requests), { lingerTimeout: "1 hour", drainTimeout: "50 millis", ...options })
  )
  const connect = peer(server, options, protocol)
  return { server, connect, requests, fibers, connections: server.connections.count }
})

/** Waits until the server has left, though the peer may not have been reading. */
const left = (wire: Wire.Wire): Effect.Effect<boolean> => {
  wire.socket.removeAllListeners("data").resume()
  return wire.end
}

const transports = [
  ["TCP", {}],
  ["TLS", { tls: Certificate }]
] as const

const nobody: Count.Counted = {
  fibers: new Count.Counter(),
  requests: new Count.Counter(),
  connections: Effect.succeed(0)
}

const all = {
  "http/1.1": { name: "HTTP/1.1", standings },
  h2: { name: "HTTP/2", standings: standingsHttp2 }
}

for (const [protocol, { name, standings }] of Object.entries(all)) {
  describe(`Connections.close over ${name}`, () => {
    for (const [name, standing] of Object.entries(standings)) {
      it.live(`ends a connection ${name}`, () =>
        Effect.gen(function* () {
          const { connect, server, ...subject } = yield* serving()
          const before = yield* Count.settled(subject)
          yield* Effect.scoped(
            Effect.gen(function* () {
              const wire = yield* stand(server, connect, standing)
              const id = yield* connectionOf(server, wire)
              assert.isTrue(yield* server.connections.close(id))
              // The peer does nothing to help: it neither reads nor leaves.
              yield* poll(
                "an empty registry",
                Effect.map(subject.connections, (count) => (count === 0 ? true : undefined))
              )
              assert.isFalse(yield* server.connections.close(id))
              yield* left(wire)
            })
          )
          assert.deepStrictEqual(yield* Count.returned(subject, before), before)
        }).pipe(quiet)
      )
    }
  })

  describe(`a server of ${name} that is closed`, () => {
    for (const [transport, options] of transports) {
      it.live(`leaves nothing of connections in any phase, by ${transport}`, () =>
        Effect.gen(function* () {
          const before = yield* Count.settled(nobody)
          const scope = yield* Scope.make()
          const { connect, server, ...subject } = yield* Scope.provide(serving(options, protocol), scope)
          yield* Effect.scoped(
            Effect.gen(function* () {
              const wires = yield* Effect.forEach(Object.values(standings), (standing) =>
                stand(server, connect, standing)
              )
              assert.strictEqual(yield* subject.connections, wires.length)
              const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
              yield* Effect.forEach(wires, left, { concurrency: "unbounded" })
              yield* Fiber.join(closing)
            })
          )
          assert.deepStrictEqual(yield* Count.returned(subject, before), before)
          assert.strictEqual(subject.requests.ended, subject.requests.started)
          assert.strictEqual(subject.fibers.ended, subject.fibers.started)
          assert.notProperty(Count.tally(server.errors), "EngineDefect")
        }).pipe(quiet)
      )
    }

    it.live("closes at drainTimeout though no peer reads or leaves", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const { connect, server, ...subject } = yield* Scope.provide(serving(), scope)
        yield* Effect.forEach(Object.values(standings), (standing) => stand(server, connect, standing))
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(yield* subject.connections, 0)
        // The fiber of the last one may have its last step to do.
        yield* poll(
          "the last fiber",
          Effect.sync(() => (subject.fibers.live === 0 ? true : undefined))
        )
      }).pipe(quiet)
    )
  })
}

describe("a server that is closed", () => {
  it.live("drops TLS handshakes under way", () =>
    Effect.gen(function* () {
      const before = yield* Count.settled(nobody)
      const scope = yield* Scope.make()
      const { server } = yield* Scope.provide(serving({ tls: Certificate }), scope)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const silent = yield* Wire.connect(server.port)
          const begun = yield* Wire.connect(server.port)
          yield* begun.send(Buffer.from([22, 3, 1, 2, 0, 1]))
          yield* Effect.sleep(20)
          yield* Scope.close(scope, Exit.void)
          yield* left(silent)
          yield* left(begun)
        })
      )
      assert.deepStrictEqual(yield* Count.returned(nobody, before), before)
    }).pipe(quiet)
  )
})
