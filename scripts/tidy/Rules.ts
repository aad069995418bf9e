// The rules of the house that no type can check. A rule is a function from the repository to the sentences that
// say where it is broken. Each rule has a canary in tidy.test.ts that it must catch: add both together.
import * as path from "node:path"
import type { Manifest } from "../lib/workspace.ts"
import { packageOf, type Repo } from "./Repo.ts"

export type Rule = (repo: Repo) => ReadonlyArray<string>

/** What each package's `src` may import of the workspace. A package that is missing here may import nothing. */
const mayImport: Readonly<Record<string, ReadonlyArray<string>>> = {
  "packages/protocol": [],
  "packages/server": ["@nvo/protocol"],
  "packages/node": ["@nvo/protocol", "@nvo/server"],
  "packages/routes": [],
  "packages/testing": ["@nvo/protocol", "@nvo/server"],
  "packages/bench": ["@nvo/protocol", "@nvo/server", "@nvo/node", "@nvo/routes"],
  "examples/chat": ["@nvo/protocol", "@nvo/server", "@nvo/node", "@nvo/routes"],
  "examples/hello": ["@nvo/protocol", "@nvo/server", "@nvo/node", "@nvo/routes"],
  "examples/observability": ["@nvo/protocol", "@nvo/server", "@nvo/node", "@nvo/routes"],
  "examples/streaming": ["@nvo/protocol", "@nvo/server", "@nvo/node", "@nvo/routes"],
  "examples/todo": ["@nvo/protocol", "@nvo/server", "@nvo/node", "@nvo/routes"]
}

/** Packages that know nothing of Node: they compile with `types: []`. */
const pure = ["packages/protocol", "packages/server", "packages/routes"]

/** Time and randomness come through Effect's Clock and Random, and output through its Logger. */
const impureGlobals = [
  "Date.now",
  "Date()",
  "new Date()",
  "Math.random",
  "performance",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "console"
]

const protocols = ["http1", "http2", "websocket"]

export const longFile = 600
export const tooLongFile = 700

export const dependencyDirection: Rule = (repo) =>
  sources(repo).flatMap(([file, imports]) => {
    const home = packageOf(repo, file)
    return imports
      .filter((specifier) => isWorkspace(specifier))
      .filter((specifier) => !(mayImport[home] ?? []).includes(packageName(specifier)))
      .map((specifier) => `${file} imports ${specifier}`)
  })

export const protocolsAreStrangers: Rule = (repo) =>
  sources(repo).flatMap(([file, imports]) => {
    const folder = protocolFolder(file)
    if (folder === undefined) return []
    return imports
      .map((specifier) => [specifier, protocolFolder(resolve(repo, file, specifier) ?? "")] as const)
      .filter(([_, other]) => other !== undefined && other !== folder)
      .map(([specifier]) => `${file} imports ${specifier}`)
  })

export const pureSources: Rule = (repo) =>
  [...repo.modules]
    .filter(([file]) => pure.some((directory) => file.startsWith(`${directory}/src/`)))
    .flatMap(([file, { globals, imports }]) => [
      ...imports.filter((name) => name.startsWith("node:")).map((name) => `${file} imports ${name}`),
      ...impureGlobals.filter((name) => globals.has(name)).map((name) => `${file} uses ${name}`)
    ])

export const pureCompilation: Rule = (repo) =>
  pure.flatMap((directory) => {
    const file = `${directory}/tsconfig.src.json`
    const types = JSON.parse(repo.texts.get(file) ?? "{}").compilerOptions?.types
    return Array.isArray(types) && types.length === 0 ? [] : [`${file} does not set "types": []`]
  })

export const packagesMeetInTheirExports: Rule = (repo) =>
  [...repo.modules].flatMap(([file, { imports }]) =>
    imports.flatMap((specifier) => {
      if (specifier.startsWith(".")) {
        const target = path.posix.join(path.posix.dirname(file), specifier)
        return packageOf(repo, target) === packageOf(repo, file) ? [] : [`${file} reaches into ${target}`]
      }
      return isWorkspace(specifier) && resolve(repo, file, specifier) === undefined
        ? [`${file} imports ${specifier}, which is not exported`]
        : []
    })
  )

