/** What the reader reads is what Effect decodes; what it does not read, Effect decides about. */
import { describe, expect, it } from "@effect/vitest"
import { Exit, Schema } from "effect"
import * as fc from "fast-check"
import * as StringsReader from "../src/internal/stringsReader.ts"

const fields = {
  text: Schema.String,
  short: Schema.String.check(Schema.isMaxLength(3)),
  finite: Schema.Finite,
  int: Schema.Int,
  page: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 })),
  number: Schema.Number,
  flag: Schema.Boolean,
  "a-b": Schema.NonEmptyString
}

const text = fc.oneof(
  fc.integer().map(String),
  fc.double().map(String),
  fc.constantFrom(
    "",
    " ",
    " 1",
    "1 ",
    "+1",
    "-0",
    "0x10",
    "1e3",
    "1e999",
    ".5",
    "5.",
    "NaN",
    "Infinity",
    "٣",
    "1_0",
    "true"
  ),
  fc.string({ maxLength: 4 })
)

const names = Object.keys(fields) as ReadonlyArray<keyof typeof fields>

const example = fc
  .uniqueArray(fc.constantFrom(...names), { maxLength: 4 })
  .chain((picked) =>
    fc.tuple(
      fc.constant(
        Schema.toCodecStringTree(
          Schema.Struct(Object.fromEntries(picked.map((name) => [name, fields[name]])))
        )
      ),
      fc.oneof(
        fc.record(
          Object.fromEntries(
            picked.map((name) => [name, fc.oneof({ weight: 9, arbitrary: text }, fc.constant(["1", "2"]))])
          )
        ),
        fc.dictionary(fc.constantFrom(...names), text),
        fc.anything()
      )
    )
  )

describe("the reader of texts", () => {
  it("reads what Effect decodes, or nothing", () => {
    let read = 0
    fc.assert(
      fc.property(example, ([schema, input]) => {
        const value = StringsReader.make(schema)?.(input)
        if (value === undefined) return
        read++
        const exit = Schema.decodeUnknownExit(schema as unknown as Schema.Codec<unknown>)(input)
        expect(Exit.isSuccess(exit) ? exit.value : exit).toStrictEqual(value)
      }),
      { numRuns: 5_000 }
    )
    expect(read).toBeGreaterThan(150)
  })

  it("is there for texts and numbers, and not for what needs more", () => {
    const coded = (fields: Schema.Struct.Fields) =>
      StringsReader.make(Schema.toCodecStringTree(Schema.Struct(fields)))
    expect(coded({ id: Schema.Int })?.({ id: "42", more: "1" })).toStrictEqual({ id: 42 })
    expect(coded({ id: Schema.Int })?.({ id: "4.2" })).toBe(undefined)
    expect(coded({ id: Schema.Int })?.({})).toBe(undefined)
    for (const field of [
      Schema.optionalKey(Schema.String),
      Schema.Date,
      Schema.Literal(1),
      Schema.NullOr(Schema.Int)
    ]) {
      expect(coded({ a: field })).toBe(undefined)
    }
  })
})
