/** A simulated HTTP/2 client: a `Peer` on a connection, in time, and what it got. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as SimulatedNetwork from "../../../SimulatedNetwork.ts"
import { PATIENCE, sender } from "../Client.ts"
import * as Outbox from "../Outbox.ts"
import type { Witness } from "../Witness.ts"
import { Peer } from "./Peer.ts"
import type { Http2Script } from "./Script.ts"
import type { Stream } from "./Stream.ts"

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
    const outbox = yield* Outbox.make(send, () => peer.takeOutput(), script.firstOctets)
    let departure: Received["departure"]
    let timedOut = false
    let saidLast = false

    // What the peer wants to be done: now, and later.
    const onward: Effect.Effect<void> = Effect.suspend(() => {
      if (peer.isDone && !saidLast) {
        saidLast = true
        const { ending } = script
        if (ending._tag === "Malformed") peer.breakDown(ending.which)
        else if (ending._tag !== "Silent") {
          if (ending._tag === "Close") peer.leave()
          outbox.thenLeave(
            Effect.suspend(() => {
              say("← client ends its side")
              return client.end
            })
          )
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
        outbox.wake
      )
    })

    say("  client opens")
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
    yield* Fiber.interrupt(pacing)
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
