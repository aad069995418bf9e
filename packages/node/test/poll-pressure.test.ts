/** PollTransport under pressure: no descriptors left, many rounds of peers, and the rest of the process at work. */

import { spawn } from "node:child_process"
import * as Net from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { HttpServerResponse } from "effect/http"
import { held } from "./support/countDescriptors.ts"
import { serve } from "./support/serve.ts"
import { eventually } from "./support/settle.ts"
import * as Wire from "./support/Wire.ts"

const request = Wire.request("GET", "/")
const script = new URL("./support/pollServer.ts", import.meta.url).pathname

/** The server in a process that may hold `descriptors`, and what it has said so far. */
const child = (descriptors: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const process_ = spawn("sh", [
        "-c",
        `ulimit -n ${descriptors}; exec "$0" "$1"`,
        process.execPath,
        script
      ])
      let said = ""
      process_.stdout.on("data", (data) => {
        said += data
      })
      return { process: process_, said: () => said }
    }),
    (running) => Effect.sync(() => void running.process.kill())
  )

describe("PollTransport", () => {
  it.live("without a descriptor left, reports it, and serves those who waited once there is one", () =>
    Effect.gen(function* () {
      const PEERS = 120
      const { said } = yield* child(80)
      yield* eventually("the port", () => said().includes("port "))
      const port = Number(/port (\d+)/.exec(said())?.[1])
      let answered = 0
      const sockets = yield* Effect.acquireRelease(
        Effect.sync(() =>
          Array.from({ length: PEERS }, () => {
            const socket = Net.connect(port, "127.0.0.1")
            socket.on("error", () => {})
            socket.write(request)
            return socket
          })
        ),
        (sockets) =>
          Effect.sync(() => {
            for (const socket of sockets) socket.destroy()
          })
      )
      let leave = false
      const done = new Set<Net.Socket>()
      for (const socket of sockets) {
        socket.once("data", () => {
          answered++
          done.add(socket)
          if (leave) socket.destroy()
        })
      }
      yield* eventually("the report", () => said().includes("AcceptFailed EMFILE"))
      assert.isBelow(answered, PEERS)
      leave = true
      for (const socket of done) socket.destroy()
      yield* eventually("the answers", () => answered === PEERS)
    })
  )

  it.live("holds what it held before, after 40 rounds of 100 peers", () =>
    Effect.gen(function* () {
      const server = yield* serve(Effect.succeed(HttpServerResponse.text("hello")), { transport: "poll" })
      const round = Effect.forEach(
        Array.from({ length: 100 }),
        (_, i) =>
          Effect.scoped(
            Effect.gen(function* () {
              const wire = yield* Wire.connect(server.port)
              wire.sendUnsafe(i % 3 === 0 ? request.subarray(0, 20) : request)
              if (i % 3 !== 0) yield* wire.response()
              if (i % 3 === 1) yield* wire.reset
            })
          ),
        { concurrency: 100, discard: true }
      )
      const quiet = eventually("no connection", () => Effect.runSync(server.connections.count) === 0)
      yield* round
      yield* quiet
      const before = held()
      for (let i = 0; i < 40; i++) yield* round
      yield* quiet
      yield* eventually("what was held before", () => JSON.stringify(held()) === JSON.stringify(before))
    })
  )

  it.live("under full load, timers and fetch in the same process go on", () =>
    Effect.gen(function* () {
      const server = yield* serve(Effect.succeed(HttpServerResponse.text("hello")), { transport: "poll" })
      const other = yield* serve(Effect.succeed(HttpServerResponse.text("other")), { transport: "net" })
      let requests = 0
      const sockets = yield* Effect.acquireRelease(
        Effect.sync(() =>
          // Each asks again as soon as it is answered: there is no turn without something to do.
          Array.from({ length: 32 }, () => {
            const socket = Net.connect(server.port, "127.0.0.1")
            socket.on("error", () => {})
            socket.on("data", () => {
              requests++
              socket.write(request)
            })
            socket.write(request)
            return socket
          })
        ),
        (sockets) =>
          Effect.sync(() => {
            for (const socket of sockets) socket.destroy()
          })
      )
      assert.lengthOf(sockets, 32)
      yield* eventually("load", () => requests > 1_000)
      // Measured in requests, not in time: what waits for its turn gets it within a few hundred of them.
      const during = (what: Effect.Effect<unknown, unknown>) =>
        Effect.gen(function* () {
          const before = requests
          yield* what
          return requests - before
        })
      const turns: Array<number> = []
      for (let i = 0; i < 50; i++) {
        turns.push(
          yield* during(Effect.callback<void>((resume) => void setTimeout(() => resume(Effect.void), 0)))
        )
      }
      turns.sort((a, b) => a - b)
      assert.isBelow(turns[25] ?? Number.NaN, 1_000, "requests that go before a timer")
      const before = requests
      for (let i = 0; i < 20; i++) {
        const text = yield* Effect.promise(() =>
          fetch(`http://127.0.0.1:${other.port}/`).then((response) => response.text())
        )
        assert.strictEqual(text, "other")
      }
      assert.isAbove(requests, before, "the load went on")
    })
  )
})
