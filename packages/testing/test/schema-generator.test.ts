/** Values of schemas: what is generated decodes, what is made smaller too, and what is broken does not. */

import { assert, describe, it } from "@effect/vitest"
import { SchemaGenerator } from "@nvo/testing"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"

const Tree = Schema.Struct({
  name: Schema.String,
  get children() {
    return Schema.Array(Schema.suspend((): Schema.Codec<unknown> => Tree as Schema.Codec<unknown>))
  }
})

const schemas: Readonly<Record<string, SchemaGenerator.Pure>> = {
  text: Schema.String.check(Schema.isMinLength(2), Schema.isMaxLength(6)),
  pattern: Schema.String.check(Schema.isPattern(/^[a-z]+-[0-9]{1,3}$/)),
  integer: Schema.Int.check(Schema.isBetween({ minimum: -3, maximum: 900 })),
  "number in a text": Schema.FiniteFromString.check(Schema.isGreaterThan(3)),
  date: Schema.DateTimeUtcFromString,
  literals: Schema.Literals(["red", "green"]),
  union: Schema.Union([Schema.Int, Schema.Struct({ kind: Schema.Literal("a"), n: Schema.Int })]),
  list: Schema.Array(Schema.Boolean).check(Schema.isMinLength(1), Schema.isMaxLength(4)),
  record: Schema.Record(Schema.String, Schema.Int),
  struct: Schema.Struct({
    id: Schema.Int.check(Schema.isGreaterThan(0)),
    tags: Schema.Array(Schema.String).check(Schema.isUnique()),
    note: Schema.optionalKey(Schema.NullOr(Schema.String)),
    inner: Schema.Struct({ at: Schema.DateTimeUtcFromString })
  }),
  class: class Point extends Schema.Class<Point>("Point")({ x: Schema.Finite, y: Schema.Finite }) {},
  recursive: Tree
}

const decodes = (schema: SchemaGenerator.Pure, value: unknown): boolean =>
  Exit.isSuccess(Schema.decodeUnknownExit(schema)(value))

// Goes down in the tree of a property that fails for all values, and gives what it met that it should not have.
const walkDown = <A>(of: fc.Arbitrary<A>, isDue: (value: A) => boolean): ReadonlyArray<A> => {
  const met: Array<A> = []
  for (let seed = 0; seed < 10; seed++) {
    const all = fc.property(of, (value) => {
      met.push(value)
      return false
    })
    fc.check(all, { seed, numRuns: 1 })
  }
  assert.isAtLeast(met.length, 10)
  return met.filter((value) => !isDue(value))
}

describe("a schema as a generator", () => {
  for (const [name, schema] of Object.entries(schemas)) {
    it(`gives valid values, and smaller ones that are valid (${name})`, () => {
      const is = Schema.is(schema)
      fc.assert(fc.property(SchemaGenerator.valid(schema), is))
      fc.assert(fc.property(SchemaGenerator.encoded(schema), (value) => decodes(schema, value)))
      assert.deepStrictEqual(walkDown(SchemaGenerator.valid(schema), is), [])
      assert.deepStrictEqual(
        walkDown(SchemaGenerator.encoded(schema), (value) => decodes(schema, value)),
        []
      )
    })

    it(`gives invalid values, and smaller ones that are invalid (${name})`, () => {
      const invalid = SchemaGenerator.invalid(schema)
      fc.assert(fc.property(invalid, ({ value }) => !decodes(schema, value)))
      assert.deepStrictEqual(
        walkDown(invalid, ({ value }) => !decodes(schema, value)),
        []
      )
    })
  }

  it("shrinks to the smallest value that fails", () => {
    const smallest = <A>(schema: Schema.Codec<A>, fails: (value: A) => boolean, seed: number) =>
      fc.check(
        fc.property(SchemaGenerator.valid(schema), (value) => !fails(value)),
        { seed, numRuns: 10_000 }
      ).counterexample?.[0]
    for (let seed = 0; seed < 5; seed++) {
      assert.strictEqual(
        smallest(Schema.Int, (n) => n > 41, seed),
        42
      )
      assert.strictEqual(smallest(Schema.String, (text) => text.length > 2, seed)?.length, 3)
      assert.deepStrictEqual(
        smallest(
          Schema.Struct({ a: Schema.Int, b: Schema.Array(Schema.Int), c: Schema.optionalKey(Schema.String) }),
          ({ b }) => b.some((n) => n >= 7),
          seed
        ),
        { a: 0, b: [7] }
      )
    }
  })

  it("gives the same for the same seed", () => {
    const sample = () => fc.sample(SchemaGenerator.valid(schemas.struct), { seed: 7, numRuns: 20 })
    assert.deepStrictEqual(sample(), sample())
  })

  it("has small values and large ones", () => {
    const lengths = fc
      .sample(SchemaGenerator.valid(Schema.String), { seed: 1, numRuns: 500 })
      .map((s) => s.length)
    assert.strictEqual(Math.min(...lengths), 0)
    assert.isAbove(Math.max(...lengths), 7)
  })

  it("refuses a schema of which nothing is invalid", () => {
    assert.throws(() => SchemaGenerator.invalid(Schema.Unknown), RangeError)
  })
})

describe("what can be broken of a value", () => {
  const told = (schema: Schema.Top, value: unknown, options?: { readonly onExcessProperty: "error" }) =>
    SchemaGenerator.breaks(schema, options)(value).map(SchemaGenerator.format).sort()

  it("is every rule of its schema, each once", () => {
    const schema = Schema.Struct({
      id: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })),
      name: Schema.String.check(Schema.isPattern(/^a+$/), Schema.isMaxLength(3)),
      tags: Schema.optionalKey(Schema.Array(Schema.Literals(["x", "y"])).check(Schema.isUnique()))
    })
    assert.deepStrictEqual(told(schema, { id: 1, name: "a", tags: ["x"] }, { onExcessProperty: "error" }), [
      "all of it: Type",
      "an unexpected key: UnexpectedKey",
      "id: MissingKey",
      "id: Type",
      "id: isBetween",
      "id: isInt",
      "name: MissingKey",
      "name: Type",
      "name: isMaxLength",
      "name: isPattern",
      "tags.0: Member",
      "tags: Type",
      "tags: isUnique"
    ])
  })

  it("lies on both sides of a range, at its ends", () => {
    const values = (schema: Schema.Top) => SchemaGenerator.breaks(schema)(5).map(({ value }) => value)
    assert.include(values(Schema.Int.check(Schema.isGreaterThanOrEqualTo(5))), 4)
    assert.include(values(Schema.Int.check(Schema.isLessThanOrEqualTo(5))), 6)
    assert.include(values(Schema.Int.check(Schema.isGreaterThan(4))), 4)
  })

  it("is told by its place in what is sent, behind a transformation", () => {
    assert.deepStrictEqual(
      told(Schema.Struct({ at: Schema.DateTimeUtcFromString }), { at: "2026-01-01T00:00:00.000Z" }),
      ["all of it: Type", "at: Encoding", "at: MissingKey", "at: Type"]
    )
  })

  it("is nothing where everything is valid", () => {
    assert.deepStrictEqual(told(Schema.Unknown, 1), [])
  })
})
