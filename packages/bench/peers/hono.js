import { serve } from "@hono/node-server"
import { Hono } from "hono"
import { validator } from "hono/validator"
import {
  created,
  HELLO,
  integer,
  isNewUser,
  listening,
  PIECE,
  port,
  user,
  webLength,
  webPieces
} from "./lib/app.js"

const app = new Hono()

app.get("/", (c) => c.text(HELLO))

app.get("/users/:id", (c) => {
  const id = integer(c.req.param("id"))
  return id === undefined ? c.text("", 400) : c.json(user(id))
})

app.post(
  "/users",
  validator("json", (value, c) => (isNewUser(value) ? value : c.text("", 400))),
  (c) => c.json(created(c.req.valid("json")), 201)
)

app.get("/bytes", (c) => c.body(PIECE, 200, { "content-type": "application/octet-stream" }))

app.get("/download", (c) => c.body(webPieces(), 200, { "content-type": "application/octet-stream" }))

app.post("/upload", async (c) => c.json({ bytes: await webLength(c.req.raw.body) }))

serve({ fetch: app.fetch, port, hostname: "127.0.0.1" }, listening)
