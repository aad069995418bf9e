/** Form data: streamed and persisted, its limits, and what is left on the disk. */

import { existsSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, FileSystem, Schema, Stream } from "effect"
import { HttpServerRequest, HttpServerResponse, Multipart } from "effect/http"
import { everyWay } from "./support/httpWays.ts"
import type * as ReadResponse from "./support/ReadResponse.ts"
import type { App } from "./support/serve.ts"
import { eventually } from "./support/settle.ts"

everyWay(({ Wire, serve }) => {
  interface PartInput {
    readonly name: string
    readonly fileName?: string
    readonly type?: string
    readonly content: string
  }

  const form = (parts: ReadonlyArray<PartInput>): string =>
    `${parts
      .map(({ content, fileName, name, type }) =>
        [
          "--BOUND",
          `content-disposition: form-data; name="${name}"${fileName === undefined ? "" : `; filename="${fileName}"`}`,
          ...(type === undefined ? [] : [`content-type: ${type}`]),
          "",
          content
        ].join("\r\n")
      )
      .join("\r\n")}\r\n--BOUND--\r\n`

  const fields = { "Content-Type": "multipart/form-data; boundary=BOUND" }

  const post = (port: number, parts: ReadonlyArray<PartInput>) =>
    Wire.exchange(port, Wire.request("POST", "/", fields, form(parts)), "POST")

  const json = (response: ReadResponse.ReadResponse): unknown => JSON.parse(response.body.toString())

  const persisted = (f: (form: Multipart.Persisted) => Effect.Effect<unknown, unknown, any>): App =>
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      return yield* HttpServerResponse.json(yield* f(yield* request.multipart))
    }) as App

  const pathOf = (form: Multipart.Persisted, key: string): string =>
    (form[key] as ReadonlyArray<Multipart.PersistedFile>)[0].path

  const streamed: App = Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const parts = yield* Stream.runCollect(
      Stream.mapEffect(
        request.multipartStream,
        (part): Effect.Effect<unknown, Multipart.MultipartError> =>
          part._tag === "Field"
            ? Effect.succeed([part.key, part.value])
            : Effect.map(part.contentEffect, (content) => [
                part.key,
                part.name,
                part.contentType,
                content.length
              ])
      )
    )
    return yield* HttpServerResponse.json(parts)
  })

  const limited = (app: App, limits: Multipart.withLimits.Options): App =>
    Effect.provideContext(app, Multipart.limitsServices(limits)) as App

  const withClue = (name: string, status: number, app: App, parts: ReadonlyArray<PartInput>) =>
    it.live(name, () =>
      Effect.gen(function* () {
        const { port } = yield* serve(app)
        assert.strictEqual((yield* post(port, parts)).status, status)
      })
    )

  describe("form data", () => {
    it.live("is streamed part by part, in order", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(streamed)
        const response = yield* post(port, [
          { name: "a", content: "1" },
          { name: "f", fileName: "ü.bin", type: "application/octet-stream", content: "x".repeat(200_000) },
          { name: "a", content: "2" }
        ])
        assert.deepStrictEqual(json(response), [
          ["a", "1"],
          ["f", "ü.bin", "application/octet-stream", 200_000],
          ["a", "2"]
        ])
      })
    )

    it.live("is streamed whatever the chunks", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(streamed)
        const body = form([
          { name: "a", content: "1" },
          { name: "f", fileName: "f", type: "text/plain", content: "some text" }
        ])
        const octets = Buffer.concat([
          Wire.request("POST", "/", { ...fields, "Transfer-Encoding": "chunked" }),
          Wire.chunked([...body])
        ])
        assert.deepStrictEqual(json(yield* Wire.exchange(port, octets, "POST")), [
          ["a", "1"],
          ["f", "f", "text/plain", 9]
        ])
      })
    )

    it.live("is persisted: fields as text, files on the disk", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          persisted((form) =>
            Effect.gen(function* () {
              const fileSystem = yield* FileSystem.FileSystem
              const content = yield* fileSystem.readFileString(pathOf(form, "f"))
              return { a: form.a, content }
            })
          )
        )
        const response = yield* post(port, [
          { name: "a", content: "1" },
          { name: "a", content: "2" },
          { name: "f", fileName: "../../escape.txt", type: "text/plain", content: "hello" }
        ])
        assert.deepStrictEqual(json(response), { a: ["1", "2"], content: "hello" })
      })
    )

    it.live("is decoded with a schema, and what does not fit is 400", () =>
      Effect.gen(function* () {
        const Upload = Schema.Struct({ title: Schema.NonEmptyString, file: Multipart.SingleFileSchema })
        const { port } = yield* serve(
          Effect.flatMap(HttpServerRequest.schemaBodyMultipart(Upload), ({ file, title }) =>
            HttpServerResponse.json({ title, name: file.name })
          ) as App
        )
        const file = { name: "file", fileName: "a.txt", type: "text/plain", content: "x" }
        assert.deepStrictEqual(json(yield* post(port, [{ name: "title", content: "T" }, file])), {
          title: "T",
          name: "a.txt"
        })
        assert.strictEqual((yield* post(port, [file])).status, 400)
      })
    )

    it.live("that is malformed is 400", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(streamed)
        const bodies = ["no boundary at all", form([{ name: "a", content: "1" }]).slice(0, 40)]
        for (const body of bodies) {
          const response = yield* Wire.exchange(port, Wire.request("POST", "/", fields, body), "POST")
          assert.strictEqual(response.status, 400, body)
        }
        const noBoundary = { "Content-Type": "multipart/form-data" }
        assert.strictEqual(
          (yield* Wire.exchange(port, Wire.request("POST", "/", noBoundary, "x"), "POST")).status,
          400
        )
      })
    )
  })

  describe("the limits of form data", () => {
    const file = (length: number): PartInput => ({
      name: "f",
      fileName: "f",
      type: "application/octet-stream",
      content: "x".repeat(length)
    })
    const keep = persisted(() => Effect.succeed("kept"))
    for (const [kind, app] of [
      ["streamed", streamed],
      ["persisted", keep]
    ] as const) {
      // The parser counts a part with its head.
      withClue(`${kind}: a file below maxFileSize is taken`, 200, limited(app, { maxFileSize: 1000 }), [
        file(800)
      ])
      withClue(`${kind}: a file over maxFileSize is 413`, 413, limited(app, { maxFileSize: 1000 }), [
        file(1001)
      ])
      withClue(`${kind}: maxFieldSize n is taken`, 200, limited(app, { maxFieldSize: 3 }), [
        { name: "a", content: "abc" }
      ])
      withClue(`${kind}: maxFieldSize n + 1 is 413`, 413, limited(app, { maxFieldSize: 3 }), [
        { name: "a", content: "abcd" }
      ])
      withClue(`${kind}: maxParts n are taken`, 200, limited(app, { maxParts: 2 }), [file(1), file(1)])
      withClue(`${kind}: maxParts n + 1 are 413`, 413, limited(app, { maxParts: 2 }), [
        file(1),
        file(1),
        file(1)
      ])
      const total = form([file(100)]).length
      withClue(`${kind}: maxTotalSize n is taken`, 200, limited(app, { maxTotalSize: total }), [file(100)])
      withClue(`${kind}: maxTotalSize n + 1 is 413`, 413, limited(app, { maxTotalSize: total - 1 }), [
        file(100)
      ])
    }

    it.live("end an upload before it is all there", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(limited(keep, { maxFileSize: 1000 }))
        const wire = yield* Wire.connect(port)
        const head = form([file(0)]).split("\r\n--BOUND--")[0]
        yield* wire.send(Wire.request("POST", "/", { ...fields, "Content-Length": "100000000" }))
        yield* wire.send(head + "x".repeat(5000))
        assert.strictEqual((yield* wire.response("POST")).status, 413)
      })
    )
  })

  describe("persisted files", () => {
    const upload: ReadonlyArray<PartInput> = [
      { name: "f", fileName: "f.txt", type: "text/plain", content: "content" }
    ]

    const endings: Readonly<Record<string, Effect.Effect<unknown, unknown>>> = {
      "is answered": Effect.succeed("fine"),
      fails: Effect.fail("no"),
      dies: Effect.die("no")
    }
    for (const [name, ending] of Object.entries(endings)) {
      it.live(`are gone after the request ${name}`, () =>
        Effect.gen(function* () {
          let path = ""
          const { port } = yield* serve(
            persisted((form) =>
              Effect.suspend(() => {
                path = pathOf(form, "f")
                return existsSync(path) ? ending : Effect.die("never written")
              })
            )
          )
          yield* post(port, upload)
          assert.notStrictEqual(path, "")
          yield* eventually("the file to be gone", () => !existsSync(path))
        })
      )
    }

    it.live("are gone after the peer left", () =>
      Effect.gen(function* () {
        let path = ""
        const started = yield* Deferred.make<void>()
        const { port } = yield* serve(
          Effect.interruptible(
            persisted((form) =>
              Effect.suspend(() => {
                path = pathOf(form, "f")
                return Effect.andThen(Deferred.succeed(started, undefined), Effect.never)
              })
            )
          )
        )
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("POST", "/", fields, form(upload)))
        yield* Deferred.await(started)
        assert.isTrue(existsSync(path))
        yield* wire.reset
        yield* eventually("the file to be gone", () => !existsSync(path))
      })
    )
  })
})
