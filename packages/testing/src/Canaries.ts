/**
 * Servers that are broken in one way each, which a simulation has to catch: without them nobody knows whether it
 * would. Each says within how many seeds, counted from anywhere, it is caught; that bound is tested.
 */
import type { Connections, Transport } from "@nvo/server"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Http2Canaries from "./internal/canaries/Http2.ts"
import { withParts } from "./internal/canaries/Tamper.ts"
import * as TunnelCanaries from "./internal/canaries/Tunnel.ts"
import * as WebSocketCanaries from "./internal/canaries/WebSocket.ts"
import type { Variant } from "./Simulation.ts"

/** A broken server. */
export interface Canary extends Variant {
  /** Within how many seeds it is caught, counted from any seed. */
  readonly within: number
}

// Every third connection stays in the registry.
const leaksRegistration: Canary = {
  name: "leaks-registration",
  protocol: "Http1",
  within: 20,
  registry: (registry) => {
    const entries = registry.entries as Map<number, Connections.Entry>
    const remove = entries.delete.bind(entries)
    entries.delete = (id) => id % 3 !== 0 && remove(id)
    return registry
  }
}

// Of two responses that are written in one turn, the second leaves first.
const answersOutOfOrder: Canary = {
  name: "answers-out-of-order",
  protocol: "Http1",
  within: 50,
  connection: (connection) =>
    Effect.contextWith((context: Context.Context<never>) =>
      Effect.sync(() => {
        const run = Effect.runForkWith(context)
        let held: Parameters<Transport.Connection["writeUnsafe"]>[0] | undefined
        const flush = () => {
          const octets = held
          held = undefined
          if (octets !== undefined) connection.writeUnsafe(octets)
        }
        const isResponse = (octets: ReadonlyArray<unknown>) => String(octets[0]).startsWith("HTTP/1.1 200")
        return withParts(connection, {
          writeUnsafe: (octets) => {
            if (held === undefined && isResponse(octets)) {
              held = octets
              run(Effect.andThen(Effect.yieldNow, Effect.sync(flush)))
              return true
            }
            const result = connection.writeUnsafe(octets)
            flush()
            return result
          },
          flushUnsafe: () => {
            flush()
            return connection.flushUnsafe()
          },
          end: Effect.suspend(() => {
            flush()
            return connection.end
          })
        })
      })
    )
}

// An idle connection, and a head that does not come, are waited for.
const forgetsDeadline: Canary = {
  name: "forgets-deadline",
  protocol: "Http1",
  within: 100,
  config: (config) => ({
    ...config,
    idleTimeout: Duration.days(1),
    headTimeout: Duration.days(1)
  })
}

// What was read is given as a view of one buffer, which the next read of any connection overwrites.
const mixesUpBodies: Canary = {
  name: "mixes-up-bodies",
  protocol: "Http1",
  within: 60,
  connection: (() => {
    const buffer = new Uint8Array(1_048_576)
    const view = (bytes: Uint8Array): Uint8Array => {
      buffer.set(bytes)
      return buffer.subarray(0, bytes.length)
    }
    return (connection: Transport.Connection) =>
      Effect.succeed(
        withParts(connection, {
          pull: Effect.map(connection.pull, view),
          pullUnsafe: (reader) => {
            const result = connection.pullUnsafe((bytes) => reader(view(bytes)))
            return typeof result === "boolean" ? result : view(result)
          }
        })
      )
  })()
}

// What is written above the high-water mark is lost.
const losesWhatWaits: Canary = {
  name: "loses-what-waits",
  protocol: "Http1",
  within: 700,
  connection: (connection) =>
    Effect.succeed(
      withParts(connection, {
        writeUnsafe: (octets) => connection.writeUnsafe([]) === false || connection.writeUnsafe(octets)
      })
    )
}

// A connection that its peer ended is not closed: its program waits for ever before it ends.
const leaksConnection: Canary = {
  name: "leaks-connection",
  protocol: "Http1",
  within: 20,
  connection: (connection) =>
    Effect.succeed(
      withParts(connection, { end: Effect.never, endUnsafe: () => false, flushUnsafe: () => false })
    )
}

// One more request than allowed is let in.
const ignoresLimit: Canary = {
  name: "ignores-limit",
  protocol: "Http1",
  within: 700,
  config: (config) => ({ ...config, inFlightCount: config.inFlightCount + 1 })
}

/** All of them. */
export const all: ReadonlyArray<Canary> = [
  leaksRegistration,
  answersOutOfOrder,
  forgetsDeadline,
  mixesUpBodies,
  losesWhatWaits,
  leaksConnection,
  ignoresLimit,
  ...Http2Canaries.all,
  ...WebSocketCanaries.all,
  ...TunnelCanaries.all
]
