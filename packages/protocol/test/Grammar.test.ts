import { assert, describe, it } from "@effect/vitest"
import * as Grammar from "@nvo/protocol/http/Grammar"
import { Characters } from "@nvo/testing"
import * as fc from "fast-check"

// The classes again, from the generators, which were written from the standards and not from the table.
const classes: Readonly<Record<string, readonly [bit: number, characters: string]>> = {
  "tchar, RFC 9110 §5.6.2": [Grammar.TCHAR, Characters.TCHAR],
  "field content, RFC 9110 §5.5": [Grammar.FIELD_CONTENT, `\t ${Characters.VCHAR}${Characters.OBS_TEXT}`],
  "target, RFC 3986 §3.3 and §3.4": [Grammar.TARGET, `${Characters.PCHAR}/?%`],
  "DIGIT, RFC 5234": [Grammar.DIGIT, Characters.DIGIT],
  "HEXDIG, RFC 5234, either case": [Grammar.HEXDIG, Characters.HEXDIG],
  "reg-name, RFC 3986 §3.2.2": [Grammar.REG_NAME, `${Characters.UNRESERVED}${Characters.SUB_DELIMS}%`],
  "qdtext, RFC 9110 §5.6.4": [
    Grammar.QDTEXT,
    `\t ${Characters.VCHAR.replace('"', "").replace("\\", "")}${Characters.OBS_TEXT}`
  ],
  "what the WHATWG URL serialiser leaves": [Grammar.TARGET_WHATWG, '[]{}|\\^`"']
}

describe("the table of octets", () => {
  it("has an entry for each octet", () => assert.strictEqual(Grammar.classes.length, 256))

  for (const [name, [bit, characters]] of Object.entries(classes)) {
    it(name, () => {
      const marked = Array.from(Grammar.classes.keys()).filter(
        (octet) => (Grammar.classes[octet] & bit) !== 0
      )
      const due = [...new Set(characters)].map((character) => character.charCodeAt(0)).sort((a, b) => a - b)
      assert.deepStrictEqual(marked, due)
    })
  }

  it("the two target classes do not overlap", () => {
    for (const octet of Grammar.classes) {
      assert.notStrictEqual(
        octet & (Grammar.TARGET | Grammar.TARGET_WHATWG),
        Grammar.TARGET | Grammar.TARGET_WHATWG
      )
    }
  })
})

describe("the tests of text agree with the table", () => {
  const text = fc.string({
    unit: fc.oneof(
      fc.nat(255).map((n) => String.fromCharCode(n)),
      fc.constantFrom("\u0100", "\u010a", "😀", "\ud800")
    ),
    maxLength: 4
  })
  const every = (text: string, bit: number) =>
    text.split("").every((character) => {
      const code = character.charCodeAt(0)
      return code < 256 && (Grammar.classes[code] & bit) !== 0
    })

  it("isToken", () => {
    fc.assert(
      fc.property(text, (text) => {
        assert.strictEqual(Grammar.isToken(text), text !== "" && every(text, Grammar.TCHAR))
      }),
      { numRuns: 3_000 }
    )
    assert.isFalse(Grammar.isToken("a\n"))
  })

  it("isFieldValue and isReasonPhrase", () => {
    fc.assert(
      fc.property(text, (text) => {
        assert.strictEqual(Grammar.isFieldValue(text), every(text, Grammar.FIELD_CONTENT))
        assert.strictEqual(Grammar.isReasonPhrase(text), every(text, Grammar.FIELD_CONTENT))
      }),
      { numRuns: 3_000 }
    )
    assert.isFalse(Grammar.isFieldValue("a\n"))
  })
})
