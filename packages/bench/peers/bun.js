import { download, getBytes, getUser, hello, listening, port, postUser, upload } from "./lib/app.js"

Bun.serve({
  port,
  hostname: "127.0.0.1",
  maxRequestBodySize: 1024 ** 3,
  routes: {
    "/": { GET: hello },
    "/users/:id": { GET: (request) => getUser(request.params.id) },
    "/users": { POST: postUser },
    "/bytes": { GET: getBytes },
    "/download": { GET: download },
    "/upload": { POST: upload }
  },
  fetch: () => new Response("", { status: 404 })
})
listening()
