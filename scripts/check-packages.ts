// Checks the public packages as their users get them: built, packed, installed together outside the workspace.
// `npm run check:packages`; exits non-zero when anything is wrong. It leaves nothing behind but the builds.
//
// What it asks of each tarball: publint (strict) and attw (ESM only) find nothing; every entry point loads under
// node, prints nothing and lets the process end; every module under internal/ is closed; and a strict project
// compiles against all the types.
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { publint } from "publint"
import { formatMessage } from "publint/utils"
import { type Finished, listFiles, type Manifest, pnpm, readManifest, root, run } from "./lib/workspace.ts"

interface Package {
  readonly directory: string
  readonly manifest: Manifest
  readonly tarball: string
}

/** Specifiers that a user may import, and those that must be refused. */
interface Entries {
  readonly open: ReadonlyArray<string>
  readonly closed: ReadonlyArray<string>
}

const problems: Array<string> = []

const expect = (what: string, finished: Finished): void => {
  if (finished.code !== 0) problems.push(`${what}\n${finished.stdout}${finished.stderr}`)
}

const main = async (): Promise<void> => {
  const directories = fs.globSync("packages/*/package.json", { cwd: root }).map(path.dirname).sort()
  const published = directories.filter(
    (directory) => readManifest(path.join(root, directory)).private !== true
  )
  const temporary = fs.mkdtempSync(path.join(os.tmpdir(), "nvo-packages-"))
  try {
    await build(published)
    if (problems.length > 0) return
    const packages = await pack(published, temporary)
    if (problems.length > 0) return
    const consumer = path.join(temporary, "consumer")
    await install(packages, consumer)
    if (problems.length > 0) return
    const entries = new Map(packages.map(({ manifest: { name } }) => [name, entriesOf(name, consumer)]))
    await Promise.all([
      ...packages.map((one) => lint(one)),
      ...packages.map((one) => resolveTypes(one, entries.get(one.manifest.name)!)),
      load(entries, consumer),
      compile(entries, consumer)
    ])
    for (const { manifest, tarball } of packages) {
      const size = Math.ceil(fs.statSync(tarball).size / 1024)
      console.log(
        `${manifest.name}: ${entries.get(manifest.name)!.open.length} entry points, ${size} KiB packed`
      )
    }
  } finally {
    fs.rmSync(temporary, { recursive: true, force: true })
  }
}

// --- from sources to tarballs ----------------------------------------------------------------------------------

const build = async (directories: ReadonlyArray<string>): Promise<void> => {
  const projects = directories.map((directory) => path.join(directory, "tsconfig.src.json"))
  expect("the packages do not compile", await run("tsc", ["-b", ...projects], root))
  // The compiler leaves the output of a source that was renamed or deleted; it must not be published.
  for (const directory of directories) {
    const dist = path.join(root, directory, "dist")
    for (const file of fs.existsSync(dist) ? listFiles(dist) : []) {
      const source = path.join(root, directory, "src", file.replace(/\.(d\.ts|js)(\.map)?$/, ".ts"))
      if (!fs.existsSync(source)) fs.rmSync(path.join(dist, file))
    }
  }
}

const pack = async (
  directories: ReadonlyArray<string>,
  destination: string
): Promise<ReadonlyArray<Package>> => {
  const filters = directories.map((directory) => `--filter=./${directory}`)
  const template = path.join(destination, "%s.tgz")
  expect("pnpm pack failed", await pnpm(["--recursive", ...filters, "pack", "--out", template], root))
  return directories.map((directory) => {
    const manifest = readManifest(path.join(root, directory))
    const tarball = path.join(destination, `${manifest.name.replace("@", "").replace("/", "-")}.tgz`)
    return { directory, manifest, tarball }
  })
}

/** A project of its own that has the tarballs and what they ask their users to bring. */
const install = async (packages: ReadonlyArray<Package>, consumer: string): Promise<void> => {
  const tarballs = Object.fromEntries(
    packages.map(({ manifest, tarball }) => [manifest.name, `file:${tarball}`])
  )
  const peers = Object.assign({}, ...packages.map(({ manifest }) => manifest.peerDependencies ?? {}))
  const types = { "@types/node": readManifest(root).devDependencies!["@types/node"]! }
  fs.mkdirSync(consumer)
  write(consumer, "package.json", {
    name: "consumer",
    private: true,
    type: "module",
    dependencies: { ...tarballs, ...peers, ...types }
  })
  // Without the overrides the packages would ask the registry for each other. JSON is YAML too.
  write(consumer, "pnpm-workspace.yaml", { packages: ["."], overrides: tarballs })
  const options = ["--prefer-offline", "--no-frozen-lockfile", "--ignore-scripts"]
  expect("the tarballs cannot be installed together", await pnpm(["install", ...options], consumer))
}

