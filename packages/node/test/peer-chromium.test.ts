/** A browser reads the documentation page of the example, as a user would. */

import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { folder, peerTest, run, start } from "./support/peersPrograms.ts"

const todo = fileURLToPath(new URL("../../../examples/todo/src/main.ts", import.meta.url))

describe("chromium", () => {
  peerTest("chromium", "renders the docs page of examples/todo with every operation in it", (chromium) =>
    Effect.gen(function* () {
      const place = yield* folder
      const [, port] = yield* start(process.execPath, [todo], /http:\/\/localhost:(\d+)\/docs/, {
        env: { PORT: "0", TODO_DB: Path.join(place, "todo.sqlite") }
      })
      const { stdout } = yield* run(chromium, [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        `--user-data-dir=${Path.join(place, "profile")}`,
        "--virtual-time-budget=20000",
        "--dump-dom",
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
