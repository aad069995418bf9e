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

/** A connection in each phase, and more than one where there is more than one thing to wait for. */
const standings: Readonly<Record<string, Standing>> = {
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

const serving = Effect.fnUntraced(function* (options: NvoServer.Options = {}) {
  const requests = new Count.Counter()
  const fibers = new Count.Counter()
  const server = yield* Count.countingFibers(fibers)(
    serve(app(requests), { lingerTimeout: "1 hour", drainTimeout: "50 millis", ...options })
  )
  const connect = peer(server, options)
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

describe("Connections.close", () => {
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

describe("a server that is closed", () => {
  for (const [transport, options] of transports) {
    it.live(`leaves nothing of connections in any phase, by ${transport}`, () =>
      Effect.gen(function* () {
        const nobody = {
          fibers: new Count.Counter(),
          requests: new Count.Counter(),
          connections: Effect.succeed(0)
        }
        const before = yield* Count.settled(nobody)
        const scope = yield* Scope.make()
        const { connect, server, ...subject } = yield* Scope.provide(serving(options), scope)
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

  it.live("drops TLS handshakes under way", () =>
    Effect.gen(function* () {
      const nobody = {
        fibers: new Count.Counter(),
        requests: new Count.Counter(),
        connections: Effect.succeed(0)
      }
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
