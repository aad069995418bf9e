/** The reading half that transports share: order, a bounded read-ahead, and the ways in which it ends. */

import { assert, describe, it } from "@effect/vitest"
import { ConnectionId } from "@nvo/protocol"
import { SimulatedTime } from "@nvo/testing"
import { Cause, Effect, Exit, Fiber, Pull } from "effect"
import { ConnectionInbox, READ_AHEAD_BATCHES, READ_AHEAD_BYTES } from "../src/ConnectionInbox.ts"
import type { Departure } from "../src/Transport.ts"
import * as TransportError from "../src/TransportError.ts"

const id = ConnectionId.make(7)
const bytes = (...octets: ReadonlyArray<number>) => Uint8Array.from(octets)
const lost = TransportError.make({ _tag: "ConnectionReset", cause: new Error("gone") }, id)

const make = () => {
  const told: Array<Departure> = []
  let asked = 0
  const inbox = new ConnectionInbox(id, () => {
    asked++
  })
  inbox.onDeparture = (departure) => told.push(departure)
  return { inbox, told, asked: () => asked }
}

/** Waits for octets in a fiber of its own. */
const waiting = Effect.fnUntraced(function* (inbox: ConnectionInbox) {
  const fiber = yield* Effect.forkChild(inbox.pull, { startImmediately: true })
  assert.isTrue(inbox.isWaiting)
  return fiber
})

const errorOf = (exit: Exit.Exit<Uint8Array, TransportError.TransportError | Cause.Done>) => {
  if (!Exit.isFailure(exit)) return assert.fail("The pull has succeeded")
  const error = Cause.squash(exit.cause)
  assert.instanceOf(error, TransportError.TransportError)
  return error
}

const isDone = (exit: Exit.Exit<Uint8Array, TransportError.TransportError | Cause.Done>) =>
  Exit.isFailure(exit) && Pull.isDoneCause(exit.cause)

