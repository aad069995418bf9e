import { assert, describe, it } from "@effect/vitest"
import { Array, DateTime, Duration, Effect, Stream } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { TestClock } from "effect/testing"
import { TodoId } from "../src/domain/Todo.ts"
import * as Support from "./support.ts"

const page = { limit: 20, offset: 0 }

const importLines = (lines: ReadonlyArray<unknown>) => {
  const form = new FormData()
  form.append("file", new Blob([lines.map((line) => `${JSON.stringify(line)}\n`).join("")]), "todos.ndjson")
  return HttpClient.execute(
    HttpClientRequest.post("/todos/import").pipe(HttpClientRequest.bodyFormData(form))
  )
}

describe("the todos", () => {
  it.effect("start with the seed", () =>
    Effect.gen(function* () {
      const { todos } = yield* Support.client
      const { items, total } = yield* todos.list({ query: page })
      assert.strictEqual(total, 3)
      assert.deepStrictEqual(
        items.map((todo) => [todo.id, todo.completed]),
        [
          [3, false],
          [2, false],
          [1, true]
        ]
      )
    }).pipe(Effect.provide(Support.layer))
  )

  it.effect("are created, read, changed and deleted", () =>
    Effect.gen(function* () {
      const { todos } = yield* Support.client
      const { body: created, headers } = yield* todos.create({
        payload: { title: "Buy milk", notes: "2 l", completed: false }
      })
      assert.strictEqual(headers.location, `/todos/${created.id}`)
      assert.strictEqual(created.title, "Buy milk")
      assert.strictEqual(DateTime.formatIso(created.createdAt), "1970-01-01T00:00:00.000Z")
      assert.deepStrictEqual(yield* todos.get({ params: { id: created.id } }), created)

      yield* TestClock.adjust(Duration.minutes(1))
      const updated = yield* todos.update({ params: { id: created.id }, payload: { completed: true } })
      assert.deepStrictEqual(updated, {
        ...created,
        completed: true,
        updatedAt: DateTime.makeUnsafe("1970-01-01T00:01:00.000Z")
      })
      assert.deepStrictEqual(yield* todos.get({ params: { id: created.id } }), updated)

      yield* todos.delete({ params: { id: created.id } })
      const error = yield* Effect.flip(todos.get({ params: { id: created.id } }))
      assert.strictEqual(error._tag, "TodoNotFound")
    }).pipe(Effect.provide(Support.layer))
  )

  it.effect("lose the spaces around their titles, and take defaults for what is left out", () =>
    Effect.gen(function* () {
      const response = yield* HttpClient.execute(
        HttpClientRequest.post("/todos").pipe(HttpClientRequest.bodyJsonUnsafe({ title: "  Buy milk \n" }))
      )
      assert.strictEqual(response.status, 201)
      assert.include(yield* response.json, { title: "Buy milk", notes: "", completed: false })
    }).pipe(Effect.provide(Support.layer))
  )

  it.effect("do not give an id out twice", () =>
    Effect.gen(function* () {
      const { todos } = yield* Support.client
      const payload = { title: "Once", notes: "", completed: false }
      const first = yield* todos.create({ payload })
      yield* todos.delete({ params: { id: first.body.id } })
      const second = yield* todos.create({ payload })
      assert.strictEqual(second.body.id, first.body.id + 1)
    }).pipe(Effect.provide(Support.layer))
  )

  it.effect("are filtered by completion and text, and come in pages", () =>
    Effect.gen(function* () {
      const { todos } = yield* Support.client
      yield* importLines([
        { title: "Paint the fence", completed: true },
        { title: "Mow the lawn", notes: "before the fence" },
        { title: "100% done" },
        { title: "100 times done", completed: true },
        { title: "a_b" },
        { title: "aXb" }
      ])
      const titles = (query: Omit<Parameters<typeof todos.list>[0]["query"], "limit" | "offset">) =>
        Effect.map(todos.list({ query: { ...page, ...query } }), ({ items }) =>
          items.map((todo) => todo.title)
        )

      assert.deepStrictEqual(yield* titles({ search: "FENCE" }), ["Mow the lawn", "Paint the fence"])
      assert.deepStrictEqual(yield* titles({ search: "fence", completed: true }), ["Paint the fence"])
      assert.deepStrictEqual(yield* titles({ search: "100%" }), ["100% done"])
      assert.deepStrictEqual(yield* titles({ search: "a_b" }), ["a_b"])
      assert.deepStrictEqual(yield* titles({ search: "'; DROP TABLE todos; --" }), [])

      const open = yield* todos.list({ query: { completed: false, limit: 2, offset: 2 } })
      assert.deepStrictEqual(
        open.items.map((todo) => todo.title),
        ["100% done", "Mow the lawn"]
      )
      assert.deepInclude(open, { total: 6, limit: 2, offset: 2 })
      const past = yield* todos.list({ query: { completed: false, limit: 2, offset: 6 } })
      assert.deepStrictEqual(past.items, [])
      assert.strictEqual(past.total, 6)
    }).pipe(Effect.provide(Support.layer))
  )
})

