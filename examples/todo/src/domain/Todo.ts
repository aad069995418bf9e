/**
 * A todo, once: the database row, the JSON that goes out and the JSON that comes in are variants of one
 * definition.
 */
import { Effect, Schema } from "effect"
import { Model } from "effect/schema"

export const TodoId = Schema.Int.check(Schema.isGreaterThan(0)).pipe(Schema.brand("TodoId"))
export type TodoId = typeof TodoId.Type

/** Spaces at the ends are dropped before the length is judged. */
export const Title = Schema.Trim.check(Schema.isMinLength(1), Schema.isMaxLength(200))

export const Notes = Schema.String.check(Schema.isMaxLength(2000))

export class Todo extends Model.Class<Todo>("Todo")({
  id: Model.GeneratedByDb(TodoId),
  title: Model.Field({
    select: Title,
    insert: Title,
    json: Title,
    jsonCreate: Title,
    jsonUpdate: Schema.optionalKey(Title)
  }),
  notes: Model.Field({
    select: Notes,
    insert: Notes,
    json: Notes,
    jsonCreate: Notes.pipe(Schema.withDecodingDefaultKey(Effect.succeed(""))),
    jsonUpdate: Schema.optionalKey(Notes)
  }),
  completed: Model.Field({
    select: Schema.BooleanFromBit,
    insert: Schema.BooleanFromBit,
    json: Schema.Boolean,
    jsonCreate: Schema.Boolean.pipe(Schema.withDecodingDefaultKey(Effect.succeed(false))),
    jsonUpdate: Schema.optionalKey(Schema.Boolean)
  }),
  createdAt: Model.DateTimeInsert,
  updatedAt: Model.Field({
    select: Schema.DateTimeUtcFromString,
    insert: Model.DateTimeInsert.schemas.insert,
    json: Schema.DateTimeUtcFromString
  })
}) {}

export type NewTodo = typeof Todo.jsonCreate.Type
export type TodoPatch = typeof Todo.jsonUpdate.Type

export const TodoFilter = Schema.Struct({
  completed: Schema.optionalKey(Schema.Boolean),
  search: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(200))),
  limit: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 })).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed(20))
  ),
  offset: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed(0))
  )
})
export type TodoFilter = typeof TodoFilter.Type

export const TodoPage = Schema.Struct({
  items: Schema.Array(Todo.json),
  total: Schema.Int,
  limit: Schema.Int,
  offset: Schema.Int
})
