/**
 * Restarts by SIGTERM under load, two instances behind nginx: no request that reached a server is lost, and a drain
 * does not exceed its deadline, whoever holds on to the server.
 *
 * The requests are idempotent, so nginx sends those anew that came to a listener in the moment in which it closed; what
 * an instance has begun it completes, which each says at its end.
 *
 * `NVO_RESTARTS` says how many (6).
 */
import { type ChildProcess, spawn } from "node:child_process"
import * as Http from "node:http"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { freePort, inFront } from "./support/nginx.ts"
import { peerTest } from "./support/peersPrograms.ts"
import * as Wire from "./support/Wire.ts"

const RESTARTS = Number(process.env.NVO_RESTARTS ?? 6)
const CLIENTS = 8
const program = new URL("./support/restartsServer.ts", import.meta.url).pathname

/** Starts an instance and waits until it is ready. */
const instance = (port: number) =>
  Effect.callback<ChildProcess>((resume) => {
    const child = spawn(process.execPath, [program, String(port)], { stdio: ["ignore", "pipe", "inherit"] })
    child.stdout.on("data", (text) => {
      if (String(text).includes("ready")) resume(Effect.succeed(child))
    })
    child.once("exit", (code) => resume(Effect.die(new Error(`The instance ended with ${code}`))))
  })

/** Ends an instance by SIGTERM, and gives how long that took in milliseconds and what it said of its requests. */
const terminate = (child: ChildProcess) =>
  Effect.callback<{ readonly took: number; readonly begun: string; readonly completed: string }>((resume) => {
    const began = performance.now()
    let said = ""
    child.stdout?.on("data", (text) => {
      said += text
    })
    child.removeAllListeners("exit")
    child.once("close", () => {
      const [, begun, completed] = /begun (\d+), completed (\d+)/.exec(said) ?? []
      resume(Effect.succeed({ took: performance.now() - began, begun, completed }))
    })
    child.kill("SIGTERM")
  })

const put = (agent: Http.Agent, port: number, body: string) =>
  Effect.callback<string>((resume) => {
    const request = Http.request(
      { agent, port, host: "127.0.0.1", path: "/echo", method: "PUT" },
      (response) => {
        let text = ""
        response.setEncoding("latin1").on("data", (chunk) => {
          text += chunk
        })
        response.on("end", () => resume(Effect.succeed(`${response.statusCode} ${text}`)))
        response.on("error", (error) => resume(Effect.succeed(error.message)))
      }
    )
    request.on("error", (error) => resume(Effect.succeed(error.message)))
    request.end(body)
  })

// Who keeps a server from ending: says nothing, begins a request, asks for what never ends and does not read it.
const holdOn = Effect.fnUntraced(function* (port: number) {
  yield* Wire.connect(port)
  const half = yield* Wire.connect(port)
  yield* half.send("PUT /echo HTTP/1.1\r\nHo")
  const deaf = yield* Wire.connect(port)
  deaf.socket.pause()
  yield* deaf.send(Wire.request("GET", "/endless"))
})

describe("restarts behind nginx", () => {
  peerTest(
    "nginx",
    `lose no request and end in time (${RESTARTS} restarts)`,
    (nginx) =>
      Effect.gen(function* () {
        const ports = [yield* freePort, yield* freePort]
        const children = new Map<number, ChildProcess>()
        yield* Effect.addFinalizer(() =>
          Effect.sync(() => {
            for (const child of children.values()) {
              child.removeAllListeners("exit")
              child.kill("SIGKILL")
            }
          })
        )
        for (const one of ports) children.set(one, yield* instance(one))
        const { port } = yield* inFront(nginx, { upstreams: ports, keepalive: 8 })

        const agent = new Http.Agent({ keepAlive: true, maxSockets: CLIENTS })
        const wrong: Array<string> = []
        let answered = 0
        let going = true
        const load = yield* Effect.forEach(Array.from({ length: CLIENTS }), (_, client) =>
          Effect.forkChild(
            Effect.gen(function* () {
              for (let i = 0; going; i++) {
                const body = `client ${client}, request ${i}`
                const answer = yield* put(agent, port, body)
                if (answer === `200 ${body}`) answered++
                else wrong.push(answer)
              }
            })
          )
        )
        const took: Array<number> = []
        for (let i = 0; i < RESTARTS; i++) {
          const one = ports[i % 2]
          yield* Effect.scoped(
            Effect.gen(function* () {
              yield* holdOn(one)
              yield* Effect.sleep(100)
              const end = yield* terminate(children.get(one) as ChildProcess)
              took.push(end.took)
              assert.strictEqual(end.completed, end.begun)
              assert.isAbove(Number(end.begun), 0)
            })
          )
          children.set(one, yield* instance(one))
        }
        going = false
        yield* Fiber.joinAll(load)
        agent.destroy()
        assert.deepStrictEqual(wrong, [])
        assert.isAtLeast(answered, RESTARTS * CLIENTS)
        // 300 ms of delay, 1 s of drain, 1 s for what was cut; the rest is for a busy machine.
        assert.isBelow(Math.max(...took), 10_000)
        console.log(
          `${RESTARTS} restarts, ${answered} requests answered, longest drain ${Math.round(Math.max(...took))} ms`
        )
      }),
    60_000 + RESTARTS * 10_000
  )
})