describe("ConnectionInbox", () => {
  it.effect("gives octets to who waits, and lets the transport go on", () =>
    Effect.gen(function* () {
      const { asked, inbox } = make()
      for (const octet of [1, 2, 3]) {
        const fiber = yield* waiting(inbox)
        assert.isTrue(inbox.offer(bytes(octet)))
        assert.isFalse(inbox.isWaiting)
        assert.deepStrictEqual(yield* Fiber.join(fiber), bytes(octet))
      }
      assert.strictEqual(asked(), 0)
    })
  )

  it.effect(
    "keeps what nobody waited for up to its bound, pauses the transport, and asks for more when it is taken",
    () =>
      Effect.gen(function* () {
        const { asked, inbox } = make()
        assert.isTrue(inbox.offer(bytes(1)))
        assert.isTrue(inbox.offer(new Uint8Array(READ_AHEAD_BYTES - 2)))
        assert.isFalse(inbox.offer(bytes(2)))
        assert.strictEqual(asked(), 0)
        assert.deepStrictEqual(yield* inbox.pull, bytes(1))
        assert.strictEqual(asked(), 1)
        assert.strictEqual((yield* inbox.pull).length, READ_AHEAD_BYTES - 2)
        assert.deepStrictEqual(yield* inbox.pull, bytes(2))
        assert.strictEqual(asked(), 1)
        const fiber = yield* waiting(inbox)
        assert.isTrue(inbox.offer(bytes(2)))
        assert.deepStrictEqual(yield* Fiber.join(fiber), bytes(2))
      })
  )

  it.effect("bounds the number of batches too, which one octet each would make costly", () =>
    Effect.gen(function* () {
      const { asked, inbox } = make()
      for (let i = 1; i < READ_AHEAD_BATCHES; i++) assert.isTrue(inbox.offer(bytes(i)))
      assert.isFalse(inbox.offer(bytes(255)))
      assert.deepStrictEqual(yield* inbox.pull, bytes(1))
      assert.strictEqual(asked(), 1)
    })
  )

  it.effect("gives the batch ahead before the end, and asks for nothing behind it", () =>
    Effect.gen(function* () {
      const { asked, inbox, told } = make()
      inbox.offer(bytes(1))
      inbox.end()
      assert.deepStrictEqual(told, ["Ended"])
      assert.deepStrictEqual(yield* inbox.pull, bytes(1))
      assert.strictEqual(asked(), 0)
      assert.isTrue(isDone(yield* Effect.exit(inbox.pull)))
      assert.isTrue(isDone(yield* Effect.exit(inbox.pull)))
    })
  )

  it.effect("tells who waits of the end", () =>
    Effect.gen(function* () {
      const { inbox, told } = make()
      const fiber = yield* waiting(inbox)
      inbox.end()
      assert.isTrue(isDone(yield* Fiber.await(fiber)))
      assert.strictEqual(inbox.departure, "Ended")
      assert.deepStrictEqual(told, ["Ended"])
    })
  )

  it.effect("tells who waits of the loss, and everybody after", () =>
    Effect.gen(function* () {
      const { inbox, told } = make()
      const fiber = yield* waiting(inbox)
      inbox.lose(() => lost)
      assert.strictEqual(errorOf(yield* Fiber.await(fiber)), lost)
      assert.strictEqual(errorOf(yield* Effect.exit(inbox.pull)), lost)
      assert.strictEqual(inbox.departure, "Lost")
      assert.deepStrictEqual(told, ["Lost"])
    })
  )

  it.effect("calls the hook before it tells who waits", () =>
    Effect.gen(function* () {
      const { inbox } = make()
      const order: Array<string> = []
      inbox.onDeparture = () => order.push("hook")
      const fiber = yield* Effect.forkChild(
        Effect.onExit(inbox.pull, () => Effect.sync(() => order.push("pull"))),
        { startImmediately: true }
      )
      inbox.lose(() => lost)
      yield* Fiber.await(fiber)
      assert.deepStrictEqual(order, ["hook", "pull"])
    })
  )

  it.effect("calls the hook once for each way of leaving: an end may become a loss, a loss stays one", () =>
    Effect.gen(function* () {
      const { inbox, told } = make()
      inbox.end()
      inbox.end()
      inbox.lose(() => lost)
      inbox.lose(() => TransportError.make({ _tag: "WriteFailed", cause: "later" }, id))
      inbox.end()
      assert.deepStrictEqual(told, ["Ended", "Lost"])
      assert.strictEqual(errorOf(yield* Effect.exit(inbox.pull)), lost)
    })
  )

  it.effect("closed by the server, tells who waits and every later pull, but not the hook", () =>
    Effect.gen(function* () {
      const { inbox, told } = make()
      const fiber = yield* waiting(inbox)
      inbox.close()
      const error = errorOf(yield* Fiber.await(fiber))
      assert.strictEqual(error.reason._tag, "ConnectionClosed")
      assert.strictEqual(error.connectionId, id)
      assert.strictEqual(errorOf(yield* Effect.exit(inbox.pull)), error)
      assert.deepStrictEqual(told, [])
    })
  )

  it.effect("refuses a second reader with a defect, and leaves the first alone", () =>
    Effect.gen(function* () {
      const { inbox } = make()
      const first = yield* waiting(inbox)
      const second = yield* Effect.exit(inbox.pull)
      assert.isTrue(Exit.isFailure(second) && Cause.hasDies(second.cause))
      inbox.offer(bytes(1))
      assert.deepStrictEqual(yield* Fiber.join(first), bytes(1))
    })
  )

  it.effect("forgets a reader that was interrupted: what comes then is kept for the next", () =>
    Effect.gen(function* () {
      const { inbox } = make()
      yield* Fiber.interrupt(yield* waiting(inbox))
      assert.isFalse(inbox.isWaiting)
      assert.isTrue(inbox.offer(bytes(1)))
      assert.deepStrictEqual(yield* inbox.pull, bytes(1))
    })
  )

  // A fiber gives way to others after a number of steps, which may be between any two of a pull's.
  it("keeps order and end whenever its reader gives way to what arrives", () => {
    for (let steps = 5; steps < 40; steps++) {
      const got = SimulatedTime.run(
        Effect.gen(function* () {
          const { inbox } = make()
          const got: Array<number> = []
          const reading = Effect.runForkWith(yield* Effect.context<never>())(
            Effect.exit(Effect.forever(Effect.map(inbox.pull, (batch) => got.push(batch[0]))))
          )
          for (let octet = 0; octet < 50; octet++) {
            inbox.offer(bytes(octet))
            yield* Effect.yieldNow
          }
          inbox.end()
          assert.isTrue(isDone((yield* Fiber.join(reading)) as Exit.Exit<never, Cause.Done>))
          return got
        }),
        { stepsBeforeYield: steps, turns: 10_000 }
      )
      assert.deepStrictEqual(
        got,
        Array.from({ length: 50 }, (_, octet) => octet),
        `${steps} steps`
      )
    }
  })

  const diverted = () => {
    const { asked, inbox, told } = make()
    const seen: Array<unknown> = []
    let reads = true
    const diversion = {
      octets: (octets: Uint8Array) => {
        seen.push(...octets)
        return reads
      },
      left: (error: TransportError.TransportError | undefined) => {
        seen.push(error?.reason._tag ?? "Ended")
      }
    }
    return { asked, inbox, told, seen, diversion, pause: () => (reads = false), resume: () => (reads = true) }
  }

  it("diverts what waits and what comes, in order, and how the peer leaves", () => {
    const { diversion, inbox, seen, told } = diverted()
    inbox.offer(bytes(1))
    inbox.offer(bytes(2))
    inbox.divert(diversion)
    assert.isTrue(inbox.offer(bytes(3)))
    inbox.end()
    inbox.lose(() => lost)
    assert.deepStrictEqual(seen, [1, 2, 3, "Ended", "ConnectionReset"])
    assert.deepStrictEqual(told, ["Ended", "Lost"])
  })

  it("diverts an end and a loss that came before, and a close of the server's", () => {
    const ended = diverted()
    ended.inbox.end()
    ended.inbox.divert(ended.diversion)
    assert.deepStrictEqual(ended.seen, ["Ended"])
    const gone = diverted()
    gone.inbox.offer(bytes(1))
    gone.inbox.lose(() => lost)
    gone.inbox.divert(gone.diversion)
    assert.deepStrictEqual(gone.seen, [1, "ConnectionReset"])
    const closed = diverted()
    closed.inbox.divert(closed.diversion)
    closed.inbox.close()
    assert.deepStrictEqual(closed.seen, ["ConnectionClosed"])
    assert.deepStrictEqual(closed.told, [])
  })

  it("pauses and goes on as a diversion says", () => {
    const { asked, diversion, inbox, pause, resume } = diverted()
    inbox.divert(diversion)
    pause()
    assert.isFalse(inbox.offer(bytes(1)))
    assert.strictEqual(asked(), 0)
    resume()
    inbox.goOn()
    inbox.goOn()
    assert.strictEqual(asked(), 1)
  })

  it("goes on when what waited was the reason to pause, and not when the diversion wants no more", () => {
    const eager = diverted()
    eager.inbox.offer(new Uint8Array(READ_AHEAD_BYTES))
    eager.inbox.divert(eager.diversion)
    assert.strictEqual(eager.asked(), 1)
    const full = diverted()
    full.pause()
    full.inbox.offer(new Uint8Array(READ_AHEAD_BYTES))
    full.inbox.divert(full.diversion)
    assert.strictEqual(full.asked(), 0)
    full.inbox.goOn()
    assert.strictEqual(full.asked(), 1)
  })

  describe("without a fiber that waits", () => {
    const reading = () => {
      const came: Array<ReadonlyArray<number>> = []
      return { came, reader: (octets: Uint8Array) => void came.push([...octets]) }
    }

    it.effect("gives what was read ahead at once, and lets the transport go on", () =>
      Effect.sync(() => {
        const { asked, inbox } = make()
        const { came, reader } = reading()
        inbox.offer(bytes(1))
        inbox.offer(new Uint8Array(READ_AHEAD_BYTES - 1))
        assert.deepStrictEqual(inbox.pullUnsafe(reader), bytes(1))
        assert.strictEqual(asked(), 1)
        assert.isFalse(inbox.isWaiting)
        assert.deepStrictEqual(came, [])
      })
    )

    it.effect("tells a reader once of what comes; what comes behind it waits", () =>
      Effect.sync(() => {
        const { inbox } = make()
        const { came, reader } = reading()
        assert.isTrue(inbox.pullUnsafe(reader))
        assert.isTrue(inbox.isWaiting)
        assert.isTrue(inbox.offer(bytes(1)))
        assert.isTrue(inbox.offer(bytes(2)))
        assert.deepStrictEqual(came, [[1]])
        assert.deepStrictEqual(inbox.pullUnsafe(reader), bytes(2))
      })
    )

    it.effect("tells a reader that asks again while it is told", () =>
      Effect.sync(() => {
        const { inbox } = make()
        const came: Array<number> = []
        const reader = (octets: Uint8Array): void => {
          came.push(...octets)
          assert.isTrue(inbox.pullUnsafe(reader))
        }
        assert.isTrue(inbox.pullUnsafe(reader))
        for (const octet of [1, 2, 3]) assert.isTrue(inbox.offer(bytes(octet)))
        assert.deepStrictEqual(came, [1, 2, 3])
      })
    )

    for (const [what, leave, tag] of [
      ["ends", (inbox: ConnectionInbox) => inbox.end(), "Ended"],
      ["is lost", (inbox: ConnectionInbox) => inbox.lose(() => lost), "Lost"],
      ["is closed", (inbox: ConnectionInbox) => inbox.close(), "Lost"]
    ] as const) {
      it.effect(`calls a reader with nothing when the peer ${what}, and says that it has`, () =>
        Effect.gen(function* () {
          const { inbox } = make()
          const { came, reader } = reading()
          assert.isTrue(inbox.pullUnsafe(reader))
          leave(inbox)
          assert.deepStrictEqual(came, [[]])
          assert.strictEqual(inbox.departure, tag)
          assert.isFalse(inbox.pullUnsafe(reader))
          assert.isTrue(Exit.isFailure(yield* Effect.exit(inbox.pull)))
          assert.isFalse(inbox.isWaiting)
        })
      )
    }

    it.effect("wakes a reader with nothing, once", () =>
      Effect.sync(() => {
        const { inbox } = make()
        const { came, reader } = reading()
        assert.isTrue(inbox.pullUnsafe(reader))
        inbox.wake()
        inbox.wake()
        assert.deepStrictEqual(came, [[]])
        assert.isFalse(inbox.isWaiting)
      })
    )

    it.effect("has no place for two", () =>
      Effect.gen(function* () {
        const { inbox } = make()
        const { reader } = reading()
        assert.isTrue(inbox.pullUnsafe(reader))
        assert.throws(() => inbox.pullUnsafe(reader), "Two pull from one connection")
        assert.isTrue(Exit.hasDies(yield* Effect.exit(inbox.pull)))
        inbox.wake()
        yield* waiting(inbox)
        assert.throws(() => inbox.pullUnsafe(reader), "Two pull from one connection")
      })
    )
  })
})
