/** The page of what the RFCs of HTTP/2 ask: each of its rows names a test that is there, and no section is left out. */
import * as fs from "node:fs"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as ErrorCode from "@nvo/protocol/http2/ErrorCode"

const packages = path.join(import.meta.dirname, "..", "..")

const page = fs.readFileSync(new URL("../../../docs/http2-conformance.md", import.meta.url), "utf8")

const lines = page.split("\n").filter((line) => line.startsWith("| RFC"))

// Section, obligation, what is due; and the test by its file, or why there is none.
const form =
  /^\| (?<section>RFC \d{4} [^|]+) \| (?<text>[^|]+) \| (?:`(?<due>[^|`]+)`)? ?\| (?:`(?<file>(?:protocol|server|node)\/[a-z0-9-]+)`: (?<test>[^|]+)|none: (?<reason>[^|]+)) \|$/

interface Row {
  readonly line: string
  readonly section?: string
  readonly due?: string
  /** The package and the file of the test, and what its name holds; nothing where there is none. */
  readonly file?: string
  readonly test?: string
}

const rows = lines.map((line): Row => ({ line, ...form.exec(line)?.groups }))

const sources = new Map<string, string>()

const sourceOf = (file: string): string => {
  const known = sources.get(file)
  if (known !== undefined) return known
  const [name, test] = file.split("/")
  const source = fs.readFileSync(path.join(packages, name, "test", `${test}.test.ts`), "utf8")
  sources.set(file, source)
  return source
}

/** The sections that have a MUST, MUST NOT, SHALL or REQUIRED for a server, or for an endpoint that it may be. */
const sections: Readonly<Record<string, string>> = {
  "RFC 9113":
    "3.2 3.3 3.4 4.1 4.2 4.3 4.3.1 5.1 5.1.1 5.1.2 5.2.1 5.2.2 5.4 5.4.1 5.4.2 5.5 6.1 6.2 6.3 6.4 6.5 6.5.2 6.5.3 6.6 6.7 6.8 6.9 6.9.1 6.9.2 6.9.3 6.10 7 8.1 8.1.1 8.2 8.2.1 8.2.2 8.2.3 8.3 8.3.1 8.3.2 8.4 8.4.1 8.5 8.7 9.2 9.2.1 9.2.2 9.2.3 10.3 10.4 10.5.1 10.6",
  "RFC 7541": "2.3.2 2.3.3 4.2 5.1 5.2 6.1 6.2.3 6.3",
  "RFC 8441": "3 4 5",
  "RFC 9218": "2.1 4 7.1",
  "RFC 9110": "6.4.1 6.5.1 8.6 9.3.6"
}

const codes = Array.from({ length: 14 }, (_, code) => ErrorCode.nameOf(code)).join("|")

describe("docs/http2-conformance.md", () => {
  it("has no row that cannot be read", () => {
    assert.deepStrictEqual(
      lines.filter((line) => !form.test(line)),
      []
    )
    assert.isAbove(rows.length, 150)
  })

  it("leaves no section out that obliges a server", () => {
    for (const [rfc, list] of Object.entries(sections)) {
      for (const section of list.split(" ")) {
        assert.isTrue(
          rows.some((row) => row.section?.startsWith(rfc) && `${row.section} `.includes(`§${section} `)),
          `${rfc} §${section}`
        )
      }
    }
  })

  it("names a test for each obligation that is there", () => {
    for (const { file, test } of rows) {
      if (file !== undefined && test !== undefined) {
        assert.isTrue(sourceOf(file).includes(test), `${file}: ${test}`)
      }
    }
  })

  it("says what ends with an error, and the code, and the test asks for it", () => {
    const due = new RegExp(`^(?:(?:stream|connection|stream or connection) (${codes})|([45]\\d\\d))$`)
    for (const row of rows) {
      if (row.due === undefined || row.due === "by the table of states") continue
      const match = due.exec(row.due)
      if (match === null) return assert.fail(row.line)
      const { file = "", test = "" } = row
      // What HPACK refuses has one code, asked for by RFC 9113 §4.3.
      if (file === "protocol/rfc7541") continue
      const source = sourceOf(file)
      const at = source.indexOf(test)
      const before = source.slice(0, at)
      const start = before.lastIndexOf("\n")
      // In the test, or in the table of cases in front of it; a malformed request has one code.
      const near = source
        .slice(Math.max(0, start - 1_500), at + 4_000)
        .replaceAll("malformed(", "PROTOCOL_ERROR")
      assert.include(near, match[1] ?? match[2], row.line)
    }
  })
})
