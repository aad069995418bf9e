/**
 * Deadlines and body limits for single endpoints: a middleware that reads them from the annotations of an endpoint,
 * or of its group where the endpoint has none.
 *
 * @example
 * ```ts
 * import { RouteLimits } from "@nvo/routes"
 * import { ByteSize, Schema } from "effect"
 * import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
 *
 * // Served with `Layer.provide(RouteLimits.layer)`.
 * export const Notes = HttpApiGroup.make("notes")
 *   .add(
 *     HttpApiEndpoint.get("list", "/notes", { success: Schema.Array(Schema.String) }),
 *     HttpApiEndpoint.post("create", "/notes", { payload: Schema.String }).annotate(
 *       RouteLimits.BodyLimit,
 *       ByteSize.bytes(1_024)
 *     )
 *   )
 *   .annotate(RouteLimits.Deadline, "2 seconds")
 *   .middleware(RouteLimits.RouteLimits)
 * ```
 */
import type * as ByteSize from "effect/ByteSize"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as Layer from "effect/Layer"

/**
 * How long an endpoint may take to give its response, reading of the payload included. One that takes longer is
 * interrupted and answered with 503. A streaming response has its time until it begins.
 */
export class Deadline extends Context.Service<Deadline, Duration.Input>()(
  "@nvo/routes/RouteLimits/Deadline"
) {}

/** How many octets of a body an endpoint reads into memory. One more: 413. Streaming payloads have limits of their own. */
export class BodyLimit extends Context.Service<BodyLimit, ByteSize.ByteSize>()(
  "@nvo/routes/RouteLimits/BodyLimit"
) {}

/** The middleware; its implementation is `layer`. */
export class RouteLimits extends HttpApiMiddleware.Service<RouteLimits>()("@nvo/routes/RouteLimits") {}

const late = HttpServerResponse.empty({ status: 503 })

export const layer: Layer.Layer<RouteLimits> = Layer.succeed(RouteLimits, (effect, { endpoint, group }) => {
  const annotations = Context.merge(group.annotations, endpoint.annotations)
  const limit = Context.getOrUndefined(annotations, BodyLimit)
  const duration = Context.getOrUndefined(annotations, Deadline)
  const limited =
    limit === undefined ? effect : Effect.provideService(effect, HttpIncomingMessage.MaxBodySize, limit)
  return duration === undefined
    ? limited
    : Effect.timeoutOrElse(limited, { duration, orElse: () => Effect.succeed(late) })
})
