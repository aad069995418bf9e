/** The table of faults and attacks says what the tests show. */
import * as Fs from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { faults } from "./support/faults.ts"

const page = Fs.readFileSync(new URL("../../../docs/guides/faults-and-attacks.md", import.meta.url), "utf8")

describe("docs/guides/faults-and-attacks.md", () => {
  it("has a row for each fault that is tested, and no other", () => {
    assert.deepStrictEqual(
      page.split("\n").filter((line) => /^\| (?!what happens|---)/.test(line)),
      faults.map(({ after, does, name }) => `| ${name} | ${does} | ${after} |`)
    )
  })
})
