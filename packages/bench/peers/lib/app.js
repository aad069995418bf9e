// What every server answers, and how the ones without a framework read it. Runs on Node, Bun and Deno.
//
//   GET  /            Hello, World! as text
//   GET  /users/:id   a user as JSON; 400 where the id is no integer
//   POST /users       a user of JSON that is checked; 201, or 400
//   GET  /bytes       64 KiB at once
//   GET  /download    100 MiB in pieces of 64 KiB, without a length
//   POST /upload      reads its body as it comes, and says how many octets there were

export const HELLO = "Hello, World!"
export const PIECE = new Uint8Array(65_536).fill(0x61)
export const PIECES = 1600

export const user = (id) => ({ id, name: `User ${id}`, email: `user${id}@example.com` })

export const integer = (text) => (/^-?\d+$/.test(text) ? Number(text) : undefined)

const email = /^[^\s@]+@[^\s@]+$/

// The same demands as the schemas of the frameworks.
export const isNewUser = (value) =>
  typeof value === "object" &&
  value !== null &&
  typeof value.name === "string" &&
  value.name.length > 0 &&
  typeof value.email === "string" &&
  email.test(value.email) &&
  Number.isInteger(value.age) &&
  value.age >= 0 &&
  value.age <= 150 &&
  typeof value.bio === "string" &&
  Array.isArray(value.tags) &&
  value.tags.every((tag) => typeof tag === "string")

// A user with an id, without what the request had besides.
export const created = ({ age, bio, email, name, tags }) => ({ id: 1, name, email, age, bio, tags })

// The same demands as JSON Schema, which Fastify compiles.
export const newUserSchema = {
  type: "object",
  required: ["name", "email", "age", "bio", "tags"],
  properties: {
    name: { type: "string", minLength: 1 },
    email: { type: "string", pattern: email.source },
    age: { type: "integer", minimum: 0, maximum: 150 },
    bio: { type: "string" },
    tags: { type: "array", items: { type: "string" } }
  }
}

export function* pieces() {
  for (let i = 0; i < PIECES; i++) yield PIECE
}

// A web stream that gives a piece when it is asked for one.
export const webPieces = () => {
  let left = PIECES
  return new ReadableStream(
    {
      pull(controller) {
        if (left-- > 0) controller.enqueue(PIECE)
        else controller.close()
      }
    },
    { highWaterMark: 0 }
  )
}

export const webLength = async (body) => {
  let bytes = 0
  for await (const chunk of body ?? []) bytes += chunk.length
  return bytes
}

export const port = Number(globalThis.Deno === undefined ? process.argv[2] : Deno.args[0])

export const listening = () => console.log(`listening on ${port}`)

// The whole app over the Request and Response of the platform: for Deno.serve, and what Bun.serve's routes leave.
const text = { headers: { "content-type": "text/plain" } }
const bytes = { headers: { "content-type": "application/octet-stream" } }

export const hello = () => new Response(HELLO, text)

export const getUser = (idText) => {
  const id = integer(idText)
  return id === undefined ? new Response("", { status: 400 }) : Response.json(user(id))
}

export const postUser = async (request) => {
  let value
  try {
    value = await request.json()
  } catch {
    return new Response("", { status: 400 })
  }
  return isNewUser(value) ? Response.json(created(value), { status: 201 }) : new Response("", { status: 400 })
}

export const getBytes = () => new Response(PIECE, bytes)

export const download = () => new Response(webPieces(), bytes)

export const upload = async (request) => Response.json({ bytes: await webLength(request.body) })
