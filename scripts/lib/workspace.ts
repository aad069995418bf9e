// The workspace as its manifests describe it, and the one way the scripts start other programs.
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"

export const root = path.resolve(import.meta.dirname, "../..")

export interface Manifest {
  readonly name: string
  readonly version?: string
  readonly private?: boolean
  readonly license?: string
  readonly packageManager?: string
  readonly scripts?: Readonly<Record<string, string>>
  readonly exports?: unknown
  readonly files?: ReadonlyArray<string>
  readonly publishConfig?: { readonly access?: string; readonly exports?: unknown }
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

export const readManifest = (directory: string): Manifest =>
  JSON.parse(fs.readFileSync(path.join(directory, "package.json"), "utf8"))

/** Every file below a directory, as sorted paths relative to it; installed and generated folders are left out. */
export const listFiles = (directory: string): ReadonlyArray<string> =>
  fs
    .readdirSync(directory, { withFileTypes: true })
    .flatMap((entry) =>
      entry.isDirectory()
        ? generated.has(entry.name)
          ? []
          : listFiles(path.join(directory, entry.name)).map((file) => `${entry.name}/${file}`)
        : [entry.name]
    )
    .sort()

const generated = new Set([".git", ".tsbuild", ".vitest", "coverage", "dist", "node_modules"])

export interface Finished {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a program to its end and hands back what it printed; a program that cannot be started is a rejection. One
 * that is still running after `timeout` milliseconds, if there is such a limit, is killed.
 */
export const run = (
  command: string,
  args: ReadonlyArray<string>,
  cwd: string,
  timeout?: number
): Promise<Finished> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, timeout, stdio: ["ignore", "pipe", "pipe"] })
    const output = { stdout: "", stderr: "" }
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output.stdout += text
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output.stderr += text
    })
    child.once("error", reject)
    child.once("close", (code, signal) => {
      if (signal !== null) output.stderr += `${command} was ended by ${signal}`
      resolve({ code: code ?? 1, ...output })
    })
  })

/** Runs the pnpm that the root manifest names, whichever one the machine has. */
export const pnpm = (args: ReadonlyArray<string>, cwd: string): Promise<Finished> =>
  run("npx", ["-y", readManifest(root).packageManager ?? "pnpm", ...args], cwd)
