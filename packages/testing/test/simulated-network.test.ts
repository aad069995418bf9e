/** What a simulated network does by its plan and its seed, with the engine on it. */

import { assert, describe, it } from "@effect/vitest"
import { Engine, ServerConfig, type ServerError, ServerErrors, Transport } from "@nvo/server"
import { Bytes, FaultPlan, SimulatedNetwork, SimulatedTime } from "@nvo/testing"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"

const app = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  return HttpServerResponse.text(`${request.url} ${yield* request.text}`)
})

const serving = Effect.gen(function* () {
  const network = yield* SimulatedNetwork.SimulatedNetwork
  const transport = yield* Transport.Transport
  const listener = yield* transport.listen({ port: 80 })
  const server = yield* Engine.make(listener, ServerConfig.defaults)
  yield* server.serve(app)
  return { network, connect: network.connect(listener.address) }
})

const world = (options: SimulatedNetwork.Options) =>
  Layer.mergeAll(
    SimulatedNetwork.layer(options),
    Engine.layerServices,
    // What is reported is looked at; the log would say it again.
    Logger.layer([])
  )

const request = (path: string, body: string) =>
  Bytes.fromText(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`)

/** Everything until the server leaves, and how it left. */
const receiveAll = (client: SimulatedNetwork.Client) =>
  Effect.gen(function* () {
    let text = ""
    while (true) {
      const next = yield* client.receive
      if (typeof next === "string") return { text, departure: next }
      text += Bytes.toText(next)
    }
  })

const closing = Bytes.fromText("GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")

// Three clients with a request each, one after the other, on connections of their own.
const threeClients = Effect.gen(function* () {
  const { connect, network } = yield* serving
  const answers = yield* Effect.forEach(
    ["/a", "/b", "/c"],
    (path) =>
      Effect.scoped(
        Effect.gen(function* () {
          const client = yield* connect
          yield* client.send(request(path, "x".repeat(300)))
          yield* client.send(closing)
          return yield* receiveAll(client)
        }).pipe(Effect.catch((error) => Effect.succeed(error._tag)))
      ),
    { concurrency: 3 }
  )
  // The server hears that its clients have left, and leaves too.
  yield* Effect.sleep("10 seconds")
  return { answers, events: yield* network.events, held: yield* network.held }
})

const storm = FaultPlan.make({
  toServer: { segment: [1, 40], latency: [0, 30], coalesce: 0.3, stall: { chance: 0.2, millis: [1, 500] } },
  toClient: { segment: [1, 40], buffer: 64, reset: { chance: 0.3, after: [0, 300] } },
  acceptError: 0.2
})

const inStorm = (seed: number, time: SimulatedTime.Options = {}) =>
  SimulatedTime.run(threeClients.pipe(Effect.scoped, Effect.provide(world({ seed, plan: storm }))), {
    seed,
    ...time
  })

describe("a simulated network", () => {
  it("does the same for the same seed, to the last event", () => {
    const traces = new Set<string>()
    for (let seed = 0; seed < 20; seed++) {
      const first = JSON.stringify(inStorm(seed, { shuffle: true }))
      assert.strictEqual(JSON.stringify(inStorm(seed, { shuffle: true })), first)
      traces.add(first)
    }
    assert.strictEqual(traces.size, 20)
  })

  it("does nothing to what is sent without a plan", () => {
    const { answers, held } = SimulatedTime.run(threeClients.pipe(Effect.scoped, Effect.provide(world({}))))
    for (const answer of answers) {
      assert.ok(typeof answer !== "string" && answer.departure === "Ended")
      assert.match(answer.text, /^HTTP\/1\.1 200 OK\r\n.*\/[abc] x{300}HTTP\/1\.1 200 OK.*\/last $/s)
    }
    assert.deepStrictEqual(held, { listeners: 1, serverEnds: 0, clientEnds: 0 })
  })

  // One request, answered or cut: what arrived in each direction.
  const exchange = (plan: FaultPlan.FaultPlan) =>
    SimulatedTime.run(
      Effect.gen(function* () {
        const { connect, network } = yield* serving
        const { departure } = yield* Effect.scoped(
          Effect.gen(function* () {
            const client = yield* connect
            yield* client.send(closing)
            return yield* receiveAll(client)
          })
        )
        const events = yield* network.events
        const arrived = (direction: SimulatedNetwork.Event["direction"]) =>
          events
            .filter((one) => one.event === "Arrived" && one.direction === direction)
            .reduce((sum, one) => sum + one.octets, 0)
        return { departure, toServer: arrived("ToServer"), toClient: arrived("ToClient") }
      }).pipe(Effect.scoped, Effect.provide(world({ plan })))
    )

  it("loses a connection at any octet of the request and of the response", () => {
    const whole = exchange(FaultPlan.none)
    assert.strictEqual(whole.toServer, closing.length)
    for (const direction of ["toServer", "toClient"] as const) {
      for (let at = 0; at <= whole[direction]; at++) {
        const cut = exchange(FaultPlan.make({ [direction]: { reset: { chance: 1, after: [at, at] } } }))
        assert.strictEqual(cut.departure, "Lost")
        assert.strictEqual(cut[direction], at)
      }
    }
  })

  it("fails to accept, and the next connection is served", () => {
    const { answers, errors } = SimulatedTime.run(
      Effect.gen(function* () {
        const errors: Array<ServerError.ServerError> = []
        const stream = yield* (yield* ServerErrors.ServerErrors).subscribe
        yield* Effect.forkScoped(Stream.runForEach(stream, (error) => Effect.sync(() => errors.push(error))))
        const { connect } = yield* serving
        const once = Effect.scoped(
          Effect.gen(function* () {
            const client = yield* connect
            yield* Effect.ignore(client.send(closing))
            return (yield* receiveAll(client)).departure
          })
        )
        return { answers: [yield* once, yield* once], errors }
      }).pipe(
        Effect.scoped,
        Effect.provide(world({ plan: (n) => FaultPlan.make({ acceptError: n === 1 ? 1 : 0 }) }))
      )
    )
    assert.deepStrictEqual(answers, ["Lost", "Ended"])
    assert.deepStrictEqual(
      errors.map((error) => error.reason._tag),
      ["AcceptFailed"]
    )
  })

  it("begins no fault after it was healed", () => {
    const plan = FaultPlan.make({
      toServer: { latency: [5_000, 5_000], segment: [1, 1] },
      toClient: { reset: { chance: 1, after: [10, 10] } }
    })
    const { answer, millis } = SimulatedTime.run(
      Effect.gen(function* () {
        const { connect, network } = yield* serving
        const client = yield* connect
        yield* network.heal
        const start = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
        yield* client.send(closing)
        const answer = yield* receiveAll(client)
        return { answer, millis: (yield* Effect.clockWith((clock) => clock.currentTimeMillis)) - start }
      }).pipe(Effect.scoped, Effect.provide(world({ plan })))
    )
    assert.strictEqual(answer.departure, "Ended")
    assert.strictEqual(millis, 0)
  })

  it("holds back a sender whose receiver does not read", () =>
    SimulatedTime.run(
      Effect.gen(function* () {
        const network = yield* SimulatedNetwork.SimulatedNetwork
        const listener = yield* (yield* Transport.Transport).listen({ path: "/run/app" })
        const client = yield* network.connect(listener.address)
        const connection = yield* listener.accept
        assert.strictEqual(connection.writeUnsafe([new Uint8Array(100)]), false)
        assert.strictEqual(
          (yield* Effect.timeoutOption(connection.write([]), "1 hour"))._tag,
          "None",
          "10 octets are in the network, one segment is with the client, and more than 50 wait"
        )
        for (let got = 0; got < 100; ) got += ((yield* client.receive) as Uint8Array).length
        assert.strictEqual(connection.writeUnsafe([]), true)
      }).pipe(
        Effect.scoped,
        Effect.provide(world({ writeHighWaterMark: 50, plan: FaultPlan.make({ toClient: { buffer: 10 } }) }))
      )
    ))

  it.effect("takes its time from the test clock", () =>
    Effect.gen(function* () {
      const { connect } = yield* serving
      const client = yield* connect
      yield* client.send(closing)
      const answer = yield* Effect.forkScoped(client.receive)
      yield* TestClock.adjust("1999 millis")
      assert.strictEqual(answer.pollUnsafe(), undefined)
      yield* TestClock.adjust("1 millis")
      assert.notStrictEqual(answer.pollUnsafe(), undefined)
      // The server waits for its peer's end, but not for ever.
      yield* TestClock.adjust(ServerConfig.defaults.lingerTimeout)
    }).pipe(
      Effect.provide(
        world({
          plan: FaultPlan.make({
            toServer: { latency: [1_000, 1_000] },
            toClient: { latency: [1_000, 1_000] }
          })
        })
      )
    )
  )
})