const write = (directory: string, file: string, content: unknown): void =>
  fs.writeFileSync(path.join(directory, file), JSON.stringify(content, undefined, 2))

/** What the manifest of the installed package opens, with every pattern written out. */
const entriesOf = (name: string, consumer: string): Entries => {
  const directory = path.join(consumer, "node_modules", name)
  const table = readManifest(directory).exports as Record<string, null | { readonly default: string }>
  const built = fs.globSync("dist/**/*.js", { cwd: directory }).map((file) => `./${file}`)
  const subpaths = Object.entries(table).flatMap(([key, target]) => {
    if (target === null || typeof target === "string") return []
    if (!key.includes("*")) return [key]
    const [before = "", after = ""] = target.default.split("*")
    return built
      .filter((file) => file.startsWith(before) && file.endsWith(after))
      .map((file) => key.replace("*", file.slice(before.length, file.length - after.length)))
  })
  const specifiers = subpaths.map((subpath) => `${name}${subpath.slice(1)}`)
  const isInternal = (specifier: string) => specifier.includes("/internal/")
  const internal = built
    .filter(isInternal)
    .map((file) => `${name}/${file.slice("./dist/".length, -".js".length)}`)
  return {
    open: [...new Set(specifiers.filter((specifier) => !isInternal(specifier)))].sort(),
    closed: internal.sort()
  }
}

// --- what is asked of them -------------------------------------------------------------------------------------

const lint = async ({ manifest, tarball }: Package): Promise<void> => {
  const bytes = fs.readFileSync(tarball)
  const { messages, pkg } = await publint({
    pack: { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) },
    strict: true
  })
  for (const message of messages) {
    problems.push(`publint, ${manifest.name}: ${formatMessage(message, pkg, { color: false })}`)
  }
}

const resolveTypes = async ({ manifest, tarball }: Package, { open }: Entries): Promise<void> => {
  const subpaths = open.map((specifier) => `.${specifier.slice(manifest.name.length)}`)
  const options = ["--profile", "esm-only", "--no-emoji", "--no-color", "--entrypoints", ...subpaths]
  expect(`attw, ${manifest.name}`, await run("attw", [tarball, ...options], root))
}

const load = async (entries: ReadonlyMap<string, Entries>, consumer: string): Promise<void> => {
  const all = [...entries.values()]
  const script = `
    for (const specifier of ${JSON.stringify(all.flatMap(({ open }) => open))}) {
      await import(specifier).catch((error) => {
        console.error(specifier, error)
        process.exitCode = 1
      })
    }
    for (const specifier of ${JSON.stringify(all.flatMap(({ closed }) => closed))}) {
      const code = await import(specifier).then(() => "open", (error) => error.code)
      if (code !== "ERR_PACKAGE_PATH_NOT_EXPORTED") {
        console.error(specifier, "is not closed:", code)
        process.exitCode = 1
      }
    }`
  fs.writeFileSync(path.join(consumer, "load.mjs"), script)
  // An entry point that leaves a handle open keeps the process: 20 s are far more than loading takes.
  const finished = await run("node", ["load.mjs"], consumer, 20_000)
  expect("the packages do not load under node", finished)
  if (finished.code === 0 && finished.stdout + finished.stderr !== "") {
    problems.push(`loading the packages prints:\n${finished.stdout}${finished.stderr}`)
  }
}

const compile = async (entries: ReadonlyMap<string, Entries>, consumer: string): Promise<void> => {
  const specifiers = [...entries.values()].flatMap(({ open }) => open)
  const lines = specifiers.map((specifier, index) => `export * as m${index} from "${specifier}"`)
  fs.writeFileSync(path.join(consumer, "all.ts"), lines.join("\n"))
  write(consumer, "tsconfig.json", {
    files: ["all.ts"],
    compilerOptions: {
      target: "es2024",
      // Effect names types of the DOM, so a project that checks its libraries has them.
      lib: ["es2024", "esnext.disposable", "dom"],
      module: "nodenext",
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      types: ["node"],
      noEmit: true
    }
  })
  const tsc = path.join(root, "node_modules/.bin/tsc")
  expect("a strict project does not compile against the packages", await run(tsc, ["-p", "."], consumer))
}

await main()
for (const problem of problems) console.error(`\n✗ ${problem.trim()}`)
process.exitCode = problems.length === 0 ? 0 : 1
