/** What is kept of field lines so that they need not be checked again: how much, and that nothing else changes. */
import { assert, describe, it } from "@effect/vitest"
import * as ConnectionId from "@nvo/protocol/http/ConnectionId"
import * as ResponseEncoder from "@nvo/protocol/http1/ResponseEncoder"
import * as FieldLines from "../src/http1/internal/fieldLines.ts"

const exchange = ResponseEncoder.unknownExchange(ConnectionId.none, 1)

const line = (kept: FieldLines.Kept, name: string, value: string) =>
  FieldLines.fieldLine(kept, exchange, name, value)

describe("what is kept of field lines", () => {
  it("is the last line of a name, which is given again and made anew for another value", () => {
    const kept = FieldLines.makeKept()
    for (const value of ["a", "a", "b", "b", "a"]) {
      assert.strictEqual(line(kept, "x-y", value), `x-y: ${value}\r\n`)
      assert.deepStrictEqual(kept.lines.get("x-y"), { value, text: `x-y: ${value}\r\n` })
    }
    assert.deepStrictEqual([...kept.names], ["x-y"])
  })

  it("is a short value, and no longer one", () => {
    const kept = FieldLines.makeKept()
    const longest = "v".repeat(FieldLines.MAX_VALUE)
    line(kept, "a", longest)
    line(kept, "b", `${longest}v`)
    assert.deepStrictEqual([...kept.lines.keys()], ["a"])
    assert.strictEqual(line(kept, "a", `${longest}v`), `a: ${longest}v\r\n`)
    assert.strictEqual(kept.lines.get("a")?.value, longest)
    assert.strictEqual(FieldLines.MAX_VALUE, 64)
  })

  it("is bounded for names that are made of data", () => {
    const kept = FieldLines.makeKept()
    for (let i = 0; i < 2_000; i++) {
      assert.strictEqual(line(kept, `x-${i}`, String(i)), `x-${i}: ${i}\r\n`)
      assert.strictEqual(kept.names.size, Math.min(i + 1, 1024))
      assert.strictEqual(kept.lines.size, Math.min(i + 1, 64))
    }
    line(kept, "x-0", "another")
    assert.strictEqual(kept.lines.get("x-0")?.value, "another")
  })

  it("is nothing that cannot be sent", () => {
    const kept = FieldLines.makeKept()
    for (let i = 0; i < 2; i++) {
      assert.notStrictEqual(typeof line(kept, "a b", "c"), "string")
      assert.notStrictEqual(typeof line(kept, "a", "\n"), "string")
    }
    assert.deepStrictEqual([kept.names.size, kept.lines.size], [1, 0])
  })
})
