// The mutants of a source: small changes, each of which some test should notice.
//
// Types are blanked out first (Node's own type stripping keeps every octet's place), so that what is parsed, changed
// and run is the same text, with the lines of the file.
import { stripTypeScriptTypes } from "node:module"
import { type Node, parse } from "acorn"

/** A change of a source: what stands from `start` to `end` becomes `replacement`. */
export interface Mutant {
  /** Path of the source, relative to the root of the run. */
  readonly file: string
  readonly line: number
  readonly start: number
  readonly end: number
  /** What kind of change it is. */
  readonly operator: string
  readonly original: string
  readonly replacement: string
}

/** A source without its types; the same places hold the same code. */
export const strip = (source: string): string => stripTypeScriptTypes(source)

/** The stripped source with the mutant in it. */
export const apply = (stripped: string, { end, replacement, start }: Mutant): string =>
  stripped.slice(0, start) + replacement + stripped.slice(end)

// acorn's nodes, as they are walked here: by whatever properties they have.
// biome-ignore lint/suspicious/noExplicitAny: the kind of a node is told by its text, and acorn has seventy kinds
type Tree = Node & { readonly [property: string]: any }

const isNode = (u: unknown): u is Tree =>
  typeof u === "object" && u !== null && typeof (u as Tree).type === "string"

const childrenOf = (node: Tree): ReadonlyArray<Tree> => Object.values(node).flat().filter(isNode)

const parseModule = (source: string): Tree =>
  parse(source, { ecmaVersion: "latest", sourceType: "module" }) as Tree

const swaps: Readonly<Record<string, ReadonlyArray<readonly [operator: string, replacement: string]>>> = {
  "<": [
    ["boundary", "<="],
    ["comparison", ">="]
  ],
  "<=": [
    ["boundary", "<"],
    ["comparison", ">"]
  ],
  ">": [
    ["boundary", ">="],
    ["comparison", "<="]
  ],
  ">=": [
    ["boundary", ">"],
    ["comparison", "<"]
  ],
  "===": [["comparison", "!=="]],
  "!==": [["comparison", "==="]],
  "+": [["arithmetic", "-"]],
  "-": [["arithmetic", "+"]],
  "*": [["arithmetic", "/"]],
  "/": [["arithmetic", "*"]],
  "%": [["arithmetic", "*"]],
  "&": [["bits", "|"]],
  "|": [["bits", "&"]],
  "^": [["bits", "&"]],
  "<<": [["bits", ">>"]],
  ">>": [["bits", "<<"]],
  ">>>": [["bits", "<<"]],
  "&&": [["logic", "||"]],
  "||": [["logic", "&&"]],
  "??": [["logic", "&&"]],
  "+=": [["arithmetic", "-="]],
  "-=": [["arithmetic", "+="]],
  "++": [["arithmetic", "--"]],
  "--": [["arithmetic", "++"]]
}

type Change = readonly [operator: string, start: number, end: number, replacement: string]

const whole = (operator: string, node: Tree, replacement: string): Change => [
  operator,
  node.start,
  node.end,
  replacement
]

// The operator between two operands, wherever parentheses put it.
const swapBetween = (source: string, node: Tree): ReadonlyArray<Change> => {
  const at = source.indexOf(node.operator, node.left.end)
  return (swaps[node.operator] ?? []).map(([operator, to]) => [operator, at, at + node.operator.length, to])
}

// Each entry of a literal left out, with the comma that goes with it.
const leaveOut = (entries: ReadonlyArray<Tree | null>): ReadonlyArray<Change> =>
  entries.flatMap((entry, i) => {
    if (entry === null) return []
    const next = entries[i + 1]
    const before = entries[i - 1]
    if (next) return [["entry", entry.start, next.start, ""]]
    return [["entry", before ? before.end : entry.start, entry.end, ""]]
  })

const literal = (node: Tree): ReadonlyArray<Change> => {
  switch (typeof node.value) {
    case "boolean":
      return [whole("literal", node, String(!node.value))]
    case "number":
      return [whole("literal", node, String(node.value + 1))]
    case "string":
      return [whole("literal", node, node.value === "" ? '"mutant"' : '""')]
    default:
      return node.regex === undefined
        ? []
        : [/^\/\^/, /\$(?=\/[a-z]*$)/].flatMap((anchor) => {
            const replacement = String(node.raw).replace(anchor, (found) => (found === "$" ? "" : "/"))
            return replacement === node.raw ? [] : [whole("regex", node, replacement)]
          })
  }
}

const always = (test: Tree, ...values: ReadonlyArray<"true" | "false">): ReadonlyArray<Change> =>
  values.map((value) => whole("condition", test, value))

// Returned instead of nothing it is the same, or is changed as a literal.
const isPlain = (node: Tree): boolean =>
  typeof node.value === "boolean" || (node.type === "Identifier" && node.name === "undefined")

// Where a switch ends there is nothing to break out of.
const lastBreak = (node: Tree): Tree | undefined => {
  const last: Tree | undefined = node.cases.at(-1)?.consequent.at(-1)
  const inner: Tree | undefined = last?.type === "BlockStatement" ? last.body.at(-1) : last
  return inner?.type === "BreakStatement" ? inner : undefined
}

