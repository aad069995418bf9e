/** The database of the app: the file named by `TODO_DB`, opened, migrated, and on its first start seeded. */

import { fileURLToPath } from "node:url"
import { Config, Effect, FileSystem, Layer, Path } from "effect"
import { Migrator } from "effect/sql"
import { migrations } from "./Migrations.ts"
import * as SqliteClient from "./SqliteClient.ts"

/** Beside the example's sources, so that it is the same file wherever the app is started from. */
const defaultFilename = fileURLToPath(new URL("../../todo.sqlite", import.meta.url))

export const filename = Config.String("TODO_DB").pipe(Config.withDefault(defaultFilename))

const migrate = Layer.effectDiscard(Migrator.make({})({ loader: migrations }))

export const layerFile = (filename: string) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      yield* fs.makeDirectory(path.dirname(filename), { recursive: true })
      return migrate.pipe(Layer.provideMerge(SqliteClient.layer({ filename })))
    })
  )

export const layer = Layer.unwrap(Effect.map(filename, layerFile))
