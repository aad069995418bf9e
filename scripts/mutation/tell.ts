// What a run of mutants says: a line for each that no test noticed, while it runs, and a table at its end.
import * as path from "node:path"
import type { Mutant } from "./mutants.ts"
import type { Equivalent, Fate, Tried } from "./run.ts"

const short = (text: string): string => {
  const line = text.replace(/\s+/g, " ").trim()
  return line === "" ? "nothing" : line.length > 80 ? `${line.slice(0, 79)}…` : line
}

/** `file:line operator: original → replacement`. */
export const describe = ({ file, line, operator, original, replacement }: Mutant): string =>
  `${file}:${line} ${operator}: ${short(original)} → ${short(replacement)}`

/** Writes survivors at once, and how far it has come every few seconds. */
export const progress = (total: number): ((tried: Tried) => void) => {
  const start = performance.now()
  const counts: Record<Fate, number> = { Killed: 0, TimedOut: 0, Survived: 0, Explained: 0 }
  let done = 0
  let last = start
  return ({ fate, mutant }) => {
    counts[fate]++
    done++
    if (fate === "Survived") process.stderr.write(`survived: ${describe(mutant)}\n`)
    const now = performance.now()
    if (now - last < 5_000 && done < total) return
    last = now
    const left = Math.ceil(((now - start) / done) * (total - done)) / 1_000
    process.stderr.write(
      `${done} of ${total} mutants, ${counts.Survived} survived, about ${left.toFixed(0)} s left\n`
    )
  }
}

const share = (tried: ReadonlyArray<Tried>): string => {
  const count = (fate: Fate) => tried.filter((one) => one.fate === fate).length
  const noticed = count("Killed") + count("TimedOut")
  // What no test can notice counts neither way.
  const counted = tried.length - count("Explained")
  const score = counted === 0 ? "" : `${((100 * noticed) / counted).toFixed(2)} %`
  return [count("Killed"), count("TimedOut"), count("Survived"), count("Explained"), score]
    .map((cell) => String(cell).padStart(10))
    .join("")
}

/** The table, what survived, and entries of `expected` that nothing survived for. */
export const result = (
  tried: ReadonlyArray<Tried>,
  expected: ReadonlyArray<Equivalent>
): { readonly lines: ReadonlyArray<string>; readonly failed: boolean } => {
  const files = [...new Set(tried.map(({ mutant }) => mutant.file))].sort()
  const survived = tried.filter(({ fate }) => fate === "Survived")
  const needed = new Set(tried.flatMap(({ explanations }) => explanations))
  const stale = expected.filter((known) => !needed.has(known))
  const column = 24
  return {
    failed: survived.length + stale.length > 0,
    lines: [
      `${"".padEnd(column)}${["killed", "timed out", "survived", "explained", "score"].map((cell) => cell.padStart(10)).join("")}`,
      ...files.map(
        (file) =>
          path.basename(file).padEnd(column) + share(tried.filter(({ mutant }) => mutant.file === file))
      ),
      `${tried.length} mutants`.padEnd(column) + share(tried),
      ...survived.map(({ mutant }) => `survived: ${describe(mutant)}`),
      ...stale.map(
        ({ change, file, line }) => `explained, but noticed: ${file}, ${line}: ${change.join(" → ")}`
      )
    ]
  }
}
