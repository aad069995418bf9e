/**
 * Programs of others as peers: found on the machine, run within bounds, and ended with their test. A test whose
 * program is missing says so and is skipped; with `NVO_REQUIRE_PEERS=1` it fails.
 */

import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

// What each program is called, the usual name first.
const names = {
  ab: ["ab"],
  chromium: ["chromium", "chromium-browser", "google-chrome"],
  curl: ["curl"],
  h2load: ["h2load"],
  nghttp: ["nghttp"],
  nginx: ["nginx", "/usr/sbin/nginx"],
  "python3-h2": ["/usr/bin/python3"],
  "python3-websockets": ["/usr/bin/python3"],
  "python3-wsproto": ["/usr/bin/python3"],
  slowhttptest: ["slowhttptest"],
  wrk: ["wrk"]
} as const

// Debian's Python has the modules of Debian's packages.
const needs: { readonly [P in Program]?: string } = {
  "python3-h2": "/usr/lib/python3/dist-packages/h2",
  "python3-websockets": "/usr/lib/python3/dist-packages/websockets",
  "python3-wsproto": "/usr/lib/python3/dist-packages/wsproto"
}

export type Program = keyof typeof names

const find = (program: Program): string | undefined =>
  needs[program] === undefined || Fs.existsSync(needs[program]) ? findCommand(program) : undefined

const findCommand = (program: Program): string | undefined =>
  names[program]
    .flatMap((name) =>
      Path.isAbsolute(name)
        ? [name]
        : (process.env.PATH ?? "").split(Path.delimiter).map((folder) => Path.join(folder, name))
    )
    .find((file) => Fs.existsSync(file))

/** A test that needs a program; it is given its path. `timeout` in milliseconds, where it takes longer than most. */
export const peerTest = (
  program: Program,
  name: string,
  test: (path: string) => Effect.Effect<void, unknown, Scope.Scope>,
  timeout?: number
): void => {
  const path = find(program)
  if (path !== undefined) return it.live(name, () => test(path), timeout)
  const missing = `${program} is not installed: ${name}`
  if (process.env.NVO_REQUIRE_PEERS === "1") return it.live(name, () => Effect.die(new Error(missing)))
  console.warn(`skipped, ${missing}`)
  it.skipIf(true)(name, () => {})
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly input?: string | Uint8Array
  readonly env?: Readonly<Record<string, string>>
}

const PATIENCE = 30_000

const spawned = (path: string, args: ReadonlyArray<string>, env?: Readonly<Record<string, string>>) =>
  Effect.acquireRelease(
    Effect.sync(() => ChildProcess.spawn(path, args, { env: { ...process.env, ...env } })),
    (child) =>
      Effect.callback<void>((resume) => {
        if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
        child.once("exit", () => resume(Effect.void))
        child.kill("SIGKILL")
      })
  )

/** Runs a program to its end, which comes within `patience` milliseconds. */
export const run = (
  path: string,
  args: ReadonlyArray<string>,
  options: RunOptions = {},
  patience: number = PATIENCE
) =>
  Effect.scoped(
    Effect.flatMap(spawned(path, args, options.env), (child) =>
      Effect.callback<Ended>((resume) => {
        let stdout = ""
        let stderr = ""
        child.stdout.setEncoding("latin1").on("data", (text: string) => {
          stdout += text
        })
        child.stderr.setEncoding("latin1").on("data", (text: string) => {
          stderr += text
        })
        child.on("error", (error) => resume(Effect.die(error)))
        child.on("close", (code) => resume(Effect.succeed({ code, stdout, stderr })))
        // A program may end before it has read everything.
        child.stdin.on("error", () => {})
        child.stdin.end(options.input ?? "")
      })
    )
  ).pipe(
    Effect.timeoutOrElse({
      duration: patience,
      orElse: () => Effect.die(new Error(`${path} ${args.join(" ")} does not end`))
    })
  )

/** Starts a program that runs until the Scope closes; gives the first match of `ready` in what it prints. */
export const start = (
  path: string,
  args: ReadonlyArray<string>,
  ready: RegExp,
  options: RunOptions = {}
): Effect.Effect<RegExpExecArray, never, Scope.Scope> =>
  Effect.flatMap(spawned(path, args, options.env), (child) =>
    Effect.callback<RegExpExecArray>((resume) => {
      let text = ""
      const look = (chunk: Buffer) => {
        text += chunk.toString("latin1")
        const match = ready.exec(text)
        if (match !== null) resume(Effect.succeed(match))
      }
      child.stdout.on("data", look)
      child.stderr.on("data", look)
      child.on("exit", (code) => resume(Effect.die(new Error(`${path} ended with ${code}: ${text}`))))
    })
  ).pipe(
    Effect.timeoutOrElse({
      duration: PATIENCE,
      orElse: () => Effect.die(new Error(`${path} does not start`))
    })
  )

/** A folder that is removed with the Scope. */
export const folder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "nvo-peer-"))),
  (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
)
