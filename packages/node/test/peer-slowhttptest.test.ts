/**
 * slowhttptest in its modes: slow heads, slow bodies, slow readers. A well-behaved client beside it gets every
 * answer, and afterwards nothing of it is left.
 *
 * `NVO_SLOW_SECONDS` says for how long (15; the deadlines that are defaults need 60).
 */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { held } from "./support/countDescriptors.ts"
import { peerTest, run } from "./support/peersPrograms.ts"
import { drained } from "./support/rawServer.ts"
import { serve } from "./support/serve.ts"
import * as Wire from "./support/Wire.ts"

const CONNECTIONS = 1_000
const seconds = Number(process.env.NVO_SLOW_SECONDS ?? 15)

// A body is read; a large response is there for slow readers.
const large = new Uint8Array(4 * 1_048_576).fill(0x2e)
const app = Effect.flatMap(HttpServerRequest, (request) =>
  request.method === "POST"
    ? Effect.map(request.text, (text) => HttpServerResponse.text(String(text.length)))
    : Effect.succeed(
        request.url === "/large" ? HttpServerResponse.uint8Array(large) : HttpServerResponse.text("hello")
      )
)

const attack = (name: string, reason: string, path: string, args: ReadonlyArray<string>) =>
  peerTest(
    "slowhttptest",
    `${name}: others are served, and nothing is left`,
    (slowhttptest) =>
      Effect.gen(function* () {
        const before = held()
        const server = yield* serve(app, {
          ...(seconds < 60
            ? {
                headTimeout: "3 seconds",
                bodyTimeout: "3 seconds",
                writeTimeout: "3 seconds",
                writeRate: 10_000
              }
            : {}),
          loopDelay: "5 seconds"
        })
        const running = yield* Effect.forkChild(
          run(
            slowhttptest,
            [
              ...args,
              ...["-c", String(CONNECTIONS), "-r", "400", "-i", "1", "-l", String(seconds), "-p", "5"],
              ...["-u", `http://127.0.0.1:${server.port}${path}`]
            ],
            {},
            (seconds + 40) * 1_000
          )
        )
        let served = 0
        while (running.pollUnsafe() === undefined) {
          const response = yield* Wire.exchange(server.port, Wire.request("GET", "/"))
          assert.deepStrictEqual([response.status, response.body.toString()], [200, "hello"])
          served++
          yield* Effect.sleep(50)
        }
        yield* Fiber.join(running)
        assert.isAtLeast(served, seconds)
        yield* drained(server).pipe(Effect.timeout("2 minutes"))
        const cut = server.errors.filter((error) => error.reason._tag === reason).length
        assert.isAtLeast(cut, 1, `some were cut for ${reason}`)
        const after = held()
        assert.isAtMost(after.descriptors, before.descriptors + 20)
      }),
    // Its own end, and two minutes for what is left.
    (seconds + 180) * 1_000
  )

describe("slowhttptest", () => {
  attack("slow heads", "HeadTimeout", "/", ["-H", "-x", "8"])
  attack("slow bodies", "BodyTimeout", "/", ["-B", "-s", "8192", "-x", "8"])
  attack("slow readers", "WriteTimeout", "/large", ["-X", "-w", "512", "-y", "1024", "-n", "1", "-z", "32"])
})
