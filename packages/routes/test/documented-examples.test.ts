/**
 * Effect's own example of an `HttpApi`, as a program and with its tests, as it is documented: only `HttpApiBuilder` is
 * imported from here. (The program keeps its users in SQLite, by a package that has no release for this Effect: here it
 * keeps them in memory, as its tests do, and listens on a free port.)
 */
import { execFile } from "node:child_process"
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { dirname, join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { describe, expect, it } from "@effect/vitest"

const here = dirname(fileURLToPath(import.meta.url))
const effect = dirname(fileURLToPath(import.meta.resolve("effect/package.json")))
const source = join(effect, "ai-docs/src/51_http-server")
const target = join(here, "../.tsbuild/documented-examples")

const changes: ReadonlyArray<readonly [from: RegExp, to: string]> = [
  [
    /import \{ HttpApiBuilder, (.*) \} from "effect\/http-api"/,
    'import { HttpApiBuilder } from "@nvo/routes"\nimport { $1 } from "effect/http-api"'
  ],
  [
    /import \{ SqliteClient, SqliteMigrator \} from "@effect\/sql-sqlite-node"/,
    "const [SqliteClient, SqliteMigrator] = [{ layer: () => Layer.empty }, { fromRecord: () => {}, layer: () => Layer.empty }]"
  ],
  [/Layer\.provide\(\[Users\.layer,/, "Layer.provide([Users.layerMemory,"]
]

rmSync(target, { recursive: true, force: true })
mkdirSync(target, { recursive: true })
cpSync(source, target, { recursive: true })
let changed = 0
for (const name of globSync("**/*.ts", { cwd: target })) {
  const file = join(target, name)
  const text = readFileSync(file, "utf8")
  const rewritten = changes.reduce((text, [from, to]) => text.replace(from, to), text)
  if (rewritten !== text) changed++
  writeFileSync(file, rewritten)
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

const run = (file: string): Promise<{ error: Error | null; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [file], (error, stdout, stderr) => resolve({ error, stdout, stderr }))
  })

// What a user of the example would try: its client, its routes with and without the token, its documents.
const calls = (port: number): string => `
import { Effect } from "effect"
import { callApi, handler } from "./10_basics.ts"
const url = "http://localhost:${port}"
const get = (path, token) => fetch(url + path, token ? { headers: { authorization: "Bearer dev-token" } } : {})
await Effect.runPromise(callApi)
console.log("health: called")
for (const path of ["/health", "/users/"]) console.log(path + ": " + (await get(path)).status)
const me = await get("/users/me", true)
console.log("/users/me: " + me.status + " " + (await me.json()).name)
for (const path of ["/openapi.json", "/docs"]) console.log(path + ": " + (await get(path)).status)
console.log("handler: " + (await handler(new Request(url + "/users/"))).status)
process.exit(0)
`

describe("the documented example", () => {
  it("imports HttpApiBuilder from here where it did from Effect", () => {
    // 10_basics.ts and http.ts for HttpApiBuilder, Users.ts for SQLite.
    expect(changed).toBe(3)
  })

  it("serves, is called by its own client, and is a web handler", { timeout: 60_000 }, async () => {
    const port = await freePort()
    const main = join(target, "10_basics.ts")
    writeFileSync(main, readFileSync(main, "utf8").replaceAll("3000", `${port}`))
    writeFileSync(join(target, "calls.ts"), calls(port))
    const { error, stdout, stderr } = await run(join(target, "calls.ts"))
    expect(error, stderr).toBeNull()
    const [called, ...answers] = stdout.split("\n").filter((line) => /^\S+: /.test(line))
    expect(called).toBe("health: called")
    expect(answers).toStrictEqual([
      "/health: 204",
      "/users/: 401",
      "/users/me: 200 Dev User",
      "/openapi.json: 200",
      "/docs: 200",
      "handler: 401"
    ])
  })
})

await import(pathToFileURL(join(target, "20_testing.ts")).href)
