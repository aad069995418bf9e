/**
 * Values of an Effect Schema as fast-check arbitraries, to be used beside the other generators and with `fc.assert`:
 * valid ones, and ones that break the schema in a single way and know which. What fails shrinks to a small value of the
 * same kind, and fast-check prints the seed that repeats it.
 *
 * @example
 * ```ts
 * import { Schema } from "effect"
 * import * as fc from "fast-check"
 * import * as SchemaGenerator from "@nvo/testing/SchemaGenerator"
 *
 * const Item = Schema.Struct({
 *   name: Schema.String.check(Schema.isMaxLength(20)),
 *   count: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 }))
 * })
 *
 * fc.assert(fc.property(SchemaGenerator.valid(Item), ({ count }) => count >= 1 && count <= 9))
 *
 * const isItem = Schema.is(Item)
 * fc.assert(fc.property(SchemaGenerator.invalid(Item), ({ value }) => !isItem(value)))
 *
 * const broken = SchemaGenerator.breaks(Item)({ name: "tea", count: 1 })
 * broken.map(SchemaGenerator.format).includes("count: isBetween") // true
 * ```
 */
import * as EffectArbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { ParseOptions } from "effect/SchemaAST"
import * as fc from "fast-check"
import * as Candidates from "./internal/schema/Candidates.ts"
import { ShrinkTree } from "./internal/schema/ShrinkTree.ts"
import * as Verdict from "./internal/schema/Verdict.ts"

export type { Rule } from "./internal/schema/Verdict.ts"

/** A value that its schema refuses for one reason. */
export interface Invalid extends Verdict.Verdict {
  readonly value: unknown
}

/** A schema that needs no services. */
export type Pure<A = unknown, I = unknown> = Schema.Codec<A, I>

/**
 * Decoded values of a schema. Throws where nothing can be generated from it, as for a declaration without an arbitrary;
 * for another distribution annotate the schema, as for `effect/Arbitrary`.
 */
export const valid = <A, I>(schema: Pure<A, I>): fc.Arbitrary<A> =>
  new ShrinkTree(EffectArbitrary.schema(schema))

/** Values as they are before decoding: what a client sends. Each of them decodes. */
export const encoded = <A, I>(schema: Pure<A, I>): fc.Arbitrary<I> => {
  const encode = Schema.encodeUnknownEffect(schema)
  const decodes = Schema.decodeUnknownEffect(schema)
  // What a schema encodes to something that it does not take itself is left out.
  const through = (value: A): Option.Option<I> =>
    Effect.runSync(Effect.option(Effect.tap(encode(value), (one) => decodes(one))))
  return valid(schema)
    .map(through)
    .filter(Option.isSome)
    .map((some) => some.value)
}

const key = ({ check, path, rule }: Verdict.Verdict): string =>
  [rule, check ?? "", ...path.map(String)].join("\u0000")

/**
 * Everything that can be broken of an encoded value, one rule at one place in each: the first of each is given, so that
 * there are as many as there are rules. None where the schema takes everything.
 */
export const breaks = (
  schema: Schema.Top,
  options?: ParseOptions
): ((value: unknown) => ReadonlyArray<Invalid>) => {
  const verdictsOf = Verdict.of(schema, options)
  const bounds = Candidates.boundsOf(schema)
  return (value) => {
    const found = new Map<string, Invalid>()
    for (const candidate of Candidates.of(value, bounds)) {
      const [verdict, ...others] = verdictsOf(candidate)
      if (verdict === undefined || others.length > 0 || found.has(key(verdict))) continue
      found.set(key(verdict), { ...verdict, value: candidate })
    }
    return [...found.values()]
  }
}

// Valid values that are looked at before a schema is said to take everything.
const LOOKS = 20

/**
 * Encoded values that break the schema in one way: of all that `breaks` finds for a valid value, one. Throws where
 * nothing is invalid, as for `Schema.Unknown`.
 */
export const invalid = <A, I>(schema: Pure<A, I>, options?: ParseOptions): fc.Arbitrary<Invalid> => {
  const all = breaks(schema, options)
  const some = fc.tuple(encoded(schema), fc.nat()).map(([value, which]) => {
    const found = all(value)
    return found[which % found.length]
  })
  if (fc.sample(some, { numRuns: LOOKS, seed: 0 }).every((one) => one === undefined))
    throw new RangeError("Nothing is invalid for this schema")
  return some.filter((one) => one !== undefined)
}

/** What is broken, for people: `count: isBetween`, `name: MissingKey`. */
export const format = ({ check, path, rule }: Invalid): string =>
  `${path.length === 0 ? "all of it" : path.map(String).join(".")}: ${check ?? rule}`
