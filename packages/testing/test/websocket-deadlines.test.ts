/** The deadlines of WebSockets, in simulated time: peers that say nothing, and a server that stops. */
import { assert, describe, it } from "@effect/vitest"
import { FrameEncoder, Handshake, MessageDecoder } from "@nvo/protocol"
import { Engine, ServerConfig, ServerError, ServerErrors, Transport } from "@nvo/server"
import { Bytes, SimulatedNetwork, SimulatedTime } from "@nvo/testing"
import { Clock, Effect, Exit, Layer, Logger, Scope, Stream } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"

const echo = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const socket = yield* request.upgrade
  const reader = yield* socket.reader
  const writer = yield* socket.writer
  return yield* Effect.forever(Effect.flatMap(reader.pull, writer.writeAll)).pipe(
    Effect.catchTag("SocketError", () => Effect.succeed(HttpServerResponse.empty()))
  )
})

const world = Layer.mergeAll(SimulatedNetwork.layer({ seed: 1 }), Engine.layerServices, Logger.layer([]))

const head = () => {
  const fields = Object.entries(Handshake.requestFields({ nonce: new Uint8Array(16) }))
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")
  return Bytes.fromText(`GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`)
}

/** A peer that reads, and answers nothing by itself. */
const peer = (connect: ReturnType<SimulatedNetwork.SimulatedNetwork["Service"]["connect"]>) =>
  Effect.gen(function* () {
    const client = yield* connect
    yield* client.send(head())
    const answer = yield* client.receive
    assert.include(typeof answer === "string" ? answer : Bytes.toText(answer), "101 Switching Protocols")
    const decoder = MessageDecoder.make({ role: "Client" })
    let state = MessageDecoder.initial
    const events: Array<MessageDecoder.MessageEvent> = []
    const next: Effect.Effect<MessageDecoder.MessageEvent | Transport.Departure> = Effect.suspend(() => {
      const first = events.shift()
      if (first !== undefined) return Effect.succeed(first)
      return Effect.flatMap(client.receive, (octets) => {
        if (typeof octets === "string") return Effect.succeed(octets)
        const step = MessageDecoder.step(decoder, state, octets)
        state = step.state
        events.push(...step.events)
        return next
      })
    })
    return {
      next,
      end: client.end,
      send: (opcode: "Text" | "Pong" | "Close", payload: Uint8Array = new Uint8Array(0)) =>
        client.send(FrameEncoder.encodeBytes({ opcode, payload }, 0x01020304))
    }
  })

const serving = (config: ServerConfig.Input) =>
  Effect.gen(function* () {
    const network = yield* SimulatedNetwork.SimulatedNetwork
    const transport = yield* Transport.Transport
    const errors: Array<string> = []
    const stream = yield* Effect.flatMap(ServerErrors.ServerErrors, ({ subscribe }) => subscribe)
    yield* Effect.forkScoped(
      Stream.runForEach(stream, (error) => Effect.sync(() => errors.push(ServerError.reasonOf(error))))
    )
    const scope = yield* Scope.make()
    const listener = yield* transport.listen({ port: 80 })
    const server = yield* Engine.make(listener, ServerConfig.make(config))
    yield* Scope.provide(server.serve(echo), scope)
    return { connect: network.connect(listener.address), errors, stop: Scope.close(scope, Exit.void) }
  })

const elapsed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const before = yield* Clock.currentTimeMillis
    const value = yield* effect
    return { value, millis: (yield* Clock.currentTimeMillis) - before }
  })

const simulate = <A, E>(
  program: Effect.Effect<
    A,
    E,
    SimulatedNetwork.SimulatedNetwork | Transport.Transport | Scope.Scope | ServerServices
  >
): A => SimulatedTime.run(program.pipe(Effect.scoped, Effect.provide(world)))

type ServerServices = Layer.Success<typeof Engine.layerServices>

