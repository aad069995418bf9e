import { assert, describe, it } from "@effect/vitest"
import { NvoServer } from "@nvo/node"
import { Effect, Layer } from "effect"
import { HttpClient, HttpClientRequest, HttpRouter } from "effect/http"
import { maxImportBytes } from "../src/api/Api.ts"
import { maxJsonBytes, ProblemResponses } from "../src/http/ProblemResponses.ts"
import * as Support from "./support.ts"

type Request = HttpClientRequest.HttpClientRequest

const json = (text: string) => HttpClientRequest.bodyText(text, "application/json")

const form = (parts: Record<string, string | Blob>) => {
  const data = new FormData()
  for (const [name, value] of Object.entries(parts)) data.append(name, value)
  return HttpClientRequest.bodyFormData(data)
}

/** A title of one letter, padded by spaces to a body of exactly `bytes` bytes. */
const bodyOf = (bytes: number) => `{"title":"a"}${" ".repeat(bytes - 13)}`

/** A file of one todo, padded by blank lines to exactly `bytes` bytes. */
const fileOf = (bytes: number) => new Blob([`{"title":"a"}${"\n".repeat(bytes - 13)}`])

interface Expected {
  readonly status: number
  readonly title: string
  readonly detail: string
  readonly errors?: ReadonlyArray<{ readonly path: ReadonlyArray<string | number>; readonly message: string }>
  readonly [extension: string]: unknown
}

const invalid = (...errors: NonNullable<Expected["errors"]>): Expected => ({
  status: 400,
  title: "Bad Request",
  detail: "Request validation failed",
  errors
})

const cases: Record<string, readonly [Request, Expected]> = {
  "an unknown route": [
    HttpClientRequest.get("/nowhere?x=1"),
    {
      status: 404,
      title: "Not Found",
      detail: "Nothing answers GET /nowhere: what there is, is listed at /docs"
    }
  ],
  "a method that a route does not have": [
    HttpClientRequest.put("/todos/1"),
    {
      status: 404,
      title: "Not Found",
      detail: "Nothing answers PUT /todos/1: what there is, is listed at /docs"
    }
  ],
  "a todo that is not there": [
    HttpClientRequest.get("/todos/99"),
    {
      status: 404,
      title: "Todo not found",
      detail: "There is no todo with id 99",
      type: "tag:nvo,2026:todo-not-found",
      id: 99
    }
  ],
  "changing a todo that is not there": [
    HttpClientRequest.patch("/todos/99").pipe(json('{"completed":true}')),
    {
      status: 404,
      title: "Todo not found",
      detail: "There is no todo with id 99",
      type: "tag:nvo,2026:todo-not-found",
      id: 99
    }
  ],
  "deleting a todo that is not there": [
    HttpClientRequest.delete("/todos/99"),
    {
      status: 404,
      title: "Todo not found",
      detail: "There is no todo with id 99",
      type: "tag:nvo,2026:todo-not-found",
      id: 99
    }
  ],
  "an id that is not a number": [
    HttpClientRequest.get("/todos/abc"),
    invalid({ path: ["params", "id"], message: "Expected a string representing a finite number" })
  ],
  "an id below 1": [
    HttpClientRequest.get("/todos/0"),
    invalid({ path: ["params", "id"], message: "Expected a value greater than 0" })
  ],
  "several wrong query parameters": [
    HttpClientRequest.get("/todos?completed=maybe&limit=101&offset=-1"),
    invalid(
      { path: ["query", "completed"], message: 'Expected "true" | "false"' },
      { path: ["query", "limit"], message: "Expected a value between 1 and 100" },
      { path: ["query", "offset"], message: "Expected a value greater than or equal to 0" }
    )
  ],
  "malformed JSON": [
    HttpClientRequest.post("/todos").pipe(json('{"title":')),
    invalid({ path: ["payload"], message: "Expected a valid JSON body" })
  ],
  "a missing field": [
    HttpClientRequest.post("/todos").pipe(json("{}")),
    invalid({ path: ["payload", "title"], message: "Missing key" })
  ],
  "several wrong fields": [
    HttpClientRequest.post("/todos").pipe(json('{"title":"  ","notes":1,"completed":"yes"}')),
    invalid(
      { path: ["payload", "title"], message: "Expected a value with a length of at least 1" },
      { path: ["payload", "notes"], message: "Expected string" },
      { path: ["payload", "completed"], message: "Expected boolean" }
    )
  ],
  "a misspelt field": [
    HttpClientRequest.patch("/todos/1").pipe(json('{"complted":true}')),
    invalid({ path: ["payload", "complted"], message: "Expected no excess property" })
  ],
  "a body of the wrong type": [
    HttpClientRequest.post("/todos").pipe(
      HttpClientRequest.bodyText("title=a", "application/x-www-form-urlencoded")
    ),
    {
      status: 415,
      title: "Unsupported Media Type",
      detail: "The body has the wrong content type: application/x-www-form-urlencoded"
    }
  ],
  "a body one byte over the limit": [
    HttpClientRequest.post("/todos").pipe(json(bodyOf(maxJsonBytes + 1))),
    { status: 413, title: "Content Too Large", detail: "The body is larger than 65536 bytes" }
  ],
  "an import one byte over the limit": [
    HttpClientRequest.post("/todos/import").pipe(form({ file: fileOf(maxImportBytes + 1) })),
    {
      status: 413,
      title: "Import too large",
      detail: "The file is larger than an import may be",
      type: "tag:nvo,2026:import-too-large",
      maxBytes: 262144
    }
  ],
  "an import many times over the limit": [
    HttpClientRequest.post("/todos/import").pipe(form({ file: fileOf(maxImportBytes * 40) })),
    {
      status: 413,
      title: "Import too large",
      detail: "The file is larger than an import may be",
      type: "tag:nvo,2026:import-too-large",
      maxBytes: 262144
    }
  ],
  "an import with faulty lines": [
    HttpClientRequest.post("/todos/import").pipe(
      form({ file: new Blob(['{"title":"fine"}\n\n{"title":""}\nnot json\n{"title":"fine"}']) })
    ),
    {
      status: 400,
      title: "Bad Request",
      detail: "Nothing was imported: some lines are not todos",
      errors: [
        { path: ["payload", "file", 3, "title"], message: "Expected a value with a length of at least 1" },
        { path: ["payload", "file", 4], message: "Expected a valid JSON string" }
      ]
    }
  ],
  "an import in the wrong field": [
    HttpClientRequest.post("/todos/import").pipe(form({ todos: fileOf(100) })),
    { status: 400, title: "Bad Request", detail: "Send the todos as one file, in the field `file`" }
  ],
  "an import of two files": [
    HttpClientRequest.post("/todos/import").pipe(form({ file: fileOf(100), other: fileOf(100) })),
    {
      status: 400,
      title: "Bad Request",
      detail: "The form has more than one part: send one file, in the field `file`"
    }
  ],
  "an import whose form breaks off": [
    HttpClientRequest.post("/todos/import").pipe(
      HttpClientRequest.bodyText(
        '--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n{"title":"a"}',
        "multipart/form-data; boundary=x"
      )
    ),
    { status: 400, title: "Bad Request", detail: "The form is not well-formed multipart/form-data" }
  ]
}

