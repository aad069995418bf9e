/** What the writer writes is what Effect encodes; where it writes nothing, Effect has the word. */
import { describe, expect, it } from "@effect/vitest"
import { Exit, Schema } from "effect"
import * as fc from "fast-check"
import * as JsonWriter from "../src/internal/jsonWriter.ts"

const original = (schema: Schema.Top) => {
  const encode = Schema.encodeUnknownExit(schema as Schema.Codec<unknown>)
  return (value: unknown): string | undefined => {
    const exit = encode(value)
    return Exit.isSuccess(exit) ? JSON.stringify(exit.value) : undefined
  }
}

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.constantFrom(
    "",
    '"',
    "\\",
    "\n",
    "\u2028",
    "\ud800",
    "\udc00\ud800",
    "😀",
    "x".repeat(64),
    "x".repeat(65),
    "\u007f"
  )
)

interface Case {
  readonly schema: Schema.Top
  readonly value: fc.Arbitrary<unknown>
}

const leaf: fc.Arbitrary<Case> = fc.constantFrom<Case>(
  { schema: Schema.String, value: text },
  { schema: Schema.NonEmptyString, value: text },
  { schema: Schema.String.check(Schema.isPattern(/^a/), Schema.isMaxLength(3)), value: text },
  { schema: Schema.Number, value: fc.double() },
  { schema: Schema.Finite, value: fc.double() },
  { schema: Schema.Int, value: fc.oneof(fc.integer(), fc.double()) },
  { schema: Schema.Int.check(Schema.isGreaterThan(3)), value: fc.integer({ min: 0, max: 9 }) },
  { schema: Schema.Boolean, value: fc.boolean() },
  { schema: Schema.Null, value: fc.constant(null) },
  { schema: Schema.Literal("a\n"), value: fc.constant("a\n") },
  { schema: Schema.Literals(["a", 1, true]), value: fc.constantFrom("a", 1, true, "b") },
  { schema: Schema.Literal(10n), value: fc.constant(10n) },
  { schema: Schema.Date, value: fc.date() },
  { schema: Schema.Undefined, value: fc.constant(undefined) },
  { schema: Schema.Unknown, value: fc.jsonValue() }
)

const names = fc.uniqueArray(
  fc.oneof(
    fc.constantFrom("a", "b", "c", '"', "\n", "1", "01", "__proto__", "toJSON", "ä"),
    fc.string({ maxLength: 3 })
  ),
  { minLength: 0, maxLength: 4 }
)

const wrapped = (inner: fc.Arbitrary<Case>): fc.Arbitrary<Case> =>
  fc.oneof(
    inner.map(({ schema, value }) => ({ schema: Schema.NullOr(schema), value: fc.option(value) })),
    inner.map(({ schema, value }) => ({
      schema: Schema.UndefinedOr(schema),
      value: fc.option(value, { nil: undefined })
    })),
    inner.map(({ schema, value }) => ({
      schema: Schema.Array(schema),
      value: fc.array(value, { maxLength: 3 })
    })),
    fc
      .tuple(names, fc.array(fc.tuple(inner, fc.nat(3)), { minLength: 4, maxLength: 4 }))
      .map(([names, cases]) => {
        const fields = names.map((name, index) => [name, ...cases[index]] as const)
        const make = (kind: number, schema: Schema.Top): Schema.Top =>
          kind === 0 ? Schema.optional(schema) : kind === 1 ? Schema.optionalKey(schema) : schema
        return {
          schema: Schema.Struct(
            Object.fromEntries(fields.map(([name, { schema }, kind]) => [name, make(kind, schema)]))
          ),
          value: fc.record(
            Object.fromEntries(
              fields.map(([name, { value }, kind]) => [
                name,
                kind === 0 ? fc.option(value, { nil: undefined }) : value
              ])
            ),
            { requiredKeys: [] }
          )
        }
      }),
    fc.tuple(inner, inner).map(([a, b]) => ({
      schema: Schema.Union([a.schema, b.schema]),
      value: fc.oneof(a.value, b.value)
    }))
  )

const cases = wrapped(fc.oneof(leaf, wrapped(fc.oneof(leaf, wrapped(leaf)))))

const example = cases.chain(({ schema, value }) =>
  fc
    .tuple(fc.constant(schema), fc.oneof({ weight: 5, arbitrary: value }, fc.anything()), fc.boolean())
    .map(([schema, value, coded]) => [coded ? Schema.toCodecJson(schema) : schema, value] as const)
)

describe("the JSON writer", () => {
  it("writes what Effect encodes, or nothing", () => {
    let [written, schemas] = [0, 0]
    fc.assert(
      fc.property(example, ([schema, value]) => {
        const write = JsonWriter.make(schema)
        if (write === undefined) return
        schemas++
        const text = write(value)
        if (text === undefined) return
        written++
        expect(text).toBe(original(schema)(value))
      }),
      { numRuns: 3_000 }
    )
    // It is of use for many of them.
    expect(schemas).toBeGreaterThan(500)
    expect(written).toBeGreaterThan(200)
  })

  it("writes plain values of a plain schema", () => {
    const User = Schema.toCodecJson(
      Schema.Struct({
        id: Schema.Int,
        name: Schema.String,
        score: Schema.Number,
        email: Schema.optionalKey(Schema.String),
        tags: Schema.Array(Schema.NullOr(Schema.Literals(["a", "b"])))
      })
    )
    const write = JsonWriter.make(User)
    const user = { id: 1, name: 'a"b', score: 1.5, tags: ["a", null], more: 1 } as const
    expect(write?.(user)).toBe('{"id":1,"name":"a\\"b","score":1.5,"tags":["a",null]}')
    expect(write?.({ ...user, score: Number.NaN })).toBe(undefined)
    expect(write?.({ ...user, id: 1.5 })).toBe(undefined)
  })

  it("leaves to Effect what it is not sure about", () => {
    const schemas = [
      Schema.Date,
      Schema.Record(Schema.String, Schema.String),
      Schema.Struct({ a: Schema.String }).check(Schema.makeFilter(() => true)),
      Schema.Struct({ 1: Schema.String }),
      Schema.Struct({ a: Schema.UndefinedOr(Schema.String) }),
      Schema.Tuple([Schema.String]),
      Schema.Union([Schema.String, Schema.Int])
    ]
    for (const schema of schemas) expect(JsonWriter.make(Schema.toCodecJson(schema))).toBe(undefined)
  })
})
