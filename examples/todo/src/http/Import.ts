/** Reads an uploaded file of todos, one JSON object a line, and names every line that is not one. */
import { Effect, Result, Schema, SchemaIssue, Stream } from "effect"
import { HttpServerError, type Multipart } from "effect/http"
import { HttpApiError } from "effect/http-api"
import { maxImportBytes } from "../api/Api.ts"
import { ImportTooLarge } from "../api/Problems.ts"
import { type NewTodo, Todo } from "../domain/Todo.ts"

type Refusal = HttpApiError.BadRequestProblem | ImportTooLarge
type Issue = typeof HttpApiError.ProblemIssue.Type

/** Faults that are listed in one answer; a file with more is wrong as a whole. */
const maxIssues = 20

const tooLarge = new ImportTooLarge({
  maxBytes: maxImportBytes,
  detail: "The file is larger than an import may be"
})

const badRequest = (detail: string, errors?: ReadonlyArray<Issue>) =>
  new HttpApiError.BadRequestProblem(errors === undefined ? { detail } : { detail, errors })

/** What each way of breaking the multipart form is answered with. */
const answers = {
  FileTooLarge: tooLarge,
  FieldTooLarge: tooLarge,
  BodyTooLarge: tooLarge,
  TooManyParts: badRequest("The form has more than one part: send one file, in the field `file`"),
  Parse: badRequest("The form is not well-formed multipart/form-data"),
  InternalError: badRequest("The form ended before it was complete")
} as const satisfies Record<Multipart.MultipartErrorReason["_tag"], unknown>

/** A limit of the server itself may end the body before the form's own limits do: same fault, same answer. */
const answer = (reason: Multipart.MultipartErrorReason) =>
  HttpServerError.isHttpServerError(reason.cause) &&
  reason.cause.reason._tag === "RequestParseError" &&
  reason.cause.reason.reason === "BodyTooLarge"
    ? tooLarge
    : answers[reason._tag]

const decodeLine = Schema.decodeUnknownResult(Schema.fromJsonString(Todo.jsonCreate), { errors: "all" })
const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const lineIssues = (line: number, error: Schema.SchemaError): ReadonlyArray<Issue> =>
  formatIssues(error.issue).issues.map(({ message, path }) => ({
    path: ["payload", "file", line, ...(path ?? []).map(String)],
    message
  }))

const decodeLines = (
  lines: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<NewTodo>, HttpApiError.BadRequestProblem> => {
  const todos: Array<NewTodo> = []
  const issues: Array<Issue> = []
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "") continue
    const decoded = decodeLine(line)
    if (Result.isSuccess(decoded)) todos.push(decoded.success)
    else issues.push(...lineIssues(index + 1, decoded.failure))
  }
  return issues.length === 0
    ? Effect.succeed(todos)
    : Effect.fail(badRequest("Nothing was imported: some lines are not todos", issues.slice(0, maxIssues)))
}

/** The only part that counts is the file; anything else in the form is a mistake worth telling about. */
const contentOf = (part: Multipart.Part) =>
  part._tag === "File" && part.key === "file"
    ? atMost(maxImportBytes, part.content)
    : Stream.fail(badRequest("Send the todos as one file, in the field `file`"))

const atMost = <E, R>(limit: number, content: Stream.Stream<Uint8Array, E, R>) =>
  Stream.mapAccumEffect(
    content,
    () => 0,
    (before, chunk) => {
      const size = before + chunk.length
      return size > limit ? Effect.fail(tooLarge) : Effect.succeed([size, [chunk]] as const)
    }
  )

export const decode = Effect.fn("Import.decode")(function* (
  form: Stream.Stream<Multipart.Part, Multipart.MultipartError>
) {
  const lines = yield* form.pipe(
    Stream.flatMap((part): Stream.Stream<Uint8Array, Multipart.MultipartError | Refusal> => contentOf(part)),
    (content) => Stream.decodeText(content),
    Stream.splitLines,
    Stream.runCollect,
    Effect.catchTag("MultipartError", ({ reason }) => Effect.fail(answer(reason)))
  )
  return yield* decodeLines(lines)
})
