/** The page of a room, which is the same for all of them: it finds the room's name in its own address. */
import { fileURLToPath } from "node:url"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { RoomPath } from "./Message.ts"

const file = fileURLToPath(new URL("page.html", import.meta.url))

export const Page = Layer.mergeAll(
  HttpRouter.add("GET", "/", HttpServerResponse.redirect("/rooms/lobby")),
  HttpRouter.add(
    "GET",
    "/rooms/:room",
    Effect.andThen(
      HttpRouter.schemaPathParams(RoomPath),
      HttpServerResponse.file(file, { contentType: "text/html; charset=utf-8" })
    )
  )
)
