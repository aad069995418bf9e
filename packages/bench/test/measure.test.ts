/** The parts of `npm run bench`, and one short run of it on the servers that need no installation. */
import { spawnSync } from "node:child_process"
import { readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Against from "../src/measure/Against.ts"
import { Histogram } from "../src/measure/Histogram.ts"
import { loads, requestText } from "../src/measure/Loads.ts"
import * as Micro from "../src/measure/Micro.ts"
import * as Page from "../src/measure/Page.ts"
import * as Results from "../src/measure/Results.ts"
import { estimate, median, ratios } from "../src/measure/Stats.ts"
import { runScript } from "./support.ts"

const sample = (user: number): Results.Sample => ({ user, system: 5, rate: 1000, p99: 700, memory: 2 ** 26 })

describe("statistics", () => {
  it("a median is the middle one, or between the middle two", () => {
    assert.strictEqual(median([3, 1, 2]), 2)
    assert.strictEqual(median([4, 1, 2, 3]), 2.5)
  })

  it("one round in which the machine did something else does not count for more than one", () => {
    const { error, median } = estimate([10, 10.1, 9.9, 10, 100])
    assert.strictEqual(median, 10)
    assert.isBelow(error, 0.5)
  })

  it("ratios are of rounds that followed one another", () => {
    assert.deepStrictEqual(ratios([2, 4, 8], [1, 2, 2]), [2, 2, 4])
  })

  it("a histogram knows its quantiles to 1.5 %", () => {
    const histogram = new Histogram()
    for (let i = 1; i <= 1000; i++) histogram.add(i)
    for (const q of [0.5, 0.99, 0.999]) {
      assert.isAtLeast(histogram.quantile(q), q * 1000)
      assert.isAtMost(histogram.quantile(q), q * 1000 * 1.015)
    }
    assert.strictEqual(new Histogram().quantile(0.5), 0)
  })
})

describe("comparing with another revision", () => {
  const rounds = (of: (round: number) => number) => Array.from({ length: 7 }, (_, round) => sample(of(round)))
  const judge = (again: number, now: number) =>
    Against.judge({
      before: rounds((round) => 10 + round / 50),
      "before-again": rounds((round) => again + (round % 2) / 50),
      now: rounds((round) => now - (round % 3) / 50)
    })

  it("what is slower beyond the noise has regressed", () => {
    assert.isTrue(judge(10, 11).regressed)
  })

  it("the same, and what is faster, has not", () => {
    assert.isFalse(judge(10, 10).regressed)
    assert.isFalse(judge(10, 8).regressed)
  })

  it("where two processes of one revision are as far apart, it means nothing", () => {
    assert.isFalse(judge(11.2, 11).regressed)
  })
})

describe("loads", () => {
  it("have names of their own", () => {
    assert.strictEqual(new Set(loads.map(({ id }) => id)).size, loads.length)
  })

  it("send a length with a body", () => {
    const post = loads.find(({ id }) => id === "json-post") ?? assert.fail("there is no json-post")
    const text = requestText(post)
    assert.include(text, `Content-Length: ${post.body.length}\r\n`)
    assert.isAtLeast(post.body.length, 1000)
  })
})

describe("the micro-benchmarks", () => {
  for (const { name, run } of Micro.tasks()) it(`run: ${name}`, () => run())

  it("have Node's own parser beside them", () => {
    assert.isNotEmpty(Micro.tasks().filter(({ name }) => name.includes("llhttp")))
  })
})

describe("the page", () => {
  const load = {
    id: "hello-64",
    title: "hello, 64 connections",
    seconds: 1,
    at: "2026-01-01 00:00",
    generator: "wrk",
    servers: { nvo: [sample(5), sample(6), sample(7)], "node-http": [sample(15), sample(15), sample(15)] }
  }
  const results: Results.Results = { machine: { cpu: "a cpu" }, versions: {}, revision: "abc", loads: [load] }

  it("has a table with ratios, and a chart", () => {
    const [page, chart] = Page.make(results, "node-http")
    assert.include(page.text, "| **nvo** | 11.0 | 1,000 |")
    assert.include(page.text, "0.55 ± ")
    assert.include(page.text, "![hello, 64 connections](hello-64.svg)")
    assert.strictEqual(chart.name, "hello-64.svg")
    assert.include(chart.text, "node:http")
  })

  it("is about the wait where the load is paced", () => {
    const slow = (p99: number) => ({ ...sample(5), p99 })
    const paced = {
      ...load,
      id: "latency",
      servers: { nvo: [slow(1_000)], "node-http": [slow(2_000)] }
    }
    const [page] = Page.make({ ...results, loads: [paced] }, "node-http")
    assert.include(page.text, "| server | p99, ms | CPU, µs |")
    assert.include(page.text, "| **nvo** | 1.00 |")
    assert.include(page.text, "0.50 ± ")
  })

  it("keeps what a later run did not measure", () => {
    const other = { ...load, id: "json-get" }
    const merged = Results.merge(results, { ...results, loads: [other] }, ["json-get", "hello-64"])
    assert.deepStrictEqual(merged.loads, [other, load])
  })
})

const linux = process.platform === "linux" && spawnSync("taskset", ["-c", "0", "true"]).status === 0

describe("npm run bench", () => {
  it.live.runIf(linux || process.env.NVO_REQUIRE_PEERS === "1")("measures, and writes JSON", () =>
    Effect.gen(function* () {
      const file = join(tmpdir(), `nvo-bench-test-${process.pid}.json`)
      const { exitCode, said } = yield* runScript(
        "bench",
        `--loads hello-1 --servers nvo,node-net --to node-net --rounds 1 --seconds 1 --json ${file}`
      )
      assert.strictEqual(exitCode, 0, said)
      const json = readFileSync(file, "utf8")
      rmSync(file)
      const { loads } = yield* Schema.decodeEffect(Results.Json)(json)
      assert.deepStrictEqual(Object.keys(loads[0].servers), ["nvo", "node-net"])
      assert.isAbove(Results.cpu(loads[0].servers.nvo[0]), 0)
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.live("says what it does not know, and exits with 1", () =>
    Effect.gen(function* () {
      const { exitCode, said } = yield* runScript("bench", "--loads hello-2")
      assert.include(said, "there is no hello-2")
      assert.strictEqual(exitCode, 1)
    }).pipe(Effect.provide(NodeServices.layer))
  )
})
