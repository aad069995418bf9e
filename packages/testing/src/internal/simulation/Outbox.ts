/** What a client has to say, sent in order by a fiber of its own: whoever reads does not wait for it. */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import type { Sender } from "./Client.ts"

/** See the module. */
export interface Outbox {
  /** Looks for something to be sent. */
  readonly wake: Effect.Effect<void>
  /** Does something behind what is to be sent now. Nothing is sent after it. */
  readonly thenLeave: (leave: Effect.Effect<void>) => void
}

// How long the first octets are alone.
const ALONE = 40

/** `take` gives what is to be sent; the first `firstOctets` of it leave alone. */
export const make = (
  send: Sender,
  take: () => Uint8Array,
  firstOctets = 0
): Effect.Effect<Outbox, never, Scope.Scope> =>
  Effect.gen(function* () {
    const something = yield* Latch.make(true)
    let last: Effect.Effect<void> | undefined
    let first = firstOctets
    yield* Effect.forkScoped(
      Effect.gen(function* () {
        while (!send.left) {
          yield* something.await
          yield* something.close
          let octets = take()
          if (first > 0) {
            if (!(yield* send.octets(octets.slice(0, first)))) return
            octets = octets.slice(first)
            first = 0
            yield* Effect.sleep(ALONE)
          }
          if (!(yield* send.octets(octets))) return
          if (last !== undefined) return yield* last
        }
      })
    )
    return {
      wake: something.open,
      thenLeave: (leave) => {
        last = leave
      }
    }
  })
