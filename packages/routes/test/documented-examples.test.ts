/**
 * Effect's own example of an `HttpApi`, with its tests, as it is documented: only `HttpApiBuilder` is imported from
 * here. (The example can keep its users in SQLite, too, by a package that has no release for this Effect; its tests
 * do not.)
 */
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
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
  ]
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

describe("the documented example", () => {
  it("imports HttpApiBuilder from here where it did from Effect", () => {
    // 10_basics.ts and http.ts for HttpApiBuilder, Users.ts for SQLite.
    expect(changed).toBe(3)
  })
})

await import(pathToFileURL(join(target, "20_testing.ts")).href)
