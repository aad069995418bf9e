/** What all connections of one `serve` share. */
import type { ConnectionId, DeflateCodec } from "@nvo/protocol"
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Deadlines } from "../Deadlines.ts"
import type { OverloadErrorReason } from "../OverloadError.ts"
import type { ServerConfig } from "../ServerConfig.ts"
import type { ServerErrors } from "../ServerErrors.ts"
import type { RequestIds } from "../telemetry/RequestId.ts"
import type { Telemetry } from "../telemetry/Telemetry.ts"
import type { Overload } from "./overload.ts"

/** The durations of the configuration in milliseconds: what the wheel counts in. */
export interface Millis {
  readonly head: number
  readonly idle: number
  readonly body: number
  readonly write: number
  readonly handler: number
  readonly linger: number
  readonly age: number
  readonly drain: number
}

export interface EngineContext {
  readonly config: ServerConfig
  readonly millis: Millis
  /** The application with its middleware, for the request in the fiber's context. */
  readonly handled: Effect.Effect<unknown>
  /** The services in which the application was served. */
  readonly context: Context.Context<never>
  readonly errors: ServerErrors["Service"]
  /** `undefined` where nobody wants any. */
  readonly telemetry: Telemetry | undefined
  readonly requestIds: RequestIds
  /** The field in which responses name their request, in lower case; `undefined` where they do not. */
  readonly requestIdField: string | undefined
  /** The wheel of all deadlines. */
  readonly deadlines: Deadlines
  /** How WebSocket messages are compressed, where the platform can. */
  readonly deflateCodec: DeflateCodec.DeflateCodec["Service"] | undefined
  readonly overload: Overload
  /** Tells of a request that was turned away, once for a burst. */
  readonly shed: (reason: OverloadErrorReason, connectionId: ConnectionId.ConnectionId) => void
  /** Whether a request target is answered whatever the load: a health endpoint. */
  readonly isExempt: (target: string) => boolean
  /** The Date field's value for now. */
  readonly date: () => string
  /** Whether the server is stopping: exchanges end their connections. */
  closing: boolean
}
