/** Load by the clock: from the generator in C (`paced.c`) where there is a compiler for it, else from the one in JavaScript. */
import { execFile, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import type { Order, Report } from "./generator.ts"
import * as Running from "./Running.ts"

const source = new URL("./paced.c", import.meta.url).pathname

/** Makes load by the clock, to its report. */
export type Generator = (
  order: Order & { readonly rate: number }
) => Effect.Effect<Report, Running.BenchError>

const inC =
  (program: string): Generator =>
  ({ connections, port, rate, request, seconds }) =>
    Effect.callback((resume) => {
      const args = [port, connections, seconds, rate].map(String)
      const child = spawn("taskset", ["-c", Running.LOAD_CORE, program, ...args])
      let said = ""
      let wrong = ""
      child.stdout.on("data", (chunk) => {
        said += chunk
      })
      child.stderr.on("data", (chunk) => {
        wrong += chunk
      })
      child.on("close", (code) =>
        resume(
          code === 0
            ? Effect.succeed(JSON.parse(said))
            : Effect.fail(new Running.BenchError({ message: `paced.c ended with ${code}: ${wrong}` }))
        )
      )
      child.stdin.end(request, "latin1")
      return Effect.sync(() => void child.kill())
    })

const hasCompiler = Running.exists("cc")

/** Which generator this machine has. */
export const name = hasCompiler ? "paced.c" : "generator.ts"

/** The generator of this machine. Its program is there until the Scope closes. */
export const make: Effect.Effect<Generator, Running.BenchError, Scope.Scope> = Effect.gen(function* () {
  if (!hasCompiler) return Running.report
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "nvo-paced-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true }))
  )
  const program = join(folder, "paced")
  yield* Effect.callback<void, Running.BenchError>((resume) => {
    execFile("cc", ["-O2", "-o", program, source], (error) =>
      resume(error === null ? Effect.void : Effect.fail(new Running.BenchError({ message: error.message })))
    )
  })
  return inC(program)
})
