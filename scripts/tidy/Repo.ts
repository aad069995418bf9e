// The repository as the rules see it: paths and texts, and for TypeScript what a file imports and which globals
// it touches. It comes from the syntax tree, so an example in a comment is not an import.
import * as fs from "node:fs"
import * as path from "node:path"
import { parseAst } from "vitest/node"
import { listFiles, type Manifest } from "../lib/workspace.ts"

export interface Repo {
  readonly texts: ReadonlyMap<string, string>
  readonly modules: ReadonlyMap<string, Module>
  readonly packages: ReadonlyMap<string, Manifest>
}

export interface Module {
  /** Every specifier of an import or export, dynamic and type-only ones included. */
  readonly imports: ReadonlyArray<string>
  /** Every string that may name a file, such as the first argument of `new URL("./worker.ts", import.meta.url)`. */
  readonly files: ReadonlyArray<string>
  /** Globals as they are written: `Date.now`, `new Date()`, `setTimeout`. */
  readonly globals: ReadonlySet<string>
}

const textual = /\.(ts|mts|js|mjs|json|md|svg|yaml|yml)$|^\.ci\//

export const fromDirectory = (directory: string): Repo =>
  fromTexts(
    listFiles(directory)
      .filter((file) => textual.test(file) && file !== "pnpm-lock.yaml")
      .map((file) => [file, fs.readFileSync(path.join(directory, file), "utf8")])
  )

export const fromTexts = (entries: ReadonlyArray<readonly [path: string, text: string]>): Repo => ({
  texts: new Map(entries),
  modules: new Map(
    entries.filter(([file]) => file.endsWith(".ts")).map(([file, text]) => [file, parse(file, text)])
  ),
  packages: new Map(
    entries
      .filter(([file]) => path.posix.basename(file) === "package.json")
      .map(([file, text]) => [path.posix.dirname(file), JSON.parse(text)])
  )
})

/** The directory of the package that a file belongs to; "." is the root. */
export const packageOf = (repo: Repo, file: string): string => {
  const directory = path.posix.dirname(file)
  return directory === "." || repo.packages.has(directory) ? directory : packageOf(repo, directory)
}

// --- syntax ----------------------------------------------------------------------------------------------------

interface Node {
  readonly type: string
  readonly [key: string]: unknown
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as Node).type === "string"

/** Positions in which an identifier is a name of its own and not a reference. */
const names = new Set(["property", "key", "imported", "exported", "label"])

const parse = (file: string, text: string): Module => {
  const imports: Array<string> = []
  const files: Array<string> = []
  const globals = new Set<string>()

  const visit = (node: Node, position: string, parent: Node | undefined): void => {
    const specifier = specifierOf(node)
    if (specifier !== undefined) imports.push(specifier)
    if (node.type === "Literal" && typeof node.value === "string" && node.value.endsWith(".ts")) {
      files.push(node.value)
    }
    if (node.type === "Identifier" && (!names.has(position) || parent?.computed === true)) {
      globals.add(node.name as string)
    }
    if (node.type === "MemberExpression" && isNode(node.object) && isNode(node.property)) {
      globals.add(`${node.object.name}.${node.property.name}`)
      if (node.object.name === "globalThis") globals.add(String(node.property.name))
    }
    if (isDate(node) && (node.type === "CallExpression" || (node.arguments as Array<Node>).length === 0)) {
      globals.add(node.type === "NewExpression" ? "new Date()" : "Date()")
    }
    for (const [key, value] of Object.entries(node)) {
      for (const child of Array.isArray(value) ? value : [value]) {
        if (isNode(child)) visit(child, key, node)
      }
    }
  }

  visit(parseAst(text, { lang: "ts" }, file) as unknown as Node, "program", undefined)
  return { imports, files, globals }
}

const specifierOf = (node: Node): string | undefined => {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportAllDeclaration":
    case "ExportNamedDeclaration":
    case "ImportExpression":
    case "TSImportType": {
      const source = node.source ?? node.argument
      return isNode(source) && typeof source.value === "string" ? source.value : undefined
    }
    default:
      return undefined
  }
}

const isDate = (node: Node): boolean =>
  (node.type === "NewExpression" || node.type === "CallExpression") &&
  isNode(node.callee) &&
  node.callee.name === "Date"
