/** A simulated WebSocket client: a `Peer` on a connection, in time, and what it got. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as SimulatedNetwork from "../../../SimulatedNetwork.ts"
import { PATIENCE, sender } from "../Client.ts"
import * as Outbox from "../Outbox.ts"
import type { Witness } from "../Witness.ts"
import { Peer } from "./Peer.ts"
import type { SocketScript } from "./Script.ts"

/** What a client got on its connection. */
export interface Received {
  readonly peer: Peer
  /** How the server left; `undefined` where it did not. */
  readonly departure: "Ended" | "Lost" | undefined
  /** Whether the client left, or stopped in the middle, by its script. */
  readonly left: boolean
  /** Whether it waited longer than any deadline allows. */
  readonly timedOut: boolean
}

/** Runs a script on a connection. */
export const run = (
  script: SocketScript,
  client: SimulatedNetwork.Client,
  witness: Witness
): Effect.Effect<Received, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { connection } = client
    const { ending } = script
    const say = (text: string) => witness.say(connection, text)
    const peer = new Peer(script, { say, violation: (text) => witness.violation(connection, text) })
    const { socket } = peer
    const send = sender(script, client, say)
    const outbox = yield* Outbox.make(send, () => peer.takeOutput())
    let departure: Received["departure"]
    let timedOut = false
    let hasSent = false
    let saidLast = false

    // All messages, frame by frame.
    const sending = Effect.gen(function* () {
      for (const one of script.sends) {
        for (const frame of socket.framesOf(one)) {
          yield* Effect.sleep(one.gap)
          frame()
          yield* outbox.wake
        }
      }
      hasSent = true
      yield* onward
    })

    const onward: Effect.Effect<void> = Effect.suspend(() => {
      if (hasSent && socket.mayLeave && !saidLast) {
        saidLast = true
        if (ending._tag === "Malformed") socket.breakDown(ending.which)
        else if (ending._tag === "End") {
          say("← client ends its side")
          outbox.thenLeave(client.end)
        } else socket.close("code" in ending ? ending.code : 1_000)
      }
      return outbox.wake
    })

    say("  client opens")
    let begun = script.eager
    if (begun) yield* Effect.forkScoped(sending)
    // A server that pings for ever would keep a client that misses something for ever.
    const waiting = Effect.gen(function* () {
      while (departure === undefined) {
        if (script.readGap > 0) yield* Effect.sleep(script.readGap)
        const next = yield* client.receive
        if (typeof next === "string") departure = next
        else {
          peer.receive(next)
          if (peer.status !== undefined && !begun) {
            begun = true
            if (peer.status === 101) yield* Effect.forkScoped(sending)
          }
          // What is refused is not spoken to any more.
          if (peer.status !== undefined && peer.status !== 101) outbox.thenLeave(client.end)
          yield* onward
        }
      }
    })
    timedOut = Option.isNone(yield* Effect.timeoutOption(waiting, PATIENCE))
    if (departure !== undefined) say(`→ client sees the server leave: ${departure}`)
    return { peer, departure, left: send.left, timedOut }
  })
