/** Peers that send many requests: undici with pipelining, ab, wrk. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Client } from "undici"
import { app } from "./support/peersApp.ts"
import { peerTest, run } from "./support/peersPrograms.ts"
import { drained } from "./support/rawServer.ts"
import { serve } from "./support/serve.ts"

describe("undici", () => {
  it.live("pipelines ten requests at a time and reads a thousand answers, each to its own request", () =>
    Effect.gen(function* () {
      const server = yield* serve(app)
      const client = yield* Effect.acquireRelease(
        Effect.sync(() => new Client(`http://127.0.0.1:${server.port}`, { pipelining: 10 })),
        (client) => Effect.promise(() => client.destroy())
      )
      const order: Array<number> = []
      const ask = (i: number) =>
        Effect.promise(async () => {
          const { body, statusCode } = await client.request({ path: `/tell/${i}`, method: "GET" })
          const text = await body.text()
          order.push(i)
          return [statusCode, text] as const
        })
      const all = Array.from({ length: 1_000 }, (_, i) => i)
      const answers = yield* Effect.forEach(all, ask, { concurrency: 50 })
      assert.deepStrictEqual(
        answers,
        all.map((i) => [200, String(i)] as const)
      )
      assert.deepStrictEqual(order, all)
      const [connection, ...others] = yield* server.connections.list
      assert.strictEqual(connection.requests, 1_000)
      assert.deepStrictEqual(others, [])
      assert.deepStrictEqual(server.errors, [])
    })
  )

  it.live("sends bodies on one connection, one behind the other", () =>
    Effect.gen(function* () {
      const server = yield* serve(app)
      const client = yield* Effect.acquireRelease(
        Effect.sync(() => new Client(`http://127.0.0.1:${server.port}`, { pipelining: 10 })),
        (client) => Effect.promise(() => client.destroy())
      )
      for (let i = 0; i < 100; i++) {
        const sent = String(i).repeat(i * 20)
        const text = yield* Effect.promise(async () =>
          (await client.request({ path: "/echo", method: "PUT", body: sent })).body.text()
        )
        assert.strictEqual(text, sent)
      }
      assert.deepStrictEqual(server.errors, [])
    })
  )
})

describe("ab", () => {
  const ab = Effect.fnUntraced(function* (path: string, args: ReadonlyArray<string>, count: number) {
    const server = yield* serve(app)
    const { code, stderr, stdout } = yield* run(path, [
      "-q",
      ...args,
      "-n",
      String(count),
      "-c",
      "10",
      `http://127.0.0.1:${server.port}/`
    ])
    assert.strictEqual(code, 0, stderr)
    assert.match(stdout, new RegExp(`Complete requests: +${count}\\n`))
    assert.match(stdout, /Failed requests: +0\n/)
    assert.notInclude(stdout, "Non-2xx")
    assert.match(stdout, /Document Length: +13 bytes/)
    yield* drained(server)
    return { stdout, server }
  })

  peerTest("ab", "keeps its connections (-k)", (path) =>
    Effect.gen(function* () {
      const { stdout } = yield* ab(path, ["-k"], 2_000)
      assert.match(stdout, /Keep-Alive requests: +2000\n/)
    })
  )

  peerTest("ab", "opens a connection for each request", (path) =>
    Effect.gen(function* () {
      const { server } = yield* ab(path, [], 500)
      assert.deepStrictEqual(server.errors, [])
    })
  )
})

describe("wrk", () => {
  for (const target of ["/", "/stream"]) {
    peerTest("wrk", `has no errors on ${target}`, (path) =>
      Effect.gen(function* () {
        const server = yield* serve(app)
        const { code, stderr, stdout } = yield* run(path, [
          "-t1",
          "-c16",
          "-d1s",
          `http://127.0.0.1:${server.port}${target}`
        ])
        assert.strictEqual(code, 0, stderr)
        assert.notInclude(stdout, "Socket errors")
        assert.notInclude(stdout, "Non-2xx")
        assert.isAbove(Number(/(\d+) requests in/.exec(stdout)?.[1]), 16)
        yield* drained(server)
      })
    )
  }
})
