/** `memoryServer.ts` as a process, and what it takes of the machine (Linux, by /proc). */
import * as Fs from "node:fs"
import * as Effect from "effect/Effect"
import { start } from "./peersPrograms.ts"

const program = new URL("./memoryServer.ts", import.meta.url).pathname

/** Whether the machine tells. */
export const hasProc = Fs.existsSync("/proc/self/statm")

const pidOf = (parent: number): string | undefined =>
  Fs.readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .find((name) => {
      try {
        const [, ...args] = Fs.readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0")
        return args[0] === program && Fs.readFileSync(`/proc/${name}/stat`, "utf8").includes(` ${parent} `)
      } catch {
        return false
      }
    })

/** Starts it with limits of the environment; gives its port, its resident memory in octets, and its CPU time in ms. */
export const server = (env: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    const [, port] = yield* start(process.execPath, [program], /port (\d+)/, { env })
    const pid = pidOf(process.pid)
    return {
      port: Number(port),
      // The second field of statm is the pages that are resident.
      memory: () => Number(Fs.readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * 4_096,
      cpu: () =>
        Fs.readdirSync(`/proc/${pid}/task`).reduce(
          (sum, task) =>
            sum + Number(Fs.readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]),
          0
        ) / 1e6
    }
  })

/** The most memory while something goes on, beyond what there was. */
export const most = <A, E, R>(memory: () => number, during: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const before = memory()
    let peak = before
    const timer = setInterval(() => {
      peak = Math.max(peak, memory())
    }, 20)
    return Effect.ensuring(
      Effect.map(during, (result) => ({ grown: peak - before, result })),
      Effect.sync(() => clearInterval(timer))
    )
  })
