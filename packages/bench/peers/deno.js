import { download, getBytes, getUser, hello, listening, port, postUser, upload } from "./lib/app.js"

Deno.serve({ port, hostname: "127.0.0.1", onListen: listening }, (request) => {
  const { method, url } = request
  const path = url.slice(url.indexOf("/", 8))
  if (method === "GET") {
    if (path === "/") return hello()
    if (path.startsWith("/users/")) return getUser(path.slice(7))
    if (path === "/bytes") return getBytes()
    if (path === "/download") return download()
  } else if (method === "POST") {
    if (path === "/users") return postUser(request)
    if (path === "/upload") return upload(request)
  }
  return new Response("", { status: 404 })
})
