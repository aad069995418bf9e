// Simulated runs on several cores: the seeds are cut into shares, and a worker takes one share at a time.
import { Worker } from "node:worker_threads"
import type { Simulation } from "@nvo/testing"
import { Effect, Ref } from "effect"

/** Seeds for a worker. */
export interface Share {
  readonly from: number
  readonly seeds: number
  readonly canary: string | undefined
  readonly protocol: Simulation.Protocol | undefined
}

/** What a worker tells: seeds and requests since the last time, and the seed that failed. */
export interface Progress {
  readonly done: number
  readonly requests: number
  readonly failed?: number
}

// Seeds of a share: a few seconds of work, so that the first failure ends the others soon.
const SHARE = 500

const work = (share: Share, onProgress: (progress: Progress) => void) =>
  Effect.callback<void, Error>((resume) => {
    const worker = new Worker(new URL("./simulateWorker.ts", import.meta.url), { workerData: share })
    worker.on("message", onProgress)
    worker.on("error", (error) =>
      resume(Effect.fail(error instanceof Error ? error : new Error(String(error))))
    )
    worker.on("exit", () => resume(Effect.void))
    return Effect.promise(() => worker.terminate())
  })

/** Runs the seeds on so many cores; gives the lowest seed of those that failed before the others were stopped. */
export const simulate = (options: {
  readonly from: number
  readonly seeds: number
  readonly canary: string | undefined
  readonly protocol: Simulation.Protocol | undefined
  readonly cores: number
  readonly onProgress: (total: { readonly done: number; readonly requests: number }) => void
}) =>
  Effect.gen(function* () {
    const total = { done: 0, requests: 0 }
    const failed: Array<number> = []
    const next = yield* Ref.make(options.from)
    const end = options.from + options.seeds
    const core = Effect.gen(function* () {
      while (failed.length === 0) {
        const from = yield* Ref.getAndUpdate(next, (from) => from + SHARE)
        if (from >= end) return
        const { canary, protocol } = options
        const share = { from, seeds: Math.min(SHARE, end - from), canary, protocol }
        yield* work(share, (progress) => {
          total.done += progress.done
          total.requests += progress.requests
          if (progress.failed !== undefined) failed.push(progress.failed)
          options.onProgress(total)
        })
      }
    })
    yield* Effect.all(
      Array.from({ length: options.cores }, () => core),
      { concurrency: "unbounded", discard: true }
    )
    return { ...total, failed: failed.length === 0 ? undefined : Math.min(...failed) }
  })
