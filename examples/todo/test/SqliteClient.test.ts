import { assert, describe, it } from "@effect/vitest"
import { Array, Effect, Exit, Stream } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import * as SqliteClient from "../src/database/SqliteClient.ts"

const memory = SqliteClient.layer({ filename: ":memory:" })

const numbers = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE numbers (n INTEGER NOT NULL UNIQUE, name TEXT) STRICT`
  return sql
})

const insert = (sql: SqlClient.SqlClient, n: number) =>
  sql`INSERT INTO numbers ${sql.insert({ n, name: `#${n}` })}`

const count = (sql: SqlClient.SqlClient) =>
  Effect.map(sql<{ total: number }>`SELECT count(*) AS total FROM numbers`, ([row]) => row.total)

describe("SqliteClient", () => {
  it.effect("answers rows, and rows without names", () =>
    Effect.gen(function* () {
      const sql = yield* numbers
      yield* insert(sql, 1)
      assert.deepStrictEqual({ ...(yield* sql`SELECT * FROM numbers`)[0] }, { n: 1, name: "#1" })
      assert.deepStrictEqual(yield* sql`SELECT * FROM numbers`.values, [[1, "#1"]])
    }).pipe(Effect.provide(memory))
  )

  for (const rows of [0, 1, 127, 128, 129, 300]) {
    it.effect(`streams ${rows} rows`, () =>
      Effect.gen(function* () {
        const sql = yield* numbers
        yield* Effect.forEach(Array.range(1, 300), (n) => insert(sql, n))
        const read = yield* Stream.runCollect(
          sql<{ n: number }>`SELECT n FROM numbers WHERE n <= ${rows} ORDER BY n`.stream
        )
        assert.deepStrictEqual(
          read.map((row) => row.n),
          Array.makeBy(rows, (index) => index + 1).slice(0, rows)
        )
      }).pipe(Effect.provide(memory))
    )
  }

  it.effect("a stream that fails on the way fails with a typed error", () =>
    Effect.gen(function* () {
      const sql = yield* numbers
      yield* Effect.forEach(Array.range(1, 200), (n) => insert(sql, n))
      // abs() of the smallest integer is SQLite's own runtime error; it comes after the first batch.
      const failing = sql`SELECT abs(CASE WHEN n = 150 THEN -9223372036854775807 - 1 ELSE n END) AS a FROM numbers`
      const error = yield* Effect.flip(Stream.runDrain(failing.stream))
      assert.strictEqual(error._tag, "SqlError")
      assert.strictEqual(error.message, "integer overflow")
    }).pipe(Effect.provide(memory))
  )

  it.effect("names a constraint that was violated", () =>
    Effect.gen(function* () {
      const sql = yield* numbers
      yield* insert(sql, 1)
      const error: SqlError.SqlError = yield* Effect.flip(insert(sql, 1))
      assert.strictEqual(error.reason._tag, "UniqueViolation")
      assert.deepInclude(error.reason, { constraint: "numbers.n" })
    }).pipe(Effect.provide(memory))
  )

  it.effect("a statement that is not SQL is a typed error", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const error = yield* Effect.flip(sql`SELEC 1`)
      assert.strictEqual(error.message, 'near "SELEC": syntax error')
    }).pipe(Effect.provide(memory))
  )

  it.effect("a transaction that fails leaves nothing, and the connection usable", () =>
    Effect.gen(function* () {
      const sql = yield* numbers
      const exit = yield* Effect.exit(sql.withTransaction(Effect.andThen(insert(sql, 1), Effect.fail("no"))))
      assert.deepStrictEqual(exit, Exit.fail("no"))
      assert.strictEqual(yield* count(sql), 0)
      yield* sql.withTransaction(insert(sql, 2))
      assert.strictEqual(yield* count(sql), 1)
    }).pipe(Effect.provide(memory))
  )

  it.effect("a nested transaction that fails takes back only its own", () =>
    Effect.gen(function* () {
      const sql = yield* numbers
      yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* insert(sql, 1)
          yield* Effect.exit(sql.withTransaction(Effect.andThen(insert(sql, 2), Effect.fail("no"))))
        })
      )
      assert.deepStrictEqual(yield* sql`SELECT n FROM numbers`.values, [[1]])
    }).pipe(Effect.provide(memory))
  )
})
