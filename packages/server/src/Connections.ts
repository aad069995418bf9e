/**
 * The connections that are open, as data: who, since when, in which phase; and the ways to close them.
 */
import type { ConnectionId } from "@nvo/protocol"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Phase } from "./ConnectionState.ts"

/** What is known of an open connection. */
export interface ConnectionInfo {
  readonly id: ConnectionId.ConnectionId
  readonly peerAddress: string | undefined
  readonly peerPort: number | undefined
  /** What is spoken on it, as ALPN names it. */
  readonly protocol: "http/1.1" | "h2"
  readonly phase: Phase
  /** Since when it is idle, or at work: milliseconds since the epoch, by Effect's Clock. */
  readonly since: number
  /** When it was accepted: milliseconds since the epoch, by Effect's Clock. */
  readonly acceptedAt: number
  /** Requests whose head was read so far. */
  readonly requests: number
  /** Octets that came from the peer, and octets that were sent to it, heads and framing included. */
  readonly bytesRead: number
  readonly bytesWritten: number
}

/** What the engine registers. */
export interface Entry {
  readonly id: ConnectionId.ConnectionId
  /** `undefined` once the connection has ended. */
  readonly info: Effect.Effect<ConnectionInfo | undefined>
  /** Closes the connection now, whatever it does. */
  readonly close: Effect.Effect<void>
  /** Ends the connection once what is under way is complete, now if nothing is. */
  readonly retire: Effect.Effect<void>
  /** Completes when the connection has ended. */
  readonly ended: Effect.Effect<void>
}

/** See the module. */
export class Connections extends Context.Service<
  Connections,
  {
    /** The open connections, in the order in which they were accepted. */
    readonly list: Effect.Effect<ReadonlyArray<ConnectionInfo>>
    readonly count: Effect.Effect<number>
    /** Closes a connection; `false` if there is none with that id. */
    readonly close: (id: ConnectionId.ConnectionId) => Effect.Effect<boolean>
    /** Closes all connections. */
    readonly closeAll: Effect.Effect<void>
    /** Closes the connections on which nothing is under way; gives how many those were. */
    readonly closeIdle: Effect.Effect<number>
    /**
     * Ends the connections that are open now, each once what is under way on it is complete. Completes when they
     * have ended: a response that never does is the caller's to time out. New connections are served as before.
     */
    readonly drain: Effect.Effect<void>
    /**
     * For engines: an entry's place in the registry.
     *
     * @internal
     */
    readonly entries: Map<ConnectionId.ConnectionId, Entry>
  }
>()("@nvo/server/Connections") {
  static readonly layer: Layer.Layer<Connections> = Layer.sync(Connections)(() => {
    const entries = new Map<ConnectionId.ConnectionId, Entry>()
    return {
      entries,
      list: Effect.suspend(() =>
        Effect.map(Effect.all([...entries.values()].map((entry) => entry.info)), (all) =>
          all.filter((info) => info !== undefined)
        )
      ),
      count: Effect.sync(() => entries.size),
      close: (id) =>
        Effect.suspend(() => {
          const entry = entries.get(id)
          return entry === undefined ? Effect.succeed(false) : Effect.as(entry.close, true)
        }),
      closeAll: Effect.suspend(() =>
        Effect.forEach([...entries.values()], (entry) => entry.close, { discard: true })
      ),
      closeIdle: Effect.gen(function* () {
        let closed = 0
        for (const entry of [...entries.values()]) {
          if ((yield* entry.info)?.phase !== "Idle") continue
          yield* entry.retire
          closed++
        }
        return closed
      }),
      drain: Effect.suspend(() => {
        const open = [...entries.values()]
        return Effect.andThen(
          Effect.forEach(open, (entry) => entry.retire, { discard: true }),
          Effect.forEach(open, (entry) => entry.ended, { discard: true })
        )
      })
    }
  })
}
