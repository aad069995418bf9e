/** Servers as processes of their own on one core, and load from another. */
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { cpus, tmpdir } from "node:os"
import { join } from "node:path"
import { Data, Deferred, Effect, type Scope } from "effect"
import type { Order, Report } from "./generator.ts"
import { type Load, requestText } from "./Loads.ts"
import * as Machine from "./Machine.ts"
import * as Peers from "./Peers.ts"

/** A server that did not start, or a load that was not answered as it should be. */
export class BenchError extends Data.TaggedError("BenchError")<{ readonly message: string }> {}

export interface Running {
  readonly id: string
  readonly port: number
  readonly pid: number
}

// A core for each side, where there are two.
const SERVER_CORE = "0"
/** The core of what makes the load. */
export const LOAD_CORE = cpus().length > 1 ? "1" : "0"

/** Whether a command is there. */
export const exists = (command: string): boolean => {
  try {
    execFileSync("which", [command], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

/** Whether wrk is there. It asks faster than a generator in JavaScript can, so that servers and not it are measured. */
export const hasWrk = exists("wrk")

const freePort = Effect.callback<number, BenchError>((resume) => {
  const server = createServer()
  server.once("error", (cause) => resume(Effect.fail(new BenchError({ message: cause.message }))))
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() =>
      resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
    )
  })
})

const ended = (child: ChildProcess) =>
  Effect.callback<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill("SIGKILL")
  })

// How long a server may take to start, in milliseconds. It ends by itself where it cannot: this is for one that hangs,
// and long, since a busy machine starts a program in ten times its time.
const START = 120_000

// A server is ready when it listens on its port: it itself, and not whoever took the port meanwhile.
const listening = (child: ChildProcess, id: string, port: number) =>
  Effect.callback<void, BenchError>((resume) => {
    let said = ""
    const settle = (effect: Effect.Effect<void, BenchError>) => {
      clearInterval(timer)
      child.off("exit", onExit)
      resume(effect)
    }
    const failed = (how: string) =>
      settle(Effect.fail(new BenchError({ message: `${id} did not start: ${how}\n${said}` })))
    const onExit = (code: number | null, signal: string | null) => failed(`it ended with ${code ?? signal}`)
    child.on("exit", onExit)
    child.stderr?.on("data", (chunk) => {
      said += chunk
    })
    const until = Date.now() + START
    const timer = setInterval(() => {
      if (Machine.listensOn(child.pid as number, port)) settle(Effect.void)
      else if (Date.now() > until) failed(`it did not listen within ${START / 1000} s`)
    }, 50)
  })

// Node keeps there what it compiles, so that a server starts in half the time, and with its types taken off.
const COMPILED = join(tmpdir(), "nvo-bench-compiled")

/** Starts a server on a free port, pinned to its core; the Scope ends it. */
export const start = (
  peer: Peers.Peer,
  options?: { readonly env?: Record<string, string>; readonly args?: ReadonlyArray<string> }
): Effect.Effect<Running, BenchError, Scope.Scope> =>
  Effect.gen(function* () {
    const port = yield* freePort
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(
          "taskset",
          ["-c", SERVER_CORE, Peers.program(peer), ...peer.args, String(port), ...(options?.args ?? [])],
          {
            stdio: ["ignore", "ignore", "pipe"],
            env: { ...process.env, NODE_ENV: "production", NODE_COMPILE_CACHE: COMPILED, ...options?.env }
          }
        )
      ),
      ended
    )
    yield* listening(child, peer.id, port)
    return { id: peer.id, port, pid: child.pid as number }
    // Somebody else may have taken the port between its choice and its use.
  }).pipe(Effect.retry({ times: 2 }))

export interface Outcome {
  readonly requests: number
  readonly seconds: number
  readonly p50: number
  readonly p99: number
  readonly p999: number
}

const luaString = (text: string) => JSON.stringify(text).replaceAll("\\u00", "\\x")

