/** Files with ranges, entity tags and conditions, as HttpStaticServer serves them. */

import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { HttpServerResponse, HttpStaticServer } from "effect/http"
import { everyWay } from "./support/httpWays.ts"
import * as ReadResponse from "./support/ReadResponse.ts"
import type { App } from "./support/serve.ts"
import { eventually } from "./support/settle.ts"

everyWay(({ Wire, serve }) => {
  const CONTENT = "0123456789".repeat(30_000)

  const root = Effect.acquireRelease(
    Effect.sync(() => {
      const directory = Fs.mkdtempSync(Path.join(Os.tmpdir(), "nvo-static-"))
      Fs.writeFileSync(Path.join(directory, "file.txt"), CONTENT)
      Fs.writeFileSync(Path.join(directory, "empty.txt"), "")
      Fs.mkdirSync(Path.join(directory, "site"))
      Fs.writeFileSync(Path.join(directory, "site", "index.html"), "<h1>index</h1>")
      return directory
    }),
    (directory) => Effect.sync(() => Fs.rmSync(directory, { recursive: true }))
  )

  const site = Effect.gen(function* () {
    const directory = yield* root
    const app = Effect.flatten(
      Effect.orDie(HttpStaticServer.make({ root: directory, cacheControl: "max-age=60" }))
    ) as App
    const { port } = yield* serve(app)
    const ask = (method: string, target: string, fields: Readonly<Record<string, string>> = {}) =>
      Wire.exchange(port, Wire.request(method, target, fields), method)
    return { port, directory, ask }
  })

  const field = (response: ReadResponse.ReadResponse, name: string) =>
    ReadResponse.value(response.fields, name)

  describe("a file", () => {
    it.live("is sent whole, with its type, length, entity tag and date", () =>
      Effect.gen(function* () {
        const { ask } = yield* site
        const response = yield* ask("GET", "/file.txt")
        assert.strictEqual(response.status, 200)
        assert.strictEqual(response.framing, "Length")
        assert.strictEqual(response.body.toString(), CONTENT)
        assert.match(field(response, "content-type")!, /^text\/plain/)
        assert.strictEqual(field(response, "accept-ranges"), "bytes")
        assert.strictEqual(field(response, "cache-control"), "max-age=60")
        assert.match(field(response, "etag")!, /^(W\/)?"/)
        assert.match(field(response, "last-modified")!, / GMT$/)
      })
    )

    it.live("is described by HEAD as by GET, without a body", () =>
      Effect.gen(function* () {
        const { ask, port } = yield* site
        const get = yield* ask("GET", "/file.txt")
        const head = yield* ask("HEAD", "/file.txt")
        for (const name of ["content-type", "content-length", "etag", "last-modified", "accept-ranges"]) {
          assert.strictEqual(field(head, name), field(get, name), name)
        }
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("HEAD", "/file.txt"))
        yield* wire.response("HEAD")
        yield* wire.send(Wire.request("GET", "/empty.txt"))
        assert.strictEqual((yield* wire.response()).body.length, 0)
      })
    )

    const ranges: ReadonlyArray<
      readonly [range: string, status: number, contentRange: string | undefined, from: number, to: number]
    > = [
      ["bytes=0-9", 206, "bytes 0-9/300000", 0, 10],
      ["bytes=299990-", 206, "bytes 299990-299999/300000", 299_990, 300_000],
      ["bytes=-5", 206, "bytes 299995-299999/300000", 299_995, 300_000],
      ["bytes=299999-400000", 206, "bytes 299999-299999/300000", 299_999, 300_000],
      ["bytes=300000-", 416, "bytes */300000", 0, 0],
      ["bytes=5-1", 416, "bytes */300000", 0, 0],
      ["lines=0-1", 200, undefined, 0, 300_000]
    ]
    for (const [range, status, contentRange, from, to] of ranges) {
      it.live(`asked for with Range: ${range} is answered with ${status}`, () =>
        Effect.gen(function* () {
          const { ask } = yield* site
          const response = yield* ask("GET", "/file.txt", { Range: range })
          assert.strictEqual(response.status, status)
          assert.strictEqual(field(response, "content-range"), contentRange)
          assert.strictEqual(response.body.toString(), status === 416 ? "" : CONTENT.slice(from, to))
          assert.strictEqual(field(response, "content-length"), String(status === 416 ? 0 : to - from))
        })
      )
    }

    it.live("that has not changed is 304 without a body, and the connection goes on", () =>
      Effect.gen(function* () {
        const { ask, port } = yield* site
        const { fields } = yield* ask("GET", "/file.txt")
        const etag = ReadResponse.value(fields, "etag")!
        const modified = ReadResponse.value(fields, "last-modified")!
        const wire = yield* Wire.connect(port)
        for (const condition of [{ "If-None-Match": etag }, { "If-Modified-Since": modified }]) {
          yield* wire.send(Wire.request("GET", "/file.txt", condition))
          assert.strictEqual((yield* wire.response()).status, 304)
        }
        yield* wire.send(Wire.request("GET", "/file.txt", { "If-None-Match": '"other"' }))
        assert.strictEqual((yield* wire.response()).status, 200)
        yield* wire.send(Wire.request("GET", "/file.txt", { "If-Match": '"other"' }))
        assert.strictEqual((yield* wire.response()).status, 412)
      })
    )

    it.live("of nothing, a directory's index, a missing file and a path outside", () =>
      Effect.gen(function* () {
        const { ask } = yield* site
        assert.strictEqual((yield* ask("GET", "/empty.txt")).body.length, 0)
        assert.strictEqual((yield* ask("GET", "/site/")).body.toString(), "<h1>index</h1>")
        const redirect = yield* ask("GET", "/site")
        assert.deepStrictEqual([redirect.status, field(redirect, "location")], [301, "/site/"])
        assert.strictEqual((yield* ask("GET", "/none.txt")).status, 404)
        for (const outside of ["/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd"]) {
          assert.strictEqual((yield* ask("GET", outside)).status, 404, outside)
        }
      })
    )

    it.live("is closed when the peer leaves while it is sent", () =>
      Effect.gen(function* () {
        const directory = yield* root
        const large = Path.join(directory, "large")
        Fs.writeFileSync(large, Buffer.alloc(64 * 1_048_576))
        const { port } = yield* serve(HttpServerResponse.file(large))
        const open = () =>
          Fs.readdirSync("/proc/self/fd").filter((fd) => {
            try {
              return Fs.readlinkSync(`/proc/self/fd/${fd}`) === large
            } catch {
              return false
            }
          }).length
        const wire = yield* Wire.connect(port)
        wire.socket.pause()
        yield* wire.send(Wire.request("GET", "/"))
        yield* eventually("the file to be open", () => open() === 1)
        yield* wire.leave
        yield* eventually("the file to be closed", () => open() === 0)
      })
    )
  })
})
