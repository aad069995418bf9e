import http from "node:http"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { created, HELLO, integer, isNewUser, listening, PIECE, pieces, port, user } from "./lib/app.js"

const answer = (response, status, type, body) => {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) })
  response.end(body)
}

const json = (response, status, value) => answer(response, status, "application/json", JSON.stringify(value))

const post = async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  let value
  try {
    value = JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    return answer(response, 400, "text/plain", "")
  }
  return isNewUser(value) ? json(response, 201, created(value)) : answer(response, 400, "text/plain", "")
}

const upload = async (request, response) => {
  let bytes = 0
  for await (const chunk of request) bytes += chunk.length
  json(response, 200, { bytes })
}

const server = http.createServer((request, response) => {
  const { method, url } = request
  if (method === "GET") {
    if (url === "/") return answer(response, 200, "text/plain", HELLO)
    if (url.startsWith("/users/")) {
      const id = integer(url.slice(7))
      return id === undefined ? answer(response, 400, "text/plain", "") : json(response, 200, user(id))
    }
    if (url === "/bytes") return answer(response, 200, "application/octet-stream", PIECE)
    if (url === "/download") {
      response.writeHead(200, { "content-type": "application/octet-stream" })
      return pipeline(Readable.from(pieces()), response).catch(() => {})
    }
  }
  if (method === "POST") {
    if (url === "/users") return post(request, response).catch(() => response.destroy())
    if (url === "/upload") return upload(request, response).catch(() => response.destroy())
  }
  answer(response, 404, "text/plain", "")
})
server.listen(port, "127.0.0.1", listening)
