/**
 * No failure is silent: each reason of each error is provoked on a running server, and has to arrive in all three
 * places: as a typed value, in the metric, and in the log.
 */
import * as Net from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { NvoServer } from "@nvo/node"
import { Http1Error } from "@nvo/protocol"
import { ApplicationError, DeadlineError, OverloadError, type Transport, TransportError } from "@nvo/server"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Observed from "./support/observed.ts"
import * as Certificate from "./support/peersCertificate.ts"
import * as Refusals from "./support/rawRefusals.ts"
import { type App, portOf } from "./support/serve.ts"
import { get, never, type Provoked, requestOn, type Server, told } from "./support/told.ts"
import * as Wire from "./support/Wire.ts"

/** Replaces what a listener accepts. */
const accepting =
  (
    accept: (accepted: Transport.Listener["accept"]) => Transport.Listener["accept"]
  ): NonNullable<Provoked["transport"]> =>
  (inner) => ({
    listen: (options) =>
      Effect.map(inner.listen(options), (listener) => ({ ...listener, accept: accept(listener.accept) }))
  })

/** The same connection with another way to do one thing. */
const altered = (changes: Partial<Transport.Connection>): NonNullable<Provoked["transport"]> =>
  accepting((accept) =>
    Effect.map(accept, (connection) => {
      for (const [name, value] of Object.entries(changes)) Object.defineProperty(connection, name, { value })
      return connection
    })
  )

const transportErrors: { readonly [T in keyof typeof TransportError.reasons]: Provoked | undefined } = {
  // Below: nobody listens to a server that did not start.
  ListenFailed: undefined,
  AcceptFailed: {
    transport: accepting((accept) => {
      let failed = false
      return Effect.suspend(() => {
        if (failed) return accept
        failed = true
        return Effect.fail(TransportError.make({ _tag: "AcceptFailed", cause: new Error("EMFILE") }))
      })
    }),
    act: () => Effect.void
  },
  TlsHandshakeFailed: {
    options: { tls: { cert: Certificate.cert, key: Certificate.key } },
    act: (server) => requestOn(server)
  },
  ConnectionReset: {
    act: (server) =>
      Effect.gen(function* () {
        const wire = yield* requestOn(server)
        yield* wire.response()
        yield* wire.reset
      })
  },
  WriteFailed: {
    app: Effect.uninterruptible(Effect.as(Effect.sleep("200 millis"), HttpServerResponse.text("too late"))),
    act: (server) =>
      Effect.gen(function* () {
        const wire = yield* requestOn(server)
        yield* server.began
        yield* wire.reset
      })
  },
  ConnectionClosed: {
    act: (server) =>
      Effect.gen(function* () {
        const wire = yield* requestOn(server)
        yield* wire.response()
        yield* server.connections.closeAll
      })
  }
}

const applicationErrors: { readonly [T in keyof typeof ApplicationError.reasons]: Provoked } = {
  HandlerFailed: { app: Effect.die(new Error("broken")), act: (server) => requestOn(server) },
  ResponseBodyFailed: {
    app: Effect.sync(() => HttpServerResponse.stream(Stream.die(new Error("cut")))),
    act: (server) => requestOn(server)
  },
  ClientAborted: {
    app: never,
    act: (server) =>
      Effect.gen(function* () {
        const wire = yield* requestOn(server)
        yield* server.began
        yield* wire.reset
      })
  },
  EngineDefect: {
    transport: altered({
      pullUnsafe: () => {
        throw new Error("a bug")
      }
    }),
    act: (server) => Wire.connect(server.port)
  }
}

const endless = Stream.forever(Stream.succeed(new Uint8Array(65_536)))

