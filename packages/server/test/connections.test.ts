/** The registry of open connections, with entries that no engine made. */

import { assert, describe, it } from "@effect/vitest"
import { ConnectionId } from "@nvo/protocol"
import { Deferred, Effect, Fiber } from "effect"
import { type ConnectionInfo, Connections } from "../src/Connections.ts"

const info = (id: number, requests = 0, phase: ConnectionInfo["phase"] = "Idle"): ConnectionInfo => ({
  id: ConnectionId.make(id),
  peerAddress: "127.0.0.1",
  peerPort: 40_000 + id,
  protocol: "http/1.1",
  phase,
  since: 1_000 * id,
  acceptedAt: 1_000 * id,
  requests,
  bytesRead: 0,
  bytesWritten: 0
})

/** Registers a connection that is closed by leaving the registry. */
const register = Effect.fnUntraced(function* (id: number, closed: Array<number>, busy = false) {
  const { entries } = yield* Connections
  const current = { requests: 0, retiring: false, ended: Deferred.makeUnsafe<void>() }
  const end = Effect.sync(() => {
    closed.push(id)
    entries.delete(ConnectionId.make(id))
    Deferred.doneUnsafe(current.ended, Effect.void)
  })
  entries.set(ConnectionId.make(id), {
    id: ConnectionId.make(id),
    info: Effect.sync(() => info(id, current.requests, busy ? "Handling" : "Idle")),
    close: end,
    retire: busy
      ? Effect.sync(() => {
          current.retiring = true
        })
      : end,
    ended: Deferred.await(current.ended)
  })
  return current
})

describe("Connections", () => {
  it.effect("is empty at first", () =>
    Effect.gen(function* () {
      const connections = yield* Connections
      assert.strictEqual(yield* connections.count, 0)
      assert.deepStrictEqual(yield* connections.list, [])
      yield* connections.closeAll
    }).pipe(Effect.provide(Connections.layer))
  )

  it.effect("lists connections in the order of their acceptance, as they are now", () =>
    Effect.gen(function* () {
      const connections = yield* Connections
      const first = yield* register(12, [])
      yield* register(3, [])
      first.requests = 5
      assert.strictEqual(yield* connections.count, 2)
      assert.deepStrictEqual(yield* connections.list, [info(12, 5), info(3)])
    }).pipe(Effect.provide(Connections.layer))
  )

  it.effect("closes the one that is named, and says whether there was one", () =>
    Effect.gen(function* () {
      const connections = yield* Connections
      const closed: Array<number> = []
      yield* register(1, closed)
      yield* register(2, closed)
      assert.isTrue(yield* connections.close(ConnectionId.make(1)))
      assert.isFalse(yield* connections.close(ConnectionId.make(1)))
      assert.isFalse(yield* connections.close(ConnectionId.make(99)))
      assert.deepStrictEqual(closed, [1])
      assert.deepStrictEqual(yield* connections.list, [info(2)])
    }).pipe(Effect.provide(Connections.layer))
  )

  it.effect("closes all", () =>
    Effect.gen(function* () {
      const connections = yield* Connections
      const closed: Array<number> = []
      for (const id of [1, 2, 3]) yield* register(id, closed)
      yield* connections.closeAll
      assert.deepStrictEqual(closed, [1, 2, 3])
      assert.strictEqual(yield* connections.count, 0)
    }).pipe(Effect.provide(Connections.layer))
  )

  it.effect("closes those on which nothing is under way, and says how many", () =>
    Effect.gen(function* () {
      const connections = yield* Connections
      const closed: Array<number> = []
      yield* register(1, closed)
      yield* register(2, closed, true)
      yield* register(3, closed)
      assert.strictEqual(yield* connections.closeIdle, 2)
      assert.deepStrictEqual(closed, [1, 3])
      assert.strictEqual(yield* connections.closeIdle, 0)
    }).pipe(Effect.provide(Connections.layer))
  )

  it.effect("drains: tells each, and waits for those that were there", () =>
    Effect.gen(function* () {
      const connections = yield* Connections
      const closed: Array<number> = []
      yield* register(1, closed)
      const busy = yield* register(2, closed, true)
      const draining = yield* Effect.forkChild(connections.drain)
      yield* Effect.yieldNow
      assert.deepStrictEqual(closed, [1])
      assert.isTrue(busy.retiring)
      yield* register(3, closed, true)
      assert.isUndefined(draining.pollUnsafe(), "not before the second has ended")
      Deferred.doneUnsafe(busy.ended, Effect.void)
      yield* Fiber.join(draining)
    }).pipe(Effect.provide(Connections.layer))
  )
})
