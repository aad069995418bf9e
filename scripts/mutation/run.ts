// Tries mutants on several cores. What notices a mutant is likely to notice its neighbours, so that is tried first, and
// behind it all tests, those that cost little first. A worker that runs into its deadline or runs out of memory is ended,
// which is an answer: its mutant was noticed.
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import { Worker } from "node:worker_threads"
import { Data, Effect, Ref, type Scope } from "effect"
import * as Mutants from "./mutants.ts"
import type { Answer, Cost, Job, Order } from "./worker.ts"

/** A mutant that no test can notice, and why. It is found by the text of its line, not by its number. */
export interface Equivalent {
  readonly file: string
  /** The line as it is in the source, without the white space around it. */
  readonly line: string
  /** How the code behind the line begins, in one line: where the line stands more than once. */
  readonly behind?: string
  /** What becomes what; the original may be cut anywhere after it can be told from others. */
  readonly change: readonly [original: string, replacement: string]
  readonly reason: string
}

/** What is changed, and what should notice it. Paths are relative to `root`. */
export interface Target {
  readonly root: string
  readonly sources: ReadonlyArray<string>
  /** Folders or files that are loaded anew for each mutant: the sources and what imports them. */
  readonly reload: ReadonlyArray<string>
  readonly tests: ReadonlyArray<string>
  readonly equivalents: ReadonlyArray<Equivalent>
}

/** What became of a mutant. `Explained` survived, as was expected. */
export type Fate = "Killed" | "TimedOut" | "Survived" | "Explained"

export interface Tried {
  readonly mutant: Mutants.Mutant
  readonly fate: Fate
  /** The test that noticed it, behind its file; empty where none did, or where it was the deadline. */
  readonly by: string
  /** What says why it survived. */
  readonly explanations: ReadonlyArray<Equivalent>
}

/** The tests fail on the sources as they are. */
export class TestsFail extends Data.TaggedError("TestsFail")<{
  readonly test: string
  readonly error: string
}> {
  override get message(): string {
    return `without a mutant, ${this.test}: ${this.error}`
  }
}

/** So many of the mutants, drawn by the seed: the same seed draws the same ones, whatever else is there. */
export const sample = (
  mutants: ReadonlyArray<Mutants.Mutant>,
  size: number,
  seed: number
): ReadonlyArray<Mutants.Mutant> => {
  const rank = ({ end, file, replacement, start }: Mutants.Mutant): string =>
    createHash("sha256")
      .update(JSON.stringify([seed, file, start, end, replacement]))
      .digest("hex")
  const drawn = new Set(
    mutants
      .map((mutant) => [rank(mutant), mutant] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, size)
      .map(([, mutant]) => mutant)
  )
  return mutants.filter((mutant) => drawn.has(mutant))
}

/** All mutants of the target's sources. */
export const mutantsOf = ({ root, sources }: Target): ReadonlyArray<Mutants.Mutant> =>
  sources.flatMap((file) => Mutants.of(file, fs.readFileSync(path.join(root, file), "utf8")))

// Whether a mutant is the one that is meant, in these lines.
const explains =
  (mutant: Mutants.Mutant, lines: ReadonlyArray<string>) =>
  ({ behind, change, file, line }: Equivalent): boolean =>
    file === mutant.file &&
    line === lines[mutant.line - 1] &&
    mutant.original.startsWith(change[0]) &&
    mutant.replacement === change[1] &&
    (behind === undefined || lines.slice(mutant.line).join(" ").startsWith(behind))

const linesOf = (root: string, file: string): ReadonlyArray<string> =>
  fs
    .readFileSync(path.join(root, file), "utf8")
    .split("\n")
    .map((line) => line.trim())

// Mutants that a worker tries before the next one takes over: modules that were loaded stay in memory.
const SHIFT = 100

// Tests that are tried first.
const NEARBY = 16

const MEMORY: Worker["resourceLimits"] = { maxOldGenerationSizeMb: 1_024 }

interface Thread {
  readonly attempt: (order: Order) => Effect.Effect<Answer | "TimedOut">
}

