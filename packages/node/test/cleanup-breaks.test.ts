/** Whatever happens to a connection, nothing of it is left. */
import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { NetTransport, NvoServer } from "@nvo/node"
import { Connections, Transport } from "@nvo/server"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Count from "./support/countAll.ts"
import { app } from "./support/countApp.ts"
import * as Breaks from "./support/countBreaks.ts"
import * as BreaksHttp2 from "./support/countBreaksHttp2.ts"
import * as Certificate from "./support/peersCertificate.ts"
import { peer, quiet } from "./support/rawServer.ts"
import { portOf, serve } from "./support/serve.ts"
import * as Wire from "./support/Wire.ts"

const CONNECTIONS = 1_000
const AT_ONCE = 40

/** A server that is counted, with one request served. */
const counted = Effect.fnUntraced(function* (options: NvoServer.Options = {}) {
  const requests = new Count.Counter()
  const fibers = new Count.Counter()
  const server = yield* Count.countingFibers(fibers)(
    serve(app(requests), { lingerTimeout: "50 millis", ...options })
  )
  const connect = peer(server, options)
  yield* Effect.scoped(
    Effect.gen(function* () {
      const wire = yield* connect
      wire.sendUnsafe(Wire.request("GET", "/"))
      assert.strictEqual((yield* wire.response()).body.toString(), "hello")
    })
  )
  return { server, requests, fibers, connections: server.connections.count, connect }
})

/** The seed of this run; `NVO_SEED` runs another one again. */
const seed = Number(process.env.NVO_SEED ?? (Math.random() * 0x7fffffff) | 0)

interface Spoken {
  readonly shapes: Breaks.Shapes
  readonly protocol: string
  /** Reasons that are told in any run: what breaks is drawn often enough. */
  readonly reasons: ReadonlyArray<string>
}

const http1: Spoken = {
  shapes: Breaks.shapes,
  protocol: "http/1.1",
  reasons: ["ConnectionReset", "ClientAborted", "IncompleteMessage", "HandlerFailed"]
}

const http2: Spoken = {
  shapes: BreaksHttp2.shapes,
  protocol: "h2",
  reasons: ["ConnectionReset", "ClientAborted", "HandlerFailed"]
}

const broken = (count: number, { protocol, reasons, shapes }: Spoken, options: NvoServer.Options = {}) =>
  Effect.gen(function* () {
    const subject = yield* counted(options)
    const connect = peer(subject.server, options, protocol)
    const before = yield* Count.settled(subject)
    const timers = Count.timers()
    assert.strictEqual(before.connections, 0)
    const next = Breaks.random(seed)
    const plans = Array.from({ length: count }, () => Breaks.draw(next, shapes, options.tls !== undefined))
    yield* Effect.forEach(plans, (plan) => Breaks.run(plan, connect), {
      concurrency: AT_ONCE,
      discard: true
    }).pipe(Effect.onError(() => Effect.sync(() => console.error(`NVO_SEED=${seed}`))))

    const after = yield* Count.returned(subject, before)
    assert.deepStrictEqual(after, before, `NVO_SEED=${seed}`)
    assert.isBelow(Count.timers(), timers + 10)
    // Not nothing happened: requests were served, and every Scope closed once.
    assert.isAbove(subject.requests.started, count / 4)
    assert.strictEqual(subject.requests.ended, subject.requests.started)
    const tally = Count.tally(subject.server.errors)
    assert.notProperty(tally, "EngineDefect", `NVO_SEED=${seed}`)
    for (const reason of reasons) {
      assert.property(tally, reason, `NVO_SEED=${seed}`)
    }
    // And the server serves.
    yield* Effect.scoped(
      Effect.gen(function* () {
        const wire = yield* subject.connect
        wire.sendUnsafe(Wire.request("GET", "/"))
        assert.strictEqual((yield* wire.response()).status, 200)
      })
    )
  }).pipe(quiet)

