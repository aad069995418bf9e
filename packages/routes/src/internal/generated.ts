/** What the generated writer and reader share: values that source refers to, and the checks of a schema as source. */
import type * as SchemaAST from "effect/SchemaAST"

/** Nothing is generated for the schema. */
export class NotPlain extends Error {}

/** Gives the value back to Effect. */
export const LEAVE = "return undefined"

/** Names of variables, and the values that the source refers to as `c[…]`. */
export class Source {
  readonly values: Array<unknown> = []
  private variables = 0

  variable(): string {
    return `v${this.variables++}`
  }

  value(value: unknown): string {
    this.values.push(value)
    return `c[${this.values.length - 1}]`
  }
}

/** A schema whose values are the same on both sides. */
export const isPlain = (ast: SchemaAST.AST): boolean => ast.encoding === undefined

const passes = (check: SchemaAST.Check<unknown>, ast: SchemaAST.AST): ((value: unknown) => boolean) => {
  if (check._tag === "FilterGroup") {
    const inner = check.checks.map((one) => passes(one, ast))
    return (value) => inner.every((pass) => pass(value))
  }
  return (value) => check.run(value, ast, {}) === undefined
}

const idOf = (check: SchemaAST.Check<unknown>): unknown =>
  (check.annotations?.representation as { readonly id?: unknown } | undefined)?.id

/** Statements that leave unless the checks of a text or of a finite number pass. */
export const checks = (ast: SchemaAST.AST, value: string, source: Source): string =>
  (ast.checks ?? [])
    .map((check) =>
      idOf(check) === "effect/schema/isInt"
        ? `if(!Number.isSafeInteger(${value}))${LEAVE};`
        : idOf(check) === "effect/schema/isFinite"
          ? ""
          : `if(!${source.value(passes(check, ast))}(${value}))${LEAVE};`
    )
    .join("")
