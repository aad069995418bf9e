/** A browser reads the documentation page of the example, as a user would, and speaks HTTP/2. */

import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { app } from "./support/peersApp.ts"
import * as Certificate from "./support/peersCertificate.ts"
import { folder, peerTest, run, start } from "./support/peersPrograms.ts"
import { type App, serve } from "./support/serve.ts"

const todo = fileURLToPath(new URL("../../../examples/todo/src/main.ts", import.meta.url))

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--virtual-time-budget=20000",
  "--dump-dom"
]

// What a page can do: many requests at once, uploads, and a download.
const script = `
const run = async () => {
  const ids = Array.from({ length: 200 }, (_, i) => i)
  const texts = await Promise.all(ids.map(async (i) => (await fetch("/tell/" + i)).text()))
  const octets = await Promise.all([1, 2, 3].map(async (i) =>
    (await (await fetch("/count", { method: "POST", body: new Blob([new Uint8Array(i * 1_000_000)]) })).json()).octets))
  const down = (await (await fetch("/stream")).arrayBuffer()).byteLength
  const protocols = new Set(performance.getEntriesByType("resource").map((entry) => entry.nextHopProtocol))
  return { texts: texts.every((text, i) => text === String(i)), octets, down, protocols: [...protocols] }
}
run().then((told) => { document.body.textContent = "told " + JSON.stringify(told) + " end" },
  (error) => { document.body.textContent = String(error) })
`

const page: App = Effect.succeed(
  HttpServerResponse.html(`<html><body><script>${script}</script></body></html>`)
)

describe("chromium", () => {
  peerTest("chromium", "speaks HTTP/2 over TLS: 200 requests at once, uploads and a download", (chromium) =>
    Effect.gen(function* () {
      const place = yield* folder
      const server = yield* serve(
        Effect.flatMap(HttpServerRequest, ({ url }): App => (url === "/page" ? page : app)),
        { tls: Certificate }
      )
      const profile = `--user-data-dir=${Path.join(place, "profile")}`
      const url = `https://127.0.0.1:${server.port}/page`
      const { stdout } = yield* run(chromium, [...flags, "--ignore-certificate-errors", profile, url])
      assert.deepStrictEqual(JSON.parse(/told (.*) end/.exec(stdout)?.[1] ?? stdout), {
        texts: true,
        octets: [1_000_000, 2_000_000, 3_000_000],
        down: 1_048_576,
        protocols: ["h2"]
      })
      assert.deepStrictEqual(
        server.errors.filter(({ _tag }) => _tag === "Http2Error"),
        []
      )
    })
  )

  peerTest("chromium", "renders the docs page of examples/todo with every operation in it", (chromium) =>
    Effect.gen(function* () {
      const place = yield* folder
      const [, port] = yield* start(process.execPath, [todo], /http:\/\/localhost:(\d+)\/docs/, {
        env: { PORT: "0", TODO_DB: Path.join(place, "todo.sqlite") }
      })
      const { stdout } = yield* run(chromium, [
        ...flags,
        `--user-data-dir=${Path.join(place, "profile")}`,
        `http://127.0.0.1:${port}/docs`
      ])
      assert.include(stdout, "Todo API")
      // Drawn by the page's script from the OpenAPI document.
      for (const operation of ["List todos, newest first", "Create a todo", "Import a file of todos"]) {
        assert.include(stdout, operation)
      }
      assert.match(stdout, /class="opblock /)
    })
  )
})
