// One worker of `npm run simulate`: runs seeds that it is given until one fails.
import { parentPort, workerData } from "node:worker_threads"
import { Canaries, Simulation } from "@nvo/testing"
import type { Progress, Share } from "./simulate.ts"

const { canary, from, protocol, seeds } = workerData as Share
const say = (progress: Progress) => parentPort?.postMessage(progress)

// Often enough to be seen to go on, and seldom enough not to be noticed.
const EVERY = 50

let done = 0
let requests = 0
const failed = Simulation.hunt({
  from,
  seeds,
  protocol,
  variant: Canaries.all.find(({ name }) => name === canary),
  onSeed: (outcome) => {
    done++
    requests += outcome.requests
    if (done === EVERY) {
      say({ done, requests })
      done = 0
      requests = 0
    }
  }
})
say({ done, requests, ...(failed === undefined ? {} : { failed: failed.scenario.seed }) })
