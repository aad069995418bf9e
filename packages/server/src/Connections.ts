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
  readonly phase: Phase
  /** When it was accepted: milliseconds since the epoch, by Effect's Clock. */
  readonly acceptedAt: number
  /** Requests whose head was read so far. */
  readonly requests: number
}

/** What the engine registers. */
export interface Entry {
  readonly id: ConnectionId.ConnectionId
  readonly info: Effect.Effect<ConnectionInfo>
  /** Closes the connection now, whatever it does. */
  readonly close: Effect.Effect<void>
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
      list: Effect.suspend(() => Effect.all([...entries.values()].map((entry) => entry.info))),
      count: Effect.sync(() => entries.size),
      close: (id) =>
        Effect.suspend(() => {
          const entry = entries.get(id)
          return entry === undefined ? Effect.succeed(false) : Effect.as(entry.close, true)
        }),
      closeAll: Effect.suspend(() =>
        Effect.forEach([...entries.values()], (entry) => entry.close, { discard: true })
      )
    }
  })
}
