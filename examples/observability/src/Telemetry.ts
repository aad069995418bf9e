/**
 * Where logs, spans and metrics go: JSON lines to the standard output, and all three to an OpenTelemetry collector
 * where `OTEL_EXPORTER_OTLP_ENDPOINT` names one.
 */
import { JsonLogger } from "@nvo/node"
import { Config, Effect, Layer, Option } from "effect"
import { FetchHttpClient } from "effect/http"
import { Otlp } from "effect/observability"

const collector = (baseUrl: string) =>
  Otlp.layerJson({
    baseUrl,
    resource: { serviceName: "observability" },
    loggerMergeWithExisting: true,
    loggerExportInterval: "1 second",
    metricsExportInterval: "1 second",
    tracerExportInterval: "1 second"
  }).pipe(Layer.provide(FetchHttpClient.layer))

const Collector = Layer.unwrap(
  Effect.map(Config.option(Config.String("OTEL_EXPORTER_OTLP_ENDPOINT")), (endpoint) =>
    Option.match(endpoint, { onNone: () => Layer.empty, onSome: collector })
  )
)

export const Telemetry = Layer.provideMerge(Collector, JsonLogger.layer())
