/** A server of which a test sees what it logs, measures and traces. */
import { NvoServer } from "@nvo/node"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import type { HttpServerError, ServeError } from "effect/http/HttpServerError"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import type { SocketError } from "effect/socket/Socket"
import * as Tracer from "effect/Tracer"
import { portOf } from "./serve.ts"

/** A line of the log. */
export interface Line {
  readonly level: string
  readonly message: string
  readonly annotations: Readonly<Record<string, unknown>>
}

/** A series of a metric, and its attributes without the unit. */
export interface Series {
  readonly id: string
  readonly attributes: Readonly<Record<string, string>>
  /** A gauge's value, a counter's or a histogram's count. */
  readonly value: number
  /** A histogram's sum, 0 elsewhere. */
  readonly sum: number
}

/** What was seen so far. */
export interface Seen {
  readonly lines: ReadonlyArray<Line>
  readonly spans: ReadonlyArray<Tracer.Span>
  /** The series of a metric now. */
  readonly series: (id: string) => ReadonlyArray<Series>
}

export interface Recorder extends Seen {
  /** Loggers, registry and, where it traces, the tracer. */
  readonly layer: Layer.Layer<never>
}

const seriesOf = (registry: Metric.MetricRegistry, id: string): ReadonlyArray<Series> =>
  Metric.snapshotUnsafe(Context.make(Metric.MetricRegistry, registry))
    .filter((snapshot) => snapshot.id === id)
    .map((snapshot) => {
      const { unit: _, ...attributes } = snapshot.attributes ?? {}
      switch (snapshot.type) {
        case "Gauge":
          return { id, attributes, value: Number(snapshot.state.value), sum: 0 }
        case "Counter":
          return { id, attributes, value: Number(snapshot.state.count), sum: 0 }
        case "Histogram":
          return { id, attributes, value: snapshot.state.count, sum: snapshot.state.sum }
        default:
          throw new Error(`${id} is a ${snapshot.type}`)
      }
    })

/** Records everything, in a registry of its own. `sampled` decides whether its spans are sampled. */
export const recorder = (
  options: { readonly traces?: boolean; readonly sampled?: boolean } = {}
): Recorder => {
  const lines: Array<Line> = []
  const spans: Array<Tracer.Span> = []
  const registry: Metric.MetricRegistry = new Map()
  const logger = Logger.make<unknown, void>(({ fiber, logLevel, message }) => {
    lines.push({
      level: logLevel,
      message: String(message),
      annotations: { ...fiber.getRef(References.CurrentLogAnnotations) }
    })
  })
  const tracer = Tracer.make({
    span: (made) => {
      const span = new Tracer.NativeSpan({ ...made, sampled: options.sampled ?? made.sampled })
      spans.push(span)
      return span
    }
  })
  return {
    lines,
    spans,
    series: (id) => seriesOf(registry, id),
    layer: Layer.mergeAll(
      Logger.layer([logger]),
      Layer.succeed(References.MinimumLogLevel)("All"),
      Layer.succeed(Metric.MetricRegistry)(registry),
      options.traces === true ? Layer.succeed(Tracer.Tracer)(tracer) : Layer.empty
    )
  }
}

/** A route `GET /waits` that never answers, and what completes when its handler has begun. */
export const waiting = Effect.map(Deferred.make<void>(), (begun) => ({
  began: Deferred.await(begun),
  route: HttpRouter.add("GET", "/waits", Effect.andThen(Deferred.succeed(begun, undefined), Effect.never))
}))

export interface Observed extends Seen {
  readonly port: number
}

/** Serves routes on a free port of 127.0.0.1 until the Scope closes. */
export const serveRoutes = (
  routes: Layer.Layer<
    never,
    never,
    | HttpRouter.HttpRouter
    | HttpRouter.Request<"Error", HttpServerError>
    | HttpRouter.Request<"Error", SocketError>
  >,
  recorder: Recorder,
  options: NvoServer.Options = {}
): Effect.Effect<Observed, ServeError, Scope.Scope> =>
  Effect.gen(function* () {
    const app = HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true })
    const context = yield* Layer.build(
      app.pipe(
        Layer.provideMerge(NvoServer.layer({ host: "127.0.0.1", loopDelay: 0, ...options })),
        Layer.provide(recorder.layer)
      )
    )
    const { address } = Context.get(context, HttpServer.HttpServer)
    return { ...recorder, port: portOf(address) }
  })
