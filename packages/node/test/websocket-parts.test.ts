/** Large messages that are compressed in parts: in order, with others between them, and nothing left where they end early. */
import { randomFillSync } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { ZlibCodec } from "@nvo/node"
import { DeflateCodec, MessageDecoder } from "@nvo/protocol"
import { Topics, WebSocket } from "@nvo/server"
import { Effect, Exit, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { type App, serve } from "./support/serve.ts"
import { eventually } from "./support/settle.ts"
import * as WsWire from "./support/wsWire.ts"

const PARTS = 64
const PART_BYTES = 131_072

// Half of it can be compressed, and half of it cannot.
const large = Buffer.alloc(PARTS * PART_BYTES, "abcdefgh")
randomFillSync(large, large.length / 2)

const limits = { messageBytes: 2 * large.length, frameBytes: 2 * large.length }

const app = (
  onMessage: (webSocket: WebSocket.WebSocket, message: WebSocket.Data) => Effect.Effect<unknown>
): App =>
  Effect.gen(function* () {
    const webSocket = yield* WebSocket.upgrade()
    yield* Stream.runForEach(webSocket.messages, (message) => onMessage(webSocket, message))
    return HttpServerResponse.empty()
  })

for (const [carrier, connect] of Object.entries(WsWire.carriers)) {
  for (const takeover of [false, true]) {
    const config = { webSocketDeflate: true, webSocketDeflateTakeover: takeover, webSocketDeflateFrom: 0 }
    const open = (port: number) =>
      Effect.gen(function* () {
        const peer = yield* connect(port, { client: { deflate: {} } })
        const { inflater: make } = yield* DeflateCodec.DeflateCodec
        const inflater = yield* make({ windowBits: 15, contextTakeover: takeover })
        const inflation = { inflater, contextTakeover: takeover }
        return peer.decodeBy(MessageDecoder.make({ role: "Client", limits, inflation }))
      })

    describe(`over ${carrier}, ${takeover ? "with" : "without"} context takeover`, () => {
      it.live("other messages wait behind it, a Pong does not, and close() is the last", () =>
        Effect.gen(function* () {
          const { port } = yield* serve(
            app((webSocket) =>
              Effect.gen(function* () {
                const sends = [large, "abcdefgh behind", large, "abcdefgh last"].map(webSocket.send)
                yield* Effect.all(sends, { concurrency: "unbounded" })
                yield* Effect.forkChild(webSocket.send(large), { startImmediately: true })
                yield* Effect.orDie(webSocket.close(4000, "done"))
              }).pipe(Effect.ignore)
            ),
            config
          )
          const peer = yield* open(port)
          const before = peer.wire.received.length
          yield* peer.text("go")
          yield* peer.wire.until("a fragment", () => peer.wire.received.length > before || undefined)
          yield* peer.ping("between")
          const pong = yield* peer.next
          assert.strictEqual(pong._tag, "Pong")
          for (const expected of [large, "abcdefgh behind", large, "abcdefgh last", large]) {
            const event = yield* peer.next
            if (typeof expected === "string") assert.deepStrictEqual(event, { _tag: "Text", data: expected })
            else assert.isTrue(event._tag === "Binary" && large.equals(event.data))
          }
          assert.deepStrictEqual(yield* peer.next, { _tag: "Close", code: 4000, reason: "done" })
        }).pipe(Effect.provide(ZlibCodec.layer))
      )

      it.live("others have a turn between two parts", () =>
        Effect.gen(function* () {
          let turns = 0
          let sending = false
          const count = () => {
            if (!sending) return
            turns++
            setImmediate(count)
          }
          const { port } = yield* serve(
            app((webSocket) =>
              Effect.gen(function* () {
                sending = true
                setImmediate(count)
                yield* Effect.ignore(webSocket.send(large))
                sending = false
              })
            ),
            config
          )
          const peer = yield* open(port)
          yield* peer.text("go")
          assert.strictEqual((yield* peer.next)._tag, "Binary")
          yield* eventually("the end of the send", () => !sending)
          assert.isAtLeast(turns, PARTS - 1)
        }).pipe(Effect.provide(ZlibCodec.layer))
      )

      it.live("a connection that is lost in the middle ends the send, and the next is served", () =>
        Effect.gen(function* () {
          const exits: Array<boolean> = []
          const { connections, port } = yield* serve(
            app((webSocket) =>
              Effect.onExit(webSocket.send(large), (exit) =>
                Effect.sync(() => exits.push(Exit.isSuccess(exit)))
              ).pipe(Effect.ignore)
            ),
            config
          )
          const lost = yield* open(port)
          const before = lost.wire.received.length
          yield* lost.text("go")
          yield* lost.wire.until("a fragment", () => lost.wire.received.length > before || undefined)
          yield* lost.wire.reset
          yield* eventually("the end", () => Effect.runSync(connections.count) === 0)
          assert.deepStrictEqual(exits, [false])
          const next = yield* open(port)
          yield* next.text("go")
          const event = yield* next.next
          assert.isTrue(event._tag === "Binary" && large.equals(event.data))
        }).pipe(Effect.provide(ZlibCodec.layer))
      )

      it.live("a peer that takes nothing is cut off in the middle, and the send says so", () =>
        Effect.gen(function* () {
          const exits: Array<string> = []
          const { connections, port } = yield* serve(
            app((webSocket) =>
              Effect.onExit(
                Effect.all([webSocket.send(large), webSocket.send(large), webSocket.send(large)]),
                (exit) => Effect.sync(() => exits.push(Exit.isFailure(exit) ? String(exit.cause) : "sent"))
              ).pipe(Effect.ignore)
            ),
            { ...config, writeTimeout: "200 millis" }
          )
          const peer = yield* open(port)
          yield* peer.text("go")
          peer.wire.socket.pause()
          yield* eventually("the end", () => exits.length === 1)
          assert.include(exits[0], "SlowConsumer")
          peer.wire.socket.resume()
          if (carrier === "HTTP/2") yield* peer.wire.reset
          yield* eventually("no connection", () => Effect.runSync(connections.count) === 0)
        }).pipe(Effect.provide(ZlibCodec.layer))
      )

      it.live("what is sent behind a topic's message refers to nothing before it", () =>
        Effect.gen(function* () {
          const service = yield* Topics.Topics
          const { port } = yield* serve(
            Effect.gen(function* () {
              const webSocket = yield* WebSocket.upgrade()
              yield* service.subscribe("news", webSocket)
              yield* Stream.runForEach(webSocket.messages, webSocket.send)
              return HttpServerResponse.empty()
            }),
            config
          )
          const peers = yield* Effect.replicateEffect(open(port), 3)
          yield* eventually("three subscribers", () => Effect.runSync(service.count("news")) === 3)
          const echoed = Effect.forEach(peers, (peer) =>
            Effect.gen(function* () {
              yield* peer.text("to be repeated, word for word")
              const event = yield* peer.next
              assert.deepStrictEqual(event, { _tag: "Text", data: "to be repeated, word for word" })
            })
          )
          yield* echoed
          assert.strictEqual(yield* service.publish("news", large), 3)
          for (const peer of peers) {
            const event = yield* peer.next
            assert.isTrue(event._tag === "Binary" && large.equals(event.data))
          }
          yield* echoed
        }).pipe(Effect.provide([ZlibCodec.layer, Topics.Topics.layer]))
      )

      it.live("a topic's message reaches all, among what each is sent by itself", () =>
        Effect.gen(function* () {
          const service = yield* Topics.Topics
          const { port } = yield* serve(
            Effect.gen(function* () {
              const webSocket = yield* WebSocket.upgrade()
              yield* service.subscribe("news", webSocket)
              yield* Stream.runForEach(webSocket.messages, (message) =>
                Effect.gen(function* () {
                  yield* Effect.forkChild(webSocket.send(`${message}: abcdefgh`), { startImmediately: true })
                  yield* webSocket.send(large)
                })
              )
              return HttpServerResponse.empty()
            }),
            config
          )
          const peers = yield* Effect.replicateEffect(open(port), 3)
          yield* eventually("three subscribers", () => Effect.runSync(service.count("news")) === 3)
          yield* peers[1].text("own")
          const own = yield* peers[1].next
          assert.deepStrictEqual(own, { _tag: "Text", data: "own: abcdefgh" })
          assert.strictEqual(yield* service.publish("news", "abcdefgh"), 3)
          assert.strictEqual(yield* service.publish("news", large), 3)
          for (const peer of peers) {
            const expected = peer === peers[1] ? [large, "abcdefgh", large] : ["abcdefgh", large]
            for (const data of expected) {
              const event = yield* peer.next
              if (typeof data === "string") assert.deepStrictEqual(event, { _tag: "Text", data })
              else assert.isTrue(event._tag === "Binary" && large.equals(event.data))
            }
          }
        }).pipe(Effect.provide([ZlibCodec.layer, Topics.Topics.layer]))
      )
    })
  }
}
