/** `HttpServerRequest.upgrade` for `Upgrade: websocket`: Effect's Socket over RFC 6455. */
import { assert, describe, it } from "@effect/vitest"
import { FrameEncoder } from "@nvo/protocol"
import { ServerError } from "@nvo/server"
import { Deferred, Effect, Exit, Fiber, Scope } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Socket from "effect/socket/Socket"
import * as ReadResponse from "./support/ReadResponse.ts"
import { type App, serve } from "./support/serve.ts"
import { eventually } from "./support/settle.ts"
import * as Wire from "./support/Wire.ts"
import * as WsWire from "./support/wsWire.ts"

/** Runs `use` with the socket; gives its failure to `ended`. */
const withSocket = (
  use: (socket: Socket.Socket) => Effect.Effect<unknown, Socket.SocketError, Scope.Scope>,
  ended: (error: Socket.SocketError | undefined) => void = () => {}
): App =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const socket = yield* request.upgrade
    yield* Effect.interruptible(Effect.scoped(use(socket))).pipe(
      Effect.matchEffect({
        onSuccess: () => Effect.sync(() => ended(undefined)),
        onFailure: (error) => Effect.sync(() => ended(error))
      })
    )
    return HttpServerResponse.empty()
  })

const echoing = (socket: Socket.Socket) =>
  Effect.gen(function* () {
    const reader = yield* socket.reader
    const writer = yield* socket.writer
    return yield* Effect.forever(Effect.flatMap(reader.pull, writer.writeAll))
  })

const echo = withSocket(echoing)

const closeOf = (error: Socket.SocketError | undefined): Socket.SocketCloseError | undefined =>
  error?.reason._tag === "SocketCloseError" ? error.reason : undefined

/** Serves `echo` and notes how each socket ended. */
const serveEcho = (options: Parameters<typeof serve>[1] = {}) =>
  Effect.gen(function* () {
    const ends: Array<Socket.SocketError | undefined> = []
    const running = yield* serve(
      withSocket(echoing, (error) => ends.push(error)),
      options
    )
    return { ...running, ends, end: eventually("the socket's end", () => ends.length > 0) }
  })

