/** What was said in each room, in a file of SQLite. It survives the program, and a crash of it. */
import { DatabaseSync } from "node:sqlite"
import { Clock, Context, Data, Effect, Layer, Schema } from "effect"
import { Message, type Room, type Said } from "./Message.ts"

/** The file named by `CHAT_DB` cannot be opened as a database. */
export class HistoryNotOpened extends Data.TaggedError("HistoryNotOpened")<{
  readonly filename: string
  readonly cause: unknown
}> {
  override get message() {
    return `The history cannot be opened in ${this.filename}, which is named by CHAT_DB: ${String(this.cause)}`
  }
}

const schema = `
  PRAGMA journal_mode = WAL;
  CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    room TEXT NOT NULL,
    author TEXT NOT NULL,
    text TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS messages_of_room ON messages (room, id);
`

const open = (filename: string) =>
  Effect.acquireRelease(
    Effect.try({
      try: () => {
        const db = new DatabaseSync(filename)
        db.exec(schema)
        return db
      },
      catch: (cause) => new HistoryNotOpened({ filename, cause })
    }),
    (db) => Effect.sync(() => db.close())
  )

const decode = Schema.decodeUnknownEffect(Message)

// What SQLite cannot do for a valid message, such as write to a full disk, is a defect.
export class History extends Context.Service<
  History,
  {
    /** Once this has ended, the message is in the file. */
    add(room: Room, said: Said): Effect.Effect<Message>
    /** The last messages of a room, oldest first. */
    last(room: Room, count: number): Effect.Effect<ReadonlyArray<Message>>
  }
>()("example/History") {
  static readonly layer = (filename: string) =>
    Layer.effect(
      History,
      Effect.gen(function* () {
        const db = yield* open(filename)
        const insert = db.prepare(
          "INSERT INTO messages (room, author, text, at) VALUES (?, ?, ?, ?) RETURNING id, author, text, at"
        )
        const select = db.prepare(
          "SELECT id, author, text, at FROM messages WHERE room = ? ORDER BY id DESC LIMIT ?"
        )
        return History.of({
          add: Effect.fn("History.add")(function* (room, { author, text }) {
            const at = yield* Clock.currentTimeMillis
            return yield* decode(insert.get(room, author, text, at))
          }, Effect.orDie),
          last: Effect.fn("History.last")(
            (room, count) => Effect.forEach(select.all(room, count).reverse(), (row) => decode(row)),
            Effect.orDie
          )
        })
      })
    )
}
