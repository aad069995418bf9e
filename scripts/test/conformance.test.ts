// `npm run conformance`, on nvo and on a server that it finds by its address.
import { assert, describe, it } from "@effect/vitest"
import { root, run } from "../lib/workspace.ts"

const conformance = (...args: ReadonlyArray<string>) => run("node", ["scripts/conformance.ts", ...args], root)

describe("npm run conformance", () => {
  it("prints a table, and no MUST that nvo does not meet", async () => {
    const { code, stdout } = await conformance("--server", "nvo")
    assert.match(stdout, /^\| RFC 9112 §3\.2 \| MUST \| no Host: 400 \| met \|$/m)
    assert.match(stdout, /^([0-9]+) of \1 MUST, ([0-9]+) of \2 SHOULD met$/m)
    assert.strictEqual(code, 0)
  })

  it("fails for a server that does not meet a MUST", async () => {
    const { code, stdout } = await conformance("--server", "node-http")
    assert.match(stdout, /two Hosts: 400 \| \*\*not met\*\*: 200 \|/)
    assert.strictEqual(code, 1)
  })
})
