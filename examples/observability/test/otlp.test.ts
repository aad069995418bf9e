/** What an OpenTelemetry collector is sent: spans, metrics and logs that name each other. */
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { poll, start } from "./support.ts"

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
const SPAN_ID = "b7ad6b7169203331"

interface Attribute {
  readonly key: string
  readonly value: Readonly<Record<string, string | number>>
}

interface Span {
  readonly name: string
  readonly kind: number
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly attributes: ReadonlyArray<Attribute>
}

interface MetricData {
  readonly name: string
  readonly unit: string
  readonly histogram?: {
    readonly dataPoints: ReadonlyArray<{ readonly attributes: ReadonlyArray<Attribute> }>
  }
}

interface LogRecord {
  readonly traceId?: string
  readonly spanId?: string
  readonly body: { readonly stringValue?: string }
  readonly attributes: ReadonlyArray<Attribute>
}

const attributesOf = ({ attributes }: { readonly attributes: ReadonlyArray<Attribute> }) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

/** A receiver of OTLP over HTTP, in JSON. */
const receiver = Effect.acquireRelease(
  Effect.promise(async () => {
    const spans: Array<Span> = []
    const metrics: Array<MetricData> = []
    const logs: Array<LogRecord> = []
    const server = Http.createServer(async (request, response) => {
      let text = ""
      for await (const chunk of request) text += chunk
      const body = JSON.parse(text)
      for (const resource of body.resourceSpans ?? [])
        for (const scope of resource.scopeSpans) spans.push(...scope.spans)
      for (const resource of body.resourceMetrics ?? [])
        for (const scope of resource.scopeMetrics) metrics.push(...scope.metrics)
      for (const resource of body.resourceLogs ?? [])
        for (const scope of resource.scopeLogs) logs.push(...scope.logRecords)
      response.setHeader("content-type", "application/json").end("{}")
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as AddressInfo
    return { server, spans, metrics, logs, url: `http://127.0.0.1:${port}` }
  }),
  ({ server }) =>
    Effect.sync(() => {
      server.closeAllConnections()
      server.close()
    })
)

it.live("a collector is sent the span, the metrics and the log of a request, which name each other", () =>
  Effect.gen(function* () {
    const { logs, metrics, spans, url } = yield* receiver
    const program = yield* start({ OTEL_EXPORTER_OTLP_ENDPOINT: url })
    const requestId = yield* Effect.promise(async () => {
      const headers = { traceparent: `00-${TRACE_ID}-${SPAN_ID}-01` }
      const response = await fetch(`${program.url}/orders/7`, { headers })
      assert.deepStrictEqual(await response.json(), { id: "7" })
      return response.headers.get("x-request-id")
    })

    const span = yield* poll(() => spans.find(({ kind }) => kind === 2))
    assert.deepStrictEqual([span.traceId, span.parentSpanId], [TRACE_ID, SPAN_ID])
    const attributes = attributesOf(span)
    assert.strictEqual(attributes["http.route"], "/orders/:id")
    assert.strictEqual(Number(attributes["http.response.status_code"]), 200)
    assert.strictEqual(attributes["nvo.request.id"], requestId)
    const inner = yield* poll(() => spans.find(({ name }) => name === "database"))
    assert.deepStrictEqual([inner.traceId, inner.parentSpanId], [TRACE_ID, span.spanId])
    assert.strictEqual(spans.filter(({ kind }) => kind === 2).length, 1, "one server span")

    const duration = yield* poll(() => metrics.find(({ name }) => name === "http.server.request.duration"))
    assert.strictEqual(duration.unit, "s")
    assert.strictEqual(attributesOf(duration.histogram?.dataPoints[0] as never)["http.route"], "/orders/:id")

    const access = yield* poll(() => logs.find(({ body }) => body.stringValue === "GET /orders/7 200"))
    assert.deepStrictEqual([access.traceId, access.spanId], [TRACE_ID, span.spanId])
    assert.strictEqual(attributesOf(access)["nvo.request.id"], requestId)
    const said = yield* poll(() => logs.find(({ body }) => body.stringValue === "looked an order up"))
    assert.strictEqual(attributesOf(said)["nvo.request.id"], requestId)

    // The same lines stand on the standard output.
    const line = yield* poll(() => program.lines.find(({ message }) => message === "GET /orders/7 200"))
    assert.strictEqual(line.annotations["nvo.request.id"], requestId)
    assert.strictEqual(line.annotations.trace_id, TRACE_ID)
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
)
