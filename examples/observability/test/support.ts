/** The program as a child process, and where it listens. */
import * as Fs from "node:fs"
import { fileURLToPath } from "node:url"
import { Data, Effect, Option, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"

class NotStarted extends Data.TaggedError("NotStarted") {}

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))

export interface Program {
  readonly url: string
  readonly metrics: string
  /** The lines that the program has logged so far, as JSON. */
  readonly lines: ReadonlyArray<Line>
}

export interface Line {
  readonly message: string
  readonly level: string
  readonly annotations: Readonly<Record<string, unknown>>
}

const addressIn = (lines: ReadonlyArray<Line>, start: string): string | undefined =>
  lines.find(({ message }) => message.startsWith(start))?.message.slice(start.length)

/** Looks until there is something; fails after half a minute. */
export const poll = <A>(look: () => A | undefined | Promise<A | undefined>) =>
  Effect.gen(function* () {
    for (let i = 0; i < 300; i++) {
      const found = yield* Effect.promise(async () => look())
      if (found !== undefined) return found
      yield* Effect.sleep("100 millis")
    }
    return yield* new NotStarted()
  })

/** Starts the program with an environment, until the Scope closes. */
export const start = (env: Record<string, string>) =>
  Effect.gen(function* () {
    const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
    const handle = yield* spawner.spawn(
      ChildProcess.make(process.execPath, [main], {
        env: { PORT: "0", METRICS_PORT: "0", ...env },
        extendEnv: true
      })
    )
    const lines: Array<Line> = []
    yield* Effect.forkScoped(
      handle.stdout.pipe(
        (bytes) => Stream.decodeText(bytes),
        Stream.splitLines,
        Stream.runForEach((line) => Effect.sync(() => lines.push(JSON.parse(line))))
      )
    )
    const url = yield* poll(() => addressIn(lines, "Listening on "))
    const metrics = yield* poll(() => addressIn(lines, "Metrics on "))
    return { url, metrics, lines } satisfies Program
  })

/** The path of a program of the machine. */
export const find = (name: string): Option.Option<string> =>
  Option.fromUndefinedOr(
    (process.env.PATH ?? "")
      .split(":")
      .map((folder) => `${folder}/${name}`)
      .find((file) => Fs.existsSync(file))
  )
