import { Array, DateTime, Effect } from "effect"
import { SqlClient } from "effect/sql"

const todos = Array.make(
  { title: "Read the docs of this API", notes: "They are at /docs", completed: 1 },
  {
    title: "Create a todo of your own",
    notes: "POST /todos takes a title, and notes if you like",
    completed: 0
  },
  { title: "Stop the server and start it again", notes: "Everything is still there", completed: 0 }
)

export const seed = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const now = DateTime.formatIso(yield* DateTime.now)
  const rows = Array.map(todos, (todo) => ({ ...todo, createdAt: now, updatedAt: now }))
  yield* sql`INSERT INTO todos ${sql.insert(rows)}`
})
