/**
 * `npm run bench:h2 -- [--rounds N] [--only TEXT] [--tls]`: HTTP/2 on nvo, on node:http2's compatibility API and on
 * `@effect/platform-node` over it, interleaved round by round in one run: small requests over 1 and 10 connections with
 * 100 streams each, and 100 MiB up, down and echoed.
 *
 * The client is h2load, with windows of 8 MiB for a stream and 16 MiB for the connection, about what browsers and curl
 * have. The server runs on one core, h2load on another. CPU time is that of all threads of the server process, from the
 * scheduler (/proc), so it needs Linux. Absolute figures drift with the machine; the ratios are what counts.
 */
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import * as Machine from "./measure/Machine.ts"
import type { Peer } from "./measure/Peers.ts"
import { BenchError, type Running, start } from "./measure/Running.ts"
import { estimate, median, ratios } from "./measure/Stats.ts"
import * as SelfSigned from "./selfSigned.ts"

const script = new URL("./h2Servers.ts", import.meta.url).pathname

const peer = (id: string, title: string): Peer => ({ id, title, runtime: "node", args: [script, id] })

const servers = [
  peer("nvo", "nvo"),
  peer("node-http2", "node:http2"),
  peer("platform-node", "@effect/platform-node")
]

const MIB = 1_048_576
const BODY = 100 * MIB

interface Load {
  readonly name: string
  readonly path: string
  /** Requests of one sample, over so many connections with so many streams at a time. */
  readonly requests: number
  readonly connections: number
  readonly streams: number
  /** Whether each request has a body of 100 MiB. */
  readonly uploads: boolean
  /** Octets of a sample that count, all bodies together. */
  readonly octets: number
}

const small = (connections: number): Load => ({
  name: `hello, ${connections} connection${connections === 1 ? "" : "s"}`,
  path: "/",
  requests: 40_000,
  connections,
  streams: 100,
  uploads: false,
  octets: 0
})

const body = (name: string, path: string, uploads: boolean): Load => ({
  name,
  path,
  requests: 4,
  connections: 1,
  streams: 1,
  uploads,
  octets: 4 * BODY
})

const loads: ReadonlyArray<Load> = [
  small(1),
  small(10),
  body("100 MiB up", "/upload", true),
  body("100 MiB down", "/download", false),
  body("100 MiB echoed", "/echo", true)
]

interface Sample {
  /** Microseconds of CPU for a request, or milliseconds for 100 MiB. */
  readonly cpu: number
  /** Requests or MiB a second. */
  readonly rate: number
}

const h2load = (args: ReadonlyArray<string>) =>
  Effect.callback<string, BenchError>((resume) => {
    const child = execFile("taskset", ["-c", "1", "h2load", ...args], (error, stdout) =>
      resume(
        error === null ? Effect.succeed(stdout) : Effect.fail(new BenchError({ message: error.message }))
      )
    )
    return Effect.sync(() => void child.kill())
  })

const sample = Effect.fnUntraced(function* (load: Load, running: Running, scheme: string, file: string) {
  const before = Machine.coreTime(running.pid)
  const text = yield* h2load([
    ...["-n", String(load.requests), "-c", String(load.connections), "-m", String(load.streams)],
    ...["-w", "23", "-W", "24"],
    ...(load.uploads ? ["-d", file] : []),
    `${scheme}://127.0.0.1:${running.port}${load.path}`
  ])
  const cpu = Machine.coreTime(running.pid) - before
  const took = /finished in ([\d.]+)(ms|s),/.exec(text)
  if (took === null || !text.includes(`${load.requests} succeeded, 0 failed`)) {
    return yield* new BenchError({ message: `${running.id}, ${load.name}:\n${text}` })
  }
  const seconds = Number(took[1]) / (took[2] === "ms" ? 1_000 : 1)
  const large = load.octets > 0
  return {
    cpu: cpu / load.requests / (large ? 1_000 : 1),
    rate: large ? load.octets / MIB / seconds : load.requests / seconds
  } satisfies Sample
})

const measure = Effect.fnUntraced(function* (load: Load, rounds: number, scheme: string, folder: string) {
  const certificate = scheme === "https" ? join(folder, "certificate.json") : "-"
  const running = yield* Effect.forEach(servers, (server) => start(server, { args: [certificate] }))
  const one = (server: Running) => sample(load, server, scheme, join(folder, "body"))
  // The first sample of each warms it up.
  for (const server of running) yield* one(server)
  const samples = servers.map((): Array<Sample> => [])
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? running : running.toReversed()
    for (const server of order) samples[running.indexOf(server)].push(yield* one(server))
  }
  return samples
}, Effect.scoped)

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "nvo-h2-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const bench = Command.make(
  "h2Bench",
  {
    rounds: Flag.Int("rounds").pipe(Flag.withDescription("Rounds over all servers"), Flag.withDefault(5)),
    only: Flag.String("only").pipe(
      Flag.withDescription("Only loads with this in their name"),
      Flag.withDefault("")
    ),
    tls: Flag.Boolean("tls").pipe(
      Flag.withDescription("Over TLS, by ALPN, and not in cleartext"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function* ({ only, rounds, tls }) {
    const place = yield* folder
    writeFileSync(join(place, "body"), Buffer.alloc(BODY, "a"))
    if (tls) writeFileSync(join(place, "certificate.json"), JSON.stringify(yield* SelfSigned.make))
    yield* Console.log(
      "| load | server | CPU | rate | CPU, of nvo's | rate, of nvo's |\n|---|---|--:|--:|--:|--:|"
    )
    for (const load of loads.filter(({ name }) => name.includes(only))) {
      const samples = yield* measure(load, rounds, tls ? "https" : "http", place)
      const [cpuUnit, rateUnit] = load.octets > 0 ? ["ms", "MiB/s"] : ["µs", "/s"]
      for (const [i, { title }] of servers.entries()) {
        const pick = (of: keyof Sample) => samples[i].map((one) => one[of])
        const ratio = (of: keyof Sample) => {
          const { error, median } = estimate(
            ratios(
              samples[0].map((one) => one[of]),
              pick(of)
            )
          )
          return `${median.toFixed(2)} ± ${error.toFixed(2)}`
        }
        yield* Console.log(
          [
            "",
            `${load.name}${tls ? ", TLS" : ""}`,
            title,
            `${median(pick("cpu")).toFixed(1)} ${cpuUnit}`,
            `${median(pick("rate")).toFixed(0)} ${rateUnit}`,
            i === 0 ? "" : ratio("cpu"),
            i === 0 ? "" : ratio("rate"),
            ""
          ]
            .join(" | ")
            .trim()
        )
      }
    }
  }, Effect.scoped)
).pipe(Command.withDescription("Measures HTTP/2 on nvo, node:http2 and @effect/platform-node"))

Command.run(bench, { version: "0.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
