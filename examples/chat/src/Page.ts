/** The page of a room, which is the same for all of them: it finds the room's name in its own address. */
import { fileURLToPath } from "node:url"
import { Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"

const file = fileURLToPath(new URL("page.html", import.meta.url))

export const Page = Layer.mergeAll(
  HttpRouter.add("GET", "/", HttpServerResponse.redirect("/rooms/lobby")),
  HttpRouter.add(
    "GET",
    "/rooms/:room",
    HttpServerResponse.file(file, { contentType: "text/html; charset=utf-8" })
  )
)
