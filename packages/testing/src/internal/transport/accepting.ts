/** The contract of a listener. */

import * as assert from "node:assert/strict"
import { ConnectionId } from "@nvo/protocol"
import { Transport } from "@nvo/server"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Bytes from "../../Bytes.ts"
import {
  connected,
  givingWay,
  listening,
  pullOctets,
  QUIET,
  reasonOf,
  receiveOctets,
  STEPS,
  sameAs,
  settled,
  type Test,
  text,
  until
} from "./support.ts"

export const accepting: Readonly<Record<string, Test>> = {
  "gives connections in the order in which peers came, each with an identity of its own": (subject) =>
    Effect.gen(function* () {
      const { connect, listener } = yield* listening(subject)
      const ids: Array<number> = []
      for (let i = 0; i < 5; i++) yield* (yield* connect).send(Uint8Array.of(i))
      for (let i = 0; i < 5; i++) {
        const connection = yield* listener.accept
        assert.deepEqual([...(yield* connection.pull)], [i])
        ids.push(connection.id)
      }
      assert.ok(ids.every((id, i) => id !== ConnectionId.none && (i === 0 || id > ids[i - 1])))
    }),

  "waits for a peer": (subject) =>
    Effect.gen(function* () {
      const { connect, listener } = yield* listening(subject)
      const fiber = yield* Effect.forkScoped(listener.accept)
      yield* Effect.sleep(QUIET)
      assert.equal(fiber.pollUnsafe(), undefined)
      const peer = yield* connect
      const connection = yield* Fiber.join(fiber)
      yield* peer.send(text("hello"))
      assert.equal(Bytes.toText(yield* pullOctets(connection, 5)), "hello")
    }),

  "loses no connection when it is interrupted": (subject) =>
    Effect.gen(function* () {
      const { connect, listener } = yield* listening(subject)
      const peers = 40
      yield* Effect.forkScoped(
        Effect.forEach(Array.from({ length: peers }), (_, i) =>
          Effect.flatMap(connect, (peer) => peer.send(Uint8Array.of(i)))
        )
      )
      const seen = new Set<number>()
      while (seen.size < peers) {
        const fiber = yield* Effect.forkScoped(listener.accept)
        // Interrupted at every distance from the moment in which a peer comes.
        for (let i = 0; i < seen.size % 4; i++) yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
        const exit = yield* Fiber.await(fiber)
        const connection = Exit.isSuccess(exit) ? exit.value : yield* listener.accept
        seen.add((yield* connection.pull)[0])
      }
      assert.deepEqual(
        [...seen].sort((a, b) => a - b),
        Array.from({ length: peers }, (_, i) => i)
      )
    }),

  "gives connections in order whenever who accepts gives way": (subject) =>
    Effect.gen(function* () {
      const { connect, listener } = yield* listening(subject)
      for (const steps of STEPS) {
        const accepting = yield* Effect.forkScoped(
          givingWay(
            steps,
            Effect.forEach(Array.from({ length: 8 }), () => listener.accept)
          )
        )
        for (let i = 0; i < 8; i++) {
          const peer = yield* connect
          yield* peer.send(Uint8Array.of(i))
          for (let j = 0; j < i; j++) yield* Effect.yieldNow
        }
        const connections = yield* Fiber.join(accepting)
        const first = yield* Effect.forEach(connections, (one) => Effect.map(one.pull, ([octet]) => octet))
        assert.deepEqual(first, [0, 1, 2, 3, 4, 5, 6, 7])
      }
    }),

  "says that a place is taken": (subject) =>
    Effect.gen(function* () {
      const where = yield* subject.where
      const context = yield* Layer.build(subject.layer)
      const transport = Context.get(context, Transport.Transport)
      const first = yield* transport.listen(where)
      const same = "port" in first.address ? { ...where, port: Number(first.address.port) } : where
      const exit = yield* Effect.exit(Effect.scoped(transport.listen(same)))
      assert.equal(reasonOf(exit).reason._tag, "ListenFailed")
      assert.equal(reasonOf(exit).connectionId, ConnectionId.none)
      // The first one is none the worse for it.
      yield* subject.connect(first.address)
      yield* first.accept
    }),

  "refuses new peers once it is closed, and leaves the connections alone": (subject) =>
    Effect.gen(function* () {
      const { connect, connection, listener, peer } = yield* connected(subject)
      const pending = yield* Effect.forkScoped(listener.accept)
      yield* Effect.yieldNow
      yield* listener.close
      yield* listener.close
      assert.ok(Exit.isFailure(yield* Effect.exit(Effect.scoped(connect))), "a new peer is refused")
      yield* Effect.sleep(QUIET)
      assert.equal(pending.pollUnsafe(), undefined, "accept does not complete")
      yield* peer.send(text("still here"))
      assert.equal(Bytes.toText(yield* pullOctets(connection, 10)), "still here")
      yield* connection.write(["me too"])
      assert.equal(Bytes.toText(yield* receiveOctets(peer, 6)), "me too")
      yield* Fiber.interrupt(pending)
    }),

  "closes what nobody accepted": (subject) =>
    Effect.gen(function* () {
      const before = yield* settled(subject)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { connect } = yield* listening(subject)
          const peer = yield* connect
          // Until it has come to the listener.
          yield* Effect.sleep(QUIET)
          return peer
        })
      )
      yield* until("what was there before", sameAs(subject, before))
    }),

  "refuses peers when its Scope has closed": (subject) =>
    Effect.gen(function* () {
      const address = yield* Effect.scoped(Effect.map(listening(subject), ({ listener }) => listener.address))
      assert.ok(Exit.isFailure(yield* Effect.exit(Effect.scoped(subject.connect(address)))))
    })
}
