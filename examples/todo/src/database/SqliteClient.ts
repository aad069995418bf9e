/**
 * An `effect/sql` client over `node:sqlite`, the SQLite that is built into Node: nothing to install.
 *
 * One connection, lent to one statement or transaction at a time. Statements run on the calling thread, so
 * whoever reads many rows should read them in pages (see `Todos.all`): a `Statement.stream` holds the
 * connection for as long as its reader takes.
 */

import { DatabaseSync, type SQLInputValue } from "node:sqlite"
import { Effect, Layer, Option, Semaphore, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient, type SqlConnection, SqlError, Statement } from "effect/sql"

export interface SqliteConfig {
  readonly filename: string
}

/** Milliseconds to wait for another process that holds the file's lock. The wait blocks this thread. */
const lockTimeout = 1000

/** Rows of a stream that are read before its consumer is asked to go on. */
const streamBatch = 128

const attempt = <A>(operation: string, run: () => A): Effect.Effect<A, SqlError.SqlError> =>
  Effect.try({
    try: run,
    catch: (cause) =>
      new SqlError.SqlError({
        reason: SqlError.classifySqliteError(withErrno(cause), { operation, message: messageOf(cause) })
      })
  })

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** `node:sqlite` calls SQLite's result code `errcode`; the classification of `effect/sql` reads `errno`. */
const withErrno = (cause: unknown): unknown =>
  cause instanceof Error && "errcode" in cause ? Object.assign(cause, { errno: cause.errcode }) : cause

const take = <A>(iterator: Iterator<A>, count: number): Array<A> => {
  const taken: Array<A> = []
  while (taken.length < count) {
    const next = iterator.next()
    if (next.done === true) break
    taken.push(next.value)
  }
  return taken
}

const makeConnection = (db: DatabaseSync): SqlConnection.Connection => {
  const values = (params: ReadonlyArray<unknown>) => params as ReadonlyArray<SQLInputValue>

  const rows = (sql: string, params: ReadonlyArray<unknown>) =>
    attempt("execute", (): ReadonlyArray<object> => db.prepare(sql).all(...values(params)))

  const arrays = (sql: string, params: ReadonlyArray<unknown>) =>
    attempt("execute", () => {
      const statement = db.prepare(sql)
      statement.setReturnArrays(true)
      return statement.all(...values(params)) as unknown as ReadonlyArray<ReadonlyArray<unknown>>
    })

  const execute: SqlConnection.Connection["execute"] = (sql, params, transformRows) =>
    transformRows === undefined ? rows(sql, params) : Effect.map(rows(sql, params), transformRows)

  return {
    execute,
    executeUnprepared: execute,
    executeRaw: rows,
    executeValues: arrays,
    executeValuesUnprepared: arrays,
    executeStream: (sql, params, transformRows) =>
      Stream.unwrap(
        Effect.map(
          attempt("prepare", () => db.prepare(sql).iterate(...values(params))),
          (iterator) =>
            Stream.paginate(iterator, (iterator) =>
              attempt("execute", () => {
                const batch = take(iterator, streamBatch)
                const done = batch.length < streamBatch
                return [
                  transformRows === undefined ? batch : transformRows(batch),
                  done ? Option.none() : Option.some(iterator)
                ] as const
              })
            )
        )
      )
  }
}

export const make = Effect.fnUntraced(function* (config: SqliteConfig) {
  const db = yield* Effect.acquireRelease(
    attempt("open", () => {
      const db = new DatabaseSync(config.filename, { timeout: lockTimeout })
      db.exec("PRAGMA journal_mode = WAL")
      return db
    }),
    (db) => Effect.sync(() => db.close())
  )
  const acquirers = SqlClient.makeSqliteAcquirers({
    connection: Effect.succeed(makeConnection(db)),
    semaphore: yield* Semaphore.make(1),
    isTransaction: () => db.isTransaction
  })
  return yield* SqlClient.make({
    ...acquirers,
    compiler: Statement.makeCompilerSqlite(),
    driver: "node-sqlite",
    // A transaction that reads first and writes later must not find the file locked in between.
    beginTransaction: "BEGIN IMMEDIATE",
    spanAttributes: [["db.system.name", "sqlite"]]
  })
})

export const layer = (config: SqliteConfig): Layer.Layer<SqlClient.SqlClient, SqlError.SqlError> =>
  Layer.effect(SqlClient.SqlClient, make(config)).pipe(Layer.provide(Reactivity.layer))
