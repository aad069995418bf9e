/** The page for people: `docs/benchmarks`, made from the JSON. */
import * as Chart from "./Chart.ts"
import { columns, main, values } from "./Columns.ts"
import * as Peers from "./Peers.ts"
import { cpu, type LoadResult, type Results } from "./Results.ts"
import { estimate, median, ratios } from "./Stats.ts"

export interface File {
  readonly name: string
  readonly text: string
}

const title = (id: string): string => Peers.byId(id)?.title ?? id

const digits = (value: number): string =>
  value >= 1000
    ? Math.round(value).toLocaleString("en-GB")
    : value >= 100
      ? value.toFixed(0)
      : value >= 10
        ? value.toFixed(1)
        : value.toFixed(2)

const chart = (load: LoadResult): string => {
  const { pick, title: unitTitle, unit } = main(load.id)
  const isCpu = pick === cpu
  const rows = Object.entries(load.servers).map(([id, samples]) => {
    const all = values(samples, pick).map((value) => value / unit)
    const middle = median(all)
    const user = median(samples.map(({ user }) => user))
    const system = median(samples.map(({ system }) => system))
    return {
      label: title(id),
      parts: isCpu ? [(middle * user) / (user + system), (middle * system) / (user + system)] : [middle],
      text: digits(middle),
      from: Math.min(...all),
      to: Math.max(...all),
      marked: id === "nvo"
    }
  })
  return Chart.bars(
    load.title,
    isCpu ? [`${unitTitle} per request: user`, "system (lighter)"] : [unitTitle],
    rows
  )
}

const table = (load: LoadResult, against: string): ReadonlyArray<string> => {
  const shown = columns(load.id).filter(({ pick }) =>
    Object.values(load.servers).some((samples) => values(samples, pick).length > 0)
  )
  const { pick, title: mainTitle, unit: mainUnit } = main(load.id)
  const base = load.servers[against]
  const rows = Object.entries(load.servers).map(([id, samples]) => {
    const cells = shown.map(({ pick, unit }) => digits(median(values(samples, pick)) / unit))
    const all = values(samples, pick).map((value) => value / mainUnit)
    const ratio = base === undefined ? undefined : estimate(ratios(values(samples, pick), values(base, pick)))
    return `| ${[
      id === "nvo" ? "**nvo**" : title(id),
      ...cells,
      `${digits(Math.min(...all))}–${digits(Math.max(...all))}`,
      ratio === undefined ? "" : `${ratio.median.toFixed(2)} ± ${ratio.error.toFixed(2)}`
    ].join(" | ")} |`
  })
  const heads = ["server", ...shown.map(({ title }) => title), `${mainTitle}: rounds`, `of ${title(against)}`]
  return [`| ${heads.join(" | ")} |`, `|---${"|--:".repeat(heads.length - 1)}|`, ...rows]
}

const section = (load: LoadResult, against: string): ReadonlyArray<string> => [
  `## ${load.title}`,
  "",
  `![${load.title}](${load.id}.svg)`,
  "",
  ...table(load, against),
  "",
  `${Object.values(load.servers)[0]?.length ?? 0} rounds of ${load.seconds} s, by ${load.generator}, ${load.at}.`,
  ""
]

/** The page and its charts. Ratios are to `against`. */
export const make = (results: Results, against: string): ReadonlyArray<File> => [
  {
    name: "README.md",
    text: [
      "# Benchmarks",
      "",
      "Made by `npm run bench -- --page`. Servers of equal function, each in a process of its own on one core, the load",
      "on another, interleaved round by round, so that what drifts with the machine is the same for all. CPU time is",
      "that of the whole process, user and system, as the kernel counts it. Numbers are medians; the ratio is the",
      "median of the ratios of rounds that followed one another, with the error of that median at about 95 %.",
      "What each server runs is in [packages/bench/peers](../../packages/bench/peers/lib/app.js) and",
      "[packages/bench/src/measure/App.ts](../../packages/bench/src/measure/App.ts). What was tried to make nvo",
      "faster, and what did not help, is in [hot path](hot-path.md). nvo reads an upload by `LentBody`, which no other",
      "server of Effect has; what it takes by `request.stream` is there, too.",
      "",
      "| | |",
      "|---|---|",
      ...Object.entries({ ...results.machine, revision: results.revision, ...results.versions }).map(
        ([name, value]) => `| ${name} | ${value} |`
      ),
      "",
      ...results.loads.flatMap((load) => section(load, against))
    ].join("\n")
  },
  ...results.loads.map((load) => ({ name: `${load.id}.svg`, text: chart(load) }))
]
