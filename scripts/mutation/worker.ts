// A thread that tries mutants: for each it loads the sources and the tests anew, everything else only once, and
// runs the tests until one fails.
import * as fs from "node:fs"
import { registerHooks } from "node:module"
import * as path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { parentPort, workerData } from "node:worker_threads"
import * as fc from "fast-check"
import * as Collect from "./collect.ts"
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
}

/** A mutant to try, or the sources as they are. */
export interface Order {
  readonly mutant: Mutants.Mutant | undefined
  /** Tests that are tried first. */
  readonly first: ReadonlyArray<string>
  /** How long a test may run, in ms, by its name. */
  readonly limits: Readonly<Record<string, number>>
}

/** What became of it: the test that failed and how, or how long each test took. */
export type Answer =
  | { readonly _tag: "Killed"; readonly test: string; readonly error: string }
  | { readonly _tag: "Survived"; readonly durations: Readonly<Record<string, number>> }

// Loading a module graph and a test that nothing is known of: generous, since others may use the machine.
const LOAD_LIMIT = 120_000

const job = workerData as Job
const port = parentPort!

fc.configureGlobal({ seed: job.seed, endOnFailure: true })

// What a test imports, and what it gets.
const replaced: Readonly<Record<string, string>> = {
  vitest: new URL("./collect.ts", import.meta.url).href,
  "@effect/vitest": new URL("./collect.ts", import.meta.url).href,
  "fast-check": new URL("./fewRuns.ts", import.meta.url).href
}
const reloaded = [...job.reload, ...job.tests].map((part) => pathToFileURL(path.join(job.root, part)).href)
const stripped = new Map<string, string>()
const PARAMETER = "?generation="
let generation = 0
let current: Mutants.Mutant | undefined

const sourceOf = (file: string): string => {
  const known = stripped.get(file)
  if (known !== undefined) return known
  const source = Mutants.strip(fs.readFileSync(file, "utf8"))
  stripped.set(file, source)
  return source
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
    const file = fileURLToPath(url.slice(0, mark))
    const source = sourceOf(file)
    const mutated = current !== undefined && path.join(job.root, current.file) === file
    return {
      format: "module",
      shortCircuit: true,
      source: mutated ? Mutants.apply(source, current as Mutants.Mutant) : source
    }
  }
})

const allow = (ms: number): void => {
  job.deadline[0] = Date.now() + ms
}

const killed = (test: string, error: unknown): Answer => ({ _tag: "Killed", test, error: String(error) })

const attempt = async ({ first, limits, mutant }: Order): Promise<Answer> => {
  current = mutant
  generation++
  Collect.take()
  allow(LOAD_LIMIT)
  try {
    for (const test of job.tests) {
      await import(`${pathToFileURL(path.join(job.root, test)).href}${PARAMETER}${generation}`)
    }
  } catch (error) {
    return killed("loading", error)
  }
  const tests = Collect.take()
  const isFirst = ({ name }: Collect.Collected) => first.includes(name)
  const durations: Record<string, number> = {}
  for (const { name, run } of [...tests.filter(isFirst), ...tests.filter((test) => !isFirst(test))]) {
    allow(limits[name] ?? LOAD_LIMIT)
    const start = performance.now()
    try {
      await run()
    } catch (error) {
      return killed(name, error)
    }
    durations[name] = performance.now() - start
  }
  return { _tag: "Survived", durations }
}

port.on("message", async (order: Order) => {
  const answer = await attempt(order)
  job.deadline[0] = Number.POSITIVE_INFINITY
  port.postMessage(answer)
})
