/**
 * A writer of JSON for a schema that is plain enough: structs and arrays of texts, numbers, booleans and literals,
 * nullable and optional ones included. It checks what the schema's encoder checks and writes what `JSON.stringify`
 * would make of what the encoder gives, in one pass; anything it is not sure about, it leaves to them.
 *
 * A small struct takes 0.1 µs in place of 0.5. It is one generated function for a schema, and there is none where
 * code must not be generated.
 *
 * Whoever edits this: to say `undefined` is always right, to write something else than Effect never is.
 */
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import { checks, isPlain, LEAVE, NotPlain, Source } from "./generated.ts"

/** The JSON text of a value, or `undefined` where Effect has to encode it. */
export type JsonWriter = (value: unknown) => string | undefined

// How Effect encodes numbers that JSON does not have, and `undefined`: one link for all schemas.
const numberLink = Schema.toCodecJson(Schema.Number).ast.encoding?.[0]
const undefinedLink = Schema.toCodecJson(Schema.Undefined).ast.encoding?.[0]

/** Texts of this many UTF-16 units or less are looked at here; longer ones are quicker in `JSON.stringify`. */
const SHORT = 64

const quote = (text: string): string => {
  const { length } = text
  if (length > SHORT) return JSON.stringify(text)
  for (let index = 0; index < length; index++) {
    const unit = text.charCodeAt(index)
    // RFC 8259 §7, and the surrogates, of which JSON.stringify escapes those that stand alone.
    if (unit < 0x20 || unit === 0x22 || unit === 0x5c || (unit >= 0xd800 && unit <= 0xdfff)) {
      return JSON.stringify(text)
    }
  }
  return `"${text}"`
}

const literal = (value: unknown): string => JSON.stringify(JSON.stringify(value))

/** Statements that append `value` to `s`, or leave. */
const write = (ast: SchemaAST.AST, value: string, source: Source): string => {
  switch (ast._tag) {
    case "String":
      if (!isPlain(ast)) throw new NotPlain()
      return `if(typeof ${value}!=="string")${LEAVE};${checks(ast, value, source)}s+=q(${value});`
    case "Number":
      if (!isPlain(ast) && !(ast.encoding?.length === 1 && ast.encoding[0] === numberLink))
        throw new NotPlain()
      return `if(!Number.isFinite(${value}))${LEAVE};${checks(ast, value, source)}s+=${value};`
    case "Boolean":
      if (!isPlain(ast) || ast.checks !== undefined) throw new NotPlain()
      return `if(typeof ${value}!=="boolean")${LEAVE};s+=${value};`
    case "Null":
      if (!isPlain(ast) || ast.checks !== undefined) throw new NotPlain()
      return `if(${value}!==null)${LEAVE};s+="null";`
    case "Literal":
      if (!isPlain(ast) || ast.checks !== undefined || typeof ast.literal === "bigint") throw new NotPlain()
      return `if(${value}!==${JSON.stringify(ast.literal)})${LEAVE};s+=${literal(ast.literal)};`
    case "Union":
      return writeUnion(ast, value, source)
    case "Arrays":
      return writeArray(ast, value, source)
    case "Objects":
      return writeObject(ast, value, source)
    default:
      throw new NotPlain()
  }
}

// Something and null, something and undefined, literals: members of which a value can only be one.
const writeUnion = (ast: SchemaAST.Union, value: string, source: Source): string => {
  if (!isPlain(ast) || ast.checks !== undefined || ast.encodingChecks !== undefined) throw new NotPlain()
  const branches: Array<string> = []
  const others: Array<SchemaAST.AST> = []
  for (const member of ast.types) {
    const constant =
      member.checks !== undefined
        ? undefined
        : member._tag === "Null" && isPlain(member)
          ? ["null", '"null"']
          : member._tag === "Undefined" &&
              member.encoding?.length === 1 &&
              member.encoding[0] === undefinedLink
            ? ["undefined", '"null"']
            : member._tag === "Literal" && isPlain(member) && typeof member.literal !== "bigint"
              ? [JSON.stringify(member.literal), literal(member.literal)]
              : undefined
    if (constant === undefined) others.push(member)
    else branches.push(`if(${value}===${constant[0]})s+=${constant[1]};else `)
  }
  if (others.length > 1) throw new NotPlain()
  // A literal beside a text would be taken by whichever comes first.
  if (others.length === 1 && ast.types.some(({ _tag }) => _tag === "Literal")) throw new NotPlain()
  return `${branches.join("")}{${others.length === 0 ? LEAVE : write(others[0], value, source)}}`
}

const writeArray = (ast: SchemaAST.Arrays, value: string, source: Source): string => {
  if (!isPlain(ast) || ast.checks !== undefined || ast.encodingChecks !== undefined) throw new NotPlain()
  if (ast.elements.length !== 0 || ast.rest.length !== 1) throw new NotPlain()
  const [index, element] = [source.variable(), source.variable()]
  return (
    `if(!Array.isArray(${value}))${LEAVE};s+="[";` +
    `for(let ${index}=0;${index}<${value}.length;${index}++){` +
    `if(${index}!==0)s+=",";const ${element}=${value}[${index}];${write(ast.rest[0], element, source)}}s+="]";`
  )
}

// JSON.stringify puts names that are array indexes first, whatever the order of the schema.
const isUnusual = (name: PropertyKey): boolean =>
  typeof name !== "string" || name === "__proto__" || /^\d+$/.test(name)

// Whether `undefined` is one of the values: such a property is told from a missing one by the encoder, not here.
const hasUndefined = (ast: SchemaAST.AST): boolean =>
  ast._tag === "Undefined" || (ast._tag === "Union" && ast.types.some(hasUndefined))

const writeObject = (ast: SchemaAST.Objects, value: string, source: Source): string => {
  if (!isPlain(ast) || ast.checks !== undefined || ast.encodingChecks !== undefined) throw new NotPlain()
  if (ast.indexSignatures.length > 0 || ast.propertySignatures.length === 0) throw new NotPlain()
  let written = false
  const separator = source.variable()
  const properties = ast.propertySignatures.map(({ name, type }) => {
    const isOptional = type.context?.isOptional === true
    if (isUnusual(name) || (!isOptional && hasUndefined(type))) throw new NotPlain()
    const property = source.variable()
    const key = JSON.stringify(name)
    // Once a property is there for certain, what follows begins with a comma.
    const before = written
      ? `s+=${JSON.stringify(`,${key}:`)};`
      : `s+=${separator}+${JSON.stringify(`${key}:`)};${separator}=",";`
    if (!isOptional) written = true
    const present = `${before}${write(type, property, source)}`
    return (
      `const ${property}=${value}[${key}];` +
      (isOptional ? `if(${property}!==undefined||${key} in ${value}){${present}}` : present)
    )
  })
  return (
    `if(typeof ${value}!=="object"||${value}===null||Array.isArray(${value}))${LEAVE};` +
    `let ${separator}="{";${properties.join("")}${written ? "" : `if(${separator}==="{")s+="{";`}s+="}";`
  )
}

export const make = (schema: Schema.Top): JsonWriter | undefined => {
  try {
    const source = new Source()
    const body = write(schema.ast, "v", source)
    return globalThis.Function("q", "c", `return function(v){let s="";${body}return s}`)(quote, source.values)
  } catch {
    return undefined
  }
}
