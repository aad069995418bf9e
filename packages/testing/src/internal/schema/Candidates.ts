/**
 * What a value may be replaced by to break a schema: everything that is one change away and looks promising. Most of
 * it breaks nothing, or too much; decoding decides.
 */
import type * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"

/** A value with one place of it changed. */
export type Candidate = unknown

// Longer texts and lists than that are not made: a limit that large is for a test of its own.
const LONGEST = 10_000

const WRONG_TYPES: ReadonlyArray<unknown> = [null, {}, [], "wrong", 0, true]

const kindOf = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "array" : typeof value

/** The numbers that the checks of a schema speak of. */
export const boundsOf = (schema: Schema.Top): ReadonlyArray<number> => {
  const bounds = new Set<number>()
  const seen = new Set<SchemaAST.AST>()
  const checks = (all: SchemaAST.Checks | undefined): void => {
    for (const check of all ?? []) {
      if (check._tag === "FilterGroup") checks(check.checks)
      const payload = (check.annotations?.representation as { readonly payload?: unknown } | undefined)
        ?.payload
      for (const value of Object.values(payload ?? {}))
        if (typeof value === "number" && Number.isFinite(value)) bounds.add(value)
    }
  }
  const visit = (ast: SchemaAST.AST): void => {
    if (seen.has(ast)) return
    seen.add(ast)
    checks(ast.checks)
    for (const link of ast.encoding ?? []) visit(link.to)
    switch (ast._tag) {
      case "Objects":
        for (const { type } of ast.propertySignatures) visit(type)
        for (const { parameter, type } of ast.indexSignatures) {
          visit(parameter)
          visit(type)
        }
        return
      case "Arrays":
        for (const item of [...ast.elements, ...ast.rest]) visit(item)
        return
      case "Union":
        for (const type of ast.types) visit(type)
        return
      case "Declaration":
        for (const type of ast.typeParameters) visit(type)
        return
      case "Suspend":
        return visit(ast.thunk())
      default:
        return
    }
  }
  visit(schema.ast)
  return [...bounds]
}

const around = (bounds: ReadonlyArray<number>): ReadonlyArray<number> =>
  bounds.flatMap((bound) => [bound, bound - 1, bound + 1])

const lengths = (bounds: ReadonlyArray<number>): ReadonlyArray<number> =>
  around(bounds).filter((length) => Number.isInteger(length) && length >= 0 && length <= LONGEST)

const numbers = (value: number, bounds: ReadonlyArray<number>): ReadonlyArray<number> => [
  ...around(bounds),
  value + 0.5,
  0.5,
  0,
  -1,
  Number.POSITIVE_INFINITY,
  Number.NaN
]

const texts = (value: string, bounds: ReadonlyArray<number>): ReadonlyArray<string> => [
  ...lengths(bounds).map((length) => value.slice(0, length).padEnd(length, value.at(-1) ?? "a")),
  "",
  ...around(bounds).map(String),
  "not-a-value",
  "-1",
  "0.5",
  "0x10",
  "1e999",
  ` ${value}`,
  `${value}\u0000`,
  value.toUpperCase(),
  value.toLowerCase()
]

const lists = (value: ReadonlyArray<unknown>, bounds: ReadonlyArray<number>) => [
  [],
  ...lengths(bounds).map((length) =>
    Array.from({ length: value.length === 0 ? 0 : length }, (_, i) => value[Math.min(i, value.length - 1)])
  ),
  [...value, ...value.slice(0, 1)]
]

/** An object whose keys are data. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  kindOf(value) === "object" && [Object.prototype, null].includes(Object.getPrototypeOf(value))

const records = (value: Readonly<Record<string, unknown>>) => [
  ...Object.keys(value).map((key) => {
    const { [key]: _, ...rest } = value
    return rest
  }),
  { ...value, "an unexpected key": 0 }
]

const own = (value: unknown, bounds: ReadonlyArray<number>): ReadonlyArray<Candidate> => {
  if (typeof value === "number") return numbers(value, bounds)
  if (typeof value === "bigint") return numbers(0, bounds).filter(Number.isInteger).map(BigInt)
  if (typeof value === "string") return texts(value, bounds)
  if (Array.isArray(value)) return lists(value, bounds)
  return isRecord(value) ? records(value) : []
}

/** See the module. */
export const of = (value: unknown, bounds: ReadonlyArray<number>): ReadonlyArray<Candidate> => [
  ...own(value, bounds),
  ...WRONG_TYPES.filter((wrong) => kindOf(wrong) !== kindOf(value)),
  ...(Array.isArray(value)
    ? value.flatMap((item, i) => of(item, bounds).map((broken) => value.with(i, broken)))
    : []),
  ...(isRecord(value)
    ? Object.entries(value).flatMap(([key, item]) =>
        of(item, bounds).map((broken) => ({ ...value, [key]: broken }))
      )
    : [])
]