describe("a problem says what is wrong, and changes nothing:", () => {
  for (const [name, [request, expected]] of Object.entries(cases)) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const before = yield* Effect.flatMap(HttpClient.get("/todos/export"), (response) => response.text)
        const response = yield* HttpClient.execute(request)
        assert.strictEqual(response.headers["content-type"], "application/problem+json")
        assert.deepStrictEqual(yield* response.json, { type: "about:blank", ...expected })
        assert.strictEqual(response.status, expected.status)
        const after = yield* Effect.flatMap(HttpClient.get("/todos/export"), (response) => response.text)
        assert.strictEqual(after, before)
      }).pipe(Effect.provide(Support.layer))
    )
  }
})

describe("what is within the limits is taken:", () => {
  it.effect("a body of exactly the limit", () =>
    Effect.gen(function* () {
      const response = yield* HttpClient.execute(
        HttpClientRequest.post("/todos").pipe(json(bodyOf(maxJsonBytes)))
      )
      assert.strictEqual(response.status, 201)
    }).pipe(Effect.provide(Support.layer))
  )

  it.effect("an import of exactly the limit", () =>
    Effect.gen(function* () {
      const response = yield* HttpClient.execute(
        HttpClientRequest.post("/todos/import").pipe(form({ file: fileOf(maxImportBytes) }))
      )
      assert.strictEqual(response.status, 201)
      assert.deepStrictEqual(yield* response.json, { imported: 1 })
    }).pipe(Effect.provide(Support.layer))
  )
})

describe("a bug", () => {
  const bug = HttpRouter.add("GET", "/bug", Effect.die(new Error("the password is 1234")))
  const layer = HttpRouter.serve(Layer.mergeAll(bug, ProblemResponses), { disableListenLog: true }).pipe(
    Layer.provideMerge(NvoServer.layerTest)
  )

  it.effect("is a problem of the server's, and tells nothing of its inside", () =>
    Effect.gen(function* () {
      const response = yield* HttpClient.get("/bug")
      assert.strictEqual(response.status, 500)
      assert.strictEqual(response.headers["content-type"], "application/problem+json")
      assert.deepStrictEqual(yield* response.json, {
        type: "about:blank",
        status: 500,
        title: "Internal Server Error",
        detail: "Something went wrong on the server: its log says what"
      })
    }).pipe(Effect.provide(layer))
  )
})
