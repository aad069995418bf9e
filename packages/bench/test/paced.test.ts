/** Load by the clock: what it reports of answers and of refusals. */
import { createServer, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Paced from "../src/measure/Paced.ts"
import * as Running from "../src/measure/Running.ts"

const serve = (listener: RequestListener) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
      const server = createServer(listener).listen(0, "127.0.0.1", () =>
        resume(
          Effect.succeed({
            port: (server.address() as AddressInfo).port,
            close: () => {
              server.close()
              server.closeAllConnections()
            }
          })
        )
      )
    }),
    ({ close }) => Effect.sync(close)
  )

const orderTo = (port: number) =>
  ({
    kind: "requests",
    port,
    connections: 4,
    seconds: 1,
    rate: 500,
    request: "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
  }) as const

describe("load by the clock", () => {
  for (const [name, make] of [
    [Paced.name, Paced.make],
    ["generator.ts", Effect.succeed(Running.report as Paced.Generator)]
  ] as const) {
    it.live(`of ${name} is as many requests as are due, each with its answer`, () =>
      Effect.gen(function* () {
        const generator = yield* make
        let asked = 0
        const { port } = yield* serve((_, response) => {
          asked++
          response.end("hello")
        })
        const { failed, octets, ok, p50, p99, p999, requests, shed } = yield* generator(orderTo(port))
        // The last one may be due in the microsecond of the end.
        assert.isAtLeast(ok, 499)
        assert.isAtMost(ok, 500)
        assert.deepStrictEqual({ failed, requests, shed }, { failed: 0, requests: ok, shed: 0 })
        assert.strictEqual(asked, ok)
        assert.strictEqual(octets, 5 * ok)
        assert.isAbove(p50, 0)
        assert.isAtLeast(p99, p50)
        assert.isAtLeast(p999, p99)
      })
    )

    it.live(`of ${name} counts who is turned away apart`, () =>
      Effect.gen(function* () {
        const generator = yield* make
        let asked = 0
        const { port } = yield* serve((_, response) => {
          response.statusCode = asked++ % 2 === 0 ? 503 : 200
          response.end("hello")
        })
        const { ok, shed } = yield* generator(orderTo(port))
        assert.deepStrictEqual([ok, shed], [asked >> 1, (asked + 1) >> 1])
        assert.isAtLeast(asked, 499)
      })
    )
  }
})
