// The code in the documentation and in doc comments, as files that can be compiled and run.
import * as fs from "node:fs"
import * as path from "node:path"
import { listFiles, root, run } from "./workspace.ts"

export interface Snippet {
  /** Where it stands: the file from the root, and the line on which its code begins. */
  readonly file: string
  readonly line: number
  readonly code: string
}

const fence = /^(?<indent>[ \t]*(?:\* ?)?)```ts\n(?<code>[\s\S]*?)^[ \t]*(?:\* ?)?```$/gm

/** The TypeScript blocks of a text: a Markdown page, or the doc comments of a source. */
export const extract = (file: string, text: string): ReadonlyArray<Snippet> =>
  [...text.matchAll(fence)].map(({ groups, index }) => ({
    file,
    line: text.slice(0, index).split("\n").length + 1,
    code: file.endsWith(".ts")
      ? (groups?.code ?? "").replaceAll(/^[ \t]*\* ?/gm, "")
      : (groups?.code ?? "").replaceAll(new RegExp(`^${groups?.indent ?? ""}`, "gm"), "")
  }))

const documented = /^(README|CONTRIBUTING|docs\/.*|packages\/[^/]+\/README|examples\/.*)\.md$/
const commented = /^packages\/[^/]+\/src\/.*\.ts$/

/** Every snippet of the repository. */
export const all = (): ReadonlyArray<Snippet> =>
  listFiles(root)
    .filter((file) => documented.test(file) || commented.test(file))
    .flatMap((file) => extract(file, fs.readFileSync(path.join(root, file), "utf8")))

export const nameOf = ({ file, line }: Snippet): string => `${file}:${line}`

const fileName = (snippet: Snippet): string => `${nameOf(snippet).replaceAll(/[^\w-]/g, "_")}.ts`

/** Runs `use` with a folder from which the packages of the workspace can be imported, and removes the folder. */
export const inFolder = async <A>(use: (folder: string) => Promise<A>): Promise<A> => {
  fs.mkdirSync(path.join(root, ".tsbuild"), { recursive: true })
  const folder = fs.mkdtempSync(path.join(root, ".tsbuild/snippets-"))
  try {
    return await use(folder)
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

/** Compiles snippets against the workspace, and gives what the compiler says of them by where they stand. */
export const compile = (snippets: ReadonlyArray<Snippet>): Promise<ReadonlyArray<string>> =>
  inFolder(async (folder) => {
    for (const snippet of snippets) fs.writeFileSync(path.join(folder, fileName(snippet)), snippet.code)
    fs.writeFileSync(
      path.join(folder, "tsconfig.json"),
      JSON.stringify({
        extends: path.join(root, "tsconfig.base.json"),
        include: ["*.ts"],
        compilerOptions: {
          noEmit: true,
          composite: false,
          allowImportingTsExtensions: true,
          noUnusedLocals: false,
          // Sources of packages are compiled along; what is wrong with them is not asked here.
          lib: ["es2024", "esnext.disposable", "dom", "dom.iterable", "dom.asynciterable"],
          types: ["node"]
        }
      })
    )
    const tsc = path.join(root, "node_modules/.bin/tsc")
    const { code, stderr, stdout } = await run(tsc, ["-p", ".", "--pretty", "false"], folder)
    const places = new Map(snippets.map((snippet) => [fileName(snippet), snippet]))
    const lines = stdout
      .split("\n")
      .map((line) => ({ line, at: /^(\w[\w-]*\.ts)\((\d+),\d+\): (.*)/.exec(line) }))
    if (
      stderr !== "" ||
      (code !== 0 && lines.every(({ at, line }) => at === null && !line.includes("): error")))
    ) {
      return [`tsc failed: ${stdout}${stderr}`]
    }
    return lines.flatMap(({ at }) => {
      const snippet = at === null ? undefined : places.get(at[1])
      return at === null || snippet === undefined
        ? []
        : [`${snippet.file}:${snippet.line + Number(at[2]) - 1}: ${at[3]}`]
    })
  })

const claim = /^(?!import|export|const|let|return|\/\/)(\S.*?) \/\/ (["[{\d].*|true|false|undefined)$/gm

/** How many lines say what their value is: `expression // value`. */
export const claimsOf = ({ code }: Snippet): number => [...code.matchAll(claim)].length

/** Runs the snippets that say what a value is, and gives those where it is another. */
export const runClaims = (snippets: ReadonlyArray<Snippet>): Promise<ReadonlyArray<string>> =>
  inFolder(async (folder) => {
    const failures: Array<string> = []
    for (const snippet of snippets.filter((snippet) => claimsOf(snippet) > 0)) {
      const file = path.join(folder, fileName(snippet))
      const checked = snippet.code.replaceAll(claim, "equal($1, $2)")
      fs.writeFileSync(file, `import { deepStrictEqual as equal } from "node:assert"\n${checked}`)
      const { code, stderr } = await run(process.execPath, [file], root, 60_000)
      if (code !== 0) failures.push(`${nameOf(snippet)}: ${stderr}`)
    }
    return failures
  })