export const importsAreDeclared: Rule = (repo) =>
  [...repo.modules].flatMap(([file, { imports }]) => {
    const manifest = repo.packages.get(packageOf(repo, file))
    const shipped = file.includes("/src/")
    const declared = new Set([
      ...namesOf(manifest, "dependencies", "peerDependencies", "optionalDependencies"),
      ...(shipped ? [] : namesOf(manifest, "devDependencies")),
      ...(shipped ? [] : namesOf(repo.packages.get("."), "devDependencies"))
    ])
    return imports
      .filter((specifier) => !/^(\.|node:)/.test(specifier))
      .filter((specifier) => !declared.has(packageName(specifier)))
      .map((specifier) => `${file} imports ${specifier}, which its package.json does not declare`)
  })

/** Everything in `src` is there because an export, an entry point or a test leads to it. */
export const everySourceIsUsed: Rule = (repo) => {
  const reached = new Set<string>()
  const visit = (file: string): void => {
    if (reached.has(file)) return
    reached.add(file)
    const module = repo.modules.get(file)
    for (const name of module === undefined ? [] : [...module.imports, ...module.files]) {
      const target = resolve(repo, file, name) ?? (repo.modules.has(name) ? name : undefined)
      if (target !== undefined) visit(target)
    }
  }
  for (const entry of entryPoints(repo)) visit(entry)
  return sources(repo)
    .map(([file]) => file)
    .filter((file) => !reached.has(file))
    .map((file) => `${file} is reached from no index, entry point or test`)
}

export const filesAreSmall: Rule = (repo) =>
  longFiles(repo, tooLongFile).map(
    ([file, lines]) => `${file} has ${lines} lines, more than ${tooLongFile}: split it`
  )

/** Files longer than a limit, the longest first. */
export const longFiles = (repo: Repo, limit: number): ReadonlyArray<readonly [path: string, lines: number]> =>
  [...repo.modules.keys()]
    .map((file) => [file, (repo.texts.get(file) ?? "").trimEnd().split("\n").length] as const)
    .filter(([_, lines]) => lines > limit)
    .sort(([_, a], [__, b]) => b - a)

/** The words are put together here so that this file does not contain them. */
const unfinished = new RegExp(
  `\\b(${["TO-DO", "FIX-ME", "X-XX"].map((s) => s.replace("-", "")).join("|")})\\b`
)

export const nothingIsLeftForLater: Rule = (repo) =>
  [...repo.modules.keys()].flatMap((file) =>
    (repo.texts.get(file) ?? "")
      .split("\n")
      .flatMap((line, index) => (unfinished.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : []))
  )

export const versionsAreExact: Rule = (repo) => {
  const seen = new Map<string, string>()
  return [...repo.packages].flatMap(([directory, manifest]) =>
    sections
      .flatMap((section) => Object.entries(manifest[section] ?? {}))
      .flatMap(([name, version]) => {
        if (version.startsWith("workspace:")) return []
        const first = seen.get(name) ?? version
        seen.set(name, first)
        return [
          ...(/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)
            ? []
            : [`${directory}: ${name} is ${version}, not exact`]),
          ...(version === first ? [] : [`${directory}: ${name} is ${version} here and ${first} elsewhere`])
        ]
      })
  )
}

export const dependenciesAreExplained: Rule = (repo) => {
  const decisions = repo.texts.get("docs/decisions.md") ?? ""
  const names = new Set(
    [...repo.packages.values()].flatMap((manifest) =>
      sections.flatMap((section) => namesOf(manifest, section))
    )
  )
  return [...names]
    .filter((name) => !isWorkspace(name) && !decisions.includes(`\`${name}\``))
    .map((name) => `docs/decisions.md does not say why \`${name}\` is a dependency`)
}

export const publicPackagesAreComplete: Rule = (repo) =>
  [...repo.packages]
    .filter(([_, manifest]) => manifest.private !== true)
    .flatMap(([directory, manifest]) => [
      ...(manifest.license === "MIT" ? [] : [`${directory} has no MIT licence`]),
      ...(manifest.publishConfig?.access === "public" ? [] : [`${directory} is not published as public`]),
      ...(repo.texts.has(`${directory}/README.md`) ? [] : [`${directory} has no README.md`]),
      ...(sameKeys(manifest.exports, manifest.publishConfig?.exports)
        ? []
        : [`${directory} exports other names when it is published`])
    ])

/** `npm start` and `npm test` name pnpm themselves, since a fresh machine has none. */
export const onePnpm: Rule = (repo) => {
  const manifest = repo.packages.get(".")
  return Object.entries(manifest?.scripts ?? {})
    .flatMap(([name, script]) => (script.match(/\bpnpm@[\d.]+/g) ?? []).map((used) => [name, used] as const))
    .filter(([_, used]) => used !== manifest?.packageManager)
    .map(([name, used]) => `the script ${name} runs ${used}, not ${manifest?.packageManager}`)
}

