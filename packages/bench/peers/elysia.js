import { Elysia, t } from "elysia"
import { created, download, getBytes, HELLO, listening, port, upload, user } from "./lib/app.js"

const NewUser = t.Object({
  name: t.String({ minLength: 1 }),
  email: t.String({ pattern: "^[^\\s@]+@[^\\s@]+$" }),
  age: t.Integer({ minimum: 0, maximum: 150 }),
  bio: t.String(),
  tags: t.Array(t.String())
})

new Elysia({ serve: { maxRequestBodySize: 1024 ** 3 } })
  .get("/", () => HELLO)
  .get("/users/:id", ({ params }) => user(params.id), { params: t.Object({ id: t.Integer() }) })
  .post(
    "/users",
    ({ body, set }) => {
      set.status = 201
      return created(body)
    },
    { body: NewUser }
  )
  .get("/bytes", getBytes)
  .get("/download", download)
  .post("/upload", ({ request }) => upload(request), { parse: "none" })
  .listen({ port, hostname: "127.0.0.1" }, listening)
