/**
 * What Prometheus scrapes: Effect's own endpoint, on a server of its own, so that it is not where the public is.
 */
import { NvoServer } from "@nvo/node"
import { Config, Effect, Layer } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { PrometheusMetrics } from "effect/observability"

/** Prometheus' names have the unit at their end, OpenTelemetry's have it beside them. */
export const nameOf = (name: string): string =>
  name.endsWith(".duration") || name.endsWith(".delay")
    ? `${name}.seconds`
    : name.endsWith(".size")
      ? `${name}.bytes`
      : name.endsWith(".errors")
        ? `${name}.total`
        : name

const Listening = Layer.effectDiscard(
  HttpServer.addressFormattedWith((address) => Effect.logInfo(`Metrics on ${address}/metrics`))
)

export const Metrics = HttpRouter.serve(PrometheusMetrics.layerHttp({ metricNameMapper: nameOf }), {
  disableLogger: true,
  disableListenLog: true
}).pipe(
  Layer.merge(Listening),
  Layer.provide(
    NvoServer.layerConfig({
      port: Config.Int("METRICS_PORT").pipe(Config.withDefault(9464)),
      host: Config.String("HOST").pipe(Config.withDefault("127.0.0.1")),
      // Scraping is not what is measured.
      metrics: Config.succeed(false)
    })
  )
)
