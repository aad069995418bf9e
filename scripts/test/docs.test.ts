import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as Net from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { documents, outdated, replacePart } from "../lib/reference.ts"
import { all, claimsOf, compile, extract, inFolder, runClaims, type Snippet } from "../lib/snippets.ts"
import { root, run } from "../lib/workspace.ts"

describe("documentation made from the code", () => {
  it("is up to date (npm run docs)", () => {
    assert.deepStrictEqual(
      outdated().map(({ path }) => path),
      []
    )
  })

  it("covers configuration, errors and the states of a connection", () => {
    assert.deepStrictEqual(
      documents().map(({ path }) => path),
      ["docs/reference/configuration.md", "docs/reference/errors.md", "docs/architecture.md"]
    )
  })

  it("npm run docs writes what is out of date, and --check only says so", async () => {
    const copy = fs.mkdtempSync(path.join(os.tmpdir(), "nvo-docs-"))
    const docs = (...options: ReadonlyArray<string>) =>
      run(process.execPath, ["scripts/docs.ts", "--root", copy, ...options], root, 60_000)
    try {
      fs.cpSync(path.join(root, "docs"), path.join(copy, "docs"), { recursive: true })
      assert.deepStrictEqual(await docs("--check"), { code: 0, stdout: "", stderr: "" })
      const file = path.join(copy, "docs/reference/errors.md")
      fs.writeFileSync(file, "# Mistakes")
      fs.rmSync(path.join(copy, "docs/reference/configuration.md"))
      const checked = await docs("--check")
      assert.strictEqual(checked.code, 1)
      assert.deepStrictEqual(checked.stderr.trim().split("\n"), [
        "docs/reference/configuration.md is not up to date: npm run docs",
        "docs/reference/errors.md is not up to date: npm run docs"
      ])
      assert.strictEqual(fs.readFileSync(file, "utf8"), "# Mistakes")
      assert.strictEqual((await docs()).code, 0)
      assert.deepStrictEqual(await docs("--check"), { code: 0, stdout: "", stderr: "" })
    } finally {
      fs.rmSync(copy, { recursive: true, force: true })
    }
  })

  it("a part is replaced between its marks, and only there", () => {
    const page = "a\n<!-- begin x: made by `npm run docs` -->\nold\n<!-- end x -->\nb\n"
    assert.strictEqual(
      replacePart(page, "x", "new"),
      "a\n<!-- begin x: made by `npm run docs` -->\nnew\n<!-- end x -->\nb\n"
    )
    assert.throws(() => replacePart(page, "y", "new"), "There is no part y")
  })
})

const snippets = all()

describe("code in the documentation", () => {
  it("is found in pages and in doc comments, with the line on which it begins", () => {
    assert.deepStrictEqual(extract("a.md", "x\n```ts\nconst a = 1\n\nb\n```\n```sh\nls\n```\n"), [
      { file: "a.md", line: 3, code: "const a = 1\n\nb\n" }
    ])
    assert.deepStrictEqual(
      extract("a.ts", "/**\n * @example\n * ```ts\n * f(1) // 2\n *\n * f({\n *   a\n * })\n * ```\n */\n"),
      [{ file: "a.ts", line: 4, code: "f(1) // 2\n\nf({\n  a\n})\n" }]
    )
  })

  it("is there: in the README, the guides and the sources", () => {
    const count = (prefix: string) => snippets.filter(({ file }) => file.startsWith(prefix)).length
    assert.strictEqual(count("README.md"), 1)
    assert.isAtLeast(count("docs/"), 15)
    assert.isAtLeast(count("packages/protocol/src/"), 3)
    assert.isAtLeast(count("packages/server/src/"), 3)
    assert.isAtLeast(count("packages/node/src/"), 2)
  })

  it("compiles", async () => {
    assert.deepStrictEqual(await compile(snippets), [])
  })

  it("that does not compile is named by its line (canary)", async () => {
    const broken: Snippet = {
      file: "docs/x.md",
      line: 10,
      code: 'import { NvoServer } from "@nvo/node"\n\nNvoServer.layer({ port: "3000" })\n'
    }
    const found = await compile([broken])
    assert.strictEqual(found.length, 1)
    assert.match(found[0], /^docs\/x\.md:12: error TS2322: Type 'string' is not assignable/)
  })

  it("gives the values that it says it gives", async () => {
    assert.isAtLeast(snippets.filter((snippet) => claimsOf(snippet) > 0).length, 3)
    assert.deepStrictEqual(await runClaims(snippets), [])
  })

  it("that gives another value is named (canary)", async () => {
    const wrong = { file: "src/x.ts", line: 4, code: "[1, 2].length // 3\n" }
    const found = await runClaims([wrong, { ...wrong, code: "[1, 2].length // 2\n" }])
    assert.strictEqual(found.length, 1)
    assert.include(found[0], "src/x.ts:4: ")
  })
})

/** Starts a program that serves, and gives where it listens. */
const serving = async <A>(file: string, use: (url: string) => Promise<A>): Promise<A> => {
  const child = spawn(process.execPath, [file], { cwd: root, stdio: ["ignore", "pipe", "inherit"] })
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  try {
    const port = await new Promise<string>((resolve, reject) => {
      let said = ""
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        said += text
        const port = /Listening on http:\/\/.*:(\d+)/.exec(said)?.[1]
        if (port !== undefined) resolve(port)
      })
      child.once("exit", (code) => reject(new Error(`The program ended with ${code}: ${said}`)))
    })
    return await use(`http://localhost:${port}`)
  } finally {
    child.kill()
    await ended
  }
}

/** Sends octets, and gives everything that comes back until the server ends the connection. */
const send = (url: string, octets: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = Net.connect(Number(new URL(url).port), "localhost", () => socket.write(octets))
    let said = ""
    socket.setEncoding("latin1").on("data", (text) => {
      said += text
    })
    socket.once("end", () => resolve(said))
    socket.once("error", reject)
  })

describe("the program in the README", () => {
  const readme = fs.readFileSync(path.join(root, "README.md"), "utf8")
  const [{ code }] = extract("README.md", readme)

  it("fits on a screen", () => {
    assert.isAtMost(code.trimEnd().split("\n").length, 50)
  })

  it("does what the README says, as it is pasted into a file", async () => {
    assert.strictEqual(code.split("port: 3000").length, 2)
    const answers = await inFolder((folder) => {
      const file = path.join(folder, "server.ts")
      // The one change: another port, since this one may be taken.
      fs.writeFileSync(file, code.replace("port: 3000", "port: 0"))
      return serving(file, async (url) => {
        const square = await fetch(`${url}/square/12`)
        const upper = await fetch(`${url}/upper`, { method: "POST", body: "hello" })
        const invalid = await fetch(`${url}/square/twelve`)
        const listed = await send(url, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n")
        return {
          square: await square.text(),
          upper: await upper.text(),
          invalid: invalid.status,
          listed
        }
      })
    })
    const { listed, ...rest } = answers
    assert.deepStrictEqual(rest, {
      square: '{"square":144}',
      upper: "HELLO",
      invalid: 400
    })
    assert.match(listed, /^HTTP\/1\.1 400 Bad Request\r\n/)
    assert.include(listed, '"reason":"InvalidHost"')
    for (const [asked, answer] of [
      ["curl localhost:3000/square/12", rest.square],
      ["curl localhost:3000/upper -d 'hello'", rest.upper]
    ]) {
      assert.match(readme, new RegExp(`^${asked.replaceAll("/", "\\/")} +# ${answer}$`, "m"))
    }
  })
})
