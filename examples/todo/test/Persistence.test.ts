import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import { SqlClient } from "effect/sql"
import * as Database from "../src/database/Database.ts"
import * as Support from "./support.ts"

const page = { limit: 20, offset: 0 }

const titles = Effect.gen(function* () {
  const { todos } = yield* Support.client
  const { items } = yield* todos.list({ query: page })
  return items.map((todo) => todo.title)
})

describe("a database file", () => {
  it.effect("keeps the todos from one server to the next, and is seeded once", () =>
    Effect.gen(function* () {
      const file = yield* Support.temporaryFile

      const before = yield* Effect.gen(function* () {
        const { todos } = yield* Support.client
        yield* todos.create({ payload: { title: "Survive", notes: "", completed: false } })
        yield* todos.delete({ params: { id: (yield* todos.list({ query: page })).items[3].id } })
        return yield* titles
      }).pipe(Effect.provide(Support.layerFile(file)))
      assert.deepStrictEqual(before.slice(0, 1), ["Survive"])
      assert.strictEqual(before.length, 3)

      const after = yield* titles.pipe(Effect.provide(Support.layerFile(file)))
      assert.deepStrictEqual(after, before)

      const empty = yield* Effect.gen(function* () {
        const { todos } = yield* Support.client
        for (const todo of (yield* todos.list({ query: page })).items) {
          yield* todos.delete({ params: { id: todo.id } })
        }
        return yield* titles
      }).pipe(Effect.provide(Support.layerFile(file)))
      assert.deepStrictEqual(empty, [])
      assert.deepStrictEqual(yield* titles.pipe(Effect.provide(Support.layerFile(file))), [])
    })
  )

  it.effect("is closed with its server: no log of SQLite's stays beside it", () =>
    Effect.gen(function* () {
      const file = yield* Support.temporaryFile
      yield* titles.pipe(Effect.provide(Support.layerFile(file)))
      const fs = yield* FileSystem.FileSystem
      assert.deepStrictEqual(yield* fs.readDirectory(file.slice(0, file.lastIndexOf("/"))), ["todo.sqlite"])
    }).pipe(Effect.provide(Support.nodeServices))
  )

  it.effect("that is not a database is a typed error", () =>
    Effect.gen(function* () {
      const file = yield* Support.temporaryFile
      const fs = yield* FileSystem.FileSystem
      yield* fs.makeDirectory(file.slice(0, file.lastIndexOf("/")))
      yield* fs.writeFileString(
        file,
        "this is no database, but it is long enough to be read as the head of one"
      )
      const error = yield* Effect.flip(SqlClient.SqlClient.pipe(Effect.provide(Database.layerFile(file))))
      assert.strictEqual(error._tag, "SqlError")
      assert.strictEqual(error.message, "file is not a database")
    }).pipe(Effect.provide(Support.nodeServices))
  )
})
