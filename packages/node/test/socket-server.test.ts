import { NodeSocket } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { NetTransport, PollTransport } from "@nvo/node"
import { SocketServers, Transport } from "@nvo/server"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as NetAddress from "effect/net/NetAddress"
import type * as Socket from "effect/socket/Socket"

const listen = Effect.gen(function* () {
  const transport = yield* Transport.Transport
  return yield* transport.listen({ host: "127.0.0.1", port: 0 })
})

const connect = (address: NetAddress.SocketAddress) =>
  NodeSocket.makeNet({ host: "127.0.0.1", port: NetAddress.isInetAddress(address) ? address.port : 0 })

const text = (chunks: ReadonlyArray<Uint8Array | string>): string =>
  chunks.map((chunk) => (typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk))).join("")

const echo = (socket: Socket.Socket) =>
  Effect.scoped(
    Effect.gen(function* () {
      const reader = yield* socket.reader
      const writer = yield* socket.writer
      yield* Effect.forever(Effect.flatMap(reader.pull, (chunks) => writer.writeAll(chunks)))
    })
  )

const ask = (address: NetAddress.SocketAddress, question: string) =>
  Effect.scoped(
    Effect.gen(function* () {
      const socket = yield* connect(address)
      const reader = yield* socket.reader
      const writer = yield* socket.writer
      yield* writer.write(question)
      return text(yield* reader.pull)
    })
  )

const transports = { NetTransport: NetTransport.layer(), PollTransport: PollTransport.layer() }

describe.each(Object.entries(transports))("SocketServers.fromListener over %s", (_, transport) => {
  it.live("serves programs that are not HTTP, each connection by itself", () =>
    Effect.gen(function* () {
      const listener = yield* listen
      const running = yield* Effect.forkScoped(SocketServers.fromListener(listener).run(echo))
      assert.strictEqual(yield* ask(listener.address, "one"), "one")
      assert.deepStrictEqual(
        yield* Effect.all([ask(listener.address, "two"), ask(listener.address, "three")], { concurrency: 2 }),
        ["two", "three"]
      )
      assert.isUndefined(running.pollUnsafe())
    }).pipe(Effect.scoped, Effect.provide(transport))
  )

  it.live("a handler that fails ends its connection only", () =>
    Effect.gen(function* () {
      const listener = yield* listen
      let first = true
      const running = yield* Effect.forkScoped(
        SocketServers.fromListener(listener).run((socket) => {
          if (!first) return echo(socket)
          first = false
          return Effect.die("the first connection fails")
        })
      )
      const failed = yield* Effect.exit(ask(listener.address, "lost"))
      assert.strictEqual(failed._tag, "Failure")
      assert.strictEqual(yield* ask(listener.address, "served"), "served")
      assert.isUndefined(running.pollUnsafe())
    }).pipe(Effect.scoped, Effect.provide(transport))
  )

  it.live("interrupting run ends the connections that are open", () =>
    Effect.gen(function* () {
      const listener = yield* listen
      const running = yield* Effect.forkScoped(SocketServers.fromListener(listener).run(echo))
      const socket = yield* connect(listener.address)
      const reader = yield* socket.reader
      const writer = yield* socket.writer
      yield* writer.write("hello")
      assert.strictEqual(text(yield* reader.pull), "hello")
      yield* Fiber.interrupt(running)
      assert.strictEqual((yield* Effect.exit(reader.pull))._tag, "Failure")
    }).pipe(Effect.scoped, Effect.provide(transport))
  )
})
