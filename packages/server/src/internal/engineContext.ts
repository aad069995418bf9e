/** What all connections of one `serve` share. */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { ServerConfig } from "../ServerConfig.ts"
import type { ServerErrors } from "../ServerErrors.ts"

export interface EngineContext {
  readonly config: ServerConfig
  /** The application with its middleware, for the request in the fiber's context. */
  readonly handled: Effect.Effect<unknown>
  /** The services in which the application was served. */
  readonly context: Context.Context<never>
  readonly errors: ServerErrors["Service"]
  /** The Date field's value for now. */
  readonly date: () => string
  /** Whether the server is stopping: exchanges end their connections, idle connections end. */
  draining: boolean
}
