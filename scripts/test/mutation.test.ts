// `npm run mutate`: the mutants of a source, and a run over a source of three functions whose tests are known.
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { root } from "../lib/workspace.ts"
import { http1 } from "../mutation/http1.ts"
import * as Loops from "../mutation/loops.ts"
import * as Mutants from "../mutation/mutants.ts"
import * as Run from "../mutation/run.ts"
import * as Tell from "../mutation/tell.ts"

const changes = (source: string): ReadonlyArray<string> =>
  Mutants.of("a.ts", source).map((mutant) => Mutants.apply(Mutants.strip(source), mutant))

// What is looked for, the source, and all that becomes of it.
const operators: ReadonlyArray<readonly [what: string, source: string, mutants: ReadonlyArray<string>]> = [
  ["a boundary and its opposite", "f(a < b)", [";", "f(a <= b)", "f(a >= b)"]],
  ["an equation", "f(a === b)", [";", "f(a !== b)"]],
  ["a parenthesis around an operand", "f((a) - (b))", [";", "f((a) + (b))"]],
  ["what two conditions have in common", "f(a && b)", [";", "f(a || b)"]],
  ["a condition", "if (a) f()", ["if (true) f()", "if (false) f()", "if (a) ;"]],
  ["a loop, which is not made endless", "while (a) f()", ["while (false) f()", "while (a) ;"]],
  ["a negation", "f(!a)", [";", "f(a)"]],
  ["a number", "f(31)", [";", "f(32)"]],
  ["a text", 'f("a", "")', [";", 'f("", "")', 'f("a", "mutant")']],
  ["a regular expression's ends", "f(/^a$/)", [";", "f(/a$/)", "f(/^a/)"]],
  ["a step", "for (; ; i++) f()", ["for (; ; i--) f()", "for (; ; i++) ;"]],
  ["the entries of a list", "f([a, b])", [";", "f([b])", "f([a])"]],
  ["the entries of an object, but no keys", "f({ a: b, c })", [";", "f({ c })", "f({ a: b })"]],
  [
    "a case and its end",
    "switch (a) {\n  case b:\n    f()\n    break\n  default: {\n    break\n  }\n}",
    [
      "switch (a) {\n  case b:\n    \n  default: {\n    break\n  }\n}",
      "switch (a) {\n  case b:\n    ;\n    break\n  default: {\n    break\n  }\n}",
      "switch (a) {\n  case b:\n    f()\n    ;\n  default: {\n    break\n  }\n}",
      "switch (a) {\n  case b:\n    f()\n    break\n  default: \n}"
    ]
  ],
  ["what is returned", "f = () => a", [";", "f = () => undefined"]],
  ["but not what is returned for nothing", "f = () => undefined", [";"]],
  ["and a truth as a truth", "f = () => true", [";", "f = () => false"]],
  ["a link of a chain", "f(a?.b)", [";", "f(a.b)"]],
  ["no import and no type", 'import { a } from "a"\ntype B = "b" | 1\nlet b: B', []]
]

const sources = {
  "source.ts": [
    "export const clamp = (n: number, max: number): number => (n > max ? max : n)",
    "export const isSmall = (n: number): boolean => n < 10",
    "export const sum = (ns: ReadonlyArray<number>): number => {",
    "  let total = 0",
    "  for (let i = 0; i < ns.length; i++) total += ns[i]",
    "  return total",
    "}"
  ],
  "cases.ts": [
    'import { assert, describe, it } from "@effect/vitest"',
    'import * as Source from "./source.ts"',
    'describe("source", () => {',
    '  it("clamps", () => {',
    "    for (let n = 0; n < 5; n++) assert.strictEqual(Source.clamp(n, 3), Math.min(n, 3))",
    "  })",
    '  it("tells what is small, but not up to where", () => {',
    "    assert.isTrue(Source.isSmall(5))",
    "    assert.isFalse(Source.isSmall(20))",
    "  })",
    '  it("sums", () => assert.strictEqual(Source.sum([1, 2, 3]), 6))',
    "})"
  ],
  "failing.ts": [
    'import { assert, it } from "@effect/vitest"',
    'import * as Source from "./source.ts"',
    'it("is wrong", () => assert.strictEqual(Source.sum([1]), 2))'
  ]
}

const equal: Run.Equivalent = {
  file: "source.ts",
  line: sources["source.ts"][0],
  change: [">", ">="],
  reason: "where both are equal, either is the answer"
}

const withTarget = async <A>(
  tests: keyof typeof sources,
  use: (target: Run.Target) => Promise<A>
): Promise<A> => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "mutation-"))
  try {
    for (const [file, lines] of Object.entries(sources)) {
      fs.writeFileSync(path.join(directory, file), `${lines.join("\n")}\n`)
    }
    return await use({
      root: directory,
      sources: ["source.ts"],
      reload: ["source.ts"],
      tests: [tests],
      equivalents: [equal]
    })
  } finally {
    fs.rmSync(directory, { recursive: true })
  }
}

const attempt = (target: Run.Target, mutants = Run.mutantsOf(target)) =>
  Run.run(target, mutants, { cores: 2, seed: 1, onTried: () => {} })

