import { assert, describe, it } from "@effect/vitest"
import { isCompatible } from "../lib/licences.ts"

const expressions: ReadonlyArray<readonly [expression: string, compatible: boolean]> = [
  ["MIT", true],
  ["(MIT)", true],
  ["GPL-3.0-only", false],
  ["Unknown", false],
  ["", false],
  ["SEE LICENSE IN LICENSE.md", false],
  ["MIT OR GPL-3.0-only", true],
  ["(GPL-2.0-only OR Apache-2.0)", true],
  ["MIT AND GPL-3.0-only", false],
  ["MIT AND (GPL-2.0-only OR BSD-3-Clause)", true],
  ["(MIT AND GPL-2.0-only) OR AGPL-3.0-only", false],
  ["GPL-3.0-only AND MIT OR ISC", true]
]

describe("licences", () => {
  for (const [expression, compatible] of expressions) {
    it(`${expression || "no licence"} is ${compatible ? "" : "not "}compatible with MIT`, () => {
      assert.strictEqual(isCompatible(expression), compatible)
    })
  }
})