const changesOf = (source: string, node: Tree): ReadonlyArray<Change> => {
  switch (node.type) {
    case "BinaryExpression":
    case "LogicalExpression":
    case "AssignmentExpression":
      return swapBetween(source, node)
    case "UpdateExpression":
      return (swaps[node.operator] ?? []).map(([operator, to]) => {
        const at = node.prefix ? node.start : node.end - 2
        return [operator, at, at + 2, to]
      })
    case "UnaryExpression":
      return node.operator === "!" || node.operator === "-"
        ? [["negation", node.start, node.argument.start, ""]]
        : []
    case "IfStatement":
    case "ConditionalExpression":
      return always(node.test, "true", "false")
    // A loop that never ends says nothing that one that never begins does not.
    case "WhileStatement":
    case "DoWhileStatement":
      return always(node.test, "false")
    case "ForStatement":
      return isNode(node.test) ? always(node.test, "false") : []
    case "SwitchCase":
      return node.consequent.length === 0
        ? []
        : [["case", node.consequent[0].start, node.consequent.at(-1).end, ""]]
    case "ExpressionStatement":
    case "BreakStatement":
      return [whole("statement", node, ";")]
    case "ReturnStatement":
      return isNode(node.argument) && !isPlain(node.argument)
        ? [whole("return", node.argument, "undefined")]
        : []
    case "ArrowFunctionExpression":
      return node.expression && !isPlain(node.body)
        ? [whole("return", { ...node.body, start: source.indexOf("=>", paramsEnd(node)) + 2 }, " undefined")]
        : []
    case "ArrayExpression":
      return leaveOut(node.elements)
    case "ObjectExpression":
      return leaveOut(node.properties)
    case "Literal":
      return literal(node)
    case "TemplateLiteral":
      return [whole("literal", node, '""')]
    case "ChainExpression":
      return chainsOf(node).map((at) => ["chain", at, at + 2, source[at + 2] === "[" ? "" : "."])
    default:
      return []
  }

  function chainsOf(node: Tree): ReadonlyArray<number> {
    return [
      ...(node.optional === true ? [source.indexOf("?.", (node.object ?? node.callee).end)] : []),
      ...childrenOf(node).flatMap(chainsOf)
    ]
  }
}

const paramsEnd = (node: Tree): number => node.params.at(-1)?.end ?? node.start

const loopKinds: ReadonlySet<string> = new Set([
  "ForStatement",
  "ForInStatement",
  "ForOfStatement",
  "WhileStatement",
  "DoWhileStatement"
])

/** The stripped source with a call of `pass` from the module `from` in every loop; all lines stay where they are. */
export const countLoops = (stripped: string, from: string): string => {
  const calls: Array<readonly [at: number, text: string]> = []
  const walk = (node: Tree): void => {
    if (loopKinds.has(node.type)) {
      const { body } = node
      if (body.type === "BlockStatement") calls.push([body.start + 1, "$pass();"])
      else calls.push([body.start, "{$pass();"], [body.end, "}"])
    }
    for (const child of childrenOf(node)) walk(child)
  }
  walk(parseModule(stripped))
  let counted = `import { pass as $pass } from ${JSON.stringify(from)};`
  let done = 0
  for (const [at, text] of calls.sort(([a], [b]) => a - b)) {
    counted += stripped.slice(done, at) + text
    done = at
  }
  return counted + stripped.slice(done)
}

// What is no code of its own: names of modules, keys, the parts of a template.
const skipped = (node: Tree): ReadonlyArray<unknown> => {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportAllDeclaration":
      return childrenOf(node)
    case "ExportNamedDeclaration":
      return [node.source]
    case "Property":
    case "MethodDefinition":
    case "PropertyDefinition":
      return node.computed ? [] : [node.key]
    default:
      return []
  }
}

// Put into a module they leave it one; the others may not, as where `??` and `&&` would meet.
const alwaysParse: ReadonlySet<string> = new Set([
  "arithmetic",
  "bits",
  "boundary",
  "comparison",
  "condition",
  "literal"
])

const parses = (source: string): boolean => {
  try {
    parseModule(source)
    return true
  } catch {
    return false
  }
}

/** The mutants of a source, in its order; changes that make no module are left out. */
export const of = (file: string, source: string): ReadonlyArray<Mutant> => {
  const stripped = strip(source)
  const mutants = new Map<string, Mutant>()
  const add = ([operator, start, end, replacement]: Change): void => {
    const mutant = {
      file,
      line: stripped.slice(0, start).split("\n").length,
      start,
      end,
      operator,
      original: stripped.slice(start, end),
      replacement
    }
    const key = `${start} ${end} ${replacement}`
    if (mutants.has(key)) return
    if (alwaysParse.has(operator) || parses(apply(stripped, mutant))) mutants.set(key, mutant)
  }
  const nothing = new Set<Tree | undefined>()
  const walk = (node: Tree): void => {
    if (nothing.has(node)) return
    if (node.type === "SwitchStatement") nothing.add(lastBreak(node))
    for (const change of changesOf(stripped, node)) add(change)
    const left = skipped(node)
    for (const child of childrenOf(node)) if (!left.includes(child)) walk(child)
  }
  walk(parseModule(stripped))
  return [...mutants.values()].sort((a, b) => a.start - b.start || a.end - b.end)
}
