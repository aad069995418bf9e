/**
 * `npm run bench:overload -- [--seconds N] [--times N] [--rest N]`: twice the load that the server can serve, by the
 * clock, on an app that takes a millisecond of CPU for each request. Fails unless the server goes on to answer 90 % of
 * what it can, within the bound of `loopDelay`, answers for its health meanwhile, and is itself again afterwards.
 *
 * The server has one core, the load another; needs Linux (taskset, /proc). Where the machine does something else, its
 * latencies would be measured: as root, server and load run ahead of it (chrt), otherwise the machine has to be quiet.
 * Rates are of the time in which the server had its core: what other programs took of it is taken off.
 */
import { connect } from "node:net"
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { ServerConfig } from "@nvo/server"
import { Clock, Console, Duration, Effect, Fiber, Schedule } from "effect"
import { Command, Flag } from "effect/cli"
import type { Order } from "./measure/generator.ts"
import * as Machine from "./measure/Machine.ts"
import { BenchError, report, start } from "./measure/Running.ts"

const strained = {
  id: "nvo",
  title: "nvo",
  runtime: "node",
  args: [new URL("./strained.ts", import.meta.url).pathname]
} as const

const request = "GET /work HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

/** Fewer than make the loop late by themselves: 32 requests of a millisecond. */
const CAPACITY_CONNECTIONS = 32

// A request on a connection of its own; the status, or 0 where none came.
const probe = (port: number) =>
  Effect.callback<number>((resume) => {
    const socket = connect(port, "127.0.0.1")
    const settle = (status: number) => {
      socket.destroy()
      resume(Effect.succeed(status))
    }
    socket.setTimeout(5_000, () => settle(0))
    socket.on("error", () => settle(0))
    socket.on("close", () => settle(0))
    socket.on("data", (chunk) => settle(Number(chunk.toString("latin1").slice(9, 12))))
    socket.write("GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    return Effect.sync(() => socket.destroy())
  })

interface Health {
  asked: number
  failed: number
  slowest: number
}

const watch = (port: number, health: Health) =>
  Effect.gen(function* () {
    const from = yield* Clock.currentTimeMillis
    const status = yield* probe(port)
    health.asked++
    if (status !== 200) health.failed++
    health.slowest = Math.max(health.slowest, (yield* Clock.currentTimeMillis) - from)
  }).pipe(Effect.repeat(Schedule.fixed("100 millis")))

// A report, and the seconds of it in which other programs had the server's core.
const watched = Effect.fnUntraced(function* (pid: number, order: Order) {
  const from = Machine.waited(pid)
  const result = yield* report(order)
  return { ...result, lost: (Machine.waited(pid) - from) / 1e6 }
})

const millis = (micros: number): string => `${(micros / 1000).toFixed(1)} ms`

const whole = (name: string, description: string, value: number) =>
  Flag.Int(name).pipe(Flag.withDescription(description), Flag.withDefault(value))

const command = Command.make(
  "bench:overload",
  {
    seconds: whole("seconds", "Seconds of overload", 30),
    times: whole("times", "How many times the measured capacity", 2),
    rest: whole("rest", "Seconds between the overload and the last measurement", 60),
    connections: whole("connections", "Connections that the load comes on", 2_000)
  },
  Effect.fnUntraced(function* ({ connections, rest, seconds, times }) {
    const { loopDelay } = yield* ServerConfig.config
    const bound = 3 * Duration.toMillis(loopDelay)
    const isAhead = Machine.runAhead()
    const { pid, port } = yield* start(strained)
    const order = { kind: "requests", port, request, connections: CAPACITY_CONNECTIONS } as const
    yield* report({ ...order, seconds: 2 })
    const closed = yield* watched(pid, { ...order, seconds: 5 })
    const capacity = closed.ok / (closed.seconds - closed.lost)
    const half = { ...order, rate: Math.round(capacity / 2), seconds: 5 }
    const before = yield* report(half)
    const health: Health = { asked: 0, failed: 0, slowest: 0 }
    const watching = yield* Effect.forkChild(watch(port, health))
    const over = yield* watched(pid, { ...order, connections, seconds, rate: Math.round(capacity * times) })
    yield* Fiber.interrupt(watching)
    yield* Effect.sleep(`${rest} seconds`)
    const after = yield* report(half)
    const answered = over.timely / (seconds - over.lost)
    const kept = answered / capacity
    yield* Console.log(
      [
        `capacity          ${capacity.toFixed(0)} answers/s`,
        `at half of it     p50 ${millis(before.p50)}, p99 ${millis(before.p99)}`,
        `at ${times} times        ${answered.toFixed(0)} answers/s, ${(kept * 100).toFixed(0)} % of capacity; ` +
          `p50 ${millis(over.p50)}, p99 ${millis(over.p99)} (bound ${bound} ms); ` +
          `${(over.shed / seconds).toFixed(0)} turned away/s, ${over.failed - over.unsent} without an answer, ` +
          `${over.unsent} not sent in time`,
        `lost to others    ${((100 * over.lost) / seconds).toFixed(0)} % of the server's core; ` +
          (isAhead ? "it runs ahead of them" : "it cannot run ahead of them: not root, or no chrt"),
        `health meanwhile  ${health.asked} asked, ${health.failed} failed, slowest ${health.slowest} ms`,
        `${rest} s later`.padEnd(18) +
          `p50 ${millis(after.p50)}, p99 ${millis(after.p99)} at half of capacity`
      ].join("\n")
    )
    const broken = [
      kept < 0.9 ? "less than 90 % of capacity was answered" : "",
      over.failed > 0 ? `${over.failed} requests had no answer` : "",
      over.p99 > bound * 1000 ? `the 99th percentile is above ${bound} ms` : "",
      health.asked === 0 || health.failed > 0 ? "a health request failed" : "",
      // Room for the noise of a machine that does something else.
      after.p99 > 2 * before.p99 + 20_000 ? "latency did not come back" : "",
      after.failed + after.shed > 0 ? "requests were turned away afterwards" : ""
    ].filter((text) => text !== "")
    if (broken.length > 0) return yield* new BenchError({ message: broken.join("; ") })
  }, Effect.scoped)
).pipe(Command.withDescription("Twice the load that the server can serve, and what becomes of it"))

Command.run(command, { version: "0.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
