/**
 * `npm run bench -- [--rounds N] [--seconds N] [--connections N]`: the CPU time that a `hello` request costs on
 * nvo, on node:http and on `@effect/platform-node`, interleaved round by round in one run: the server on one
 * core, wrk on another. Absolute figures drift with the machine; the ratios are what counts.
 *
 * CPU time is that of all threads of the server process, from the scheduler (/proc), so it needs Linux.
 */
import { execFile, spawn } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { connect } from "node:net"
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Data, Effect, Schedule, type Scope } from "effect"
import { Command, Flag } from "effect/cli"

class BenchError extends Data.TaggedError("BenchError")<{ readonly message: string }> {}

const servers = ["nvo", "node-http", "platform-node"] as const
type Server = (typeof servers)[number]

interface Running {
  readonly server: Server
  readonly port: number
  readonly pid: number
}

const FIRST_PORT = 4300
const script = new URL("./serve.ts", import.meta.url).pathname

const listening = (port: number) =>
  Effect.callback<void, BenchError>((resume) => {
    const socket = connect(port, "127.0.0.1")
    socket.once("connect", () => {
      socket.destroy()
      resume(Effect.void)
    })
    socket.once("error", (cause) => resume(Effect.fail(new BenchError({ message: cause.message }))))
  }).pipe(Effect.retry({ schedule: Schedule.spaced("100 millis"), times: 100 }))

const start = (server: Server, port: number): Effect.Effect<Running, BenchError, Scope.Scope> =>
  Effect.gen(function* () {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(
          "taskset",
          ["-c", "0", process.execPath, script, "hello", "--server", server, "--port", String(port)],
          { stdio: ["ignore", "ignore", "inherit"] }
        )
      ),
      (child) => Effect.sync(() => void child.kill())
    )
    yield* listening(port)
    if (child.pid === undefined) return yield* new BenchError({ message: `${server} did not start` })
    return { server, port, pid: child.pid }
  })

// Nanoseconds on a core, of all threads. taskset becomes the server, so the process is the child itself.
const cpuTime = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`).reduce(
    (sum, task) => sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]),
    0
  )

const wrk = (port: number, connections: number, seconds: number) =>
  Effect.callback<number, BenchError>((resume) => {
    const args = ["-c", "1", "wrk", "-t1", `-c${connections}`, `-d${seconds}`, `http://127.0.0.1:${port}/`]
    execFile("taskset", args, (error, stdout) => {
      const requests = Number(/(\d+) requests in/.exec(stdout)?.[1])
      resume(
        error !== null || !(requests > 0)
          ? Effect.fail(new BenchError({ message: `wrk: ${error?.message ?? stdout}` }))
          : /Non-2xx|Socket errors/.test(stdout)
            ? Effect.fail(new BenchError({ message: stdout }))
            : Effect.succeed(requests)
      )
    })
  })

/** Microseconds of CPU for a request. */
const measure = Effect.fnUntraced(function* (running: Running, connections: number, seconds: number) {
  const before = cpuTime(running.pid)
  const requests = yield* wrk(running.port, connections, seconds)
  return (cpuTime(running.pid) - before) / 1000 / requests
})

const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

const flags = {
  rounds: Flag.Int("rounds").pipe(Flag.withDescription("Rounds over all servers"), Flag.withDefault(9)),
  seconds: Flag.Int("seconds").pipe(Flag.withDescription("Seconds of load in a round"), Flag.withDefault(2)),
  connections: Flag.Int("connections").pipe(Flag.withDescription("Connections"), Flag.withDefault(64))
}

const bench = Command.make(
  "bench",
  flags,
  Effect.fnUntraced(function* ({ connections, rounds, seconds }) {
    const running = yield* Effect.forEach(servers, (server, index) => start(server, FIRST_PORT + index))
    const results = new Map<Server, Array<number>>(servers.map((server) => [server, []]))
    // The first load of each warms it up.
    for (const one of running) yield* measure(one, connections, 3)
    for (let round = 0; round < rounds; round++) {
      for (const one of round % 2 === 0 ? running : running.toReversed()) {
        results.get(one.server)?.push(yield* measure(one, connections, seconds))
      }
    }
    const nvo = results.get("nvo") ?? []
    yield* Console.log(`hello, ${connections} connections, ${rounds} rounds of ${seconds} s; medians`)
    for (const [server, values] of results) {
      const ratio = median(values.map((value, round) => nvo[round] / value))
      const spread = `${Math.min(...values).toFixed(1)}–${Math.max(...values).toFixed(1)}`
      yield* Console.log(
        `${server.padEnd(14)} ${median(values).toFixed(1).padStart(6)} µs/request (${spread})   nvo costs ${ratio.toFixed(2)} of it`
      )
    }
  }, Effect.scoped)
).pipe(Command.withDescription("Measures the CPU time of a request on nvo and on its peers"))

Command.run(bench, { version: "0.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