describe("mutants", () => {
  for (const [what, source, expected] of operators) {
    it(what, () => {
      assert.sameMembers([...changes(source)], [...expected])
    })
  }

  it("count how often loops of every kind go round, and are the same otherwise", async () => {
    const source = [
      "let n = 0",
      "for (let i = 0; i < 2; i++) for (const a of [1, 2]) n += a",
      "for (const key in { a: 1, b: 2 }) { n += key.length }",
      "while (n < 9) n++",
      "do n--",
      "while (n > 7)",
      "if (n === 7) while (n < 8) n++",
      "else n = 0",
      "export const result = n"
    ].join("\n")
    const from =
      "data:text/javascript,let n = 0; export const pass = () => { n++ }; export const count = () => n"
    const counted = Mutants.countLoops(source, from)
    assert.lengthOf(counted.split("\n"), source.split("\n").length)
    const module = await import(`data:text/javascript,${encodeURIComponent(counted)}`)
    assert.strictEqual(module.result, 8)
    assert.strictEqual((await import(from)).count(), 2 + 4 + 2 + 1 + 2 + 1)
  })

  it("may go round so often, and no more, whoever catches the error", () => {
    Loops.allow(2)
    Loops.pass()
    Loops.pass()
    assert.isFalse(Loops.isExceeded())
    assert.throws(Loops.pass, Loops.NeverEnds)
    assert.isTrue(Loops.isExceeded())
  })

  it("of HTTP/1.1 are modules in which one thing is different", () => {
    const target = http1(root)
    const all = Run.mutantsOf(target)
    const mutants = Run.sample(all, 100, 1)
    assert.lengthOf(mutants, 100)
    for (const mutant of mutants) {
      const source = fs.readFileSync(path.join(root, mutant.file), "utf8")
      // It is parsed.
      assert.doesNotThrow(() => Mutants.countLoops(Mutants.apply(Mutants.strip(source), mutant), "a"))
      assert.strictEqual(source.slice(mutant.start, mutant.end), mutant.original)
      assert.include(source.split("\n")[mutant.line - 1], mutant.original.split("\n")[0].trim())
      assert.notStrictEqual(mutant.original, mutant.replacement)
    }
    assert.deepStrictEqual(Run.sample(all, 100, 1), mutants)
    assert.notDeepEqual(Run.sample(all, 100, 2), mutants)
  })
})

describe("a run", () => {
  it("tells who is noticed, who survives, and who never ends", () =>
    withTarget("cases.ts", async (target) => {
      const tried = await Effect.runPromise(attempt(target))
      assert.lengthOf(tried, Run.mutantsOf(target).length)
      const of = (fate: Run.Fate) =>
        tried.filter((one) => one.fate === fate).map(({ mutant }) => Tell.describe(mutant))
      assert.sameMembers(of("Survived"), ["source.ts:2 boundary: < → <=", "source.ts:2 literal: 10 → 11"])
      assert.deepStrictEqual(of("Explained"), ["source.ts:1 boundary: > → >="])
      assert.deepStrictEqual(of("TimedOut"), ["source.ts:5 arithmetic: ++ → --"])
      const noticed = tried.find(({ mutant }) => mutant.operator === "arithmetic" && mutant.original === "+=")
      assert.strictEqual(noticed?.by, "cases.ts source > sums")
      const { failed, lines } = Tell.result(tried, target.equivalents)
      assert.isTrue(failed)
      assert.include(lines, "survived: source.ts:2 boundary: < → <=")
      const score = ((100 * (tried.length - 3)) / (tried.length - 1)).toFixed(2)
      assert.isTrue(
        lines.some((line) => line.startsWith(`${tried.length} mutants`) && line.endsWith(`${score} %`))
      )
    }))

  it("fails on an explanation that nothing needs", () =>
    withTarget("cases.ts", async (target) => {
      const killed = Run.mutantsOf(target).filter(({ original }) => original === "+=")
      const tried = await Effect.runPromise(attempt(target, killed))
      assert.deepStrictEqual(
        tried.map(({ fate }) => fate),
        ["Killed"]
      )
      assert.isFalse(Tell.result(tried, []).failed)
      const { failed, lines } = Tell.result(tried, [equal])
      assert.isTrue(failed)
      assert.include(lines.at(-1), "explained, but noticed: source.ts")
    }))

  it("takes an explanation for what it says, where its line stands more than once", () =>
    withTarget("cases.ts", async (target) => {
      const inSmall = Run.mutantsOf(target).filter(
        ({ operator, line }) => operator === "boundary" && line === 2
      )
      const known: Run.Equivalent = { ...equal, line: sources["source.ts"][1], change: ["<", "<="] }
      for (const [behind, failed] of [
        [
          sources["source.ts"]
            .slice(2, 4)
            .map((line) => line.trim())
            .join(" "),
          false
        ],
        ["export const sum", false],
        ["export const clamp", true]
      ] as const) {
        const equivalents = [{ ...known, behind }]
        const tried = await Effect.runPromise(attempt({ ...target, equivalents }, inSmall))
        assert.strictEqual(Tell.result(tried, equivalents).failed, failed, behind)
      }
    }))

  it("does not begin where the tests fail without a mutant", () =>
    withTarget("failing.ts", async (target) => {
      const error = await Effect.runPromise(Effect.flip(attempt(target)))
      assert.match(error.message, /^without a mutant, failing\.ts is wrong: AssertionError/)
    }))

  it("leaves the sources as they are", () =>
    withTarget("cases.ts", async (target) => {
      await Effect.runPromise(attempt(target, Run.sample(Run.mutantsOf(target), 3, 1)))
      for (const [file, lines] of Object.entries(sources)) {
        assert.strictEqual(fs.readFileSync(path.join(target.root, file), "utf8"), `${lines.join("\n")}\n`)
      }
    }))
})
