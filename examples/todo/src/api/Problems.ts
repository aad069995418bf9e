/** What can go wrong, as RFC 9457 problems: errors in the program, `application/problem+json` on the wire. */
import { Schema } from "effect"
import { HttpApiError } from "effect/http-api"
import { TodoId } from "../domain/Todo.ts"

export class TodoNotFound extends HttpApiError.Problem<TodoNotFound>()(
  "TodoNotFound",
  { type: "tag:nvo,2026:todo-not-found", status: 404, title: "Todo not found" },
  { id: TodoId }
) {
  static of(id: TodoId): TodoNotFound {
    return new TodoNotFound({ id, detail: `There is no todo with id ${id}` })
  }
}

export class ImportTooLarge extends HttpApiError.Problem<ImportTooLarge>()(
  "ImportTooLarge",
  { type: "tag:nvo,2026:import-too-large", status: 413, title: "Import too large" },
  { maxBytes: Schema.Int }
) {}