describe("an export", () => {
  it.effect("streams every todo, across the pages it is read in, and can be imported again", () =>
    Effect.gen(function* () {
      const { todos } = yield* Support.client
      const count = 1200
      const imported = yield* importLines(Array.makeBy(count, (index) => ({ title: `Todo ${index}` })))
      assert.deepStrictEqual(yield* imported.json, { imported: count })

      const exported = yield* Stream.runCollect(yield* todos.export())
      assert.strictEqual(exported.length, count + 3)
      assert.deepStrictEqual(
        exported.map((todo) => todo.id),
        Array.makeBy(count + 3, (index) => TodoId.make(index + 1))
      )

      const response = yield* HttpClient.get("/todos/export")
      assert.strictEqual(response.headers["content-type"], "application/x-ndjson")
      const lines = (yield* response.text).trimEnd().split("\n")
      const again = yield* importLines(lines.slice(0, 600).map((line) => JSON.parse(line)))
      assert.deepStrictEqual(yield* again.json, { imported: 600 })
      assert.strictEqual((yield* todos.list({ query: page })).total, count + 603)
    }).pipe(Effect.provide(Support.layer))
  )

  it.effect("as CSV quotes what CSV must quote (RFC 4180 section 2)", () =>
    Effect.gen(function* () {
      yield* importLines([{ title: 'Say "hi", twice', notes: "one\ntwo" }])
      const response = yield* HttpClient.get("/todos/export.csv")
      assert.strictEqual(response.headers["content-type"], "text/csv; charset=utf-8")
      const text = yield* response.text
      assert.isTrue(text.startsWith("id,title,notes,completed,createdAt,updatedAt\r\n1,"))
      assert.include(text, '\r\n4,"Say ""hi"", twice","one\ntwo",false,1970-01-01T00:00:00.000Z,')
    }).pipe(Effect.provide(Support.layer))
  )

  it.effect("answers HEAD without a body", () =>
    Effect.gen(function* () {
      const response = yield* HttpClient.head("/todos/export")
      assert.strictEqual(response.status, 200)
      assert.strictEqual(yield* response.text, "")
    }).pipe(Effect.provide(Support.layer))
  )
})

describe("the pages for people", () => {
  it.effect("the root leads to the docs, which ask nothing of the network", () =>
    Effect.gen(function* () {
      const response = yield* HttpClient.get("/")
      assert.strictEqual(response.status, 200)
      const html = yield* response.text
      assert.include(html, "<title>Todo API Documentation</title>")
      assert.include(html, "/todos/{id}")
      assert.notMatch(
        html.replace(/<script>[\s\S]*?<\/script>/g, ""),
        /<(link|script|img|iframe)[^>]+(src|href)=/
      )
    }).pipe(Effect.provide(Support.layer))
  )

  it.effect("the OpenAPI document lists every operation with its problems", () =>
    Effect.gen(function* () {
      const response = yield* HttpClient.get("/openapi.json")
      const document = (yield* response.json) as Record<string, any>
      const operations = Object.entries<Record<string, any>>(document.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, operation]) => [
          `${method} ${path}`,
          Object.keys(operation.responses).sort().join(" ")
        ])
      )
      assert.deepStrictEqual(Object.fromEntries(operations), {
        "get /todos": "200 400 500",
        "post /todos": "201 400 500",
        "get /todos/export": "200 400 500",
        "get /todos/export.csv": "200 400 500",
        "post /todos/import": "201 400 413 500",
        "get /todos/{id}": "200 400 404 500",
        "patch /todos/{id}": "200 400 404 500",
        "delete /todos/{id}": "204 400 404 500"
      })
    }).pipe(Effect.provide(Support.layer))
  )
})
