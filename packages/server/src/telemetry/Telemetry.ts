/**
 * What the engine tells of the exchanges that it carries out: metrics, the access log and the attributes of spans.
 *
 * One value for a `serve`, `undefined` where nobody wants anything of it, so that an exchange pays one comparison.
 * The engine names what happens; what is made of it is decided here.
 */
import * as Context from "effect/Context"
import * as Fiber from "effect/Fiber"
import { RouteContext } from "effect/http/HttpRouter"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import type { Deadlines } from "../Deadlines.ts"
import type { ServerConfig } from "../ServerConfig.ts"
import { AccessLog, type Refused } from "./AccessLog.ts"
import * as HttpMetrics from "./HttpMetrics.ts"
import { Observation, type Observed } from "./Observation.ts"
import * as ServerMetrics from "./ServerMetrics.ts"

/** Whether spans are seen by anybody: the native tracer has no backend. */
export const isTraced = (context: Context.Context<never>): boolean => {
  const tracer = Context.getOrUndefined(context, Tracer.Tracer)
  return tracer !== undefined && tracer !== Tracer.nativeTracer
}

/** See the module. Made with `make`. */
export class Telemetry {
  private readonly context: Context.Context<never>
  private readonly wheel: Deadlines
  private readonly metrics: HttpMetrics.HttpMetrics | undefined
  private readonly accessLog: AccessLog | undefined
  private readonly annotations: Readonly<Record<string, unknown>>
  private readonly namesRequests: boolean

  constructor(config: ServerConfig, context: Context.Context<never>, wheel: Deadlines) {
    this.context = context
    this.wheel = wheel
    this.metrics = config.metrics ? HttpMetrics.of(context) : undefined
    this.accessLog = config.accessLogRate > 0 ? new AccessLog(context, config.accessLogRate) : undefined
    this.annotations = Context.get(context, References.CurrentLogAnnotations)
    this.namesRequests = config.accessLogRate > 0 || config.requestIdResponse
  }

  /** A request began at a time of the wheel. */
  begin(exchange: Observed, at: number): Observation {
    this.metrics?.change(exchange.method, exchange.scheme, 1)
    return new Observation(exchange, at, this.accessLog?.sample() ?? false)
  }

  /**
   * The context of a handler, without its request: where requests have names, what it logs has its request's.
   * `connection` is the one that names the connection only.
   */
  contextOf(connection: Context.Context<never>, exchange: Observed): Context.Context<never> {
    if (!this.namesRequests) return connection
    return Context.add(this.context, References.CurrentLogAnnotations, {
      ...this.annotations,
      "nvo.connection.id": exchange.connectionId,
      "nvo.request.id": exchange.requestId
    })
  }

  /**
   * The application has an answer, in the fiber that runs now. The router leaves what it matched in the context of
   * the fiber that ran it, and the pattern in the span, if there is one and it is sampled.
   */
  answer(observation: Observation): void {
    if (observation.isLogged) observation.respondedAt ??= this.wheel.now()
    if (observation.route !== undefined) return
    const context = Fiber.getCurrent()?.context
    const matched = context === undefined ? undefined : Context.getOrUndefined(context, RouteContext)
    observation.route = matched === undefined ? spanRoute(observation.span) : matched.route.path
  }

  /** An exchange ended at a time of the wheel. */
  end(observation: Observation, at: number, fiber: Fiber.Fiber<unknown, unknown>): void {
    const seconds = (at - observation.startedAt) / 1000
    const { exchange } = observation
    if (this.metrics !== undefined) {
      this.metrics.change(exchange.method, exchange.scheme, -1)
      this.metrics.record({
        method: exchange.method,
        scheme: exchange.scheme,
        version: exchange.version,
        route: observation.route,
        status: exchange.status,
        errorType: observation.errorType,
        seconds,
        requestBytes: exchange.requestBytes,
        responseBytes: exchange.responseBytes
      })
    }
    if (observation.isLogged) this.accessLog?.exchange(observation, seconds, fiber)
  }

  /** The event loop was found to be `late` milliseconds behind. */
  loopDelay(late: number): void {
    if (this.metrics !== undefined) ServerMetrics.eventLoopDelay.updateUnsafe(late / 1000, this.context)
  }

  /** A message was refused before it was a request. */
  refuse(
    error: Refused,
    status: number,
    peerAddress: string | undefined,
    fiber: Fiber.Fiber<unknown, unknown>
  ): void {
    if (this.accessLog?.sample() === true) {
      this.accessLog.refusal(error, status, peerAddress, fiber)
    }
  }
}

const spanRoute = (span: Tracer.Span | undefined): string | undefined => {
  const route = span?.attributes.get("http.route")
  return typeof route === "string" ? route : undefined
}

/** The telemetry of a server with this configuration, `undefined` where all of it is off. */
export const make = (
  config: ServerConfig,
  context: Context.Context<never>,
  wheel: Deadlines
): Telemetry | undefined =>
  config.metrics || config.accessLogRate > 0 || config.requestIdResponse || isTraced(context)
    ? new Telemetry(config, context, wheel)
    : undefined
