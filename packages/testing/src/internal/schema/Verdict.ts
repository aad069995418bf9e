/** Why a schema refuses a value: the one rule that is broken and where, read from what decoding says. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type { ParseOptions } from "effect/SchemaAST"
import type * as SchemaIssue from "effect/SchemaIssue"

/** What a schema asks of a value, and what can be broken of it. */
export type Rule =
  /** The value is of another type. */
  | "Type"
  /** The value is of none of the members of a union, or of more than one where one is allowed. */
  | "Member"
  /** A key is missing. */
  | "MissingKey"
  /** A key is there that the schema does not know. Only where `onExcessProperty` is `error`. */
  | "UnexpectedKey"
  /** The value is of the right type, but does not stand for anything: a text that is no date. */
  | "Encoding"
  /** A check of the schema does not hold: see `check`. */
  | "Check"

/** See the module. */
export interface Verdict {
  readonly rule: Rule
  /** Which check: the name of Effect's own, such as `isBetween`, or what another one expects. */
  readonly check: string | undefined
  readonly path: ReadonlyArray<PropertyKey>
}

const nameOf = ({ filter }: SchemaIssue.Filter): string => {
  const { annotations } = filter
  const id = (annotations?.representation as { readonly id?: string } | undefined)?.id
  return id?.split("/").at(-1) ?? annotations?.identifier ?? annotations?.expected ?? "a check"
}

// Every rule that is broken.
const verdicts = (issue: SchemaIssue.Issue, path: ReadonlyArray<PropertyKey>): ReadonlyArray<Verdict> => {
  const one = (rule: Rule, check?: string): ReadonlyArray<Verdict> => [{ rule, check, path }]
  switch (issue._tag) {
    case "Composite":
      return issue.issues.flatMap((inner) => verdicts(inner, path))
    case "Pointer":
      return verdicts(issue.issue, [...path, ...issue.path])
    case "Encoding":
      return verdicts(issue.issue, path)
    case "Filter":
      return one("Check", nameOf(issue))
    case "AnyOf":
      // Where one member only comes into question, what is wrong is what that one says.
      return issue.issues.length === 1 ? verdicts(issue.issues[0], path) : one("Member")
    case "OneOf":
      return one("Member")
    case "InvalidType":
      return one("Type")
    case "InvalidValue":
    case "Forbidden":
      return one("Encoding")
    case "MissingKey":
    case "UnexpectedKey":
      return one(issue._tag)
  }
}

/** Every rule that a value breaks; none where it decodes. */
export const of =
  (schema: Schema.Top, options?: ParseOptions) =>
  (value: unknown): ReadonlyArray<Verdict> => {
    const decode = Schema.decodeUnknownEffect(schema as Schema.Codec<unknown, unknown>, {
      ...options,
      errors: "all"
    })
    const exit = Effect.runSyncExit(decode(value))
    if (Exit.isSuccess(exit)) return []
    return exit.cause.reasons.flatMap((reason) =>
      reason._tag === "Fail" ? verdicts(reason.error.issue, []) : []
    )
  }
