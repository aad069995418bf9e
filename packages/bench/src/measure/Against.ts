/**
 * Compares two revisions of nvo in one run. The other revision is checked out beside this one, installed, and given the
 * measured app of this one, so that the engine is all that differs.
 *
 * What counts as a regression is decided by the run itself: the other revision takes part twice, as two processes.
 * How far these two are apart is what the machine cannot tell from nothing.
 */
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as Measure from "./Measure.ts"
import * as Peers from "./Peers.ts"
import { cpu, type Sample } from "./Results.ts"
import { BenchError } from "./Running.ts"
import { estimate, ratios } from "./Stats.ts"

const root = new URL("../../../../", import.meta.url).pathname

const run = Effect.fnUntraced(function* (cwd: string, command: string, ...args: ReadonlyArray<string>) {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const handle = yield* Effect.mapError(
    spawner.spawn(ChildProcess.make(command, [...args], { cwd })),
    (error) => new BenchError({ message: `${command}: ${error}` })
  )
  const said = yield* Stream.mkString(Stream.decodeText(handle.all)).pipe(Effect.orElseSucceed(() => ""))
  const code = yield* Effect.orElseSucceed(handle.exitCode, () => 1)
  if (Number(code) !== 0) return yield* new BenchError({ message: `${command} ${args.join(" ")}\n${said}` })
  return said.trim()
}, Effect.scoped)

/** What is checked out here, with a mark if it was changed since. */
export const revision = Effect.gen(function* () {
  const name = yield* run(root, "git", "rev-parse", "--short", "HEAD")
  return (yield* run(root, "git", "status", "--porcelain")) === "" ? name : `${name}, changed`
}).pipe(Effect.orElseSucceed(() => "unknown"))

const checkout = (name: string) =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      const directory = mkdtempSync(join(tmpdir(), "nvo-against-"))
      yield* run(root, "git", "worktree", "add", "--force", "--detach", directory, name)
      yield* run(directory, "npm", "run", "--silent", "setup")
      cpSync(join(root, "packages/bench/src/measure"), join(directory, "packages/bench/src/measure"), {
        recursive: true
      })
      return directory
    }),
    (directory) =>
      Effect.ignore(
        Effect.andThen(
          Effect.sync(() => rmSync(directory, { recursive: true, force: true })),
          run(root, "git", "worktree", "prune")
        )
      )
  )

/** The subjects: the other revision twice, and this one. */
export const subjects = Effect.fnUntraced(function* (name: string) {
  const directory = yield* checkout(name)
  const nvo = Peers.all[0]
  const server = join(directory, "packages/bench/src/measure/server.ts")
  // A revision from before there were compiled routes has Effect's.
  const compiles = existsSync(join(directory, "packages/bench/node_modules/@nvo/routes"))
  const other: Peers.Peer = { ...nvo, args: [server, compiles ? "nvo" : "nvo-original"] }
  return [
    Measure.subject(other, "before"),
    Measure.subject(other, "before-again"),
    Measure.subject(nvo, "now")
  ] satisfies ReadonlyArray<Measure.Subject>
})

export interface Verdict {
  /** CPU time now by CPU time before. */
  readonly ratio: number
  /** How far from 1 it may be without meaning anything, by this run. */
  readonly noise: number
  readonly regressed: boolean
}

// Below this nobody would act on it, however sure it is.
const LEAST = 0.02

/** Judges the samples of `before`, `before-again` and `now`. */
export const judge = (
  samples: Readonly<Record<string, ReadonlyArray<Sample>>>,
  of: (sample: Sample) => number = cpu
): Verdict => {
  const before = samples.before.map(of)
  const again = samples["before-again"].map(of)
  const now = estimate(ratios(samples.now.map(of), before))
  const same = estimate(ratios(again, before))
  const noise = Math.max(LEAST, now.error + Math.abs(same.median - 1) + same.error)
  return { ratio: now.median, noise, regressed: now.median > 1 + noise }
}
