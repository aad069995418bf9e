import { fileURLToPath } from "node:url"
import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"
import { ChildProcess, ChildProcessSpawner } from "effect/process"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))

it.live("node src/main.ts serves until it is told to stop", () =>
  Effect.gen(function* () {
    const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
    const handle = yield* spawner.spawn(
      ChildProcess.make(process.execPath, [main], { env: { PORT: "0" }, extendEnv: true })
    )
    const url = yield* handle.stdout.pipe(
      (bytes) => Stream.decodeText(bytes),
      Stream.splitLines,
      Stream.map((line) => line.match(/Listening on http:\/\/.*:(\d+)/)),
      Stream.filter((match) => match !== null),
      Stream.runHead,
      Effect.map((match) => `http://localhost:${Option.getOrThrow(match)[1]}`)
    )
    const response = yield* HttpClient.get(`${url}/download/1`)
    assert.strictEqual((yield* response.arrayBuffer).byteLength, 1024 * 1024)
    yield* handle.kill({ killSignal: "SIGTERM" })
    // NodeRuntime's code for a program that was interrupted, and ended in order.
    assert.strictEqual(yield* handle.exitCode, 130)
  }).pipe(Effect.provide(FetchHttpClient.layer), Effect.provide(NodeServices.layer))
)
