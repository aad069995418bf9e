/**
 * A network in memory, as a `Transport` for servers and a way to connect for clients: latency, split and joined
 * segments, stalls, half-close, resets at any octet, full send buffers and failing accepts, as a fault plan says.
 *
 * Time is Effect's Clock, so that under `TestClock` or `SimulatedTime` a slow network takes no time, and what
 * happens is decided by a seed: the same seed, plan and program give the same events in the same order.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { HttpServer, HttpServerResponse } from "effect/http"
 * import { Engine, ServerConfig, Transport } from "@nvo/server"
 * import * as Bytes from "@nvo/testing/Bytes"
 * import * as FaultPlan from "@nvo/testing/FaultPlan"
 * import * as SimulatedNetwork from "@nvo/testing/SimulatedNetwork"
 *
 * export const program = Effect.gen(function* () {
 *   const network = yield* SimulatedNetwork.SimulatedNetwork
 *   const transport = yield* Transport.Transport
 *   const listener = yield* transport.listen({ port: 80 })
 *   const server = yield* Engine.make(listener, ServerConfig.defaults)
 *   yield* server.serve(Effect.succeed(HttpServerResponse.text("hello")))
 *
 *   const client = yield* network.connect(listener.address)
 *   yield* client.send(Bytes.fromText("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
 *   return yield* client.receive
 * }).pipe(
 *   Effect.scoped,
 *   Effect.provide(
 *     Layer.mergeAll(
 *       SimulatedNetwork.layer({ seed: 1, plan: FaultPlan.make({ toServer: { segment: [1, 1] } }) }),
 *       Engine.layerServices
 *     )
 *   )
 * )
 * ```
 */
import { ConnectionId } from "@nvo/protocol"
import { Transport, TransportError } from "@nvo/server"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import * as FaultPlan from "./FaultPlan.ts"
import { AcceptQueue } from "./internal/network/AcceptQueue.ts"
import { ClientEnd, type ConnectionLost } from "./internal/network/ClientEnd.ts"
import { type Note, Pipe, type World } from "./internal/network/Pipe.ts"
import { ServerEnd } from "./internal/network/ServerEnd.ts"
import { Seeded } from "./internal/Seeded.ts"

/** Nobody listens there. */
export class ConnectionRefused extends Data.TaggedError("ConnectionRefused")<{
  readonly address: NetAddress.SocketAddress
}> {
  override get message(): string {
    return `Nobody listens on ${keyOf(this.address)}`
  }
}

/** A client's end of a connection, under the control of a test. It reads only what it is asked to. */
export interface Client {
  /** The number of the connection: 1 is the first that was opened in this network. */
  readonly connection: number
  /** Sends octets; completes when the network has taken them. */
  readonly send: (octets: Uint8Array) => Effect.Effect<void, ConnectionLost>
  /** Ends this side. What comes can still be received. */
  readonly end: Effect.Effect<void>
  /** Leaves at once; the server is told. */
  readonly reset: Effect.Effect<void>
  /** The next octets, or how the server left. */
  readonly receive: Effect.Effect<Uint8Array | Transport.Departure>
}

/** What happened on a connection. `octets` is a count, or for `Stalled` milliseconds. */
export interface Event {
  /** Milliseconds by Effect's Clock. */
  readonly time: number
  /** The number of the connection. */
  readonly connection: number
  readonly direction: "ToServer" | "ToClient"
  readonly event: Note | "Opened" | "AcceptFailed" | "ServerClosed" | "ClientClosed"
  readonly octets: number
}

/** What is held: equal before and after if nothing leaks. */
export interface Held {
  readonly listeners: number
  /** Accepted or waiting connections that the server has not released. */
  readonly serverEnds: number
  readonly clientEnds: number
}

/** The service, besides the `Transport`. */
export class SimulatedNetwork extends Context.Service<
  SimulatedNetwork,
  {
    /** Opens a connection to a listener of this network. The Scope closes it. */
    readonly connect: (
      address: NetAddress.SocketAddress
    ) => Effect.Effect<Client, ConnectionRefused, Scope.Scope>
    /** From now on no faults begin: what is on its way arrives, and everything after it at once. */
    readonly heal: Effect.Effect<void>
    readonly held: Effect.Effect<Held>
    /** Everything that happened so far. */
    readonly events: Effect.Effect<ReadonlyArray<Event>>
    /**
     * The most octets that have waited with one server's end so far, without an Effect: for checks after every step.
     *
     * @internal
     */
    readonly mostQueuedUnsafe: () => number
  }
>()("@nvo/testing/SimulatedNetwork") {}

/** What a network is made with. */
export interface Options {
  /** Decides what happens of what may. Default: 0. */
  readonly seed?: number | undefined
  /** What may happen: for all connections, or for each by its number. Default: nothing. */
  readonly plan?: FaultPlan.FaultPlan | ((connection: number) => FaultPlan.FaultPlan) | undefined
  /** Octets that may wait with the server before `write` suspends. Default: 65,536. */
  readonly writeHighWaterMark?: number | undefined
  /** Told of every event when it happens. */
  readonly onEvent?: ((event: Event) => void) | undefined
}

// The first of the ports that `port: 0` gives out, and of those that clients come from: what Linux does.
const FIRST_FREE_PORT = 32_768
const FIRST_CLIENT_PORT = 49_152
// TEST-NET-1 (RFC 5737).
const CLIENT_ADDRESS = "192.0.2.1"

const keyOf = (address: NetAddress.SocketAddress): string =>
  "port" in address ? `port ${Number(address.port)}` : String(address.path)

