/**
 * The engine: accepts connections from a listener, runs one program for each, and is the `HttpServer` that
 * `effect/http` apps are served on.
 *
 * Its end is orderly: it stops accepting, lets idle connections go, waits for requests in flight and cuts what
 * is left at `drainTimeout`.
 */
import { DeflateCodec } from "@nvo/protocol"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServer from "effect/http/HttpServer"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scheduler from "effect/Scheduler"
import { Connections } from "./Connections.ts"
import * as Deadlines from "./Deadlines.ts"
import { Health } from "./Health.ts"
import { Burst } from "./internal/burst.ts"
import { make as makeDate } from "./internal/date.ts"
import type { EngineContext, Millis } from "./internal/engineContext.ts"
import { Overload } from "./internal/overload.ts"
import { handleResponse } from "./internal/responseWriter.ts"
import { ServerRequest } from "./internal/serverRequest.ts"
import { Serving } from "./internal/serving.ts"
import * as OverloadError from "./OverloadError.ts"
import type { ServerConfig } from "./ServerConfig.ts"
import { ServerErrors } from "./ServerErrors.ts"
import type * as Transport from "./Transport.ts"
import * as RequestId from "./telemetry/RequestId.ts"
import * as ServerMetrics from "./telemetry/ServerMetrics.ts"
import * as Telemetry from "./telemetry/Telemetry.ts"

// Names the connection and the request in the span of the request, which is under way when the application runs.
const withSpanAttributes = <E, R>(
  app: Effect.Effect<HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse, E, R> =>
  Effect.withFiber((fiber) => {
    const { span } = fiber.cache
    if (span !== undefined && span._tag === "Span") {
      const request = Context.getUnsafe(fiber.context, HttpServerRequest)
      if (request instanceof ServerRequest) {
        const { exchange } = request
        span.attribute("nvo.connection.id", exchange.connectionId)
        span.attribute("nvo.request.index", exchange.requestIndex)
        span.attribute("nvo.request.id", exchange.requestId)
        span.attribute("network.protocol.version", exchange.version)
        if (exchange.peerAddress !== undefined) span.attribute("network.peer.address", exchange.peerAddress)
        if (exchange.peerPort !== undefined) span.attribute("network.peer.port", exchange.peerPort)
        if (exchange.observation !== undefined) exchange.observation.span = span
      }
    }
    return app
  })

/** The services that an engine reports to: errors, connections, and its own state. */
export const layerServices: Layer.Layer<ServerErrors | Connections | Health> = Layer.mergeAll(
  ServerErrors.layer,
  Connections.layer,
  Health.layer
)

const millisOf = (config: ServerConfig): Millis => ({
  head: Duration.toMillis(config.headTimeout),
  idle: Duration.toMillis(config.idleTimeout),
  body: Duration.toMillis(config.bodyTimeout),
  write: Duration.toMillis(config.writeTimeout),
  handler: Duration.toMillis(config.handlerTimeout),
  linger: Duration.toMillis(config.lingerTimeout),
  age: Duration.toMillis(config.connectionAge),
  drain: Duration.toMillis(config.drainTimeout)
})

/**
 * Makes the `HttpServer` of a listener. Connections are served from the call of `serve` until its Scope
 * closes; those that come before wait in the listener. WebSocket messages can be compressed where there is a
 * `DeflateCodec`.
 */
export const make = Effect.fnUntraced(function* (
  listener: Transport.Listener,
  config: ServerConfig
): Effect.fn.Return<HttpServer.HttpServer["Service"], never, ServerErrors | Connections | Health> {
  const errors = yield* ServerErrors
  const registry = yield* Connections
  const health = yield* Health
  const deflateCodec = Option.getOrUndefined(yield* Effect.serviceOption(DeflateCodec.DeflateCodec))
  return HttpServer.make({
    address: listener.address,
    serve: Effect.fnUntraced(function* (httpEffect, middleware) {
      const context = (yield* Effect.context()) as Context.Context<never>
      const clock = yield* Clock.Clock
      const deadlines = yield* Deadlines.make
      const requestIds = yield* RequestId.make(config.requestIdHeader)
      const dispatcher = (yield* Scheduler.Scheduler).makeDispatcher()
      const run = Effect.runForkWith(context)
      const shed = new Burst<OverloadError.OverloadError>(deadlines, errors, run, "requests were turned away")
      const engine: EngineContext = {
        config,
        millis: millisOf(config),
        handled: HttpEffect.toHandled(
          Telemetry.isTraced(context) ? withSpanAttributes(httpEffect) : httpEffect,
          handleResponse,
          middleware
        ) as Effect.Effect<unknown>,
        context,
        errors,
        telemetry: Telemetry.make(config, context, deadlines),
        requestIds,
        requestIdField: config.requestIdResponse
          ? config.requestIdHeader.toLowerCase() || "x-request-id"
          : undefined,
        deadlines,
        deflateCodec,
        overload: new Overload(
          {
            inFlightCount: config.inFlightCount,
            queueCount: config.queueCount,
            queueTimeout: Duration.toMillis(config.queueTimeout),
            loopDelay: Duration.toMillis(config.loopDelay)
          },
          deadlines,
          (task) => dispatcher.scheduleTask(task, 0)
        ),
        shed: (reason, connectionId) => shed.add(reason._tag, () => OverloadError.make(reason, connectionId)),
        isExempt: (target) => {
          const query = target.indexOf("?")
          return health.paths.has(query === -1 ? target : target.slice(0, query))
        },
        date: makeDate(clock, deadlines),
        closing: false
      }
      const serving = new Serving(engine, registry, health, listener)
      if (config.metrics) yield* ServerMetrics.connections((phase) => serving.count(phase))
      // In this order: connections are accepted until `stop` closes the listener.
      yield* Effect.forkScoped(serving.accepting)
      yield* Effect.addFinalizer(() => serving.stop)
    })
  })
})
