import { NodeServices } from "@effect/platform-node"
import { NvoServer } from "@nvo/node"
import { Effect, FileSystem, Layer } from "effect"
import { HttpClient } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import * as App from "../src/App.ts"
import { Api } from "../src/api/Api.ts"
import * as Database from "../src/database/Database.ts"

/** The app on a free port of this machine, its todos in `file`, with an `HttpClient` that calls it. */
export const layerFile = (file: string) =>
  App.layer.pipe(Layer.provide(Database.layerFile(file)), Layer.provideMerge(NvoServer.layerTest))

export const nodeServices = NodeServices.layer

/** The name of a database file that is removed with its folder when the test ends. */
export const temporaryFile = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  return `${yield* fs.makeTempDirectoryScoped()}/nested/todo.sqlite`
}).pipe(Effect.provide(nodeServices))

export const layer = Layer.unwrap(Effect.map(temporaryFile, layerFile))

/** The client that is derived from the API's definition: what it decodes is what the definition promises. */
export const client = Effect.flatMap(HttpClient.HttpClient, (httpClient) =>
  HttpApiClient.makeWith(Api, { httpClient })
)