const thread = (
  target: Target,
  seed: number,
  costs: Readonly<Record<string, Cost>>
): Effect.Effect<Thread, never, Scope.Scope> =>
  Effect.gen(function* () {
    const deadline = new Float64Array(new SharedArrayBuffer(8))
    const { reload, root, tests } = target
    const job: Job = { root, reload, tests, seed, deadline, costs }
    const worker = yield* Effect.acquireRelease(
      Effect.sync(
        () =>
          new Worker(new URL("./worker.ts", import.meta.url), {
            workerData: job,
            resourceLimits: MEMORY,
            stdout: true,
            stderr: true
          })
      ),
      (worker) => Effect.promise(() => worker.terminate())
    )
    return {
      attempt: (order) =>
        Effect.callback((resume) => {
          deadline[0] = Number.POSITIVE_INFINITY
          const watch = setInterval(() => {
            if (Date.now() > deadline[0]) finish("TimedOut")
          }, 100)
          const finish = (answer: Answer | "TimedOut") => {
            clearInterval(watch)
            worker.off("message", finish).off("error", failed)
            resume(Effect.succeed(answer))
          }
          const failed = (error: unknown) =>
            finish({ _tag: "Killed", test: "the process", error: String(error) })
          worker.on("message", finish).on("error", failed)
          worker.postMessage(order)
        })
    }
  })

/** Tries the mutants, in any order, and tells of each. */
export const run = (
  target: Target,
  mutants: ReadonlyArray<Mutants.Mutant>,
  options: { readonly cores: number; readonly seed: number; readonly onTried: (tried: Tried) => void }
): Effect.Effect<ReadonlyArray<Tried>, TestsFail> =>
  Effect.gen(function* () {
    const asIs = yield* Effect.scoped(
      Effect.flatMap(thread(target, options.seed, {}), ({ attempt }) =>
        attempt({ mutant: undefined, first: [] })
      )
    )
    if (asIs === "TimedOut") return yield* new TestsFail({ test: "a test", error: "does not end" })
    if (asIs._tag === "NeverEnds") return yield* new TestsFail({ test: asIs.test, error: "does not end" })
    if (asIs._tag === "Killed") return yield* new TestsFail(asIs)
    const { costs } = asIs

    const all: Array<Tried> = []
    // By file: which test noticed a change of which place.
    const noticed = new Map<string, Array<{ readonly at: number; readonly test: string }>>()
    // What noticed the changes nearby is likely to notice this one.
    const nearby = ({ file, start }: Mutants.Mutant): ReadonlyArray<string> => {
      const near = (noticed.get(file) ?? []).toSorted(
        (a, b) => Math.abs(a.at - start) - Math.abs(b.at - start)
      )
      return [...new Set(near.map(({ test }) => test))].slice(0, NEARBY)
    }
    const tell = (mutant: Mutants.Mutant, answer: Answer | "TimedOut") => {
      const by = answer !== "TimedOut" && answer._tag !== "Survived" ? answer.test : ""
      const survived = answer !== "TimedOut" && answer._tag === "Survived"
      if (by in costs) {
        const before = noticed.get(mutant.file) ?? []
        noticed.set(mutant.file, [...before, { at: mutant.start, test: by }])
      }
      const explanations = survived
        ? target.equivalents.filter(explains(mutant, linesOf(target.root, mutant.file)))
        : []
      const fate = survived
        ? explanations.length > 0
          ? "Explained"
          : "Survived"
        : answer === "TimedOut" || answer._tag === "NeverEnds"
          ? "TimedOut"
          : "Killed"
      const tried = { mutant, fate, by, explanations } as const
      all.push(tried)
      options.onTried(tried)
    }

    const next = yield* Ref.make(0)
    const take = Ref.getAndUpdate(next, (at) => at + 1)
    // Gives whether there is more to try.
    const shift = Effect.gen(function* () {
      const { attempt } = yield* thread(target, options.seed, costs)
      for (let tries = 0; tries < SHIFT; tries++) {
        const mutant = mutants[yield* take]
        if (mutant === undefined) return false
        const answer = yield* attempt({ mutant, first: nearby(mutant) })
        tell(mutant, answer)
        // A worker that was stopped in the middle, or that has failed, tries nothing more.
        if (answer === "TimedOut" || (answer._tag === "Killed" && answer.test === "the process")) return true
      }
      return true
    })
    const core = Effect.gen(function* () {
      while (yield* Effect.scoped(shift)) {}
    })
    yield* Effect.all(
      Array.from({ length: options.cores }, () => core),
      { concurrency: "unbounded", discard: true }
    )
    return all
  })
