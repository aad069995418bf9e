// `npm run simulate`, by the commands of its guide.
import * as fs from "node:fs"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { root, run } from "../lib/workspace.ts"

const guide = fs.readFileSync(path.join(root, "docs/guides/replay-a-seed.md"), "utf8")

const commands = [...guide.matchAll(/^npm run simulate -- (.*)$/gm)].map(([_, args]) => args.split(" "))

describe("npm run simulate", () => {
  it("runs the seeds that it is asked for", async () => {
    const [[option]] = commands
    assert.strictEqual(option, "--seeds")
    const { code, stdout } = await run("node", ["scripts/simulate.ts", option, "60", "--cores", "2"], root)
    assert.match(stdout, /^60 seeds, [0-9]+ requests: nothing is wrong$/m)
    assert.strictEqual(code, 0)
  })

  it("shows what the guide shows, and fails", async () => {
    const { code, stdout } = await run("node", ["scripts/simulate.ts", ...commands[1]], root)
    const shown = /```text\n([\s\S]*?)```/.exec(guide)?.[1].trimEnd().split("\n") ?? []
    assert.isAbove(shown.length, 5)
    let from = 0
    for (const line of shown.filter((line) => line !== "…")) {
      const at = stdout.indexOf(`${line}\n`, from)
      assert.notStrictEqual(at, -1, `${line}\n is not shown by\n${stdout}`)
      from = at + line.length
    }
    assert.strictEqual(code, 1)
  })

  it("says how to repeat a seed that fails", async () => {
    const { code, stderr } = await run(
      "node",
      ["scripts/simulate.ts", "--seeds", "20", "--canary", "leaks-registration", "--cores", "1"],
      root
    )
    assert.match(stderr, /replay it with: npm run simulate -- --seed [0-9]+ --canary leaks-registration/)
    assert.strictEqual(code, 1)
  })
})
