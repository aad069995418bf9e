/** The contract of writing: order, the high-water mark, and writing when nobody is there. */

import * as assert from "node:assert/strict"
import { TransportError } from "@nvo/server"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Bytes from "../../Bytes.ts"
import {
  connected,
  failsWith,
  givingWay,
  isDone,
  MORE_THAN_BUFFERS,
  PIECE,
  pattern,
  pieceOf,
  pullOctets,
  QUIET,
  receiveAll,
  receiveOctets,
  STEPS,
  standstill,
  type Test,
  text,
  until
} from "./support.ts"

export const writing: Readonly<Record<string, Test>> = {
  "writes bytes and texts in order": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      const body = pattern(200_000)
      yield* Effect.forkScoped(
        Effect.gen(function* () {
          yield* connection.write(["head\xff", text("bytes"), "", "more"])
          yield* connection.write([])
          yield* connection.write([body])
          yield* connection.write(["tail"])
          yield* connection.end
        })
      )
      const { departure, octets } = yield* receiveAll(peer)
      const expected = Bytes.concat([text("head\xffbytesmore"), body, text("tail")])
      assert.ok(Buffer.from(octets).equals(expected))
      assert.equal(departure, "Ended")
    }),

  "completes at once below the high-water mark": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      // `runSyncExit` fails where an effect has to wait.
      assert.ok(Exit.isSuccess(Effect.runSyncExit(connection.write(["now"]))))
      assert.equal(connection.writeUnsafe(["!"]), true)
      assert.equal(Bytes.toText(yield* receiveOctets(peer, 4)), "now!")
    }),

  "counts the octets that were taken, which stand still while the peer reads nothing": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      yield* connection.write(["four"])
      yield* receiveOctets(peer, 4)
      assert.equal(connection.bytesWritten, 4)
      const writer = yield* Effect.forkScoped(connection.write([pieceOf(1, MORE_THAN_BUFFERS)]))
      yield* standstill(() => connection.bytesWritten)
      const before = connection.bytesWritten
      assert.ok(before < MORE_THAN_BUFFERS, "not all of it was taken")
      assert.equal(writer.pollUnsafe(), undefined)
      // The write is one, and it shows all the same that the peer has begun to read.
      const half = yield* receiveOctets(peer, MORE_THAN_BUFFERS / 2)
      yield* until(
        "more to be taken",
        Effect.sync(() => connection.bytesWritten > before)
      )
      yield* receiveOctets(peer, MORE_THAN_BUFFERS - half.length)
      yield* Fiber.join(writer)
      assert.equal(connection.bytesWritten, MORE_THAN_BUFFERS + 4)
    }),

  "suspends above the high-water mark and goes on when the peer has read": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      let written = 0
      const writer = yield* Effect.forkScoped(
        Effect.gen(function* () {
          for (; written < MORE_THAN_BUFFERS; written += PIECE) {
            yield* connection.write([pieceOf(written / PIECE)])
          }
        })
      )
      yield* standstill(() => written)
      assert.equal(writer.pollUnsafe(), undefined, "a peer that does not read holds the writer back")
      assert.equal(connection.writeUnsafe([]), false)
      for (let got = 0; got < MORE_THAN_BUFFERS; ) {
        const part = yield* peer.receive
        assert.ok(typeof part !== "string")
        assert.equal(part[0], Math.floor(got / PIECE) & 0xff)
        got += part.length
      }
      yield* Fiber.join(writer)
      yield* until(
        "room",
        Effect.sync(() => connection.writeUnsafe([]) === true)
      )
      assert.equal(connection.writeUnsafe(["on"]), true)
      assert.equal(Bytes.toText(yield* receiveOctets(peer, 2)), "on")
    }),

  "goes on when the peer has read, whenever who writes gives way": (subject) =>
    Effect.gen(function* () {
      for (const steps of STEPS) {
        const { connection, peer } = yield* connected(subject)
        const piece = pattern(20_000)
        const writer = yield* Effect.forkScoped(
          givingWay(
            steps,
            Effect.forEach(Array.from({ length: 40 }), () => connection.write([piece]), { discard: true })
          )
        )
        yield* receiveOctets(peer, 40 * piece.length)
        yield* Fiber.join(writer)
      }
    }),

  "says when there is room, once, to who waits without a fiber": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      let calls = 0
      const resume = () => {
        calls++
      }
      connection.writeUnsafe(["few"])
      assert.equal(connection.roomUnsafe(resume), true)
      connection.writeUnsafe([new Uint8Array(MORE_THAN_BUFFERS)])
      assert.equal(connection.roomUnsafe(resume), false)
      yield* Effect.sleep(QUIET)
      assert.equal(calls, 0, "a peer that does not read leaves no room")
      yield* receiveOctets(peer, 3 + MORE_THAN_BUFFERS)
      yield* until(
        "room",
        Effect.sync(() => calls > 0)
      )
      assert.equal(connection.bytesQueued, 0)
      assert.equal(connection.roomUnsafe(resume), true)
      yield* connection.write(["on"])
      assert.equal(Bytes.toText(yield* receiveOctets(peer, 2)), "on")
      assert.equal(calls, 1)
    }),

  "tells who waits for room without a fiber that the connection is gone": (subject) =>
    Effect.gen(function* () {
      for (const end of ["reset", "close"] as const) {
        const { connection } = yield* connected(subject)
        let calls = 0
        const resume = () => {
          calls++
        }
        connection.writeUnsafe([new Uint8Array(MORE_THAN_BUFFERS)])
        assert.equal(connection.roomUnsafe(resume), false)
        yield* connection[end]
        yield* until(
          `an answer after ${end}`,
          Effect.sync(() => calls > 0)
        )
        yield* connection.reset
        assert.equal(connection.roomUnsafe(resume), true)
        yield* Effect.sleep(QUIET)
        assert.equal(calls, 1)
      }
    }),

  "can be interrupted while it waits for the peer": (subject) =>
    Effect.gen(function* () {
      const { connection } = yield* connected(subject)
      const fiber = yield* Effect.forkScoped(connection.write([new Uint8Array(MORE_THAN_BUFFERS)]))
      yield* Effect.sleep(QUIET)
      assert.equal(fiber.pollUnsafe(), undefined)
      yield* Fiber.interrupt(fiber)
      yield* connection.reset
    }),

  "fails with a type when this side has ended": (subject) =>
    Effect.gen(function* () {
      const { connection } = yield* connected(subject)
      yield* connection.write(["all"])
      yield* connection.end
      failsWith(yield* Effect.exit(connection.write(["more"])), "WriteFailed", connection)
      const unsafe = connection.writeUnsafe(["more"])
      assert.ok(unsafe instanceof TransportError.TransportError)
      // Ending again is no error.
      yield* connection.end
    }),

  "fails with a type when the connection was reset from here": (subject) =>
    Effect.gen(function* () {
      const { connection } = yield* connected(subject)
      yield* connection.reset
      failsWith(yield* Effect.exit(connection.write(["more"])), "WriteFailed", connection)
      failsWith(yield* Effect.exit(connection.end), "WriteFailed", connection)
      yield* connection.reset
    }),

  "ends at once, and says when nothing waits any more": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      connection.writeUnsafe(["the answer"])
      connection.endUnsafe()
      yield* connection.end
      assert.equal(connection.endUnsafe(), true)
      const { departure, octets } = yield* receiveAll(peer)
      assert.deepEqual([Bytes.toText(octets), departure], ["the answer", "Ended"])
      yield* peer.send(text("a question"))
      assert.equal(Bytes.toText(yield* pullOctets(connection, 10)), "a question")
      yield* connection.reset
      assert.equal(connection.endUnsafe(), true)
    }),

  "gives what was written to the operating system, and says whether that has it all": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      connection.writeUnsafe(["the answer"])
      // TLS has it all a little later.
      while (!connection.flushUnsafe()) yield* Effect.sleep(1)
      assert.equal(connection.bytesQueued, 0)
      // It has ended nothing.
      yield* connection.write([" and more"])
      yield* connection.end
      assert.equal(Bytes.toText((yield* receiveAll(peer)).octets), "the answer and more")
      const other = (yield* connected(subject)).connection
      other.writeUnsafe([new Uint8Array(MORE_THAN_BUFFERS)])
      assert.equal(other.flushUnsafe(), false)
      yield* other.reset
      assert.equal(other.flushUnsafe(), false)
    }),

  "does not end at once while something waits": (subject) =>
    Effect.gen(function* () {
      const { connection } = yield* connected(subject)
      connection.writeUnsafe([new Uint8Array(MORE_THAN_BUFFERS)])
      assert.equal(connection.endUnsafe(), false)
      const ending = yield* Effect.forkScoped(connection.end)
      yield* Effect.sleep(QUIET)
      assert.equal(ending.pollUnsafe(), undefined)
      yield* connection.reset
    }),

  "ends its side only: the peer may go on sending": (subject) =>
    Effect.gen(function* () {
      const { connection, peer } = yield* connected(subject)
      yield* connection.write(["the answer"])
      yield* connection.end
      const { departure, octets } = yield* receiveAll(peer)
      assert.deepEqual([Bytes.toText(octets), departure], ["the answer", "Ended"])
      yield* peer.send(text("a question"))
      assert.equal(Bytes.toText(yield* pullOctets(connection, 10)), "a question")
      yield* peer.end
      assert.ok(isDone(yield* Effect.exit(connection.pull)))
    })
}
