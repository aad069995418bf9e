/**
 * Each migration runs once per database file, in order, and all that are pending in one transaction. To
 * change the schema, append a migration: one that has run anywhere is never edited.
 */
import { Effect } from "effect"
import { Migrator, SqlClient } from "effect/sql"
import { seed } from "./Seed.ts"

const createTodos = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  // AUTOINCREMENT: the id of a deleted todo is not given out again.
  yield* sql`
    CREATE TABLE todos (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      title TEXT NOT NULL,
      notes TEXT NOT NULL,
      completed INTEGER NOT NULL CHECK (completed IN (0, 1)),
      createdAt TEXT NOT NULL,
      updatedAt TEXT NOT NULL
    ) STRICT
  `
})

export const migrations = Migrator.fromRecord({
  "0001_create_todos": createTodos,
  // As a migration the seed is planted exactly once: todos that were deleted do not come back.
  "0002_seed_todos": seed
})
