/** The todos, wherever they are kept. What SQL cannot do for a valid request is a defect, not an answer. */
import { Context, DateTime, Effect, Layer, Option, Schema, Stream } from "effect"
import { SqlClient, SqlSchema } from "effect/sql"
import { TodoNotFound } from "./api/Problems.ts"
import { type NewTodo, Todo, type TodoFilter, TodoId, type TodoPatch } from "./domain/Todo.ts"

/** Rows that an export reads at a time; between two reads it holds neither the connection nor a lock. */
const exportBatch = 500

/** `%` and `_` mean themselves in a search text. */
const contains = (text: string) => `%${text.replace(/[\\%_]/g, "\\$&")}%`

export class Todos extends Context.Service<
  Todos,
  {
    list(filter: TodoFilter): Effect.Effect<{ readonly items: ReadonlyArray<Todo>; readonly total: number }>
    get(id: TodoId): Effect.Effect<Todo, TodoNotFound>
    create(input: NewTodo): Effect.Effect<Todo>
    /** All of them or none. */
    createAll(inputs: ReadonlyArray<NewTodo>): Effect.Effect<void>
    update(id: TodoId, patch: TodoPatch): Effect.Effect<Todo, TodoNotFound>
    delete(id: TodoId): Effect.Effect<void, TodoNotFound>
    /** Every todo, oldest first, read as fast as the consumer takes it. */
    readonly all: Stream.Stream<Todo>
  }
>()("example/Todos") {
  static readonly layer = Layer.effect(
    Todos,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient

      const insert = SqlSchema.findOne({
        Request: Todo.insert,
        Result: Todo,
        execute: (row) => sql`INSERT INTO todos ${sql.insert(row)} RETURNING *`
      })

      const create = Effect.fn("Todos.create")(
        (input: NewTodo) => Effect.flatMap(Todo.insert.makeEffect(input), insert),
        Effect.orDie
      )

      const createAll = Effect.fn("Todos.createAll")(
        (inputs: ReadonlyArray<NewTodo>) =>
          sql.withTransaction(Effect.forEach(inputs, create, { discard: true })),
        Effect.orDie
      )

      const where = ({ completed, search }: TodoFilter) =>
        sql.and([
          ...(completed === undefined ? [] : [sql`completed = ${completed ? 1 : 0}`]),
          ...(search === undefined
            ? []
            : [
                sql`(title LIKE ${contains(search)} ESCAPE '\\' OR notes LIKE ${contains(search)} ESCAPE '\\')`
              ])
        ])

      const page = Schema.decodeUnknownEffect(Schema.Array(Todo))

      const list = Effect.fn("Todos.list")(function* (filter: TodoFilter) {
        const [counted] = yield* sql<{
          total: number
        }>`SELECT count(*) AS total FROM todos WHERE ${where(filter)}`
        const rows = yield* sql`
          SELECT * FROM todos WHERE ${where(filter)}
          ORDER BY id DESC LIMIT ${filter.limit} OFFSET ${filter.offset}
        `
        return { items: yield* page(rows), total: counted.total }
      }, Effect.orDie)

      const find = SqlSchema.findOneOption({
        Request: TodoId,
        Result: Todo,
        execute: (id) => sql`SELECT * FROM todos WHERE id = ${id}`
      })

      const orNotFound =
        (id: TodoId) =>
        (found: Option.Option<Todo>): Effect.Effect<Todo, TodoNotFound> =>
          Option.isSome(found) ? Effect.succeed(found.value) : Effect.fail(TodoNotFound.of(id))

      const get = Effect.fn("Todos.get")((id: TodoId) =>
        find(id).pipe(Effect.orDie, Effect.flatMap(orNotFound(id)))
      )

      const save = SqlSchema.findOneOption({
        Request: Todo,
        Result: Todo,
        execute: ({ id, createdAt: _, ...row }) =>
          sql`UPDATE todos SET ${sql.update(row)} WHERE id = ${id} RETURNING *`
      })

      const update = Effect.fn("Todos.update")((id: TodoId, patch: TodoPatch) =>
        Effect.gen(function* () {
          const current = yield* get(id)
          const saved = yield* save(new Todo({ ...current, ...patch, updatedAt: yield* DateTime.now }))
          return yield* orNotFound(id)(saved)
        }).pipe(
          // What was read must still be what is written over.
          sql.withTransaction,
          Effect.catchTags({ SqlError: Effect.die, SchemaError: Effect.die })
        )
      )

      const remove = Effect.fn("Todos.delete")((id: TodoId) =>
        sql`DELETE FROM todos WHERE id = ${id} RETURNING id`.pipe(
          Effect.orDie,
          Effect.flatMap((deleted) => (deleted.length === 0 ? Effect.fail(TodoNotFound.of(id)) : Effect.void))
        )
      )

      const all = Stream.paginate(0, (after) =>
        sql`SELECT * FROM todos WHERE id > ${after} ORDER BY id LIMIT ${exportBatch}`.pipe(
          Effect.flatMap(page),
          Effect.orDie,
          Effect.map((todos) => [
            todos,
            todos.length < exportBatch ? Option.none<number>() : Option.some(todos[todos.length - 1].id)
          ])
        )
      )

      return Todos.of({ list, get, create, createAll, update, delete: remove, all })
    })
  )
}