describe("a peer that is silent", () => {
  it("is sent a Ping after its interval, and cut off after its timeout", () => {
    simulate(
      Effect.gen(function* () {
        const { connect, errors } = yield* serving({})
        const one = yield* peer(connect)
        const ping = yield* elapsed(one.next)
        assert.strictEqual(typeof ping.value === "string" ? ping.value : ping.value._tag, "Ping")
        assert.isTrue(ping.millis >= 30_000 && ping.millis <= 30_200, String(ping.millis))
        const lost = yield* elapsed(one.next)
        assert.strictEqual(lost.value, "Lost")
        assert.isTrue(lost.millis >= 20_000 && lost.millis <= 20_200, String(lost.millis))
        assert.deepStrictEqual(errors, ["PingTimeout"])
      })
    )
  })

  it("lives as long as it answers, and is not sent a Ping while it speaks", () => {
    simulate(
      Effect.gen(function* () {
        const { connect, errors } = yield* serving({})
        const one = yield* peer(connect)
        for (let i = 0; i < 20; i++) {
          const event = yield* one.next
          assert.strictEqual(typeof event === "string" ? event : event._tag, "Ping")
          yield* Effect.sleep("19 seconds")
          yield* one.send("Pong")
        }
        for (let i = 0; i < 20; i++) {
          yield* Effect.sleep("25 seconds")
          yield* one.send("Text")
          const event = yield* one.next
          assert.strictEqual(typeof event === "string" ? event : event._tag, "Text")
        }
        assert.deepStrictEqual(errors, [])
      })
    )
  })

  it("is left alone without an interval", () => {
    simulate(
      Effect.gen(function* () {
        const { connect, errors } = yield* serving({ webSocketPingInterval: 0 })
        const one = yield* peer(connect)
        yield* Effect.sleep("1 hour")
        yield* one.send("Text", Bytes.fromText("still here"))
        const event = yield* one.next
        assert.strictEqual(typeof event !== "string" && event._tag === "Text" && event.data, "still here")
        assert.deepStrictEqual(errors, [])
      })
    )
  })

  it("in a close handshake is cut off after its timeout", () => {
    simulate(
      Effect.gen(function* () {
        const { connect, errors, stop } = yield* serving({ drainTimeout: "1 hour" })
        const one = yield* peer(connect)
        const stopped = yield* elapsed(stop)
        assert.isTrue(stopped.millis >= 5_000 && stopped.millis <= 5_200, String(stopped.millis))
        const close = yield* one.next
        assert.strictEqual(typeof close !== "string" && close._tag === "Close" && close.code, 1001)
        assert.strictEqual(yield* one.next, "Lost")
        assert.deepStrictEqual(errors, ["CloseTimeout"])
      })
    )
  })
})

describe("a server that stops", () => {
  it("cuts 1,000 silent sockets at its deadline, and not later", () => {
    simulate(
      Effect.gen(function* () {
        const { connect, stop } = yield* serving({
          drainTimeout: "3 seconds",
          webSocketCloseTimeout: "1 hour"
        })
        const peers = yield* Effect.replicateEffect(peer(connect), 1_000)
        const stopped = yield* elapsed(stop)
        assert.isTrue(stopped.millis >= 3_000 && stopped.millis <= 3_200, String(stopped.millis))
        for (const one of peers) {
          const close = yield* one.next
          assert.strictEqual(typeof close !== "string" && close._tag === "Close" && close.code, 1001)
          assert.strictEqual(yield* one.next, "Ended")
        }
      })
    )
  })

  it("ends as soon as 1,000 sockets have answered", () => {
    simulate(
      Effect.gen(function* () {
        const { connect, stop } = yield* serving({ drainTimeout: "1 hour", webSocketCloseTimeout: "1 hour" })
        const peers = yield* Effect.replicateEffect(peer(connect), 1_000)
        yield* Effect.forEach(peers, (one) =>
          Effect.forkScoped(
            Effect.gen(function* () {
              yield* one.next
              yield* one.send("Close", Uint8Array.of(0x03, 0xe9))
              yield* one.end
            })
          )
        )
        const stopped = yield* elapsed(stop)
        assert.isBelow(stopped.millis, 3_000)
      })
    )
  })
})
