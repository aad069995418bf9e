/** The page of what the RFCs of HTTP/2 ask: each of its rows names a test that is there. */
import * as fs from "node:fs"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as ErrorCode from "@nvo/protocol/http2/ErrorCode"

const packages = path.join(import.meta.dirname, "..", "..")

interface Row {
  readonly section: string
  readonly text: string
  /** What ends, and with which code; or the status. Empty where nothing is refused. */
  readonly due: string
  /** The package and the file of the test, without its ending. */
  readonly file: string
  /** What its name holds. */
  readonly test: string
}

const page = fs.readFileSync(new URL("../../../docs/http2-conformance.md", import.meta.url), "utf8")

const lines = page.split("\n").filter((line) => line.startsWith("| RFC"))

const form =
  /^\| (?<section>RFC \d{4} [^|]+) \| (?<text>[^|]+) \| (?:`(?<due>[^|`]+)`)? ?\| `(?<file>(?:protocol|node)\/[a-z0-9-]+)`: (?<test>[^|]+) \|$/

const rows = lines.flatMap((line): ReadonlyArray<Row> => {
  const groups = form.exec(line)?.groups
  if (groups === undefined) return []
  const { due = "", file, section, test, text } = groups
  return [{ section, text, due, file, test }]
})

const sources = new Map<string, string>()

const sourceOf = (file: string): string => {
  const [name, test] = file.split("/")
  const known = sources.get(file)
  const source = known ?? fs.readFileSync(path.join(packages, name, "test", `${test}.test.ts`), "utf8")
  sources.set(file, source)
  return source
}

const codes = Array.from({ length: 14 }, (_, code) => ErrorCode.nameOf(code)).join("|")

describe("docs/http2-conformance.md", () => {
  it("has no row that cannot be read", () => {
    assert.deepStrictEqual(
      lines.filter((line) => !form.test(line)),
      []
    )
    assert.isAbove(rows.length, 70)
  })

  it("names a test for each obligation that is there", () => {
    for (const { file, test } of rows) {
      assert.isTrue(sourceOf(file).includes(test), `${file}: ${test}`)
    }
  })

  it("says what ends with an error, and the code", () => {
    const due = new RegExp(`^(?:(?:stream|connection|stream or connection) (?:${codes})|[45]\\d\\d)$`)
    for (const row of rows) {
      if (row.due !== "" && row.due !== "by the table of states") assert.match(row.due, due, row.text)
    }
  })
})
