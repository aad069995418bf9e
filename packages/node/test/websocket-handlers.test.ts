/** WebSockets that are served by a function of their messages. */
import { assert, describe, it } from "@effect/vitest"
import { FrameEncoder } from "@nvo/protocol"
import { ServerError, Topics, WebSocket } from "@nvo/server"
import { Context, Deferred, Effect, Exit, Fiber, Scope } from "effect"
import { HttpServerRequest } from "effect/http"
import { serve } from "./support/serve.ts"
import { eventually } from "./support/settle.ts"
import * as WsWire from "./support/wsWire.ts"

const reasonsOf = (errors: ReadonlyArray<ServerError.ServerError>) => errors.map(ServerError.reasonOf)

const textOf = (count: number) =>
  Buffer.concat(
    Array.from({ length: count }, (_, i) =>
      FrameEncoder.encodeBytes({ opcode: "Text", payload: Buffer.from(String(i)) }, 1)
    )
  )

const open = WebSocket.toHttpEffect(({ send }) => Effect.succeed(send))

for (const [carrier, connect] of Object.entries(WsWire.carriers)) {
  describe(`WebSocket.toHttpEffect over ${carrier}`, () => {
    it.live("handles each message, alone, together with others, and one that came with the handshake", () =>
      Effect.gen(function* () {
        const { errors, port } = yield* serve(yield* open)
        const peer = yield* connect(port, { behind: textOf(1) })
        assert.deepStrictEqual(yield* peer.next, { _tag: "Text", data: "0" })
        yield* peer.wire.send(textOf(100))
        for (let i = 0; i < 100; i++) {
          assert.deepStrictEqual(yield* peer.next, { _tag: "Text", data: String(i) })
        }
        yield* peer.close(1000)
        assert.deepStrictEqual(yield* peer.closed, { _tag: "Close", code: 1000, reason: "" })
        assert.deepStrictEqual(reasonsOf(errors), [])
      })
    )

    it.live("handles one message after the other, in order, whatever they wait for", () =>
      Effect.gen(function* () {
        let underWay = 0
        const app = yield* WebSocket.toHttpEffect(({ send }) =>
          Effect.succeed((message: WebSocket.Data) =>
            Effect.gen(function* () {
              assert.strictEqual(++underWay, 1)
              yield* Number(message) % 2 === 0 ? Effect.sleep(1) : Effect.void
              underWay--
              yield* send(message)
            })
          )
        )
        const { errors, port } = yield* serve(app)
        const peer = yield* connect(port)
        yield* peer.wire.send(textOf(10))
        yield* peer.wire.send(textOf(10))
        for (let i = 0; i < 20; i++) {
          assert.deepStrictEqual(yield* peer.next, { _tag: "Text", data: String(i % 10) })
        }
        assert.deepStrictEqual(reasonsOf(errors), [])
      })
    )

    it.live("reads no more than its bound while a message is handled", () =>
      Effect.gen(function* () {
        const go = yield* Deferred.make<void>()
        let bytes = 0
        const app = yield* WebSocket.toHttpEffect(() =>
          Effect.succeed((message: WebSocket.Data) => {
            bytes += message.length
            return Deferred.await(go)
          })
        )
        const { connections, port } = yield* serve(app, { webSocketReadAhead: 16_384 })
        const peer = yield* connect(port)
        const message = FrameEncoder.encodeBytes({ opcode: "Binary", payload: new Uint8Array(4_096) }, 1)
        const total = 64 * 1_024 * 1_024
        for (let sent = 0; sent < total; sent += 1_024 * message.length) {
          peer.wire.sendUnsafe(Buffer.concat(Array.from({ length: 1_024 }, () => message)))
        }
        yield* eventually("the first message", () => bytes > 0)
        yield* Effect.sleep(100)
        const [info] = yield* connections.list
        // What the operating systems hold between the two was not read, either.
        assert.isBelow(info.bytesRead, total / 4)
        assert.strictEqual(bytes, 4_096)
        yield* Deferred.succeed(go, undefined)
        yield* eventually("all of it", () => bytes >= total - 1_024 * 4_096)
      })
    )

    it.live("opens with the request, and with a Scope that lasts as long as the WebSocket", () =>
      Effect.gen(function* () {
        const told: Array<string> = []
        const app = yield* WebSocket.toHttpEffect(
          Effect.fnUntraced(function* ({ protocol }) {
            const { headers } = yield* HttpServerRequest.HttpServerRequest
            told.push(`open ${headers["x-name"]} ${protocol}`)
            yield* Effect.addFinalizer((exit) => Effect.sync(() => told.push(`closed ${exit._tag}`)))
            return (message: WebSocket.Data) => Effect.sync(() => told.push(String(message)))
          }),
          { protocols: ["a"] }
        )
        const { port } = yield* serve(app)
        const peer = yield* connect(port, {
          fields: { "x-name": "n", "sec-websocket-protocol": "a" },
          client: { protocols: ["a"] }
        })
        yield* peer.text("m")
        yield* eventually("the message", () => told.length === 2)
        yield* peer.close(4000)
        yield* peer.closed
        yield* eventually("the end", () => told.length === 3)
        assert.deepStrictEqual(told, ["open n a", "m", "closed Success"])
      })
    )

    it.live("takes the services of where it is made", () =>
      Effect.gen(function* () {
        class Name extends Context.Service<Name, string>()("test/Name") {}
        const app = yield* Effect.provideService(
          WebSocket.toHttpEffect(({ send }) =>
            Effect.map(Name, (first) => () => Effect.flatMap(Name, (second) => send(`${first} ${second}`)))
          ),
          Name,
          "n"
        )
        const { port } = yield* serve(app)
        const peer = yield* connect(port)
        yield* peer.text("a")
        assert.deepStrictEqual(yield* peer.next, { _tag: "Text", data: "n n" })
      })
    )

    it.live("closes with 1011 where a message's handling fails or dies, and tells why once", () =>
      Effect.gen(function* () {
        for (const failing of [Effect.fail("no"), Effect.die(new Error("no"))]) {
          let closed: string | undefined
          const app = yield* WebSocket.toHttpEffect(() =>
            Effect.as(
              Effect.addFinalizer((exit) => Effect.sync(() => (closed = exit._tag))),
              (): Effect.Effect<never, string> => failing
            )
          )
          const { connections, errors, port } = yield* serve(app)
          const peer = yield* connect(port)
          yield* peer.text("a")
          assert.deepStrictEqual(yield* peer.closed, { _tag: "Close", code: 1011, reason: "" })
          yield* peer.close(1011)
          yield* peer.wire.finish
          yield* eventually("the end", () => Effect.runSync(connections.count) === 0)
          assert.strictEqual(closed, "Failure")
          assert.deepStrictEqual(reasonsOf(errors), ["HandlerFailed"])
        }
      })
    )

    it.live("closes with 1011 where it does not come to open, and closes its Scope", () =>
      Effect.gen(function* () {
        let closed: string | undefined
        const app = yield* WebSocket.toHttpEffect(
          Effect.fnUntraced(function* () {
            yield* Effect.addFinalizer((exit) => Effect.sync(() => (closed = exit._tag)))
            yield* Effect.fail("no")
            return () => Effect.void
          })
        )
        const { errors, port } = yield* serve(app)
        const peer = yield* connect(port)
        assert.deepStrictEqual(yield* peer.closed, { _tag: "Close", code: 1011, reason: "" })
        yield* peer.close(1011)
        yield* eventually("the error", () => errors.length > 0)
        assert.deepStrictEqual(reasonsOf(errors), ["HandlerFailed"])
        assert.strictEqual(closed, "Failure")
      })
    )

    it.live("a lost connection interrupts the message under way, or the opening, and closes the Scope", () =>
      Effect.gen(function* () {
        for (const waits of ["open", "message"]) {
          const ends: Array<string> = []
          const waiting = Effect.onInterrupt(
            Effect.andThen(
              Effect.sync(() => ends.push("begun")),
              Effect.never
            ),
            () => Effect.sync(() => ends.push("interrupted"))
          )
          const app = yield* WebSocket.toHttpEffect(
            Effect.fnUntraced(function* () {
              yield* Effect.addFinalizer(() => Effect.sync(() => ends.push("closed")))
              if (waits === "open") yield* waiting
              return () => waiting
            })
          )
          const { connections, errors, port } = yield* serve(app)
          const peer = yield* connect(port)
          yield* peer.text("a")
          yield* eventually("its begin", () => ends.length === 1)
          yield* peer.wire.reset
          yield* eventually("the end", () => ends.length === 3)
          assert.deepStrictEqual(ends, ["begun", "interrupted", "closed"])
          yield* eventually("no connection", () => Effect.runSync(connections.count) === 0)
          assert.include(reasonsOf(errors), "ConnectionLost")
        }
      })
    )

    it.live("sends by the policy that it was made with, and closes with a code of its own", () =>
      Effect.gen(function* () {
        const app = yield* WebSocket.toHttpEffect(({ close }) => Effect.succeed(() => close(4001, "enough")))
        const { port } = yield* serve(app)
        const peer = yield* connect(port)
        yield* peer.text("a")
        assert.deepStrictEqual(yield* peer.next, { _tag: "Close", code: 4001, reason: "enough" })
        yield* peer.close(4001)
        yield* peer.wire.finish
      })
    )

    it.live("subscribes to topics until it has ended", () =>
      Effect.gen(function* () {
        const topics = yield* Topics.Topics
        const app = yield* WebSocket.toHttpEffect((webSocket) =>
          Effect.as(topics.subscribe("t", webSocket), (message: WebSocket.Data) =>
            topics.publish("t", message)
          )
        )
        const { port } = yield* serve(app)
        const [one, two] = [yield* connect(port), yield* connect(port)]
        yield* one.text("a")
        assert.deepStrictEqual(yield* one.next, { _tag: "Text", data: "a" })
        assert.deepStrictEqual(yield* two.next, { _tag: "Text", data: "a" })
        yield* two.close()
        yield* two.closed
        yield* eventually("one", () => Effect.runSync(topics.count("t")) === 1)
      }).pipe(Effect.provide(Topics.Topics.layer))
    )

    it.live("is told with 1001 that the server stops, and is waited for", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const { port } = yield* Scope.provide(serve(yield* open), scope)
        const peer = yield* connect(port)
        yield* peer.text("a")
        yield* peer.next
        const stopping = yield* Effect.forkChild(Scope.close(scope, Exit.void))
        assert.strictEqual((yield* peer.closed)?.code, 1001)
        assert.isUndefined(stopping.pollUnsafe())
        yield* peer.close(1001)
        yield* Fiber.join(stopping)
      })
    )

    it.live("that says nothing is cut when the server has waited long enough", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const options = { drainTimeout: "50 millis", webSocketCloseTimeout: "1 minute" } as const
        const { errors, port } = yield* Scope.provide(serve(yield* open, options), scope)
        const peer = yield* connect(port)
        yield* Scope.close(scope, Exit.void)
        assert.include(reasonsOf(errors), "DrainTimeout")
        yield* peer.wire.until("the end", () => peer.wire.closed || peer.wire.ended || undefined)
      })
    )
  })
}

describe("WebSocket.toHttpEffect", () => {
  it.live("is a connection that is upgraded, and that can be closed", () =>
    Effect.gen(function* () {
      const { connections, port } = yield* serve(yield* open)
      const peer = yield* WsWire.connect(port)
      yield* peer.text("a")
      yield* peer.next
      const [info] = yield* connections.list
      assert.strictEqual(info.phase, "Upgraded")
      assert.strictEqual(info.requests, 1)
      assert.strictEqual(yield* connections.closeIdle, 0)
      assert.isTrue(yield* connections.close(info.id))
      yield* peer.wire.until("the end", () => peer.wire.closed || peer.wire.ended || undefined)
      yield* eventually("none", () => Effect.runSync(connections.count) === 0)
    })
  )
})
