/** The table of what the RFCs of HTTP/2 ask: each row has its test, and the page says what the table says. */
import * as fs from "node:fs"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { obligations } from "./support/http2Obligations.ts"

const page = fs.readFileSync(new URL("../../../docs/http2-conformance.md", import.meta.url), "utf8")

describe("docs/http2-conformance.md", () => {
  it("has a row for each obligation, and no other", () => {
    assert.deepStrictEqual(
      page.split("\n").filter((line) => /^\| RFC/.test(line)),
      obligations.map(
        ({ due, file, section, text }) =>
          `| ${section} | ${text} | ${due === "" ? "" : `\`${due}\``} | \`${file}\` |`
      )
    )
  })

  it("names a test for each that is there", () => {
    const texts = new Map<string, string>()
    for (const { file, test } of obligations) {
      const text =
        texts.get(file) ?? fs.readFileSync(path.join(import.meta.dirname, `${file}.test.ts`), "utf8")
      texts.set(file, text)
      assert.isTrue(text.includes(test), `${file}: ${test}`)
    }
  })
})