// What wrk is told in its own language, with the quantiles that it does not print itself.
const script = (load: Load): string =>
  [
    `wrk.method = ${luaString(load.method)}`,
    ...Object.entries(load.headers).map(
      ([name, value]) => `wrk.headers[${luaString(name)}] = ${luaString(value)}`
    ),
    ...(load.body === "" ? [] : [`wrk.body = ${luaString(load.body)}`]),
    ...(load.pipelined === 1
      ? []
      : [
          "local requests",
          `init = function() requests = string.rep(wrk.format(), ${load.pipelined}) end`,
          "request = function() return requests end"
        ]),
    "done = function(summary, latency)",
    "  local e = summary.errors",
    '  io.write(string.format("RESULT %d %d %d %d %d %d\\n", summary.requests, summary.duration,',
    "    latency:percentile(50), latency:percentile(99), latency:percentile(99.9),",
    "    e.connect + e.read + e.write + e.status + e.timeout))",
    "end"
  ].join("\n")

const wrk = (port: number, load: Load, seconds: number) =>
  Effect.callback<Outcome, BenchError>((resume) => {
    const file = join(tmpdir(), `nvo-bench-${process.pid}-${load.id}.lua`)
    writeFileSync(file, script(load))
    const url = `http://127.0.0.1:${port}${load.path}`
    const args = ["-t1", `-c${load.connections}`, `-d${seconds}`, "-s", file, url]
    execFile("taskset", ["-c", LOAD_CORE, "wrk", ...args], (error, stdout) => {
      const [requests, micros, p50, p99, p999, errors] =
        /RESULT (.*)/.exec(stdout)?.[1].split(" ").map(Number) ?? []
      // A connection that is closed after its answer is no error, but wrk counts the end of its read as one.
      resume(
        error !== null || !(requests > 0) || (errors > 0 && load.headers.Connection !== "close")
          ? Effect.fail(new BenchError({ message: `wrk, ${load.id}: ${error?.message ?? stdout}` }))
          : Effect.succeed({ requests, seconds: micros / 1e6, p50, p99, p999 })
      )
    })
    return Effect.void
  })

/** Starts the generator and gives each line that it says to `onLine`; the Scope ends it. */
export const generate = (order: Order, onLine: (line: string) => void) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const generator = new URL("./generator.ts", import.meta.url).pathname
      const child = spawn("taskset", ["-c", LOAD_CORE, process.execPath, generator, JSON.stringify(order)], {
        stdio: ["ignore", "pipe", "inherit"]
      })
      let text = ""
      child.stdout.on("data", (chunk) => {
        text += chunk
        for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n")) {
          onLine(text.slice(0, end))
          text = text.slice(end + 1)
        }
      })
      return child
    }),
    ended
  )

/** Runs the generator to its report. */
export const report = (order: Order): Effect.Effect<Report, BenchError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const result = Deferred.makeUnsafe<Report, BenchError>()
      const child = yield* generate(order, (line) =>
        Deferred.doneUnsafe(result, Effect.succeed(JSON.parse(line)))
      )
      child.once("exit", (code) =>
        Deferred.doneUnsafe(
          result,
          Effect.fail(new BenchError({ message: `the generator ended with ${code}` }))
        )
      )
      return yield* Deferred.await(result)
    })
  )

/** As many requests as the server answers, for some seconds. */
export const requests = (port: number, load: Load, seconds: number): Effect.Effect<Outcome, BenchError> =>
  hasWrk
    ? wrk(port, load, seconds)
    : Effect.flatMap(
        report({
          kind: "requests",
          port,
          connections: load.connections,
          seconds,
          request: requestText(load)
        }),
        (result) =>
          result.failed + result.shed > 0
            ? Effect.fail(new BenchError({ message: `${load.id}: ${JSON.stringify(result)}` }))
            : Effect.succeed(result)
      )
