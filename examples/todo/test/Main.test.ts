/** The program as it is started from a shell: `node src/main.ts`, configured by the environment. */

import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema, Stream } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as Support from "./support.ts"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))

const spawn = (env: Record<string, string>) =>
  Effect.flatMap(ChildProcessSpawner.ChildProcessSpawner, (spawner) =>
    spawner.spawn(ChildProcess.make(process.execPath, [main], { env, extendEnv: true }))
  )

const lines = <E>(bytes: Stream.Stream<Uint8Array, E>) =>
  bytes.pipe((bytes) => Stream.decodeText(bytes), Stream.splitLines)

/** Starts the app on a free port; its banner tells which. */
const start = Effect.fnUntraced(function* (file: string) {
  const handle = yield* spawn({ TODO_DB: file, PORT: "0" })
  const banner = yield* lines(handle.stdout).pipe(
    Stream.filter((line) => line.includes("Todo API")),
    Stream.runHead
  )
  const url = Option.getOrThrow(banner).match(/http:\/\/localhost:\d+/)?.[0]
  return { handle, todos: `${url}/todos` }
})

const Page = Schema.Struct({
  total: Schema.Int,
  items: Schema.Array(Schema.Struct({ title: Schema.String }))
})

const list = (url: string) =>
  Effect.flatMap(
    Effect.flatMap(HttpClient.get(url), (response) => response.json),
    Schema.decodeUnknownEffect(Page)
  )

describe("node src/main.ts", () => {
  it.live("serves, stops cleanly on SIGTERM and finds its todos when it is started again", () =>
    Effect.gen(function* () {
      const file = yield* Support.temporaryFile

      const first = yield* start(file)
      const created = yield* HttpClient.execute(
        HttpClientRequest.post(first.todos).pipe(HttpClientRequest.bodyJsonUnsafe({ title: "Survive" }))
      )
      assert.strictEqual(created.status, 201)
      yield* first.handle.kill({ killSignal: "SIGTERM" })
      assert.strictEqual(yield* first.handle.exitCode, 0)

      const second = yield* start(file)
      const page = yield* list(second.todos)
      assert.strictEqual(page.total, 4)
      assert.strictEqual(page.items[0].title, "Survive")
      yield* second.handle.kill({ killSignal: "SIGINT" })
      assert.strictEqual(yield* second.handle.exitCode, 0)
    }).pipe(Effect.provide(FetchHttpClient.layer), Effect.provide(Support.nodeServices))
  )

  it.live("keeps what it has answered for, even when it is killed without a word", () =>
    Effect.gen(function* () {
      const file = yield* Support.temporaryFile
      const first = yield* start(file)
      yield* HttpClient.execute(
        HttpClientRequest.post(first.todos).pipe(HttpClientRequest.bodyJsonUnsafe({ title: "Survive" }))
      )
      yield* first.handle.kill({ killSignal: "SIGKILL" })

      const second = yield* start(file)
      assert.strictEqual((yield* list(second.todos)).items[0].title, "Survive")
    }).pipe(Effect.provide(FetchHttpClient.layer), Effect.provide(Support.nodeServices))
  )

  it.live("says in words why it does not start", () =>
    Effect.gen(function* () {
      const running = yield* start(yield* Support.temporaryFile)
      const port = new URL(running.todos).port
      const cases: ReadonlyArray<readonly [Record<string, string>, string]> = [
        [
          { TODO_DB: yield* Support.temporaryFile, PORT: port },
          "The port is taken by another program: choose one with PORT=3001"
        ],
        [
          { TODO_DB: yield* Support.temporaryFile, PORT: "many" },
          'The configuration is wrong: Expected a string representing a finite number at ["PORT"]'
        ],
        [{ TODO_DB: "/dev/null", PORT: "0" }, "The database cannot be opened:"]
      ]
      for (const [env, words] of cases) {
        const handle = yield* spawn(env)
        const told = yield* lines(handle.stderr).pipe(Stream.runCollect)
        assert.include(told.join("\n"), words)
        assert.strictEqual(yield* handle.exitCode, 1)
      }
    }).pipe(Effect.provide(Support.nodeServices))
  )
})