export const linksLeadSomewhere: Rule = (repo) =>
  [...repo.texts]
    .filter(([file]) => file.endsWith(".md"))
    .flatMap(([file, text]) =>
      [...text.replaceAll(/```[\s\S]*?```/g, "").matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([_, link]) => (link ?? "").replace(/#.*$/, ""))
        .filter((link) => link !== "" && !/^[a-z]+:/.test(link))
        .filter((link) => !exists(repo, path.posix.join(path.posix.dirname(file), link)))
        .map((link) => `${file} links to ${link}, which is not there`)
    )

// --- what the rules share --------------------------------------------------------------------------------------

const sections = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"] as const

const namesOf = (
  manifest: Manifest | undefined,
  ...of: ReadonlyArray<(typeof sections)[number]>
): ReadonlyArray<string> => of.flatMap((section) => Object.keys(manifest?.[section] ?? {}))

const isWorkspace = (specifier: string): boolean => specifier.startsWith("@nvo/")

const packageName = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")

const sources = (repo: Repo): ReadonlyArray<readonly [file: string, imports: ReadonlyArray<string>]> =>
  [...repo.modules]
    .filter(([file]) => /^(packages|examples)\/[^/]+\/src\//.test(file))
    .map(([file, { imports }]) => [file, imports])

const protocolFolder = (file: string): string | undefined =>
  protocols.find((name) => file.startsWith(`packages/protocol/src/${name}/`))

const exists = (repo: Repo, target: string): boolean => {
  const name = target.replace(/\/$/, "")
  return (
    extensionless.has(name) ||
    repo.texts.has(name) ||
    [...repo.texts.keys()].some((file) => file.startsWith(`${name}/`))
  )
}

const extensionless = new Set([".", "LICENSE"])

const sameKeys = (left: unknown, right: unknown): boolean =>
  JSON.stringify(Object.keys(left ?? {})) === JSON.stringify(Object.keys(right ?? {}))

/** Where an import leads within the repository, or undefined when it leads out of it or nowhere. */
const resolve = (repo: Repo, from: string, specifier: string): string | undefined => {
  if (specifier.startsWith(".")) {
    const target = path.posix.join(path.posix.dirname(from), specifier)
    return repo.modules.has(target) ? target : undefined
  }
  const found = [...repo.packages].find(([_, manifest]) => manifest.name === packageName(specifier))
  if (found === undefined) return undefined
  const target = exportTarget(found[1].exports, `.${specifier.slice(packageName(specifier).length)}`)
  const file = target === undefined ? undefined : path.posix.join(found[0], target)
  return file !== undefined && repo.texts.has(file) ? file : undefined
}

/** Node's resolution of a subpath: an exact key first, then the pattern with the longest part before its star. */
const exportTarget = (exports: unknown, subpath: string): string | undefined => {
  const table = (exports ?? {}) as Record<string, string | null>
  if (Object.hasOwn(table, subpath)) return table[subpath] ?? undefined
  const [pattern, target] =
    Object.entries(table)
      .filter(([key]) => key.includes("*"))
      .sort(([a], [b]) => b.indexOf("*") - a.indexOf("*"))
      .find(([key]) => {
        const [before = "", after = ""] = key.split("*")
        return (
          subpath.startsWith(before) &&
          subpath.endsWith(after) &&
          subpath.length >= before.length + after.length
        )
      }) ?? []
  if (pattern === undefined || typeof target !== "string") return undefined
  const [before = "", after = ""] = pattern.split("*")
  return target.replaceAll("*", subpath.slice(before.length, subpath.length - after.length))
}

/** The files that something other than an import starts: indexes, tests, and what scripts and `.ci` name. */
const entryPoints = (repo: Repo): ReadonlyArray<string> => {
  const indexes = [...repo.packages].flatMap(([directory, { exports }]) =>
    Object.values((exports ?? {}) as Record<string, unknown>)
      .filter((target): target is string => typeof target === "string" && !target.includes("*"))
      .map((target) => path.posix.join(directory, target))
  )
  const started = [...repo.packages].flatMap(([directory, { scripts }]) =>
    Object.values(scripts ?? {})
      .flatMap((script) => script.match(/[\w./-]+\.ts\b/g) ?? [])
      .map((file) => path.posix.join(directory, file))
  )
  const others = [...repo.modules.keys()].filter((file) => !/^(packages|examples)\/[^/]+\/src\//.test(file))
  return [...indexes, ...started, ...others].filter((file) => repo.modules.has(file))
}
