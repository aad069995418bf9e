/** The figures of each kind of load, for the page and for the terminal. */
import { loads, TRANSFER } from "./Loads.ts"
import { cpu, type Sample } from "./Results.ts"

/** A figure of a round, where its load has it. */
export type Pick = (sample: Sample) => number | undefined

/** The figure of each round that has it. */
export const values = (samples: ReadonlyArray<Sample>, pick: Pick): ReadonlyArray<number> =>
  samples.flatMap((sample) => pick(sample) ?? [])

/** One figure of a sample. */
export interface Column {
  readonly title: string
  readonly pick: Pick
  readonly unit: number
}

const micros: Column = { title: "CPU, µs", pick: cpu, unit: 1 }

/** The figures that a load has. The first is what it is about: charts show it, and ratios are taken of it. */
export const columns = (id: string): ReadonlyArray<Column> => {
  const load = loads.find((one) => one.id === id)
  const kind = load?.kind
  const memory = { title: "memory, MiB", pick: ({ memory }: Sample) => memory, unit: 2 ** 20 }
  if (kind === "idle") {
    return [
      { title: "KiB per connection", pick: ({ perConnection }) => perConnection, unit: 1024 },
      { ...micros, title: "CPU to open one, µs" },
      memory
    ]
  }
  if (kind === "transfer") {
    return [
      { title: "MiB/s", pick: ({ rate }) => rate * (TRANSFER / 2 ** 20), unit: 1 },
      { ...micros, title: "CPU, ms", unit: 1000 },
      { ...memory, title: "peak memory, MiB" }
    ]
  }
  const p99 = { title: "p99, ms", pick: ({ p99 }: Sample) => p99, unit: 1000 }
  return [
    ...(load?.paced === true ? [p99, micros] : [micros]),
    { title: "requests/s", pick: ({ rate }) => rate, unit: 1 },
    { title: "p50, ms", pick: ({ p50 }) => p50, unit: 1000 },
    ...(load?.paced === true ? [] : [p99]),
    { title: "p99.9, ms", pick: ({ p999 }) => p999, unit: 1000 },
    memory
  ]
}

/** See `columns`. */
export const main = (id: string): Column => columns(id)[0]
