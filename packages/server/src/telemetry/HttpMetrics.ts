/**
 * The metrics of requests, by OpenTelemetry's semantic conventions for HTTP servers.
 *
 * They are in Effect's metric registry, where every exporter finds them. A series is one combination of attributes;
 * it is made when it is first needed and found again by a number, so that a request costs a few additions. What peers choose is bounded: a method that is not registered is `_OTHER`, and a route is the pattern
 * that the router matched, never a path.
 */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import * as Histogram from "./Histogram.ts"

/** The names of the metrics, in OpenTelemetry's spelling. */
export const names = {
  activeRequests: "http.server.active_requests",
  requestDuration: "http.server.request.duration",
  requestBodySize: "http.server.request.body.size",
  responseBodySize: "http.server.response.body.size"
} as const

/** Seconds: the boundaries that the conventions ask for. */
export const durationBoundaries: ReadonlyArray<number> = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10
]

/** Octets: the conventions leave them open. From nothing to 256 MiB, by eights. */
export const sizeBoundaries: ReadonlyArray<number> = [
  0, 128, 1_024, 8_192, 65_536, 524_288, 4_194_304, 33_554_432, 268_435_456
]

// The methods that the conventions know: those of RFC 9110, PATCH (RFC 5789) and QUERY.
const methods = [
  "_OTHER",
  "CONNECT",
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
  "QUERY",
  "TRACE"
] as const

const methodCodes: ReadonlyMap<string, number> = new Map(methods.map((method, code) => [method, code]))

const methodCode = (method: string): number => methodCodes.get(method) ?? 0

/** `http.request.method`: the method itself if it is registered, `_OTHER` otherwise. */
export const methodOf = (method: string): string => methods[methodCode(method)]

/** `network.protocol.version`. */
export type ProtocolVersion = "1.0" | "1.1" | "2"

const versionCodes: Readonly<Record<ProtocolVersion, number>> = { "1.0": 0, "1.1": 1, "2": 2 }

/** One exchange, as it is measured. */
export interface Measured {
  readonly method: string
  readonly scheme: "http" | "https"
  readonly version: ProtocolVersion
  /** The pattern of the route, `undefined` where no router matched. */
  readonly route: string | undefined
  /** 0 where no response was sent. */
  readonly status: number
  /** Why the exchange failed, if it did: a status of 500 and more, or the name of a reason. */
  readonly errorType: string | undefined
  readonly seconds: number
  /** `undefined` where the request had no body. */
  readonly requestBytes: number | undefined
  readonly responseBytes: number
}

interface Series {
  readonly duration: Histogram.Histogram
  readonly responseSize: Histogram.Histogram
  /** Made when a request has a body. */
  requestSize: Histogram.Histogram | undefined
}

const attributesOf = (measured: Measured): Record<string, string> => {
  const attributes: Record<string, string> = {
    "http.request.method": methodOf(measured.method),
    "url.scheme": measured.scheme,
    "network.protocol.version": measured.version
  }
  if (measured.route !== undefined) attributes["http.route"] = measured.route
  if (measured.status !== 0) attributes["http.response.status_code"] = String(measured.status)
  if (measured.errorType !== undefined) attributes["error.type"] = measured.errorType
  return attributes
}

// What a combination is found by: everything but the route and the kind of failure, which are texts.
const codeOf = ({ method, scheme, status, version }: Measured): number =>
  ((status * 16 + methodCode(method)) * 4 + versionCodes[version]) * 2 + (scheme === "https" ? 1 : 0)

/** See the module. Made with `of`. */
export class HttpMetrics {
  private readonly context: Context.Context<never>
  /** Requests under way, by method, those over TLS behind the others. `undefined` before the first. */
  private readonly active: Array<number | undefined> = []
  private readonly routes = new Map<string | undefined, Map<number, Map<string | undefined, Series>>>()

  constructor(context: Context.Context<never>) {
    this.context = context
  }

  /** A request has begun (1) or ended (-1). */
  change(method: string, scheme: "http" | "https", by: 1 | -1): void {
    const code = methodCode(method) + (scheme === "https" ? methods.length : 0)
    const before = this.active[code]
    if (before === undefined) this.registerActive(code, method, scheme)
    this.active[code] = (before ?? 0) + by
  }

  /** An exchange has ended. */
  record(measured: Measured): void {
    const series = this.series(measured)
    series.duration.update(measured.seconds)
    series.responseSize.update(measured.responseBytes)
    if (measured.requestBytes === undefined) return
    series.requestSize ??= this.size(
      names.requestBodySize,
      "Size of HTTP server request bodies",
      attributesOf(measured)
    )
    series.requestSize.update(measured.requestBytes)
  }

  private series(measured: Measured): Series {
    const codes = getOrMake(this.routes, measured.route, makeMap<number, Map<string | undefined, Series>>)
    const kinds = getOrMake(codes, codeOf(measured), makeMap<string | undefined, Series>)
    const known = kinds.get(measured.errorType)
    if (known !== undefined) return known
    const attributes = attributesOf(measured)
    const series: Series = {
      duration: Histogram.register(
        {
          name: names.requestDuration,
          description: "Duration of HTTP server requests",
          attributes: { ...attributes, unit: "s" },
          boundaries: durationBoundaries
        },
        this.context
      ),
      responseSize: this.size(names.responseBodySize, "Size of HTTP server response bodies", attributes),
      requestSize: undefined
    }
    kinds.set(measured.errorType, series)
    return series
  }

  private size(
    name: string,
    description: string,
    attributes: Readonly<Record<string, string>>
  ): Histogram.Histogram {
    return Histogram.register(
      { name, description, attributes: { ...attributes, unit: "By" }, boundaries: sizeBoundaries },
      this.context
    )
  }

  private registerActive(code: number, method: string, scheme: string): void {
    const gauge = Metric.gauge(names.activeRequests, {
      description: "Number of active HTTP server requests",
      attributes: { "http.request.method": methodOf(method), "url.scheme": scheme, unit: "{request}" }
    })
    Metric.registerUnsafe(gauge, this.context, {
      get: () => ({ value: this.active[code] ?? 0 }),
      update: () => undefined,
      modify: () => undefined
    })
  }
}

// Servers that share a registry and the attributes of their metrics share the series.
const shared = new WeakMap<Metric.MetricRegistry, Map<string, HttpMetrics>>()

/** The metrics of a context: of its registry, with its `CurrentMetricAttributes`. */
export const of = (context: Context.Context<never>): HttpMetrics => {
  const registry = Context.get(context, Metric.MetricRegistry)
  const attributes = Context.get(context, Metric.CurrentMetricAttributes)
  const key = JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)))
  let all = shared.get(registry)
  if (all === undefined) {
    all = new Map()
    shared.set(registry, all)
  }
  return getOrMake(all, key, () => new HttpMetrics(context))
}

const makeMap = <K, V>(): Map<K, V> => new Map()

const getOrMake = <K, V>(map: Map<K, V>, key: K, make: () => V): V => {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