for (const [carrier, connect] of Object.entries(WsWire.carriers)) {
  describe(`over ${carrier}`, () => {
    describe("a WebSocket", () => {
      it.live("echoes text and binary messages, and one that came with the handshake", () =>
        Effect.gen(function* () {
          const { port } = yield* serve(echo)
          const behind = FrameEncoder.encodeBytes({ opcode: "Text", payload: Buffer.from("first") }, 7)
          const peer = yield* connect(port, { behind })
          assert.deepStrictEqual(yield* peer.next, { _tag: "Text", data: "first" })
          yield* peer.text("grüße")
          assert.deepStrictEqual(yield* peer.next, { _tag: "Text", data: "grüße" })
          yield* peer.send({ opcode: "Binary", payload: Uint8Array.of(1, 2, 255) })
          const event = yield* peer.next
          assert.deepStrictEqual(event._tag === "Binary" ? [...event.data] : event, [1, 2, 255])
        })
      )

      it.live("keeps the order of messages that come together, in one batch", () =>
        Effect.gen(function* () {
          const { port } = yield* serve(echo)
          const peer = yield* connect(port)
          const frames = Array.from({ length: 100 }, (_, i) =>
            FrameEncoder.encodeBytes({ opcode: "Text", payload: Buffer.from(String(i)) }, i)
          )
          yield* peer.wire.send(Buffer.concat(frames))
          for (let i = 0; i < 100; i++)
            assert.deepStrictEqual(yield* peer.next, { _tag: "Text", data: String(i) })
        })
      )

      it.live("is accepted with the client's first subprotocol, as by other servers of Effect", () =>
        Effect.gen(function* () {
          const { port } = yield* serve(echo)
          const peer = yield* connect(port, { client: { protocols: ["b", "a"] } })
          assert.strictEqual(ReadResponse.value(peer.response.fields, "sec-websocket-protocol"), "b")
        })
      )

      it.live("answers a Ping whether or not the application reads, §5.5.2", () =>
        Effect.gen(function* () {
          const { port } = yield* serve(
            withSocket((socket) => Effect.andThen(socket.reader, Effect.never)),
            { webSocketCloseTimeout: "100 millis" }
          )
          const peer = yield* connect(port)
          yield* peer.text("nobody reads this")
          yield* peer.ping("hello")
          const event = yield* peer.next
          assert.strictEqual(event._tag === "Pong" && Buffer.from(event.payload).toString(), "hello")
        })
      )
    })

    describe("closing", () => {
      it.live("by the peer: the code is answered, the reader fails with it, the server ends first", () =>
        Effect.gen(function* () {
          const { connections, end, ends, errors, port } = yield* serveEcho()
          const peer = yield* connect(port)
          yield* peer.close(4001, "enough")
          assert.deepStrictEqual(yield* peer.next, { _tag: "Close", code: 4001, reason: "" })
          assert.isTrue(yield* peer.wire.end)
          yield* end
          assert.strictEqual(closeOf(ends[0])?.code, 4001)
          assert.strictEqual(closeOf(ends[0])?.closeReason, "enough")
          yield* peer.wire.finish
          yield* eventually("the connection's end", () => Effect.runSync(connections.count) === 0)
          assert.deepStrictEqual(errors, [])
        })
      )

      it.live("by the peer without a code: 1005, and messages before it are read first", () =>
        Effect.gen(function* () {
          const { end, ends, port } = yield* serveEcho()
          const peer = yield* connect(port)
          yield* peer.wire.send(
            Buffer.concat([
              FrameEncoder.encodeBytes({ opcode: "Text", payload: Buffer.from("last") }, 1),
              FrameEncoder.encodeBytes({ opcode: "Close", payload: new Uint8Array(0) }, 1)
            ])
          )
          assert.deepStrictEqual(yield* peer.closed, { _tag: "Close", code: 1005, reason: "" })
          yield* end
          assert.strictEqual(closeOf(ends[0])?.code, 1005)
        })
      )

      it.live("by the loss of the connection, or its end without a Close frame: 1006", () =>
        Effect.gen(function* () {
          const { ends, errors, port } = yield* serveEcho()
          const reset = yield* connect(port)
          yield* reset.text("a")
          yield* reset.next
          yield* reset.wire.reset
          yield* eventually("the first end", () => ends.length === 1)
          const half = yield* connect(port)
          yield* half.wire.finish
          yield* eventually("the second end", () => ends.length === 2)
          assert.deepStrictEqual(
            ends.map((error) => closeOf(error)?.code),
            [1006, 1006]
          )
          yield* eventually("both errors", () => errors.length === 2)
          assert.deepStrictEqual(errors.map(ServerError.reasonOf), ["ConnectionLost", "ConnectionLost"])
        })
      )

      it.live("by the loss of the connection interrupts work that does not wait for a message", () =>
        Effect.gen(function* () {
          let interrupted = false
          const started = yield* Deferred.make<void>()
          const { port } = yield* serve(
            withSocket((socket) =>
              Effect.gen(function* () {
                const reader = yield* socket.reader
                yield* reader.pull
                yield* Deferred.succeed(started, undefined)
                yield* Effect.onInterrupt(Effect.never, () => Effect.sync(() => (interrupted = true)))
              })
            )
          )
          const peer = yield* connect(port)
          yield* peer.text("go")
          yield* Deferred.await(started)
          yield* peer.wire.reset
          yield* eventually("the interruption", () => interrupted)
        })
      )

      it.live("by a peer whose application does not come to read ends the application in time", () =>
        Effect.gen(function* () {
          const { connections, port } = yield* serve(
            withSocket((socket) => Effect.andThen(socket.reader, Effect.never)),
            { webSocketCloseTimeout: "100 millis" }
          )
          const peer = yield* connect(port)
          yield* peer.close(1000)
          assert.strictEqual((yield* peer.closed)?.code, 1000)
          yield* peer.wire.finish
          yield* eventually("the connection's end", () => Effect.runSync(connections.count) === 0)
        })
      )

      const endings: Readonly<
        Record<string, readonly [code: number, effect: Effect.Effect<unknown, Socket.SocketError>]>
      > = {
        "that ends": [1000, Effect.void],
        "that dies": [1011, Effect.die(new Error("a bug"))],
        "that is interrupted": [1001, Effect.interrupt]
      }
      for (const [name, [code, effect]] of Object.entries(endings)) {
        it.live(`by an application ${name}: ${code}`, () =>
          Effect.gen(function* () {
            const { port } = yield* serve(withSocket((socket) => Effect.andThen(socket.reader, effect)))
            const peer = yield* connect(port)
            const closed = yield* peer.closed
            assert.strictEqual(closed?.code, code)
            yield* peer.close(code)
            assert.isTrue(yield* peer.wire.end)
          })
        )
      }

      it.live(
        "by a CloseEvent sends its code and reason, and the reader goes on until the peer's answer",
        () =>
          Effect.gen(function* () {
            const seen: Array<unknown> = []
            const { port } = yield* serve(
              withSocket(
                (socket) =>
                  Effect.gen(function* () {
                    const reader = yield* socket.reader
                    const writer = yield* socket.writer
                    yield* writer.write(new Socket.CloseEvent(4_000, "that is all"))
                    yield* writer.write("dropped")
                    yield* Effect.forever(Effect.map(reader.pull, (batch) => seen.push(...batch)))
                  }),
                (error) => seen.push(closeOf(error)?.code)
              )
            )
            const peer = yield* connect(port)
            assert.deepStrictEqual(yield* peer.next, { _tag: "Close", code: 4_000, reason: "that is all" })
            yield* peer.text("on its way")
            yield* peer.close(4_000)
            yield* eventually("the end", () => seen.length === 2)
            assert.deepStrictEqual(seen, ["on its way", 4_000])
          })
      )

      it.live("with a code that may not be sent is an error of writing, and closes nothing", () =>
        Effect.gen(function* () {
          const failed = yield* Deferred.make<Socket.SocketError>()
          const { port } = yield* serve(
            withSocket((socket) =>
              Effect.gen(function* () {
                yield* socket.reader
                const writer = yield* socket.writer
                yield* Effect.catch(writer.write(new Socket.CloseEvent(1006)), (error) =>
                  Deferred.succeed(failed, error)
                )
                yield* writer.write("still here")
              })
            )
          )
          const peer = yield* connect(port)
          assert.deepStrictEqual(yield* peer.next, { _tag: "Text", data: "still here" })
          assert.strictEqual((yield* Deferred.await(failed)).reason._tag, "SocketWriteError")
        })
      )
    })

    describe("a server that stops", () => {
      const stopping = (options: Parameters<typeof serve>[1] = {}) =>
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          const ends: Array<Socket.SocketError | undefined> = []
          const running = yield* Scope.provide(
            serve(
              withSocket(echoing, (error) => ends.push(error)),
              options
            ),
            scope
          )
          return { ...running, ends, stop: Scope.close(scope, Exit.void) }
        })

      it.live("tells each peer with 1001, and ends when they have answered", () =>
        Effect.gen(function* () {
          const { ends, port, stop } = yield* stopping({
            drainTimeout: "1 hour",
            webSocketCloseTimeout: "1 hour"
          })
          const peers = yield* Effect.replicateEffect(connect(port), 3)
          const stopped = yield* Effect.forkChild(stop)
          for (const peer of peers) {
            const closed = yield* peer.closed
            assert.strictEqual(closed?.code, 1001)
            yield* peer.close(1001)
            yield* peer.wire.finish
          }
          yield* Fiber.join(stopped)
          assert.deepStrictEqual(
            ends.map((error) => closeOf(error)?.code),
            [1001, 1001, 1001]
          )
        })
      )

      it.live("cuts peers that say nothing at its deadline", () =>
        Effect.gen(function* () {
          const { port, stop } = yield* stopping({
            drainTimeout: "300 millis",
            webSocketCloseTimeout: "1 hour"
          })
          const peers = yield* Effect.replicateEffect(connect(port), 20)
          yield* stop
          for (const peer of peers) assert.strictEqual((yield* peer.closed)?.code, 1001)
        })
      )

      it.live("does not wait for peers beyond the deadline of a Close frame", () =>
        Effect.gen(function* () {
          const { port, stop } = yield* stopping({
            drainTimeout: "1 hour",
            webSocketCloseTimeout: "100 millis"
          })
          yield* connect(port)
          yield* stop
        })
      )
    })

    describe("backpressure", () => {
      it.live(
        "a peer is not read beyond the bound while its application does not read, and nothing is lost",
        () =>
          Effect.gen(function* () {
            const gate = yield* Deferred.make<void>()
            let count = 0
            const { port } = yield* serve(
              withSocket((socket) =>
                Effect.gen(function* () {
                  const reader = yield* socket.reader
                  yield* Deferred.await(gate)
                  yield* Effect.forever(Effect.map(reader.pull, (batch) => (count += batch.length)))
                })
              )
            )
            const peer = yield* connect(port)
            const message = FrameEncoder.encodeBytes({ opcode: "Binary", payload: new Uint8Array(60_000) }, 9)
            // More than the sockets of both sides hold.
            const total = 500
            for (let i = 0; i < total; i++) peer.wire.sendUnsafe(message)
            yield* Effect.sleep(100)
            assert.isAbove(peer.wire.socket.writableLength, 0)
            yield* Deferred.succeed(gate, undefined)
            yield* eventually("all messages", () => count === total)
          })
      )

      it.live("a write waits while the peer does not read, and goes on when it does", () =>
        Effect.gen(function* () {
          let written = 0
          const { port } = yield* serve(
            withSocket((socket) =>
              Effect.gen(function* () {
                yield* socket.reader
                const writer = yield* socket.writer
                for (let i = 0; i < 150; i++) {
                  yield* writer.write(new Uint8Array(100_000))
                  written++
                }
              })
            )
          )
          const peer = yield* connect(port)
          peer.wire.socket.pause()
          yield* Effect.sleep(200)
          assert.isBelow(written, 150)
          peer.wire.socket.resume()
          assert.strictEqual((yield* peer.closed)?.code, 1000)
          assert.strictEqual(written, 150)
        })
      )
    })

    describe("existing apps", () => {
      it.live("use the socket as a channel", () =>
        Effect.gen(function* () {
          const { port } = yield* serve(
            Effect.gen(function* () {
              const request = yield* HttpServerRequest.HttpServerRequest
              const socket = yield* request.upgrade
              yield* Effect.ignore(
                Effect.scoped(
                  Effect.gen(function* () {
                    const pull = yield* Socket.readerString(socket)
                    const writer = yield* socket.writer
                    yield* Effect.forever(
                      Effect.flatMap(pull, (texts) => writer.write(texts.join("").toUpperCase()))
                    )
                  })
                )
              )
              return HttpServerResponse.empty()
            })
          )
          const peer = yield* connect(port)
          yield* peer.text("hello")
          assert.deepStrictEqual(yield* peer.next, { _tag: "Text", data: "HELLO" })
        })
      )
    })
  })
}

