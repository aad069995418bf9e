import { HttpApiBuilder } from "@nvo/routes"
import { Effect, Layer } from "effect"
import { HttpApiSchema } from "effect/http-api"
import { Api } from "../api/Api.ts"
import { Todos } from "../Todos.ts"
import * as Csv from "./Csv.ts"
import * as Import from "./Import.ts"

export const TodosHandlers = HttpApiBuilder.group(
  Api,
  "todos",
  Effect.fn(function* (handlers) {
    const todos = yield* Todos
    return handlers.handleAll({
      list: ({ query }) =>
        Effect.map(todos.list(query), (page) => ({ ...page, limit: query.limit, offset: query.offset })),
      get: ({ params }) => todos.get(params.id),
      create: ({ payload }) =>
        Effect.map(todos.create(payload), (todo) =>
          HttpApiSchema.withHeaders({ body: todo, headers: { location: `/todos/${todo.id}` } })
        ),
      update: ({ params, payload }) => todos.update(params.id, payload),
      delete: ({ params }) => todos.delete(params.id),
      export: () => Effect.succeed(todos.all),
      exportCsv: () => Effect.succeed(Csv.encode(todos.all)),
      import: Effect.fnUntraced(function* ({ payload }) {
        const inputs = yield* Import.decode(payload)
        yield* todos.createAll(inputs)
        return { imported: inputs.length }
      })
    })
  })
).pipe(Layer.provide(Todos.layer))
