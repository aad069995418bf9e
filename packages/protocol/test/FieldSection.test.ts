import { assert, describe, it } from "@effect/vitest"
import * as FieldSection from "@nvo/protocol/http/FieldSection"
import { Characters, FieldLine } from "@nvo/testing"
import * as fc from "fast-check"

const RUNS = 1_000

const section = FieldSection.make([
  ["Accept", "a"],
  ["X-Empty", ""],
  ["aCCEPT", "b"],
  ["", "nameless"]
])

describe("FieldSection", () => {
  it("names compare without case, RFC 9110 §5.1", () => {
    assert.strictEqual(section.get("accept"), "a")
    assert.strictEqual(section.get("ACCEPT"), "a")
    assert.deepStrictEqual(section.getAll("Accept"), ["a", "b"])
    assert.isTrue(section.is(2, "accept"))
    assert.isFalse(section.is(1, "accept"))
  })

  it("an empty value is a value, an absent field is none", () => {
    assert.strictEqual(section.get("x-empty"), "")
    assert.isUndefined(section.get("x-absent"))
    assert.deepStrictEqual(section.getAll("x-absent"), [])
  })

  it("keeps order, case and number", () => {
    assert.strictEqual(section.size, 4)
    assert.deepStrictEqual([section.name(2), section.value(2)], ["aCCEPT", "b"])
    assert.deepStrictEqual(
      [...section],
      [
        ["Accept", "a"],
        ["X-Empty", ""],
        ["aCCEPT", "b"],
        ["", "nameless"]
      ]
    )
    assert.strictEqual(JSON.stringify(section), JSON.stringify([...section]))
  })

  it("the empty section has nothing", () => {
    assert.deepStrictEqual([FieldSection.empty.size, [...FieldSection.empty]], [0, []])
  })

  it("only letters fold: [ is not {, @ is not `, and a name is not its prefix", () => {
    for (const [name, asked] of [
      ["[", "{"],
      ["@", "`"],
      ["^", "~"],
      ["hos", "host"],
      ["hosts", "host"],
      ["hos_", "host"],
      ["\xc9", "\xe9"]
    ]) {
      assert.isFalse(FieldSection.make([[name, "v"]]).is(0, asked), `${name} ${asked}`)
    }
  })

  it("is what it was made of", () => {
    const lines = fc.array(fc.tuple(FieldLine.name, FieldLine.value))
    fc.assert(
      fc.property(lines, fc.nat(), (lines, mask) => {
        const made = FieldSection.make(lines)
        assert.deepStrictEqual([...made], lines)
        for (const [name] of lines) {
          const values = lines
            .filter(([other]) => other.toLowerCase() === name.toLowerCase())
            .map(([, value]) => value)
          assert.deepStrictEqual(made.getAll(Characters.recase(name, mask)), values)
          assert.strictEqual(made.get(Characters.recase(name, mask)), values[0])
        }
      }),
      { numRuns: RUNS }
    )
  })
})
