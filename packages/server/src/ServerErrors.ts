/**
 * The typed channel of everything that goes wrong: errors as a stream, and the way they take to metric and log.
 */
import type { Scope } from "effect"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import * as ServerError from "./ServerError.ts"

/** Counts errors, labelled `error` (its class), `reason` and `initiator`. */
export const errorsTotal = Metric.counter("nvo.server.errors", {
  description: "Errors by reason and by who caused them",
  incremental: true
})

// How many errors wait for a slow reader of the stream before the oldest are dropped. The metric and the log
// have them all; chosen by feel.
const STREAM_CAPACITY = 1024

/** See the module. */
export class ServerErrors extends Context.Service<
  ServerErrors,
  {
    /** Sends an error all three ways, with `annotations` in its log line. Never fails. */
    readonly report: (
      error: ServerError.ServerError,
      annotations?: Readonly<Record<string, unknown>>
    ) => Effect.Effect<void>
    /**
     * Counts one more of a burst whose first was reported: to the metric only.
     *
     * @internal
     */
    readonly count: (error: ServerError.ServerError) => Effect.Effect<void>
    /** The errors from the time of subscription on. */
    readonly stream: Stream.Stream<ServerError.ServerError>
    /** Subscribes at once, and gives the stream of what follows. */
    readonly subscribe: Effect.Effect<Stream.Stream<ServerError.ServerError>, never, Scope.Scope>
  }
>()("@nvo/server/ServerErrors") {
  static readonly layer: Layer.Layer<ServerErrors> = Layer.effect(ServerErrors)(
    Effect.gen(function* () {
      const pubsub = yield* PubSub.sliding<ServerError.ServerError>(STREAM_CAPACITY)
      const series = new Map<string, Metric.Counter<number>>()
      const count = (error: ServerError.ServerError) => {
        const reason = ServerError.reasonOf(error)
        const name = `${error._tag} ${reason} ${error.initiator}`
        let one = series.get(name)
        if (one === undefined) {
          one = Metric.withAttributes(errorsTotal, { error: error._tag, reason, initiator: error.initiator })
          series.set(name, one)
        }
        return Metric.update(one, 1)
      }
      return {
        count,
        report: Effect.fnUntraced(function* (
          error: ServerError.ServerError,
          annotations?: Readonly<Record<string, unknown>>
        ) {
          const reason = ServerError.reasonOf(error)
          yield* count(error)
          yield* PubSub.publish(pubsub, error)
          yield* log(error).pipe(
            Effect.annotateLogs({
              "nvo.connection.id": error.connectionId,
              "nvo.error.reason": reason,
              "nvo.error.initiator": error.initiator,
              ...annotations
            })
          )
        }),
        stream: Stream.fromPubSub(pubsub),
        subscribe: Effect.map(PubSub.subscribe(pubsub), Stream.fromSubscription)
      }
    })
  )
}

// What peers do is their business until somebody looks, and what the server does on purpose is no alarm.
const log = (error: ServerError.ServerError): Effect.Effect<void> => {
  if (error.initiator === "Peer" || error.reason._tag === "ConnectionClosed")
    return Effect.logDebug(error.message)
  if (error.reason._tag === "EngineDefect") return Effect.logError(error.message)
  return error.initiator === "Application" ? Effect.logError(error.message) : Effect.logWarning(error.message)
}
