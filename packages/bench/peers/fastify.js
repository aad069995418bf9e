import { Readable } from "node:stream"
import Fastify from "fastify"
import { created, HELLO, listening, newUserSchema, PIECE, pieces, port, user } from "./lib/app.js"

const userSchema = {
  type: "object",
  properties: { id: { type: "integer" }, name: { type: "string" }, email: { type: "string" } }
}

const app = Fastify()

app.get("/", (_request, reply) => reply.type("text/plain").send(HELLO))

app.get(
  "/users/:id",
  {
    schema: {
      params: { type: "object", properties: { id: { type: "integer" } } },
      response: { 200: userSchema }
    }
  },
  (request, reply) => reply.send(user(request.params.id))
)

app.post(
  "/users",
  {
    schema: {
      body: newUserSchema,
      response: {
        201: { type: "object", properties: { id: { type: "integer" }, ...newUserSchema.properties } }
      }
    }
  },
  (request, reply) => reply.code(201).send(created(request.body))
)

app.get("/bytes", (_request, reply) => reply.type("application/octet-stream").send(Buffer.from(PIECE.buffer)))

app.get("/download", (_request, reply) =>
  reply.type("application/octet-stream").send(Readable.from(pieces()))
)

// The body as it comes, and not as a whole.
app.addContentTypeParser("application/octet-stream", (_request, payload, done) => done(null, payload))

app.post("/upload", { bodyLimit: 1024 ** 3 }, async (request) => {
  let bytes = 0
  for await (const chunk of request.body) bytes += chunk.length
  return { bytes }
})

await app.listen({ port, host: "127.0.0.1" })
listening()
