/**
 * nvo's decoder beside llhttp, through Node's own server: what both take they frame the same, and where one refuses
 * what the other takes, the class is known and the RFC says who is right.
 */

import * as fs from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Bytes, HttpLike } from "@nvo/testing"
import * as fc from "fast-check"
import { difference, NodeReader, readByNvo } from "./support/llhttp.ts"
import { classes } from "./support/llhttpClasses.ts"

const INPUTS = 10_000
// The same inputs in every run: a class that shows once in a million inputs is for whoever changes this number.
const SEED = 20_261_124

const isKnown = (by: string, reason: string): boolean =>
  classes.some((one) => one.by === by && one.reason === reason)

describe("nvo's decoder beside llhttp", () => {
  it(`frames ${INPUTS} inputs as llhttp does, or differs as the RFC says`, async () => {
    const reader = new NodeReader()
    let both = 0
    await fc.assert(
      fc.asyncProperty(HttpLike.any, Bytes.cuts, async (bytes, cuts) => {
        const chunks = Bytes.cut(bytes, cuts)
        const nvo = readByNvo(chunks)
        const node = await reader.read(chunks)
        both += nvo.messages.filter((message, i) => message.complete && node.messages[i]?.complete).length
        const found = difference(nvo, node)
        if (found === undefined || (found._tag === "Refusal" && isKnown(found.by, found.reason))) return
        assert.fail(
          `${JSON.stringify(found)}\nnvo:  ${JSON.stringify(nvo)}\nnode: ${JSON.stringify(node)}\n` +
            `octets: ${JSON.stringify(Bytes.toText(bytes))}`
        )
      }),
      { numRuns: INPUTS, seed: SEED }
    )
    // Messages that both took: where there are none, nothing was compared.
    assert.isAbove(both, 1_000)
  })

  it("tells of a message that is framed in another way (canary)", async () => {
    const text = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
    const node = await new NodeReader().read([Bytes.fromText(text)])
    const nvo = readByNvo([Bytes.fromText(text.replace("hello", "hallo"))])
    assert.deepStrictEqual(difference(nvo, node), { _tag: "Framing", part: "body" })
    assert.strictEqual(difference(readByNvo([Bytes.fromText(text)]), node), undefined)
  })

  it("has its classes of difference in the documentation", () => {
    const page = fs.readFileSync(new URL("../../../docs/llhttp.md", import.meta.url), "utf8")
    const rows = classes.map(
      ({ by, reason, right, section, what }) =>
        `| ${by === "nvo" ? "nvo" : "Node"} | \`${reason}\` | ${what} | ${section} | ${right === "both" ? "either may" : right} |`
    )
    const table = page.split("\n").filter((line) => /^\| (nvo|Node) \|/.test(line))
    assert.deepStrictEqual(table, rows)
  })
})