describe(`connections broken at a random octet and phase (NVO_SEED=${seed})`, () => {
  for (const [name, spoken] of Object.entries({ "HTTP/1.1": http1, "HTTP/2": http2 })) {
    it.live(`leave nothing: ${CONNECTIONS} of ${name} by TCP`, () => broken(CONNECTIONS, spoken))

    it.live(`leave nothing: ${CONNECTIONS / 5} of ${name} by TLS`, () =>
      broken(CONNECTIONS / 5, spoken, { tls: Certificate })
    )
  }

  it.live("leave nothing: 200 in the TLS handshake", () =>
    Effect.gen(function* () {
      const subject = yield* counted({ tls: Certificate })
      const before = yield* Count.settled(subject)
      const hello = yield* Breaks.clientHello
      const next = Breaks.random(seed)
      yield* Effect.forEach(
        Array.from({ length: 200 }),
        () => {
          const octets = Buffer.from(hello.subarray(0, next(hello.length + 1)))
          // Some are no handshake at all.
          if (octets.length > 0 && next(4) === 0) octets[next(octets.length)] ^= 0xff
          const leaving = Breaks.leavings[next(2) * 2]
          return Effect.scoped(
            Effect.gen(function* () {
              const wire = yield* Wire.connect(subject.server.port)
              if (octets.length > 0) yield* wire.send(octets)
              yield* Breaks.leave(wire, leaving)
            })
          )
        },
        { concurrency: AT_ONCE, discard: true }
      )
      assert.deepStrictEqual(yield* Count.returned(subject, before), before, `NVO_SEED=${seed}`)
    }).pipe(quiet)
  )
})

describe("the counting itself", () => {
  /** NetTransport, but the connection that is accepted second is never released. */
  const leaking = (held: Scope.Scope) =>
    Layer.effect(Transport.Transport)(
      Effect.sync(() => {
        const transport = NetTransport.make()
        let accepted = 0
        return {
          listen: (where: Transport.ListenOptions) =>
            Effect.map(transport.listen(where), (listener) => ({
              ...listener,
              accept: Effect.suspend(() =>
                ++accepted === 2 ? Scope.provide(listener.accept, held) : listener.accept
              )
            }))
        }
      })
    )

  const leakySubject = Effect.fnUntraced(function* (held: Scope.Scope) {
    const requests = new Count.Counter()
    const fibers = new Count.Counter()
    const context = yield* Layer.build(
      Layer.provide(NvoServer.layerServerWith({ host: "127.0.0.1" }), leaking(held))
    )
    const served = Effect.provide(HttpServer.serveEffect(app(requests)), NodeHttpServer.layerHttpServices)
    yield* Effect.provideContext(served, context)
    const { address } = Context.get(context, HttpServer.HttpServer)
    return {
      connect: Wire.connect(portOf(address)),
      requests,
      fibers,
      connections: Context.get(context, Connections.Connections).count
    }
  })

  it.live("sees a socket that is not closed", () =>
    Effect.gen(function* () {
      const held = yield* Scope.make()
      const { connect, ...subject } = yield* leakySubject(held)
      const before = yield* Count.settled(subject)
      // A peer that ends between requests: nothing but the server's release closes the socket.
      const once = Effect.scoped(
        Effect.gen(function* () {
          const wire = yield* connect
          wire.sendUnsafe(Wire.request("GET", "/"))
          yield* wire.response()
        })
      )
      yield* once
      assert.deepStrictEqual(yield* Count.returned(subject, before), before)
      yield* once
      const leaked = yield* Count.settled(subject)
      assert.strictEqual(leaked.sockets, before.sockets + 1)
      assert.strictEqual(leaked.descriptors, before.descriptors + 1)
      assert.strictEqual(leaked.handles.TCPSocketWrap ?? 0, (before.handles.TCPSocketWrap ?? 0) + 1)
      yield* Scope.close(held, Exit.void)
      assert.deepStrictEqual(yield* Count.returned(subject, before), before)
    })
  )

  it.live("sees a fiber that does not end, and a Scope that does not close", () =>
    Effect.gen(function* () {
      const subject = yield* counted()
      const before = yield* Count.settled(subject)
      const scope = yield* Scope.make()
      yield* Effect.never.pipe(Effect.forkIn(scope), Count.countingFibers(subject.fibers))
      yield* Scope.provide(subject.requests.scoped, scope)
      const now = yield* Count.settled(subject)
      assert.deepStrictEqual([now.fibers, now.requests], [before.fibers + 1, before.requests + 1])
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* Count.returned(subject, before), before)
    })
  )
})
