/** A simulated HTTP/2 client: a `Peer` on a connection, in time, and what it got. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as SimulatedNetwork from "../../../SimulatedNetwork.ts"
import { PATIENCE, sender } from "../Client.ts"
import type { Witness } from "../Witness.ts"
import { Peer, type Stream } from "./Peer.ts"
import type { Http2Script } from "./Script.ts"

/** What a client got on its connection. */
export interface Received {
  readonly connection: number
  /** In the order in which they were opened. */
  readonly streams: ReadonlyArray<Stream>
  readonly goAway: Peer["goAway"]
  /** How the server left; `undefined` where the client did, or waited for nothing. */
  readonly departure: "Ended" | "Lost" | undefined
  /** Whether the client left, or stopped in the middle, by its script. */
  readonly left: boolean
  /** Whether it waited longer than any deadline allows. */
  readonly timedOut: boolean
}

// How long the first octets are alone.
const ALONE = 40

/** Runs a script on a connection. */
export const run = (
  script: Http2Script,
  client: SimulatedNetwork.Client,
  witness: Witness
): Effect.Effect<Received, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const { connection } = client
    const say = (text: string) => witness.say(connection, text)
    const peer = new Peer(script, { say, violation: (text) => witness.violation(connection, text) })
    const send = sender(script, client, say)
    const output = yield* Latch.make(true)
    let departure: Received["departure"]
    let timedOut = false
    let ends = false
    let saidLast = false

    const writing = Effect.gen(function* () {
      let first = script.firstOctets
      while (!send.left) {
        yield* output.await
        yield* output.close
        let octets = peer.takeOutput()
        if (first > 0) {
          if (!(yield* send.octets(octets.slice(0, first)))) return
          octets = octets.slice(first)
          first = 0
          yield* Effect.sleep(ALONE)
        }
        if (!(yield* send.octets(octets))) return
        if (ends) {
          say("← client ends its side")
          yield* client.end
          return
        }
      }
    })

    // What the peer wants to be done: now, and later.
    const onward: Effect.Effect<void> = Effect.suspend(() => {
      if (peer.isDone && !saidLast) {
        saidLast = true
        const { ending } = script
        if (ending._tag === "Malformed") peer.breakDown(ending.which)
        else if (ending._tag !== "Silent") {
          if (ending._tag === "Close") peer.leave()
          ends = true
        }
      }
      return Effect.andThen(
        Effect.forEach(
          peer.takeTimers(),
          ({ act, millis }) =>
            Effect.forkIn(
              Effect.andThen(
                Effect.sleep(millis),
                Effect.suspend(() => {
                  act()
                  return onward
                })
              ),
              scope
            ),
          { discard: true }
        ),
        output.open
      )
    })

    say("  client opens")
    const writer = yield* Effect.forkChild(writing)
    const pacing = yield* Effect.forkChild(
      Effect.forEach(
        script.asks,
        (_, i) =>
          Effect.andThen(
            Effect.sleep(i === 0 ? 0 : script.think),
            Effect.suspend(() => {
              peer.release()
              return onward
            })
          ),
        { discard: true }
      )
    )
    while (departure === undefined && !timedOut) {
      if (script.readGap > 0) yield* Effect.sleep(script.readGap)
      const next = yield* Effect.timeoutOption(client.receive, PATIENCE)
      if (Option.isNone(next)) timedOut = true
      else if (typeof next.value === "string") departure = next.value
      else {
        peer.receive(next.value)
        yield* onward
      }
    }
    yield* Fiber.interruptAll([writer, pacing])
    if (departure !== undefined) say(`→ client sees the server leave: ${departure}`)
    return {
      connection,
      streams: [...peer.streams.values()],
      goAway: peer.goAway,
      departure,
      left: send.left,
      timedOut
    }
  })
