/** Why the app did not start, in the words of whoever has to do something about it. */
import { type Config, Console, Data, Effect, type PlatformError, Runtime } from "effect"
import type { HttpServerError } from "effect/http"
import type { Migrator, SqlError } from "effect/sql"

type StartError =
  | Config.ConfigError
  | HttpServerError.ServeError
  | Migrator.MigrationError
  | PlatformError.PlatformError
  | SqlError.SqlError

const codeOf = (cause: unknown): unknown =>
  cause instanceof Error ? ("code" in cause ? cause.code : codeOf(cause.cause)) : undefined

const words: { readonly [Tag in StartError["_tag"]]: (error: Extract<StartError, { _tag: Tag }>) => string } =
  {
    ConfigError: (error) => `The configuration is wrong: ${error.cause.message.replace(/\s+/g, " ")}`,
    ServeError: (error) =>
      codeOf(error.cause) === "EADDRINUSE"
        ? "The port is taken by another program: choose one with PORT=3001"
        : `The server cannot listen: ${String(error.cause)}`,
    MigrationError: (error) => `The database cannot be brought up to date: ${error.message}`,
    PlatformError: (error) => `The folder of the database cannot be made: ${error.message}`,
    SqlError: (error) => `The database cannot be opened: ${error.message}. Its file is named by TODO_DB`
  }

/** Has been explained already: the runtime need not print it again, only exit with 1. */
export class NotStarted extends Data.TaggedError("NotStarted")<{ readonly cause: StartError }> {
  override readonly [Runtime.errorReported] = false
}

export const explain = (cause: StartError): Effect.Effect<never, NotStarted> =>
  Console.error(`\n  ${(words[cause._tag] as (error: StartError) => string)(cause)}\n`).pipe(
    Effect.andThen(Effect.fail(new NotStarted({ cause })))
  )
