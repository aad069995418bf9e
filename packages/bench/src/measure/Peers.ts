/** The servers of the benchmark: how each is started, and what version it is. */
import { existsSync, readFileSync } from "node:fs"

export interface Peer {
  readonly id: string
  readonly title: string
  readonly runtime: "node" | "bun" | "deno"
  /** What stands behind the runtime on the command line, before the port. */
  readonly args: ReadonlyArray<string>
  /** The npm package whose version is told. */
  readonly package?: string
  /** Whether it can be told how many services its app has, behind the port. */
  readonly takesServices?: boolean
}

const peers = new URL("../../peers/", import.meta.url)
const local = (file: string) => new URL(file, peers).pathname
const effectServer = new URL("./server.ts", import.meta.url).pathname

export const all: ReadonlyArray<Peer> = [
  { id: "nvo", title: "nvo", runtime: "node", args: [effectServer, "nvo"], takesServices: true },
  {
    id: "platform-node",
    title: "@effect/platform-node",
    runtime: "node",
    args: [effectServer, "platform-node"],
    package: "@effect/platform-node",
    takesServices: true
  },
  { id: "node-http", title: "node:http", runtime: "node", args: [local("nodeHttp.js")] },
  { id: "fastify", title: "Fastify", runtime: "node", args: [local("fastify.js")], package: "fastify" },
  { id: "hono", title: "Hono on Node", runtime: "node", args: [local("hono.js")], package: "hono" },
  { id: "bun", title: "Bun.serve", runtime: "bun", args: [local("bun.js")] },
  { id: "elysia", title: "Elysia on Bun", runtime: "bun", args: [local("elysia.js")], package: "elysia" },
  {
    id: "deno",
    title: "Deno.serve",
    runtime: "deno",
    args: ["run", "--quiet", "--allow-net=127.0.0.1", local("deno.js")]
  },
  { id: "node-net", title: "node:net, fixed answers", runtime: "node", args: [local("nodeNet.js")] }
]

export const byId = (id: string): Peer | undefined => all.find((peer) => peer.id === id)

// The programs themselves: the commands in `.bin` are scripts that start them.
const programs = {
  node: process.execPath,
  bun: local("node_modules/bun/bin/bun.exe"),
  deno: local("node_modules/deno/deno")
}

export const program = (peer: Peer): string => programs[peer.runtime]

/** Whether it can be started: some of the peers need no more than Node. */
export const isInstalled = (peer: Peer): boolean =>
  existsSync(program(peer)) && (peer.package === undefined || installed(peer.package) !== undefined)

const installed = (name: string): string | undefined => {
  for (const from of [peers, new URL("../../", import.meta.url)]) {
    const file = new URL(`node_modules/${name}/package.json`, from)
    if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")).version
  }
  return undefined
}

/** Runtimes and packages with their versions. */
export const versions = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [
      ["Node", process.versions.node],
      ["effect", installed("effect")],
      ["@effect/platform-node", installed("@effect/platform-node")],
      ...["fastify", "hono", "@hono/node-server", "bun", "elysia", "deno"].map((name) => [
        name,
        installed(name)
      ])
    ].filter((entry): entry is [string, string] => entry[1] !== undefined)
  )
