// What vitest's coverage says of the packages that are held to it.

/** A package that is held to its coverage: where its sources are, and per cent that have to be passed: more than these. */
export interface Held {
  readonly sources: string
  readonly lines: number
  readonly branches: number
}

/** The packages that are held. A floor is raised with the tests, and never lowered. */
export const held: Readonly<Record<string, Held>> = {
  protocol: { sources: "packages/protocol/src/", lines: 95, branches: 95 },
  server: { sources: "packages/server/src/", lines: 95, branches: 95 }
}

export interface Share {
  readonly total: number
  readonly covered: number
}

const kinds = ["lines", "branches"] as const

type Shares = Readonly<Record<(typeof kinds)[number], Share>>

/** The `json-summary` report: a line for each file, by its path, and one for all of them. */
export type Summary = Readonly<Record<string, Shares>>

const add = (a: Share, b: Share): Share => ({ total: a.total + b.total, covered: a.covered + b.covered })

/** The sums of a package. A file that no test loads is in the report too, with nothing covered. */
export const sumOf = (summary: Summary, sources: string): Shares =>
  Object.entries(summary)
    .filter(([file]) => file.includes(`/${sources}`))
    .reduce<Shares>(
      (sums, [, { branches, lines }]) => ({
        lines: add(sums.lines, lines),
        branches: add(sums.branches, branches)
      }),
      { lines: { total: 0, covered: 0 }, branches: { total: 0, covered: 0 } }
    )

// Rounded down: a floor that is shown as reached may be missed, and not the other way about.
const percent = ({ covered, total }: Share): string =>
  total === 0 ? "nothing" : `${(Math.floor((10_000 * covered) / total) / 100).toFixed(2)} %`

/** A line for each package that is held, and what is not as it should be. */
export const report = (
  summary: Summary
): { readonly lines: ReadonlyArray<string>; readonly failures: ReadonlyArray<string> } => {
  const sums = Object.entries(held).map(([name, of]) => ({ name, of, shares: sumOf(summary, of.sources) }))
  return {
    lines: sums.map(
      ({ name, shares }) =>
        `coverage of ${name}: ${kinds
          .map((kind) => `${percent(shares[kind])} of ${shares[kind].total} ${kind}`)
          .join(", ")}`
    ),
    failures: sums.flatMap(({ name, of, shares }) =>
      kinds
        .filter((kind) => !(shares[kind].covered * 100 > shares[kind].total * of[kind]))
        .map((kind) => `${name}: ${percent(shares[kind])} of the ${kind} is not above ${of[kind]} %`)
    )
  }
}
