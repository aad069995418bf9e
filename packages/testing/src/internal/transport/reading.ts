/** The contract of reading: order, readiness to wait, and how the end is told. */

import * as assert from "node:assert/strict"
import type { Transport } from "@nvo/server"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Bytes from "../../Bytes.ts"
import {
  connected,
  givingWay,
  isDone,
  MORE_THAN_BUFFERS,
  PIECE,
  pattern,
  pieceOf,
  pullOctets,
  QUIET,
  receiveAll,
  STEPS,
  standstill,
  type Test,
  text,
  until
} from "./support.ts"

export const reading: Readonly<Record<string, Test>> = {
  "gives all octets in order, in batches that are not empty": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      const octets = pattern(300_000)
      yield* Effect.forkScoped(
        Effect.forEach(Bytes.cut(octets, [1, 2, 3, 100, 1_000, 70_000, 70_001, 140_000, 299_999]), (part) =>
          part.length === 0 ? Effect.void : peer.send(part)
        )
      )
      assert.ok(Buffer.from(yield* pullOctets(connection, octets.length)).equals(octets))
    }),

  "does not change a batch after it was given": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      yield* peer.send(text("first"))
      const batch = yield* connection.pull
      yield* peer.send(text("SECOND"))
      assert.equal(Bytes.toText(yield* pullOctets(connection, 6)), "SECOND")
      assert.equal(Bytes.toText(batch), "first")
    }),

  "reads little that was not asked for": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      let sent = 0
      const sending = yield* Effect.forkScoped(
        Effect.gen(function* () {
          for (; sent < MORE_THAN_BUFFERS; sent += PIECE) yield* peer.send(pieceOf(sent / PIECE))
        })
      )
      yield* standstill(() => sent)
      assert.equal(sending.pollUnsafe(), undefined, "the peer is held back")
      for (let got = 0; got < MORE_THAN_BUFFERS; ) {
        const batch = yield* connection.pull
        assert.equal(batch[0], Math.floor(got / PIECE) & 0xff)
        got += batch.length
      }
      yield* Fiber.join(sending)
    }),

  "goes on where a pull was interrupted": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      for (const word of ["one", "two", "three"]) {
        const fiber = yield* Effect.forkScoped(connection.pull)
        yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
        yield* peer.send(text(word))
        assert.equal(Bytes.toText(yield* pullOctets(connection, word.length)), word)
      }
    }),

  "keeps order and end whenever who pulls gives way": (subject) =>
    Effect.gen(function* () {
      for (const steps of STEPS) {
        const { connection, peer } = yield* connected(subject)
        const reading = yield* Effect.forkScoped(givingWay(steps, pullOctets(connection, 200)))
        for (let i = 0; i < 200; i++) {
          yield* peer.send(Uint8Array.of(i))
          if (i % 3 === 0) yield* Effect.yieldNow
        }
        yield* peer.end
        assert.deepEqual(
          [...(yield* Fiber.join(reading))],
          Array.from({ length: 200 }, (_, i) => i)
        )
        assert.ok(isDone(yield* givingWay(steps, Effect.exit(connection.pull))))
      }
    }),

  "ends when the peer has ended its side, after the last octets, and stays ended": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      yield* peer.send(text("last words"))
      yield* peer.end
      assert.equal(Bytes.toText(yield* pullOctets(connection, 10)), "last words")
      assert.ok(isDone(yield* Effect.exit(connection.pull)))
      assert.ok(isDone(yield* Effect.exit(connection.pull)))
    }),

  "wakes a pull when the peer ends its side": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      const fiber = yield* Effect.forkScoped(connection.pull)
      yield* Effect.yieldNow
      yield* peer.end
      assert.ok(isDone(yield* Fiber.await(fiber)))
    }),

  "can still write to a peer that has ended its side": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      yield* peer.end
      assert.ok(isDone(yield* Effect.exit(connection.pull)))
      yield* connection.write(["goodbye"])
      yield* connection.end
      const { departure, octets } = yield* receiveAll(peer)
      assert.deepEqual([Bytes.toText(octets), departure], ["goodbye", "Ended"])
    }),

  "tells of a departure once, though nobody pulls": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      const told: Array<Transport.Departure> = []
      connection.onDeparture = (departure) => told.push(departure)
      yield* peer.end
      yield* until(
        "the departure",
        Effect.sync(() => told.length > 0)
      )
      assert.ok(isDone(yield* Effect.exit(connection.pull)))
      yield* Effect.sleep(QUIET)
      assert.deepEqual(told, ["Ended"])
    }),

  "tells of a departure before it wakes a pull": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      const told: Array<string> = []
      connection.onDeparture = (departure) => told.push(departure)
      const fiber = yield* Effect.forkScoped(
        Effect.ensuring(
          connection.pull,
          Effect.sync(() => told.push("pull"))
        )
      )
      yield* Effect.yieldNow
      yield* peer.end
      yield* Fiber.await(fiber)
      assert.deepEqual(told, ["Ended", "pull"])
    }),

  "counts the octets that came": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      assert.equal(connection.bytesRead, 0)
      yield* Effect.forkScoped(peer.send(pattern(100_000)))
      yield* pullOctets(connection, 100_000)
      assert.equal(connection.bytesRead, 100_000)
    }),

  "is woken with no octets, and goes on": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      connection.wake()
      const fiber = yield* Effect.forkScoped(connection.pull)
      yield* Effect.yieldNow
      connection.wake()
      connection.wake()
      assert.equal((yield* Fiber.join(fiber)).length, 0)
      yield* peer.send(text("later"))
      assert.equal(Bytes.toText(yield* pullOctets(connection, 5)), "later")
      yield* peer.end
      assert.ok(isDone(yield* Effect.exit(connection.pull)))
    }),

  "diverts what comes, in order, pauses on demand, and tells of the end": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      yield* peer.send(text("one"))
      yield* until(
        "the first octets",
        Effect.sync(() => connection.bytesRead === 3)
      )
      let seen = ""
      let left: unknown = "not yet"
      let goesOn = true
      connection.divert({
        octets: (bytes) => {
          seen += Bytes.toText(bytes)
          return goesOn
        },
        left: (error) => {
          left = error
        }
      })
      assert.equal(seen, "one")
      goesOn = false
      yield* peer.send(text("two"))
      yield* until(
        "the next octets",
        Effect.sync(() => seen === "onetwo")
      )
      yield* peer.send(text("three"))
      yield* Effect.sleep(QUIET)
      assert.equal(seen, "onetwo")
      goesOn = true
      connection.goOn()
      yield* until(
        "what was held back",
        Effect.sync(() => seen === "onetwothree")
      )
      yield* peer.end
      yield* until(
        "the end",
        Effect.sync(() => left === undefined)
      )
    }),

  "refuses a second reader": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      const first = yield* Effect.forkScoped(connection.pull)
      yield* Effect.yieldNow
      const second = yield* Effect.exit(connection.pull)
      assert.ok(Exit.isFailure(second) && Cause.hasDies(second.cause))
      yield* peer.send(text("mine"))
      assert.equal(Bytes.toText(yield* Fiber.join(first)), "mine")
    })
}
