/**
 * The two worlds in which faults are tried: real sockets with short deadlines, and the simulated network in
 * simulated time, with the deadlines that are the defaults. One list of tests runs in both.
 */
import { assert } from "@effect/vitest"
import { NvoServer } from "@nvo/node"
import type { ServerError } from "@nvo/server"
import { Connections, Deadlines, Health, ServerConfig, ServerErrors, Transport } from "@nvo/server"
import { Bytes, FaultPlan, SimulatedNetwork, SimulatedTime } from "@nvo/testing"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as NetAddress from "effect/net/NetAddress"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { fewDescriptors } from "./faultsDescriptors.ts"
import * as Peers from "./peersSocket.ts"

export type App = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  unknown,
  HttpServerRequest | Scope.Scope
>

/** A peer that reads only what it is asked to. */
export interface Client {
  readonly send: (text: string) => Effect.Effect<void>
  readonly end: Effect.Effect<void>
  readonly reset: Effect.Effect<void>
  readonly receive: Effect.Effect<Uint8Array | Transport.Departure>
}

export interface Server {
  readonly config: ServerConfig.ServerConfig
  readonly connect: Effect.Effect<Client, never, Scope.Scope>
  readonly errors: ReadonlyArray<ServerError.ServerError>
  readonly connections: Connections.Connections["Service"]
  readonly health: Health.Health["Service"]
  /** Ends the server as its Scope does. */
  readonly stop: Effect.Effect<void>
}

export interface World {
  readonly simulated: boolean
  /** Serves an app with health endpoints beside it. */
  readonly serve: (app: App, options?: ServerConfig.Input) => Effect.Effect<Server, never, Scope.Scope>
  /** Keeps the event loop from going on for so many milliseconds. */
  readonly block: (millis: number) => Effect.Effect<void>
  /** Descriptors run out, and come back. */
  readonly exhausted: Effect.Effect<void, unknown, Scope.Scope>
}

/** Deadlines for real sockets: as short as a busy machine allows. */
export const short: ServerConfig.Input = {
  headTimeout: "300 millis",
  idleTimeout: "400 millis",
  bodyTimeout: "300 millis",
  writeTimeout: "500 millis",
  lingerTimeout: "300 millis",
  queueTimeout: "300 millis",
  drainTimeout: "500 millis",
  acceptPause: "50 millis",
  // A machine that is busy with other tests is no overload.
  loopDelay: 0
}

const routes = (app: App) =>
  Layer.mergeAll(
    HttpRouter.add("*", "/*", app as Effect.Effect<HttpServerResponse.HttpServerResponse>),
    Health.layerRoutes()
  )

type Services = NvoServer.Services

// What is reported is looked at; the log would say it again.
const quiet = Layer.provideMerge(Logger.layer([]))

const running = Effect.fnUntraced(function* <E>(
  app: App,
  options: ServerConfig.Input,
  server: Layer.Layer<Services, E>,
  connectTo: (address: NetAddress.SocketAddress) => Server["connect"]
) {
  const scope = yield* Effect.acquireRelease(
    Effect.sync(() => Scope.makeUnsafe()),
    (scope) => Scope.close(scope, Exit.void)
  )
  const serving = HttpRouter.serve(routes(app), { disableLogger: true, disableListenLog: true })
  const context = yield* Effect.orDie(Layer.buildWithScope(quiet(Layer.provideMerge(serving, server)), scope))
  const errors: Array<ServerError.ServerError> = []
  const stream = yield* Context.get(context, ServerErrors.ServerErrors).subscribe
  yield* Effect.forkScoped(Stream.runForEach(stream, (error) => Effect.sync(() => errors.push(error))))
  const result: Server = {
    config: ServerConfig.make(options),
    connect: connectTo(Context.get(context, HttpServer.HttpServer).address),
    errors,
    connections: Context.get(context, Connections.Connections),
    health: Context.get(context, Health.Health),
    stop: Scope.close(scope, Exit.void)
  }
  return result
})

const clientOf = (peer: {
  readonly send: (octets: Uint8Array) => Effect.Effect<void, unknown>
  readonly end: Effect.Effect<void>
  readonly reset: Effect.Effect<void>
  readonly receive: Effect.Effect<Uint8Array | Transport.Departure>
}): Client => ({
  ...peer,
  // A server that has left takes nothing more, which is told by `receive`.
  send: (text) => Effect.ignore(peer.send(Bytes.fromText(text)))
})

const hello: App = Effect.succeed(HttpServerResponse.text("hello"))
const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

/** Real sockets, with the deadlines of `short`. */
export const sockets: World = {
  simulated: false,
  serve: (app, options = {}) => {
    const all = { ...short, ...options }
    return running(app, all, NvoServer.layerServer({ ...all, host: "127.0.0.1" }), (address) =>
      Effect.orDie(Effect.map(Peers.connect(address), clientOf))
    )
  },
  block: (millis) =>
    Effect.sync(() => {
      const until = Date.now() + millis
      while (Date.now() < until) {
        // The loop is kept busy, as a handler does that computes.
      }
    }),
  exhausted: Effect.gen(function* () {
    const { log, port } = yield* fewDescriptors
    const address = NetAddress.inetAddressFromIpStringUnsafe("127.0.0.1", port)
    const clients: Array<Client> = []
    for (let i = 0; i < 300; i++) {
      const client = clientOf(yield* Peers.connect(address))
      yield* client.send(request)
      assert.include(yield* untilText(client, "hello"), "200 OK")
      clients.push(client)
    }
    assert.match(log(), /ConnectionEvicted/)
    // Who has been idle for longest has made room, who came last is there.
    yield* clients[299].send(request)
    yield* untilText(clients[299], "hello")
    assert.strictEqual((yield* untilLeft(clients[0])).departure, "Ended")
  })
}

