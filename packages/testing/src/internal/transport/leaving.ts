/** The contract of every way in which a connection ends. */

import * as assert from "node:assert/strict"
import type { Transport } from "@nvo/server"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import {
  connected,
  failsWith,
  listening,
  MORE_THAN_BUFFERS,
  pattern,
  QUIET,
  receiveAll,
  sameAs,
  settled,
  type Test,
  until
} from "./support.ts"

export const resets: Readonly<Record<string, Test>> = {
  "fails a pull with ConnectionReset when the peer resets": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      const told: Array<Transport.Departure> = []
      connection.onDeparture = (departure) => told.push(departure)
      const fiber = yield* Effect.forkScoped(connection.pull)
      yield* Effect.yieldNow
      yield* peer.reset
      failsWith(yield* Fiber.await(fiber), "ConnectionReset", connection)
      failsWith(yield* Effect.exit(connection.pull), "ConnectionReset", connection)
      failsWith(yield* Effect.exit(connection.write(["anybody?"])), "WriteFailed", connection)
      yield* Effect.sleep(QUIET)
      assert.deepEqual(told, ["Lost"])
    }),

  "tells of a reset though nobody pulls": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      const told: Array<Transport.Departure> = []
      connection.onDeparture = (departure) => told.push(departure)
      yield* peer.reset
      yield* until(
        "the departure",
        Effect.sync(() => told.length > 0)
      )
      assert.deepEqual(told, ["Lost"])
    }),

  "fails a write that waits when the peer resets": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      const fiber = yield* Effect.forkScoped(connection.write([new Uint8Array(MORE_THAN_BUFFERS)]))
      yield* Effect.sleep(QUIET)
      assert.equal(fiber.pollUnsafe(), undefined)
      yield* peer.reset
      failsWith(yield* Fiber.await(fiber), "WriteFailed", connection)
    }),

  "shows the peer a reset": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      yield* connection.reset
      assert.equal((yield* receiveAll(peer)).departure, "Lost")
    })
}

export const closing: Readonly<Record<string, Test>> = {
  "wakes a pull from outside with ConnectionClosed": (subject) =>
    Effect.gen(function* () {
      const { connection } = yield* connected(subject)
      const told: Array<Transport.Departure> = []
      connection.onDeparture = (departure) => told.push(departure)
      const fiber = yield* Effect.forkScoped(connection.pull)
      yield* Effect.yieldNow
      yield* connection.close
      failsWith(yield* Fiber.await(fiber), "ConnectionClosed", connection)
      failsWith(yield* Effect.exit(connection.pull), "ConnectionClosed", connection)
      assert.deepEqual(told, [], "it is not the peer that left")
    }),

  "wakes a write and an end that wait, with ConnectionClosed": (subject) =>
    Effect.gen(function* () {
      const { connection } = yield* connected(subject)
      const writing = yield* Effect.forkScoped(connection.write([new Uint8Array(MORE_THAN_BUFFERS)]))
      yield* Effect.sleep(QUIET)
      assert.equal(writing.pollUnsafe(), undefined)
      yield* connection.close
      failsWith(yield* Fiber.await(writing), "ConnectionClosed", connection)
      const ending = yield* Effect.forkScoped(connection.end)
      yield* Effect.sleep(QUIET)
      assert.equal(ending.pollUnsafe(), undefined)
      yield* connection.close
      failsWith(yield* Fiber.await(ending), "ConnectionClosed", connection)
    }),

  "fails a pull that outlives the Scope": (subject) =>
    Effect.gen(function* () {
      const { connect, listener } = yield* listening(subject)
      yield* connect
      const pulling = yield* Effect.scoped(
        Effect.gen(function* () {
          const connection = yield* listener.accept
          const fiber = yield* Effect.forkDetach(connection.pull, { startImmediately: true })
          return { connection, fiber }
        })
      )
      failsWith(yield* Fiber.await(pulling.fiber), "ConnectionReset", pulling.connection)
    }),

  "gives what was written to the peer before the Scope closes the connection": (subject) =>
    Effect.gen(function* () {
      const { connect, listener } = yield* listening(subject)
      const peer = yield* connect
      const body = pattern(500_000)
      yield* Effect.forkScoped(
        Effect.scoped(
          Effect.flatMap(listener.accept, (connection) => Effect.sync(() => connection.writeUnsafe([body])))
        )
      )
      const { departure, octets } = yield* receiveAll(peer)
      assert.ok(Buffer.from(octets).equals(body))
      assert.equal(departure, "Ended")
    })
}

const endings = {
  success: Effect.void,
  "a typed failure": Effect.fail("on purpose"),
  "a defect": Effect.die(new Error("on purpose")),
  interruption: Effect.interrupt
} satisfies Record<string, Effect.Effect<void, string>>

// What a program may be doing with its connection when it ends.
const doing: Readonly<Record<string, (connection: Transport.Connection) => Effect.Effect<unknown, unknown>>> =
  {
    "nothing yet": () => Effect.void,
    "a pull that waits": (connection) => Effect.timeoutOption(connection.pull, 1),
    "a write that waits": (connection) =>
      Effect.timeoutOption(connection.write([new Uint8Array(12 * 1_048_576)]), 1),
    "an end": (connection) => connection.end,
    "a reset while an end waits": (connection) =>
      Effect.gen(function* () {
        connection.writeUnsafe([new Uint8Array(12 * 1_048_576)])
        const ending = yield* Effect.forkChild(connection.end)
        yield* Effect.yieldNow
        yield* connection.reset
        yield* Fiber.await(ending)
      }),
    "a reset": (connection) => connection.reset
  }

export const releases: Readonly<Record<string, Test>> = Object.fromEntries(
  Object.entries(endings).map(([name, ending]): [string, Test] => [
    `closes the connection after ${name}, whatever the program was doing`,
    (subject) =>
      Effect.gen(function* () {
        const { connect, listener } = yield* listening(subject)
        const before = yield* settled(subject)
        for (const [what, act] of Object.entries(doing)) {
          yield* Effect.scoped(
            Effect.gen(function* () {
              const peer = yield* connect
              const program = Effect.scoped(
                Effect.flatMap(listener.accept, (connection) => Effect.andThen(act(connection), ending))
              )
              const fiber = yield* Effect.forkScoped(program)
              yield* receiveAll(peer)
              const exit = yield* Fiber.await(fiber)
              assert.equal(Exit.isSuccess(exit), name === "success", what)
            })
          )
        }
        yield* until("what was there before", sameAs(subject, before))
      })
  ])
)
