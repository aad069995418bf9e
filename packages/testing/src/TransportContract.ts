/**
 * What every `Transport` keeps to, as tests: a transport of sockets and a simulated one pass the same suite, and
 * only that makes a simulated one worth anything.
 *
 * The suite is registered with the test runner that the caller brings. Where a test waits to see that something
 * does not happen, it can only fail to notice: no test fails because a machine is slow.
 */
import type { Transport } from "@nvo/server"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import { accepting } from "./internal/transport/accepting.ts"
import { closing, releases, resets } from "./internal/transport/leaving.ts"
import { reading } from "./internal/transport/reading.ts"
import { PATIENCE, type Test } from "./internal/transport/support.ts"
import { writing } from "./internal/transport/writing.ts"

/** The other end of a connection, under the control of a test. It reads only what it is asked to. */
export interface Peer {
  /** Sends octets; completes when the network has taken them. */
  readonly send: (octets: Uint8Array) => Effect.Effect<void, unknown>
  /** Ends this side. What comes can still be received. */
  readonly end: Effect.Effect<void>
  /** Leaves without a word. */
  readonly reset: Effect.Effect<void>
  /** The next octets, or how the server left. */
  readonly receive: Effect.Effect<Uint8Array | Transport.Departure>
}

/** A transport under test, and the world around it. */
export interface Subject {
  readonly layer: Layer.Layer<Transport.Transport, unknown>
  /** Where to listen: a free place each time. */
  readonly where: Effect.Effect<Transport.ListenOptions, unknown, Scope.Scope>
  /** A new peer; fails where nobody listens. */
  readonly connect: (address: NetAddress.SocketAddress) => Effect.Effect<Peer, unknown, Scope.Scope>
  /** Whether both sides can tell a connection that was reset from one that ended. */
  readonly tellsResets: boolean
  /** What is held now: descriptors, registrations. Equal before and after if nothing leaks. */
  readonly resources: Effect.Effect<unknown>
}

/** The runner's `describe`, and its way to run an Effect on the live clock in a Scope. */
export interface Runner {
  readonly describe: (name: string, body: () => void) => void
  readonly live: (name: string, test: () => Effect.Effect<void, unknown, Scope.Scope>) => void
}

/** Registers the suite. */
export const suite = (name: string, subject: Subject, { describe, live }: Runner): void => {
  const groups: ReadonlyArray<readonly [string, Readonly<Record<string, Test>>]> = [
    ["a listener", accepting],
    ["reading", reading],
    ["writing", writing],
    ...(subject.tellsResets ? ([["a reset", resets]] as const) : []),
    ["closing", closing],
    ["its Scope", releases]
  ]
  describe(`the contract of a Transport: ${name}`, () => {
    for (const [group, tests] of groups) {
      describe(group, () => {
        for (const [title, test] of Object.entries(tests)) {
          live(title, () =>
            Effect.timeoutOrElse(test(subject), {
              duration: PATIENCE,
              orElse: () => Effect.die(new Error(`Not done in ${PATIENCE}: ${title}`))
            })
          )
        }
      })
    }
  })
}
