/** WebSockets with subprotocols, limits of their own, typed messages and policies; and topics. */
import { assert, describe, it } from "@effect/vitest"
import { ZlibCodec } from "@nvo/node"
import { DeflateCodec, FrameEncoder, MessageDecoder } from "@nvo/protocol"
import { ServerError, Topics, WebSocket } from "@nvo/server"
import { Deferred, Effect, Exit, Schema, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import * as ReadResponse from "./support/ReadResponse.ts"
import { type App, serve } from "./support/serve.ts"
import { eventually } from "./support/settle.ts"
import * as WsWire from "./support/wsWire.ts"

const echo = (options: WebSocket.Options = {}): App =>
  Effect.gen(function* () {
    const webSocket = yield* WebSocket.upgrade(options)
    yield* Stream.runForEach(webSocket.messages, webSocket.send)
    return HttpServerResponse.empty()
  })

const reasonsOf = (errors: ReadonlyArray<ServerError.ServerError>) => errors.map(ServerError.reasonOf)

for (const [carrier, connect] of Object.entries(WsWire.carriers)) {
  describe(`over ${carrier}`, () => {
    describe("WebSocket.upgrade", () => {
      it.live("chooses the application's best subprotocol, and none where they share none", () =>
        Effect.gen(function* () {
          const { port } = yield* serve(echo({ protocols: ["v2", "v1"] }))
          const protocolOf = (protocols: ReadonlyArray<string>) =>
            Effect.map(
              connect(port, {
                fields: { "sec-websocket-protocol": protocols.join(", ") },
                client: { protocols }
              }),
              ({ response }) => ReadResponse.value(response.fields, "sec-websocket-protocol")
            )
          assert.strictEqual(yield* protocolOf(["v1", "v2"]), "v2")
          assert.strictEqual(yield* protocolOf(["v3", "v1"]), "v1")
          assert.isUndefined(yield* protocolOf(["v3"]))
        })
      )

      it.live("ends its messages when the peer closes properly, and fails with how it ended otherwise", () =>
        Effect.gen(function* () {
          const exits: Array<string> = []
          const { port } = yield* serve(
            Effect.gen(function* () {
              const webSocket = yield* WebSocket.upgrade()
              const exit = yield* Effect.exit(Stream.runDrain(webSocket.messages))
              exits.push(Exit.isSuccess(exit) ? "ended" : String(exit.cause))
              return HttpServerResponse.empty()
            })
          )
          for (const code of [1000, 1001, undefined, 4000]) {
            const peer = yield* connect(port)
            yield* peer.close(code)
            yield* peer.closed
            yield* peer.wire.finish
          }
          const lost = yield* connect(port)
          yield* lost.wire.reset
          yield* eventually("all ends", () => exits.length === 5)
          assert.deepStrictEqual(exits.slice(0, 3), ["ended", "ended", "ended"])
          assert.include(exits[3], "PeerClosed")
          assert.match(exits[4], /ConnectionLost.* on c\d+/s)
        })
      )

      it.live("is lost once: an application that fails with that has nothing of its own to tell", () =>
        Effect.gen(function* () {
          const { connections, errors, port } = yield* serve(echo())
          const peer = yield* connect(port)
          yield* peer.text("a")
          yield* peer.next
          yield* peer.wire.reset
          yield* eventually("the end", () => Effect.runSync(connections.count) === 0)
          yield* eventually("the error", () => errors.length > 0)
          assert.deepStrictEqual(reasonsOf(errors), ["ConnectionLost"])
        })
      )

      it.live("holds one WebSocket to limits of its own, at n and n + 1", () =>
        Effect.gen(function* () {
          const { errors, port } = yield* serve(echo({ messageBytes: 10 }))
          const peer = yield* connect(port)
          yield* peer.text("1234567890")
          assert.deepStrictEqual(yield* peer.next, { _tag: "Text", data: "1234567890" })
          yield* peer.text("12345678901")
          assert.deepStrictEqual(yield* peer.closed, { _tag: "Close", code: 1009, reason: "MessageTooLarge" })
          yield* eventually("the error", () => errors.length === 1)
          assert.deepStrictEqual(reasonsOf(errors), ["MessageTooLarge"])
        })
      )

      it.live("limits the rate of messages, at n and n + 1 within a second", () =>
        Effect.gen(function* () {
          const { port } = yield* serve(echo({ messageRate: 5 }))
          const message = FrameEncoder.encodeBytes({ opcode: "Text", payload: Buffer.from("a") }, 1)
          const within = yield* connect(port)
          yield* within.wire.send(Buffer.concat(Array.from({ length: 5 }, () => message)))
          for (let i = 0; i < 5; i++) assert.strictEqual((yield* within.next)._tag, "Text")
          const over = yield* connect(port)
          yield* over.wire.send(Buffer.concat(Array.from({ length: 6 }, () => message)))
          assert.deepStrictEqual(yield* over.closed, { _tag: "Close", code: 1008, reason: "MessageFlood" })
        })
      )

      it.live("closes with a code, waits for the answer, and refuses codes that may not be sent", () =>
        Effect.gen(function* () {
          const refused = yield* Deferred.make<string>()
          const { port } = yield* serve(
            Effect.gen(function* () {
              const webSocket = yield* WebSocket.upgrade()
              const bad = yield* Effect.exit(webSocket.close(1006))
              yield* Deferred.succeed(refused, Exit.isFailure(bad) ? String(bad.cause) : "")
              yield* webSocket.close(4000, "enough")
              const late = yield* Effect.exit(webSocket.send("late"))
              assert.isTrue(Exit.isFailure(late))
              return HttpServerResponse.empty()
            })
          )
          const peer = yield* connect(port)
          assert.deepStrictEqual(yield* peer.next, { _tag: "Close", code: 4000, reason: "enough" })
          assert.include(yield* Deferred.await(refused), "InvalidCloseArguments")
        })
      )
    })

    describe("WebSocket.upgradeSchema", () => {
      const sums: App = Effect.gen(function* () {
        const webSocket = yield* WebSocket.upgradeSchema({
          incoming: Schema.Struct({ a: Schema.Finite, b: Schema.Finite }),
          outgoing: Schema.Struct({ sum: Schema.Finite })
        })
        yield* Stream.runForEach(webSocket.messages, ({ a, b }) => webSocket.send({ sum: a + b }))
        return HttpServerResponse.empty()
      })

      it.live("gives and takes values", () =>
        Effect.gen(function* () {
          const { port } = yield* serve(sums)
          const peer = yield* connect(port)
          yield* peer.text('{"a":1,"b":2}')
          assert.deepStrictEqual(yield* peer.next, { _tag: "Text", data: '{"sum":3}' })
        })
      )

      for (const [name, frame] of Object.entries({
        "another type": { opcode: "Text", payload: Buffer.from('{"a":1}') },
        "no JSON": { opcode: "Text", payload: Buffer.from("{") },
        "a binary message": { opcode: "Binary", payload: Buffer.from('{"a":1,"b":2}') }
      } as const)) {
        it.live(`closes with 1007 for ${name}`, () =>
          Effect.gen(function* () {
            const { errors, port } = yield* serve(sums)
            const peer = yield* connect(port)
            yield* peer.send(frame)
            assert.deepStrictEqual(yield* peer.closed, {
              _tag: "Close",
              code: 1007,
              reason: "InvalidMessage"
            })
            yield* eventually("the error", () => errors.length > 0)
            assert.strictEqual(reasonsOf(errors)[0], "InvalidMessage")
          })
        )
      }
    })

    describe("a peer that does not read", () => {
      const flooding = (
        slowConsumer: WebSocket.SlowConsumer,
        done: Deferred.Deferred<ReadonlyArray<boolean>>
      ): App =>
        Effect.gen(function* () {
          const webSocket = yield* WebSocket.upgrade({ slowConsumer })
          const results: Array<boolean> = []
          yield* Effect.ignore(
            Effect.forEach(Array.from({ length: 300 }), () =>
              Effect.map(webSocket.send(new Uint8Array(100_000)), (sent) => results.push(sent))
            )
          )
          yield* Deferred.succeed(done, results)
          return HttpServerResponse.empty()
        })

      const stalled = (policy: WebSocket.SlowConsumer) =>
        Effect.gen(function* () {
          const done = yield* Deferred.make<ReadonlyArray<boolean>>()
          const running = yield* serve(flooding(policy, done), { webSocketCloseTimeout: "100 millis" })
          const peer = yield* connect(running.port)
          peer.wire.socket.pause()
          return { ...running, done, peer }
        })

      it.live("loses messages with `drop`, and the application knows which", () =>
        Effect.gen(function* () {
          const { done } = yield* stalled("drop")
          const results = yield* Deferred.await(done)
          assert.strictEqual(results.length, 300)
          assert.isTrue(results[0])
          assert.isFalse(results[299])
        })
      )

      it.live("is closed with `close`, and the error says so", () =>
        Effect.gen(function* () {
          const { done, errors } = yield* stalled("close")
          const results = yield* Deferred.await(done)
          assert.isBelow(results.length, 300)
          assert.isTrue(results.every((sent) => sent))
          yield* eventually("the error", () => errors.length > 0)
          assert.strictEqual(reasonsOf(errors)[0], "SlowConsumer")
        })
      )

      it.live("is waited for with `wait`, and cut off when it takes nothing for `writeTimeout`", () =>
        Effect.gen(function* () {
          const done = yield* Deferred.make<ReadonlyArray<boolean>>()
          const { errors, port } = yield* serve(flooding("wait", done), { writeTimeout: "300 millis" })
          const peer = yield* connect(port)
          peer.wire.socket.pause()
          const results = yield* Deferred.await(done)
          assert.isBelow(results.length, 300)
          assert.deepStrictEqual(reasonsOf(errors), ["SlowConsumer"])
        })
      )
    })

    describe("Topics", () => {
      const subscribing = (service: Topics.Topics["Service"], options?: Topics.SubscribeOptions): App =>
        Effect.gen(function* () {
          const webSocket = yield* WebSocket.upgrade()
          yield* service.subscribe("news", webSocket, options)
          yield* Effect.ignore(Stream.runForEach(webSocket.messages, webSocket.send))
          return HttpServerResponse.empty()
        })

      const withTopics = <A, E, R>(use: (service: Topics.Topics["Service"]) => Effect.Effect<A, E, R>) =>
        Effect.provide(Effect.flatMap(Topics.Topics, use), Topics.Topics.layer)

      it.live("sends what is published to all subscribers, until they leave", () =>
        withTopics((service) =>
          Effect.gen(function* () {
            const { port } = yield* serve(subscribing(service))
            const peers = yield* Effect.replicateEffect(connect(port), 3)
            yield* eventually("three subscribers", () => Effect.runSync(service.count("news")) === 3)
            assert.strictEqual(yield* service.publish("news", "größe"), 3)
            assert.strictEqual(yield* service.publish("other", "nobody"), 0)
            assert.strictEqual(yield* service.publish("news", Uint8Array.of(1, 2)), 3)
            for (const peer of peers) {
              assert.deepStrictEqual(yield* peer.next, { _tag: "Text", data: "größe" })
              assert.strictEqual((yield* peer.next)._tag, "Binary")
            }
            yield* peers[0].close(1000)
            yield* peers[0].closed
            yield* peers[0].wire.finish
            yield* eventually("two subscribers", () => Effect.runSync(service.count("news")) === 2)
            assert.strictEqual(yield* service.publish("news", "two"), 2)
          })
        )
      )

      for (const takeover of [false, true]) {
        it.live(
          `compresses once for all, ${takeover ? "with" : "without"} context takeover, between other messages`,
          () =>
            withTopics((service) =>
              Effect.gen(function* () {
                const { port } = yield* serve(subscribing(service), {
                  webSocketDeflate: true,
                  webSocketDeflateTakeover: takeover,
                  webSocketDeflateFrom: 0
                })
                yield* Effect.gen(function* () {
                  const codec = yield* DeflateCodec.DeflateCodec
                  const open = (bits: number) =>
                    Effect.gen(function* () {
                      const peer = yield* connect(port, {
                        client: { deflate: { serverMaxWindowBits: bits } }
                      })
                      const inflater = yield* codec.inflater({ windowBits: 15, contextTakeover: takeover })
                      const decoder = MessageDecoder.make({
                        role: "Client",
                        inflation: { inflater, contextTakeover: takeover }
                      })
                      return peer.decodeBy(decoder)
                    })
                  const peers = yield* Effect.forEach([15, 15, 10], open)
                  yield* eventually("three subscribers", () => Effect.runSync(service.count("news")) === 3)
                  const text = "the same words, the same words again. ".repeat(100)
                  for (let round = 0; round < 3; round++) {
                    yield* service.publish("news", `${text}${round}`)
                    for (const peer of peers) yield* peer.text(`${text} of my own ${round}`)
                    for (const peer of peers) {
                      assert.deepStrictEqual(yield* peer.next, { _tag: "Text", data: `${text}${round}` })
                      assert.deepStrictEqual(yield* peer.next, {
                        _tag: "Text",
                        data: `${text} of my own ${round}`
                      })
                    }
                  }
                }).pipe(Effect.provide(ZlibCodec.layer))
              })
            )
        )
      }

      it.live("closes subscribers that do not read, and goes on for the others", () =>
        withTopics((service) =>
          Effect.gen(function* () {
            const { errors, port } = yield* serve(subscribing(service))
            const slow = yield* connect(port)
            slow.wire.socket.pause()
            yield* eventually("a subscriber", () => Effect.runSync(service.count("news")) === 1)
            const message = new Uint8Array(200_000)
            for (let i = 0; i < 200 && errors.length === 0; i++) {
              yield* service.publish("news", message)
              yield* Effect.sleep(1)
            }
            assert.deepStrictEqual(reasonsOf(errors), ["SlowConsumer"])
            const fast = yield* connect(port)
            yield* eventually("the other", () => Effect.runSync(service.publish("news", "still here")) === 1)
            assert.strictEqual((yield* fast.next)._tag, "Text")
          })
        )
      )

      it.live("drops messages for subscribers that do not read, where that is asked for", () =>
        withTopics((service) =>
          Effect.gen(function* () {
            const { errors, port } = yield* serve(subscribing(service, { slowConsumer: "drop" }))
            const slow = yield* connect(port)
            slow.wire.socket.pause()
            yield* eventually("a subscriber", () => Effect.runSync(service.count("news")) === 1)
            const message = new Uint8Array(200_000)
            let last = 1
            for (let i = 0; i < 200 && last === 1; i++) last = yield* service.publish("news", message)
            assert.strictEqual(last, 0)
            assert.strictEqual(yield* service.count("news"), 1)
            assert.deepStrictEqual(errors, [])
          })
        )
      )
    })
  })
}