// A clock that can be ahead of the one below it: time passes, and nobody was woken meanwhile.
class BlockedClock implements Clock.Clock {
  ahead = 0
  private readonly clock: Clock.Clock
  readonly currentTimeMillis = Effect.sync(() => this.currentTimeMillisUnsafe())
  readonly currentTimeNanos = Effect.sync(() => this.currentTimeNanosUnsafe())
  readonly monotonicTimeNanos = Effect.sync(() => this.monotonicTimeNanosUnsafe())

  constructor(clock: Clock.Clock) {
    this.clock = clock
  }

  currentTimeMillisUnsafe(): number {
    return this.clock.currentTimeMillisUnsafe() + this.ahead
  }
  currentTimeNanosUnsafe(): bigint {
    return this.clock.currentTimeNanosUnsafe() + BigInt(this.ahead) * 1_000_000n
  }
  monotonicTimeNanosUnsafe(): bigint {
    return this.clock.monotonicTimeNanosUnsafe() + BigInt(this.ahead) * 1_000_000n
  }
  sleep(duration: Duration.Duration): Effect.Effect<void> {
    return this.clock.sleep(duration)
  }
}

/** The simulated network, with the deadlines that are the defaults. */
const simulated = (clock: BlockedClock): World => {
  const serve = (app: App, options: ServerConfig.Input, plan: SimulatedNetwork.Options["plan"]) =>
    Effect.gen(function* () {
      const network = yield* SimulatedNetwork.SimulatedNetwork
      const transport = yield* Transport.Transport
      const server = NvoServer.layerServerWith(options).pipe(
        Layer.provide(Layer.succeed(Transport.Transport)(transport))
      )
      return yield* running(app, options, server, (address) =>
        Effect.orDie(Effect.map(network.connect(address), clientOf))
      ).pipe(Effect.provideService(Clock.Clock, clock))
    }).pipe(Effect.provide(SimulatedNetwork.layer({ plan })))
  return {
    simulated: true,
    serve: (app, options = {}) => serve(app, options, undefined),
    block: (millis) =>
      Effect.sync(() => {
        clock.ahead += millis
      }),
    exhausted: Effect.gen(function* () {
      const server = yield* serve(hello, {}, (connection) =>
        FaultPlan.make({ acceptError: [2, 3, 4, 5].includes(connection) ? 1 : 0 })
      )
      const first = yield* server.connect
      for (const client of yield* Effect.forEach([2, 3, 4], () => server.connect)) {
        assert.strictEqual((yield* untilLeft(client)).departure, "Lost")
      }
      yield* Effect.sleep(500)
      const began = yield* Clock.currentTimeMillis
      assert.strictEqual((yield* untilLeft(yield* server.connect)).departure, "Lost")
      yield* Effect.sleep(1)
      for (const client of [yield* server.connect, first]) {
        yield* client.send(request)
        yield* untilText(client, "hello")
      }
      // The failed accept was followed by a pause, and the four of them were told once.
      assert.strictEqual((yield* Clock.currentTimeMillis) - began, 100)
      assert.deepStrictEqual(reasons(server), ["AcceptFailed"])
    })
  }
}

/** Runs a test in simulated time. */
export const simulate = <A, E>(test: (world: World) => Effect.Effect<A, E, Scope.Scope>): A =>
  SimulatedTime.run(
    Effect.scoped(Effect.flatMap(Clock.Clock, (clock) => test(simulated(new BlockedClock(clock))))),
    { limit: "1 hour" }
  )

/** What came until the server left, how it left, and after how many milliseconds. */
export const untilLeft = Effect.fnUntraced(function* (client: Client) {
  const began = yield* Clock.currentTimeMillis
  let text = ""
  while (true) {
    const next = yield* client.receive
    if (typeof next === "string") {
      return { text, departure: next, after: (yield* Clock.currentTimeMillis) - began }
    }
    text += Bytes.toText(next)
  }
})

/** Receives until `text` came. */
export const untilText = Effect.fnUntraced(function* (client: Client, text: string) {
  let all = ""
  while (!all.includes(text)) {
    const next = yield* client.receive
    if (typeof next === "string") return yield* Effect.die(new Error(`${next}, and ${text} had not come`))
    all += Bytes.toText(next)
  }
  return all
})

/** Not before its deadline; in simulated time, at most a tick later. */
export const inTime = (world: World, after: number, deadline: Duration.Duration): void => {
  const millis = Duration.toMillis(deadline)
  // A real clock counts whole milliseconds, and began in the middle of one.
  assert.isAtLeast(after, world.simulated ? millis : millis - 2)
  if (world.simulated) assert.isAtMost(after, millis + Deadlines.TICK)
}

export const reasons = (server: Server): ReadonlyArray<string> =>
  server.errors.map(({ reason }) => reason._tag)

/** Waits for something to be so, for two minutes at most: longer than any deadline that is a default. */
export const eventually = (what: string, look: () => boolean): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let i = 0; i < 12_000; i++) {
      if (look()) return
      yield* Effect.sleep(10)
    }
    return yield* Effect.die(new Error(`Waited for ${what}`))
  })

/** Waits until nothing is left of any connection. */
export const nothingLeft = (server: Server): Effect.Effect<void> =>
  eventually("no connection", () => Effect.runSync(server.connections.count) === 0)
