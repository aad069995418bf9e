/** A server in a process of its own that may have few descriptors. */
import { spawn } from "node:child_process"
import * as Effect from "effect/Effect"
import { eventually } from "./settle.ts"

const program = new URL("./faultsServer.ts", import.meta.url).pathname

/** 228 descriptors: enough for 100 connections. */
export const fewDescriptors = Effect.gen(function* () {
  let log = ""
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn("bash", ["-c", `ulimit -n 228; exec "$0" "$1"`, process.execPath, program], {
        stdio: ["ignore", "pipe", "inherit"]
      })
      child.stdout.on("data", (chunk) => {
        log += chunk
      })
      return child
    }),
    (child) => Effect.sync(() => void child.kill())
  )
  const port = () => Number(/port (\d+)/.exec(log)?.[1] ?? 0)
  yield* eventually("the server to listen", () => port() > 0)
  return { port: port(), log: () => log }
})
