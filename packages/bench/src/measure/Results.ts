/** What a run measured, as the JSON that it writes. Times in microseconds, memory in octets. */
import * as Schema from "effect/Schema"

/** One round of one server under one load. What does not apply to the load is left out. */
export const Sample = Schema.Struct({
  /** CPU time of the server: for a request, or for a transfer. */
  user: Schema.Finite,
  system: Schema.Finite,
  /** Requests per second, or transfers. */
  rate: Schema.Finite,
  p50: Schema.optionalKey(Schema.Finite),
  p99: Schema.optionalKey(Schema.Finite),
  p999: Schema.optionalKey(Schema.Finite),
  /** Resident memory after the round; for transfers the most during it. */
  memory: Schema.Finite,
  /** Resident memory that each connection of the load added. */
  perConnection: Schema.optionalKey(Schema.Finite)
})
export type Sample = typeof Sample.Type

export const LoadResult = Schema.Struct({
  id: Schema.String,
  title: Schema.String,
  seconds: Schema.Finite,
  /** When it was measured: a run replaces the loads that it measured, and keeps the others. */
  at: Schema.String,
  generator: Schema.String,
  servers: Schema.Record(Schema.String, Schema.Array(Sample))
})
export type LoadResult = typeof LoadResult.Type

export const Results = Schema.Struct({
  machine: Schema.Record(Schema.String, Schema.String),
  versions: Schema.Record(Schema.String, Schema.String),
  revision: Schema.String,
  loads: Schema.Array(LoadResult)
})
export type Results = typeof Results.Type

export const Json = Schema.fromJsonString(Results)

/** Earlier results with those of a run put in their place. */
export const merge = (earlier: Results | undefined, run: Results, order: ReadonlyArray<string>): Results => {
  const loads = new Map([...(earlier?.loads ?? []), ...run.loads].map((load) => [load.id, load]))
  return {
    ...run,
    loads: order.flatMap((id) => {
      const load = loads.get(id)
      return load === undefined ? [] : [load]
    })
  }
}

export const cpu = (sample: Sample): number => sample.user + sample.system