const addressOf = (options: Transport.ListenOptions, freePort: () => number): NetAddress.SocketAddress =>
  options.path !== undefined
    ? NetAddress.unixPathAddress(options.path)
    : NetAddress.inetAddressFromIpStringUnsafe("127.0.0.1", options.port || freePort())

const makeWorld = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const context = yield* Effect.context<never>()
  const timers = new Set<Fiber.Fiber<void>>()
  const run = Effect.runForkWith(context)
  yield* Effect.addFinalizer(() => Effect.suspend(() => Fiber.interruptAll(timers)))
  let healed = false
  const world: World = {
    now: () => clock.currentTimeMillisUnsafe(),
    healed: () => healed,
    after: (millis, act) => {
      const wait = millis > 0 ? Effect.sleep(millis) : Effect.yieldNow
      const timer: Fiber.Fiber<void> = run(
        Effect.flatMap(wait, () => {
          timers.delete(timer)
          act()
          return Effect.void
        })
      )
      timers.add(timer)
    }
  }
  return {
    world,
    heal: Effect.sync(() => {
      healed = true
    })
  }
})

const make = (options: Options) =>
  Effect.gen(function* () {
    const { heal, world } = yield* makeWorld
    const plan = options.plan ?? FaultPlan.none
    const seeded = new Seeded(options.seed ?? 0)
    const places = new Map<string, AcceptQueue>()
    const events: Array<Event> = []
    let connections = 0
    let serverEnds = 0
    let clientEnds = 0
    let mostQueued = 0
    let port = FIRST_FREE_PORT

    const open = (place: AcceptQueue): ClientEnd => {
      const connection = ++connections
      const own = seeded.fork(connection)
      const faults = typeof plan === "function" ? plan(connection) : plan
      const note =
        (direction: Event["direction"]) =>
        (event: Event["event"], octets = 0) => {
          const one = { time: world.now(), connection, direction, event, octets }
          events.push(one)
          options.onEvent?.(one)
        }
      const toServer = note("ToServer")
      const toClient = note("ToClient")
      const lose = () => {
        const cause = new Error("The network lost the connection")
        incoming.close()
        outgoing.close()
        server.lose(cause)
        client.lose()
      }
      const incoming = new Pipe(world, faults.toServer, own.fork(1), toServer, lose)
      const outgoing = new Pipe(world, faults.toClient, own.fork(2), toClient, lose)
      const server = new ServerEnd(
        ConnectionId.make(connection),
        { address: CLIENT_ADDRESS, port: FIRST_CLIENT_PORT + connection },
        { incoming, outgoing },
        options.writeHighWaterMark ?? 65_536,
        (queued) => {
          if (queued > mostQueued) mostQueued = queued
        },
        () => {
          serverEnds--
          toClient("ServerClosed")
        }
      )
      const client = new ClientEnd(connection, { incoming: outgoing, outgoing: incoming }, () => {
        clientEnds--
        toServer("ClientClosed")
      })
      incoming.join(
        { room: () => client.room() },
        {
          data: (bytes) => server.data(bytes),
          end: () => server.peerEnded(),
          reset: () => server.lose(new Error("The peer reset the connection"))
        }
      )
      outgoing.join(
        { room: () => server.room() },
        { data: (bytes) => client.data(bytes), end: () => client.serverEnded(), reset: () => client.lose() }
      )
      toServer("Opened")
      serverEnds++
      clientEnds++
      if (own.chance(faults.acceptError) && !world.healed()) {
        toServer("AcceptFailed")
        const cause = new Error("No descriptors are left")
        world.after(0, () => {
          lose()
          Effect.runSync(server.release)
          place.push(Effect.fail(TransportError.make({ _tag: "AcceptFailed", cause })))
        })
      } else {
        place.push(Effect.succeed(server))
      }
      return client
    }

    const listen = (where: Transport.ListenOptions) =>
      Effect.gen(function* () {
        const address = addressOf(where, () => port++)
        const key = keyOf(address)
        if (places.has(key)) {
          return yield* Effect.fail(
            TransportError.make({ _tag: "ListenFailed", cause: new Error(`${key} is taken`) })
          )
        }
        const queue = new AcceptQueue()
        const close = Effect.andThen(
          Effect.sync(() => {
            if (places.get(key) === queue) places.delete(key)
          }),
          queue.close
        )
        yield* Effect.acquireRelease(
          Effect.sync(() => places.set(key, queue)),
          () => close
        )
        const listener: Transport.Listener = {
          address,
          accept: Effect.acquireRelease(queue.take, (connection) => connection.release, {
            interruptible: true
          }),
          close
        }
        return listener
      })

    const network: SimulatedNetwork["Service"] = {
      connect: (address) =>
        Effect.acquireRelease(
          Effect.suspend(() => {
            const place = places.get(keyOf(address))
            return place === undefined
              ? Effect.fail(new ConnectionRefused({ address }))
              : Effect.succeed(open(place))
          }),
          (client) => client.release
        ),
      heal,
      held: Effect.sync(() => ({ listeners: places.size, serverEnds, clientEnds })),
      events: Effect.sync(() => [...events]),
      mostQueuedUnsafe: () => mostQueued
    }
    return Context.make(SimulatedNetwork, network).pipe(Context.add(Transport.Transport, { listen }))
  })

/** Provides a network and, for servers, its `Transport`. */
export const layer = (options: Options = {}): Layer.Layer<SimulatedNetwork | Transport.Transport> =>
  Layer.effectContext(make(options))