describe("over HTTP/1.1 only", () => {
  it.live("shows in the phase of its connection", () =>
    Effect.gen(function* () {
      const { connections, port } = yield* serve(echo)
      yield* WsWire.connect(port)
      const phases = (yield* connections.list).map(({ phase }) => phase)
      assert.deepStrictEqual(phases, ["Upgraded"])
    })
  )

  describe("a handshake is refused", () => {
    const refusals: Readonly<
      Record<string, readonly [status: number, reason: string, octets: Buffer, method?: string]>
    > = {
      "with another method": [
        405,
        "MethodNotGet",
        Wire.request("POST", "/", WsWire.handshakeFields()),
        "POST"
      ],
      "without a key": [
        400,
        "MissingKey",
        Wire.request("GET", "/", { ...WsWire.handshakeFields(), "sec-websocket-key": "" }).subarray()
      ],
      "with another version": [
        426,
        "UnsupportedVersion",
        Wire.request("GET", "/", { ...WsWire.handshakeFields(), "sec-websocket-version": "8" })
      ]
    }
    for (const [name, [status, reason, octets, method]] of Object.entries(refusals)) {
      it.live(`${name}: ${status}, and the error names the connection`, () =>
        Effect.gen(function* () {
          const { errors, port } = yield* serve(echo)
          const response = yield* Wire.exchange(port, octets, method)
          assert.strictEqual(response.status, status)
          if (status === 426) {
            assert.strictEqual(ReadResponse.value(response.fields, "sec-websocket-version"), "13")
          }
          yield* eventually("the error", () => errors.length > 0)
          assert.strictEqual(errors[0]._tag, "WebSocketError")
          assert.include([reason, "InvalidKey"], ServerError.reasonOf(errors[0]))
          assert.isAbove(errors[0].connectionId, 0)
        })
      )
    }

    it.live("with fields of the application's, as by other servers of Effect: 500", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          Effect.gen(function* () {
            const request = yield* HttpServerRequest.HttpServerRequest
            yield* request.upgradeWith({ headers: { "x-a": "1" } })
            return HttpServerResponse.empty()
          })
        )
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("GET", "/", WsWire.handshakeFields()))
        assert.strictEqual((yield* wire.response()).status, 500)
      })
    )
  })
})