const deadlineErrors: { readonly [T in keyof typeof DeadlineError.reasons]: Provoked } = {
  HeadTimeout: {
    options: { headTimeout: "100 millis" },
    act: (server) => requestOn(server, "GET / HTTP/1.1\r\nHost:")
  },
  BodyTimeout: {
    options: { bodyTimeout: "100 millis" },
    act: (server) => requestOn(server, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")
  },
  WriteTimeout: {
    options: { writeTimeout: "200 millis" },
    app: Effect.sync(() => HttpServerResponse.stream(endless)),
    act: (server) =>
      Effect.gen(function* () {
        const socket = yield* Effect.acquireRelease(
          Effect.sync(() => Net.connect(server.port, "127.0.0.1")),
          (socket) => Effect.sync(() => socket.destroy())
        )
        socket.on("error", () => undefined)
        // It never reads.
        socket.pause()
        socket.write(get)
      })
  },
  HandlerTimeout: {
    options: { handlerTimeout: "100 millis" },
    app: never,
    act: (server) => requestOn(server)
  },
  DrainTimeout: {
    options: { drainTimeout: "100 millis", drainDelay: 0 },
    app: never,
    act: (server) =>
      Effect.gen(function* () {
        yield* requestOn(server)
        yield* server.began
        yield* server.stop
      })
  }
}

/** Holds the loop for a while. */
const busy: App = Effect.sync(() => {
  const until = performance.now() + 30
  while (performance.now() < until);
  return HttpServerResponse.empty()
})

const twice = (server: Server) =>
  Effect.gen(function* () {
    yield* requestOn(server)
    yield* server.began
    yield* requestOn(server)
  })

const overloadErrors: { readonly [T in keyof typeof OverloadError.reasons]: Provoked } = {
  ConnectionRefused: {
    options: { connectionCount: 1, connectionPolicy: "refuse" },
    app: never,
    act: twice
  },
  ConnectionEvicted: {
    options: { connectionCount: 1, connectionPolicy: "evict" },
    act: (server) =>
      Effect.gen(function* () {
        const wire = yield* requestOn(server)
        yield* wire.response()
        yield* requestOn(server)
      })
  },
  LoopDelayed: {
    options: { loopDelay: "5 millis" },
    app: busy,
    act: (server) =>
      Effect.gen(function* () {
        const wires = yield* Effect.forEach([1, 2, 3, 4], () => Wire.connect(server.port))
        const wave = Effect.gen(function* () {
          for (const wire of wires) for (let i = 0; i < 4; i++) wire.sendUnsafe(get)
          for (const wire of wires) for (let i = 0; i < 4; i++) yield* wire.response()
        })
        // After the first the loop is known to be late, in the second requests are turned away.
        yield* wave
        yield* wave
      })
  },
  QueueFull: { options: { inFlightCount: 1, queueCount: 0 }, app: never, act: twice },
  QueueTimeout: { options: { inFlightCount: 1, queueTimeout: "50 millis" }, app: never, act: twice }
}

const tables = [
  ["TransportError", TransportError.reasons, transportErrors],
  ["ApplicationError", ApplicationError.reasons, applicationErrors],
  ["DeadlineError", DeadlineError.reasons, deadlineErrors],
  ["OverloadError", OverloadError.reasons, overloadErrors]
] as const

for (const [layer, reasons, provoked] of tables) {
  describe(layer, () => {
    for (const [reason, { initiator }] of Object.entries({ ...reasons })) {
      const how = (provoked as Readonly<Record<string, Provoked | undefined>>)[reason]
      if (how === undefined) continue
      it.live(`${reason} is told as a value, counted and logged`, () => told(layer, reason, initiator, how))
    }
  })
}

describe("Http1Error", () => {
  for (const { ends, octets, reason } of [...Refusals.inHead, ...Refusals.inBody]) {
    it.live(`${reason} is told as a value, counted and logged`, () =>
      told("Http1Error", reason, Http1Error.reasons[reason].initiator, {
        act: (server) =>
          Effect.gen(function* () {
            const wire = yield* requestOn(server, octets)
            if (ends === true) yield* wire.finish
          })
      })
    )
  }
})

describe("ListenFailed", () => {
  it.live("is the failure of the layer, counted and logged", () =>
    Effect.gen(function* () {
      const recorder = Observed.recorder()
      const first = yield* Layer.build(NvoServer.layer({ host: "127.0.0.1" }))
      const port = portOf(Context.get(first, HttpServer.HttpServer).address)
      const error = yield* NvoServer.layer({ host: "127.0.0.1", port }).pipe(
        Layer.provide(recorder.layer),
        Layer.build,
        Effect.flip
      )
      assert.strictEqual(error._tag, "ServeError")
      assert.include(String((error.cause as Error).message), "EADDRINUSE")
      assert.deepStrictEqual(
        recorder.series("nvo.server.errors").map(({ attributes, value }) => [attributes.reason, value]),
        [["ListenFailed", 1]]
      )
      const [line] = recorder.lines
      assert.deepStrictEqual([line.level, line.annotations["nvo.error.reason"]], ["Warn", "ListenFailed"])
      assert.include(line.message, "EADDRINUSE")
    }).pipe(Effect.scoped)
  )
})

describe("a response that is not taken to its end", () => {
  it.live("is told where its peer leaves while the rest of it waits", () =>
    told("TransportError", "WriteFailed", "Peer", {
      app: Effect.sync(() => HttpServerResponse.uint8Array(new Uint8Array(16_777_216))),
      act: (server) =>
        Effect.gen(function* () {
          const socket = Net.connect(server.port, "127.0.0.1")
          socket.on("error", () => undefined)
          socket.pause()
          socket.write(get)
          yield* server.began
          // The response has been made, and most of it waits for the peer.
          yield* Effect.sleep("100 millis")
          yield* Effect.sync(() => socket.resetAndDestroy())
        })
    })
  )
})
