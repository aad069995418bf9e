// Files that a guide shows are the files themselves.
import * as fs from "node:fs"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { root } from "../lib/workspace.ts"

const read = (file: string): string => fs.readFileSync(path.join(root, file), "utf8")

describe("a file in a guide", () => {
  it("is the test of the todo example, in ten lines at the most", () => {
    const shown = /<!-- begin contract-test: (\S+) -->\n```typescript\n([\s\S]*?)```/.exec(
      read("docs/guides/test-your-api.md")
    )
    const file = read(shown?.[1] ?? "")
    assert.strictEqual(shown?.[2], file)
    assert.isAtMost(file.trimEnd().split("\n").length, 10)
  })
})
