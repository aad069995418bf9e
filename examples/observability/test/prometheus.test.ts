/** The metrics, as a real Prometheus reads them. */
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { nameOf } from "../src/Metrics.ts"
import { find, poll, start } from "./support.ts"

const freePort = Effect.promise(
  () =>
    new Promise<number>((resolve) => {
      const server = Net.createServer().listen(0, "127.0.0.1", () => {
        const { port } = server.address() as Net.AddressInfo
        server.close(() => resolve(port))
      })
    })
)

const folder = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "nvo-prometheus-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)

/** A Prometheus that scrapes `target` once a second; gives the address of its API. */
const prometheus = (path: string, target: string) =>
  Effect.gen(function* () {
    const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
    const home = yield* folder
    const port = yield* freePort
    const config = Path.join(home, "prometheus.yml")
    Fs.writeFileSync(
      config,
      `global:
  scrape_interval: 1s
scrape_configs:
  - job_name: nvo
    static_configs:
      - targets: ["${target}"]
`
    )
    yield* spawner.spawn(
      ChildProcess.make(path, [
        `--config.file=${config}`,
        `--storage.tsdb.path=${home}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
        "--log.level=error"
      ])
    )
    return `http://127.0.0.1:${port}/api/v1`
  })

interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [time: number, value: string]
}

/** The one sample that answers a query, once it has a value. */
const sample = (api: string, query: string, value: string) =>
  Effect.map(
    poll(async () => {
      const response = await fetch(`${api}/query?query=${encodeURIComponent(query)}`).catch(() => undefined)
      if (response === undefined || !response.ok) return undefined
      const { data } = (await response.json()) as { data: { result: ReadonlyArray<Sample> } }
      return data.result.length === 1 && data.result[0].value[1] === value ? data.result[0] : undefined
    }),
    ({ metric }) => metric
  )

const scraped = (path: string) =>
  Effect.gen(function* () {
    const program = yield* start({})
    const api = yield* prometheus(path, new URL(program.metrics).host)
    yield* Effect.promise(async () => {
      for (const id of ["1", "2", "3"]) await (await fetch(`${program.url}/orders/${id}`)).text()
      await (await fetch(`${program.url}/broken`)).text()
    })

    const labels = { instance: new URL(program.metrics).host, job: "nvo" }
    const ok = 'http_server_request_duration_seconds_count{http_route="/orders/:id"}'
    assert.deepStrictEqual(yield* sample(api, ok, "3"), {
      ...labels,
      __name__: "http_server_request_duration_seconds_count",
      http_request_method: "GET",
      http_response_status_code: "200",
      http_route: "/orders/:id",
      network_protocol_version: "1.1",
      url_scheme: "http"
    })
    const failed = 'http_server_request_duration_seconds_count{error_type="500"}'
    assert.strictEqual((yield* sample(api, failed, "1")).http_route, "/broken")
    yield* sample(api, 'nvo_server_errors_total{reason="HandlerFailed"}', "1")
    yield* sample(api, "sum(http_server_active_requests)", "0")
    // Everything is in the last bucket, and the 5 ms of the database are not in the first.
    yield* sample(api, 'http_server_request_duration_seconds_bucket{http_route="/orders/:id",le="+Inf"}', "3")
    yield* sample(
      api,
      'http_server_request_duration_seconds_bucket{http_route="/orders/:id",le="0.005"}',
      "0"
    )
    const kinds = yield* Effect.promise(async () => (await fetch(`${api}/metadata`)).json())
    const kindOf = (name: string) =>
      (kinds as { data: Record<string, [{ type: string }]> }).data[name]?.[0].type
    assert.deepStrictEqual(
      [
        kindOf("http_server_request_duration_seconds"),
        kindOf("http_server_active_requests"),
        kindOf("nvo_server_connections"),
        kindOf("nvo_server_errors_total")
      ],
      ["histogram", "gauge", "gauge", "counter"]
    )
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))

describe("the metrics endpoint", () => {
  it("gives names the unit that Prometheus expects at their end", () => {
    assert.deepStrictEqual(
      [
        "http.server.request.duration",
        "nvo.server.event_loop.delay",
        "http.server.request.body.size",
        "nvo.server.errors",
        "nvo.server.connections"
      ].map(nameOf),
      [
        "http.server.request.duration.seconds",
        "nvo.server.event_loop.delay.seconds",
        "http.server.request.body.size.bytes",
        "nvo.server.errors.total",
        "nvo.server.connections"
      ]
    )
  })

  const path = find("prometheus")
  const title = "is scraped by a real Prometheus, which answers queries by route, status and reason"
  if (Option.isSome(path)) it.live(title, () => scraped(path.value))
  else if (process.env.NVO_REQUIRE_PEERS === "1") {
    it(title, () => assert.fail("prometheus is not installed"))
  } else {
    console.warn(`skipped, prometheus is not installed: ${title}`)
    it.skipIf(true)(title, () => {})
  }
})
