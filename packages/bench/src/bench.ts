/**
 * `npm run bench`: nvo and its peers under the same loads, round by round in one run. `--help` lists the options.
 *
 * Absolute figures drift with the machine; the ratios of one run are what counts. CPU time comes from /proc, so it
 * needs Linux, and two cores: one for the servers, one for the load.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import * as Against from "./measure/Against.ts"
import * as Columns from "./measure/Columns.ts"
import * as Loads from "./measure/Loads.ts"
import * as Machine from "./measure/Machine.ts"
import * as Measure from "./measure/Measure.ts"
import * as Micro from "./measure/Micro.ts"
import * as Paced from "./measure/Paced.ts"
import * as Page from "./measure/Page.ts"
import * as Peers from "./measure/Peers.ts"
import * as Results from "./measure/Results.ts"
import * as Running from "./measure/Running.ts"
import { estimate, median, ratios } from "./measure/Stats.ts"

const { loads } = Loads
const order = loads.map(({ id }) => id)
const hello = loads.find(({ id }) => id === "hello-64") ?? loads[0]
const docs = new URL("../../../docs/benchmarks/", import.meta.url)

const list = (name: string, known: ReadonlyArray<string>, description: string) =>
  Flag.String(name).pipe(
    Flag.withDescription(`${description}, separated by commas: ${known.join(", ")}`),
    Flag.map((text) => text.split(",")),
    Flag.filter(
      (ids) => ids.every((id) => known.includes(id)),
      (ids) => `--${name}: there is no ${ids.filter((id) => !known.includes(id)).join(", ")}`
    ),
    Flag.optional
  )

const flags = {
  loads: list("loads", order, "Loads to measure (default: all)"),
  servers: list(
    "servers",
    Peers.all.map(({ id }) => id),
    "Servers to measure (default: all)"
  ),
  rounds: Flag.Int("rounds").pipe(
    Flag.withDescription(
      "Rounds over all servers (default: 7 for hello-64, json-get and json-post, 3 or 4 for others)"
    ),
    Flag.optional
  ),
  seconds: Flag.Int("seconds").pipe(
    Flag.withDescription("Seconds of load for a server in a round (default: 2 for hello-64, 1 for others)"),
    Flag.optional
  ),
  to: Flag.Literals(
    "to",
    Peers.all.map(({ id }) => id)
  ).pipe(Flag.withDescription("The server that ratios are taken to"), Flag.withDefault("node-http")),
  short: Flag.Boolean("short").pipe(
    Flag.withDescription(
      "About a minute: hello-64 and json-get on nvo, platform-node, node:http and Fastify"
    ),
    Flag.withDefault(false)
  ),
  json: Flag.String("json").pipe(Flag.withDescription("Writes the results to this file"), Flag.optional),
  page: Flag.Boolean("page").pipe(
    Flag.withDescription("Puts the results into docs/benchmarks, in place of earlier ones of the same loads"),
    Flag.withDefault(false)
  ),
  against: Flag.String("against").pipe(
    Flag.withDescription("Compares nvo with another revision of itself; fails if it became slower"),
    Flag.optional
  )
}

const takesPart = (peer: { readonly id: string }, load: Loads.Load) => peer.id !== "node-net" || load.floor

const generatorOf = (load: Loads.Load): string =>
  load.paced ? Paced.name : Running.hasWrk && load.kind === "requests" ? "wrk" : "generator.ts"

const summary = Effect.fnUntraced(function* (result: Results.LoadResult, to: string) {
  const { pick, title, unit } = Columns.main(result.id)
  yield* Console.log(`\n${result.title}: ${title}, medians; ratio to ${to}`)
  const base = Columns.values(result.servers[to] ?? [], pick)
  for (const [id, samples] of Object.entries(result.servers)) {
    const values = Columns.values(samples, pick)
    const ratio = base.length === 0 ? undefined : estimate(ratios(values, base))
    yield* Console.log(
      [
        id.padEnd(14),
        (median(values) / unit).toFixed(2).padStart(10),
        `(${samples.length} rounds)`,
        ratio === undefined ? "" : `${ratio.median.toFixed(2)} ± ${ratio.error.toFixed(2)}`,
        `  ${median(samples.map(({ rate }) => rate)).toFixed(1)}/s`
      ].join("  ")
    )
  }
  yield* Console.log("")
})

const compare = Effect.fnUntraced(function* (
  name: string,
  chosen: ReadonlyArray<Loads.Load>,
  plan: Measure.Plan
) {
  const subjects = yield* Against.subjects(name)
  const slower: Array<string> = []
  for (const load of chosen) {
    const samples = yield* Measure.measure(subjects, load, hello, plan)
    const verdict = Against.judge(
      samples,
      load.kind === "idle" ? ({ perConnection }) => perConnection ?? Number.NaN : Results.cpu
    )
    const { noise, ratio, regressed } = verdict
    yield* Console.log(
      `${load.id}: now ${ratio.toFixed(3)} of ${name}, noise ${noise.toFixed(3)}${regressed ? ": SLOWER" : ""}`
    )
    if (regressed) slower.push(load.id)
  }
  if (slower.length > 0) {
    return yield* new Running.BenchError({ message: `slower than ${name}: ${slower.join(", ")}` })
  }
}, Effect.scoped)

const read = (file: URL) =>
  Effect.suspend(() =>
    existsSync(file)
      ? Schema.decodeEffect(Results.Json)(readFileSync(file, "utf8"))
      : Effect.succeed(undefined)
  )

const write = Effect.fnUntraced(function* (results: Results.Results, to: string) {
  mkdirSync(docs, { recursive: true })
  const file = new URL("results.json", docs)
  const all = Results.merge(yield* read(file), results, order)
  writeFileSync(file, `${yield* Schema.encodeEffect(Results.Json)(all)}\n`)
  for (const { name, text } of Page.make(all, to)) writeFileSync(new URL(name, docs), text)
})

const bench = Command.make(
  "bench",
  flags,
  Effect.fnUntraced(function* (options) {
    const ids = Option.getOrElse(options.loads, () => (options.short ? ["hello-64", "json-get"] : order))
    const chosen = loads.filter(({ id }) => ids.includes(id))
    const plan = options.short
      ? { rounds: 5, seconds: 1 }
      : { rounds: Option.getOrUndefined(options.rounds), seconds: Option.getOrUndefined(options.seconds) }
    if (Option.isSome(options.against)) return yield* compare(options.against.value, chosen, plan)
    const names = Option.getOrElse(options.servers, () =>
      options.short ? ["nvo", "platform-node", "node-http", "fastify"] : Peers.all.map(({ id }) => id)
    )
    const peers = Peers.all.filter(({ id }) => names.includes(id))
    const missing = peers.filter((peer) => !Peers.isInstalled(peer))
    if (missing.length > 0) {
      return yield* new Running.BenchError({
        message: `not installed: ${missing.map(({ id }) => id).join(", ")} (npm run bench installs them)`
      })
    }
    if (!Running.hasWrk) yield* Console.log("wrk is not there: a slower generator takes its place")
    const revision = yield* Against.revision
    const measured: Array<Results.LoadResult> = []
    for (const load of chosen) {
      if (load.pipelined > 1 && !Running.hasWrk) continue
      const subjects = peers.filter((peer) => takesPart(peer, load)).map((peer) => Measure.subject(peer))
      const servers = yield* Measure.measure(subjects, load, hello, plan)
      const result: Results.LoadResult = {
        id: load.id,
        title: load.title,
        seconds: plan.seconds ?? load.seconds,
        at: new Date().toISOString().slice(0, 16).replace("T", " "),
        generator: generatorOf(load),
        servers
      }
      measured.push(result)
      yield* summary(result, options.to)
    }
    const results: Results.Results = {
      machine: Machine.machine(),
      versions: Peers.versions(),
      revision,
      loads: measured
    }
    if (Option.isSome(options.json)) {
      writeFileSync(options.json.value, `${yield* Schema.encodeEffect(Results.Json)(results)}\n`)
    }
    if (options.page) yield* write(results, options.to)
  })
).pipe(
  Command.withDescription("Measures nvo and its peers under the same loads"),
  Command.withSubcommands([Micro.command])
)

Command.run(bench, { version: "0.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
