/** The whole API as a value: the server implements it, clients and the docs page are derived from it. */
import { Schema } from "effect"
import { Multipart } from "effect/http"
import {
  HttpApi,
  HttpApiEndpoint,
  HttpApiGroup,
  HttpApiMiddleware,
  HttpApiSchema,
  OpenApi
} from "effect/http-api"
import { Todo, TodoFilter, TodoId, TodoPage } from "../domain/Todo.ts"
import { ImportTooLarge, TodoNotFound } from "./Problems.ts"

/** Bytes of an imported file. It is held in memory until its last line has been checked. */
export const maxImportBytes = 256 * 1024

const summary = (text: string) => OpenApi.annotations({ summary: text })

export class TodosGroup extends HttpApiGroup.make("todos")
  .add(
    HttpApiEndpoint.get("list", "/", {
      query: TodoFilter.fields,
      success: TodoPage
    }).annotateMerge(summary("List todos, newest first, by completion and text, in pages")),

    HttpApiEndpoint.get("export", "/export", {
      success: HttpApiSchema.StreamNdjson({ schema: Todo.json })
    }).annotateMerge(summary("Export every todo, one JSON object a line, streamed from the database")),

    HttpApiEndpoint.get("exportCsv", "/export.csv", {
      success: HttpApiSchema.StreamUint8Array({ contentType: "text/csv; charset=utf-8" })
    }).annotateMerge(summary("Export every todo as CSV, streamed from the database")),

    HttpApiEndpoint.post("import", "/import", {
      payload: Schema.Struct({ file: Multipart.SingleFileSchema }).pipe(
        HttpApiSchema.asMultipartStream({
          maxParts: 1,
          // The form around the file comes on top of it; the file itself is counted where it is read.
          maxTotalSize: maxImportBytes + 4096
        })
      ),
      success: Schema.Struct({ imported: Schema.Int }).pipe(HttpApiSchema.status(201)),
      error: ImportTooLarge
    }).annotateMerge(summary("Import a file of todos, one JSON object a line: all of it or nothing")),

    HttpApiEndpoint.get("get", "/:id", {
      params: { id: TodoId },
      success: Todo.json,
      error: TodoNotFound
    }).annotateMerge(summary("Get one todo")),

    HttpApiEndpoint.post("create", "/", {
      payload: Todo.jsonCreate,
      success: HttpApiSchema.WithHeaders(Todo.json.pipe(HttpApiSchema.status(201)), {
        location: Schema.String
      })
    }).annotateMerge(summary("Create a todo")),

    HttpApiEndpoint.patch("update", "/:id", {
      params: { id: TodoId },
      payload: Todo.jsonUpdate,
      success: Todo.json,
      error: TodoNotFound
    }).annotateMerge(summary("Change the given fields of a todo")),

    HttpApiEndpoint.delete("delete", "/:id", {
      params: { id: TodoId },
      success: HttpApiSchema.NoContent,
      error: TodoNotFound
    }).annotateMerge(summary("Delete a todo"))
  )
  .prefix("/todos")
  .annotateMerge(OpenApi.annotations({ title: "Todos" })) {}

export class Api extends HttpApi.make("todo")
  .add(TodosGroup)
  .middleware(HttpApiMiddleware.ProblemDetails)
  // Every fault of a request is named at once, a misspelt field among them.
  .annotate(HttpApi.ParseOptions, { errors: "all" })
  .annotate(HttpApi.PayloadParseOptions, { errors: "all", onExcessProperty: "error" })
  .annotateMerge(
    OpenApi.annotations({
      title: "Todo API",
      version: "1.0.0",
      description: "The example of nvo: todos in SQLite"
    })
  ) {}
