/** The loads: what is asked, by how many connections, and how it is measured. */

export interface Load {
  readonly id: string
  readonly title: string
  readonly kind: "requests" | "transfer" | "idle"
  /** What is sent, without its Host field, which the generator adds. */
  readonly method: "GET" | "POST"
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly connections: number
  /** Requests that a connection has under way at once. */
  readonly pipelined: number
  /** Whether it sends at 70 % of what the server can do, by the clock, and not as fast as answers come. */
  readonly paced: boolean
  /** Whether a server that gives fixed answers can take part. */
  readonly floor: boolean
  /** Services that stand in the context of the Effect apps besides their own. */
  readonly services: number
  /** Rounds over all servers, and seconds of load for a server in a round, where the command line says nothing. */
  readonly rounds: number
  readonly seconds: number
}

const defaults = {
  kind: "requests",
  method: "GET",
  path: "/",
  headers: {},
  body: "",
  connections: 64,
  pipelined: 1,
  paced: false,
  floor: true,
  services: 0,
  // All loads on all servers are to take less than twenty minutes.
  rounds: 4,
  seconds: 1
} as const

const jsonGet = { ...defaults, path: "/users/7", floor: false } as const

// What Chromium 143 sends when a page is opened.
const browser: Readonly<Record<string, string>> = {
  Connection: "keep-alive",
  "Cache-Control": "max-age=0",
  "sec-ch-ua": '"Chromium";v="143", "Not.A/Brand";v="24", "Google Chrome";v="143"',
  "sec-ch-ua-mobile": "?0",
  "sec-ch-ua-platform": '"Linux"',
  "Upgrade-Insecure-Requests": "1",
  "User-Agent":
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",
  Accept: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
  "Sec-Fetch-Site": "none",
  "Sec-Fetch-Mode": "navigate",
  "Sec-Fetch-User": "?1",
  "Sec-Fetch-Dest": "document",
  "Accept-Encoding": "gzip, deflate, br, zstd",
  "Accept-Language": "en-US,en;q=0.9",
  Cookie: "session=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08; theme=dark"
}

/** One kilobyte of JSON. */
const newUser = JSON.stringify({
  name: "Ada Lovelace",
  email: "ada@example.com",
  age: 36,
  bio: "Analyst, metaphysician, and founder of scientific computing. ".repeat(15),
  tags: ["mathematics", "poetry", "engines", "bernoulli"]
})

export const loads: ReadonlyArray<Load> = [
  { ...defaults, id: "hello-1", title: "hello, 1 connection", connections: 1 },
  { ...defaults, id: "hello-64", title: "hello, 64 connections", rounds: 7, seconds: 2 },
  { ...defaults, id: "hello-512", title: "hello, 512 connections", connections: 512 },
  { ...defaults, id: "pipelined", title: "hello, 16 pipelined on each of 64 connections", pipelined: 16 },
  {
    ...defaults,
    id: "connect",
    title: "hello, a new connection each time",
    headers: { Connection: "close" }
  },
  { ...defaults, id: "browser", title: "hello with a browser's fields", headers: browser },
  { ...jsonGet, id: "json-get", title: "GET /users/:id, typed JSON", rounds: 7 },
  {
    ...jsonGet,
    id: "json-get-30",
    title: "GET /users/:id, typed JSON, 30 services in the app",
    services: 30
  },
  {
    ...defaults,
    id: "json-post",
    title: "POST /users, 1 KB of validated JSON",
    method: "POST",
    path: "/users",
    headers: { "Content-Type": "application/json" },
    body: newUser,
    floor: false,
    rounds: 7
  },
  { ...defaults, id: "bytes", title: "an answer of 64 KiB", path: "/bytes" },
  { ...defaults, id: "latency", title: "hello, 64 connections at 70 % of capacity", paced: true, rounds: 3 },
  {
    ...defaults,
    id: "download",
    title: "100 MiB streamed down",
    kind: "transfer",
    path: "/download",
    connections: 1
  },
  {
    ...defaults,
    id: "upload",
    title: "100 MiB streamed up",
    kind: "transfer",
    method: "POST",
    path: "/upload",
    headers: { "Content-Type": "application/octet-stream" },
    connections: 1
  },
  { ...defaults, id: "idle", title: "10,000 idle connections", kind: "idle", connections: 10_000, rounds: 3 }
]

/** Octets of a transfer. */
export const TRANSFER = 104_857_600

/** The request as it is sent. */
export const requestText = (load: Load, length = load.body.length): string =>
  [
    `${load.method} ${load.path} HTTP/1.1`,
    "Host: 127.0.0.1",
    ...Object.entries(load.headers).map(([name, value]) => `${name}: ${value}`),
    ...(load.method === "POST" ? [`Content-Length: ${length}`] : []),
    "",
    load.body
  ].join("\r\n")
