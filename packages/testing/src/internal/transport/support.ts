/** What the tests of the transport contract share. */

import * as assert from "node:assert/strict"
import { Transport, TransportError } from "@nvo/server"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Pull from "effect/Pull"
import * as Scheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import * as Bytes from "../../Bytes.ts"
import type { Peer, Subject } from "../../TransportContract.ts"

export const PATIENCE = "15 seconds"

// Long enough for a transport that does the wrong thing to do it; chosen by feel.
export const QUIET = "20 millis"

// More than the buffers of an operating system take in for a peer that does not read.
export const MORE_THAN_BUFFERS = 48 * 1_048_576
export const PIECE = 65_536

export const pieceOf = (value: number, length = PIECE): Uint8Array => new Uint8Array(length).fill(value)

/** A listener and the ways to reach it. */
export const listening = (subject: Subject) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(subject.layer)
    const transport = Context.get(context, Transport.Transport)
    const listener = yield* transport.listen(yield* subject.where)
    return { transport, listener, connect: subject.connect(listener.address) }
  })

/** A connection and its peer. */
export const connected = (subject: Subject) =>
  Effect.gen(function* () {
    const { connect, listener } = yield* listening(subject)
    const peer = yield* connect
    const connection = yield* listener.accept
    return { connect, connection, listener, peer }
  })

export const isDone = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) && Pull.isDoneCause(exit.cause)

export const reasonOf = (exit: Exit.Exit<unknown, unknown>): TransportError.TransportError => {
  assert.ok(Exit.isFailure(exit), "should have failed")
  const error = Cause.squash(exit.cause)
  assert.ok(
    error instanceof TransportError.TransportError,
    `not a TransportError: ${Cause.pretty(exit.cause)}`
  )
  return error
}

export const failsWith = (
  exit: Exit.Exit<unknown, unknown>,
  reason: TransportError.TransportErrorReason["_tag"],
  connection: Transport.Connection
): void => {
  const error = reasonOf(exit)
  assert.equal(error.reason._tag, reason)
  assert.equal(error.connectionId, connection.id)
}

/** Pulls until `length` octets came. */
export const pullOctets = (connection: Transport.Connection, length: number) =>
  Effect.gen(function* () {
    const batches: Array<Uint8Array> = []
    for (let size = 0; size < length; ) {
      const batch = yield* connection.pull
      assert.ok(batch.length > 0, "a batch is not empty")
      batches.push(batch)
      size += batch.length
    }
    return Bytes.concat(batches)
  })

/** Receives until the server left. */
export const receiveAll = (peer: Peer) =>
  Effect.gen(function* () {
    const parts: Array<Uint8Array> = []
    while (true) {
      const next = yield* peer.receive
      if (typeof next === "string") return { octets: Bytes.concat(parts), departure: next }
      parts.push(next)
    }
  })

export const receiveOctets = (peer: Peer, length: number) =>
  Effect.gen(function* () {
    const parts: Array<Uint8Array> = []
    for (let size = 0; size < length; ) {
      const next = yield* peer.receive
      assert.ok(typeof next !== "string", `the server left: ${String(next)}`)
      parts.push(next)
      size += next.length
    }
    return Bytes.concat(parts)
  })

/** Looks until it holds. */
export const until = (what: string, look: Effect.Effect<boolean>) =>
  Effect.gen(function* () {
    while (!(yield* look)) yield* Effect.sleep("2 millis")
  }).pipe(
    Effect.timeoutOrElse({ duration: PATIENCE, orElse: () => Effect.die(new Error(`Waited for ${what}`)) })
  )

/** Waits until a count has not changed for a while. */
export const standstill = (count: () => unknown) =>
  Effect.gen(function* () {
    let before: unknown = Number.NaN
    while (before !== count()) {
      before = count()
      yield* Effect.sleep("50 millis")
    }
  })

export const text = Bytes.fromText

/** Octets of all values, so that a place that is swapped or lost shows. */
export const pattern = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff)

/**
 * A fiber that gives way to others after so few steps: whatever it does in two steps, something can come between.
 * Fewer than five and it gets nowhere.
 */
export const givingWay = <A, E, R>(steps: number, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, Scheduler.MaxOpsBeforeYield, steps)

export const STEPS = Array.from({ length: 16 }, (_, i) => i + 5)

export type Test = (subject: Subject) => Effect.Effect<void, unknown, Scope.Scope>

/** What is held once nothing more is on its way: a listener may be registered a turn after it was opened. */
export const settled = (subject: Subject): Effect.Effect<unknown> =>
  Effect.andThen(Effect.sleep(QUIET), subject.resources)

export const sameAs = (subject: Subject, before: unknown): Effect.Effect<boolean> =>
  Effect.map(subject.resources, (now) => JSON.stringify(now) === JSON.stringify(before))
