// A thread that tries mutants: for each it loads the sources and the tests anew, everything else only once, and
// runs the tests until one fails.
import * as fs from "node:fs"
import { registerHooks } from "node:module"
import * as path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { parentPort, workerData } from "node:worker_threads"
import * as fc from "fast-check"
import type { Collected } from "./collect.ts"
import * as Collect from "./collect.ts"
import * as Loops from "./loops.ts"
import * as Mutants from "./mutants.ts"

/** What a worker is made with. */
export interface Job {
  /** Where paths start. */
  readonly root: string
  /** The sources that are changed, and those beside them that import them: folders or files. */
  readonly reload: ReadonlyArray<string>
  /** Files of tests, in the order in which they are tried. */
  readonly tests: ReadonlyArray<string>
  /** Seed of the generated input: the same for every mutant. */
  readonly seed: number
  /** Until when what is running may run, in ms of `Date.now`; read from outside. */
  readonly deadline: Float64Array
  /** What tests cost without a mutant, by their keys; empty where that is to be found out. */
  readonly costs: Readonly<Record<string, Cost>>
}

/** What a test costs: its time in ms, and how often loops of what is loaded for a mutant go round. */
export interface Cost {
  readonly ms: number
  readonly passes: number
}

/** A mutant to try, or the sources as they are. */
export interface Order {
  readonly mutant: Mutants.Mutant | undefined
  /** Keys of the tests that are tried first. */
  readonly first: ReadonlyArray<string>
}

/** What became of it: the test that noticed it, by its key, or what each test cost. */
export type Answer =
  | { readonly _tag: "Killed"; readonly test: string; readonly error: string }
  | { readonly _tag: "NeverEnds"; readonly test: string }
  | { readonly _tag: "Survived"; readonly costs: Readonly<Record<string, Cost>> }

// A test's key is its file and its name.
const keyOf = (file: string, name: string): string => `${file} ${name}`

// Loading a module graph and a test that nothing is known of: generous, since others may use the machine.
const LOAD_LIMIT = 120_000

const job = workerData as Job
const port = parentPort!

// A refusal is an Error, and most of its cost is where it was made: nobody reads that here.
Error.stackTraceLimit = 0

fc.configureGlobal({ seed: job.seed, endOnFailure: true })

// What a test imports, and what it gets.
const replaced: Readonly<Record<string, string>> = {
  vitest: new URL("./collect.ts", import.meta.url).href,
  "@effect/vitest": new URL("./collect.ts", import.meta.url).href,
  "fast-check": new URL("./fewRuns.ts", import.meta.url).href
}
const reloaded = [...job.reload, ...job.tests].map((part) => pathToFileURL(path.join(job.root, part)).href)
const LOOPS = new URL("./loops.ts", import.meta.url).href
// As they are loaded, and as they are changed.
const sources = new Map<string, { readonly stripped: string; readonly counted: string }>()
const PARAMETER = "?generation="
let generation = 0
let current: Mutants.Mutant | undefined

const sourceOf = (file: string): string => {
  let source = sources.get(file)
  if (source === undefined) {
    const stripped = Mutants.strip(fs.readFileSync(file, "utf8"))
    source = { stripped, counted: Mutants.countLoops(stripped, LOOPS) }
    sources.set(file, source)
  }
  return current !== undefined && path.join(job.root, current.file) === file
    ? Mutants.countLoops(Mutants.apply(source.stripped, current), LOOPS)
    : source.counted
}

registerHooks({
  resolve(specifier, context, next) {
    const mark = context.parentURL?.indexOf(PARAMETER) ?? -1
    if (mark === -1) return next(specifier, context)
    const instead = replaced[specifier]
    if (instead !== undefined) return { url: instead, shortCircuit: true }
    const found = next(specifier, context)
    return reloaded.some((url) => found.url.startsWith(url))
      ? { ...found, url: found.url + context.parentURL?.slice(mark) }
      : found
  },
  load(url, context, next) {
    const mark = url.indexOf(PARAMETER)
    if (mark === -1) return next(url, context)
    return { format: "module", shortCircuit: true, source: sourceOf(fileURLToPath(url.slice(0, mark))) }
  }
})

// What a test may cost on a mutant. The time is generous, since others may use the machine: it is for what waits, or
// goes on in circles outside of the loops that are counted.
const LOAD_PASSES = 50_000_000

const allow = (cost: Cost | undefined): void => {
  job.deadline[0] = Date.now() + (cost === undefined ? LOAD_LIMIT : 5_000 + 20 * cost.ms)
  Loops.allow(cost === undefined ? LOAD_PASSES : 100_000 + 20 * cost.passes)
}

interface Test extends Collected {
  readonly key: string
}

const load = async (file: string): Promise<ReadonlyArray<Test>> => {
  allow(undefined)
  Collect.take()
  await import(`${pathToFileURL(path.join(job.root, file)).href}${PARAMETER}${generation}`)
  return Collect.take().map((test) => ({ ...test, key: keyOf(file, test.name) }))
}

const msOf = ({ key }: Test): number => job.costs[key]?.ms ?? 0

const attempt = async ({ first, mutant }: Order): Promise<Answer> => {
  current = mutant
  generation++
  const costs: Record<string, Cost> = {}
  const loaded = new Map<string, ReadonlyArray<Test>>()
  const tried = new Set<Test>()

  // Runs it; what is in the way of going on.
  const run = async (test: Test): Promise<Answer | undefined> => {
    tried.add(test)
    allow(job.costs[test.key])
    const start = performance.now()
    let error: unknown
    try {
      await test.run()
    } catch (cause) {
      error = cause
    }
    if (Loops.isExceeded()) return { _tag: "NeverEnds", test: test.key }
    if (error !== undefined) return { _tag: "Killed", test: test.key, error: String(error) }
    costs[test.key] = { ms: performance.now() - start, passes: Loops.count() }
    return undefined
  }

  const testsOf = async (file: string): Promise<ReadonlyArray<Test>> => {
    const tests = loaded.get(file) ?? (await load(file))
    loaded.set(file, tests)
    return tests
  }

  try {
    for (const key of first) {
      const file = job.tests.find((file) => key.startsWith(`${file} `))
      for (const test of file === undefined ? [] : await testsOf(file)) {
        const answer = test.key === key && !tried.has(test) ? await run(test) : undefined
        if (answer !== undefined) return answer
      }
    }
    const rest: Array<Test> = []
    for (const file of job.tests) rest.push(...(await testsOf(file)).filter((test) => !tried.has(test)))
    // What costs little first.
    for (const test of rest.sort((a, b) => msOf(a) - msOf(b))) {
      const answer = await run(test)
      if (answer !== undefined) return answer
    }
  } catch (error) {
    if (Loops.isExceeded()) return { _tag: "NeverEnds", test: "loading" }
    return { _tag: "Killed", test: "loading", error: String(error) }
  }
  return { _tag: "Survived", costs }
}

port.on("message", async (order: Order) => {
  const answer = await attempt(order)
  job.deadline[0] = Number.POSITIVE_INFINITY
  port.postMessage(answer)
})
