/** Todos as CSV (RFC 4180: CRLF between records, quotes doubled inside quotes). */
import { Schema, Stream } from "effect"
import { Todo } from "../domain/Todo.ts"

const columns = ["id", "title", "notes", "completed", "createdAt", "updatedAt"] as const

const cell = (value: unknown): string => {
  const text = String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const encodeTodo = Schema.encodeSync(Todo.json)

const record = (todo: Todo): string => {
  const encoded = encodeTodo(todo)
  return `${columns.map((column) => cell(encoded[column])).join(",")}\r\n`
}

export const encode = <E, R>(todos: Stream.Stream<Todo, E, R>): Stream.Stream<Uint8Array, E, R> =>
  Stream.make(`${columns.join(",")}\r\n`).pipe(Stream.concat(Stream.map(todos, record)), Stream.encodeText)
