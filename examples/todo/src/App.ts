/** The app, layer on layer: routes on a database, both on a server, and a word to whoever started it. */
import { Layer } from "effect"
import { HttpRouter } from "effect/http"
import { Banner } from "./Banner.ts"
import * as Database from "./database/Database.ts"
import { Routes } from "./http/Routes.ts"
import { ServerLive } from "./Server.ts"

/** The routes, served: on any server and any database. */
export const layer = HttpRouter.serve(Routes, { disableListenLog: true })

/** What `npm start` runs, configured by the environment. */
export const App = Banner.pipe(Layer.provide(layer), Layer.provide(Database.layer), Layer.provide(ServerLive))
