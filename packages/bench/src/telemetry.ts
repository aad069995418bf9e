/**
 * `npm run bench:telemetry -- [--rounds N] [--seconds N]`: what metrics and an access log of every request cost, in CPU
 * of the server for a `hello` request, beside a server that tells nothing. Fails where they cost more than 15 %.
 *
 * The three are asked in turns, and each round is compared with its own. Needs wrk and Linux.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { loads } from "./measure/Loads.ts"
import * as Machine from "./measure/Machine.ts"
import * as Measure from "./measure/Measure.ts"
import * as Results from "./measure/Results.ts"
import { BenchError, start } from "./measure/Running.ts"
import { estimate, median, ratios } from "./measure/Stats.ts"

/** What telemetry may cost of a request. */
const BOUND = 1.15

const told = ["off", "metrics", "log"] as const

const titles = { off: "nothing", metrics: "metrics", log: "metrics and access log" }

const subject = (id: (typeof told)[number]): Measure.Subject => ({
  id,
  start: () =>
    start({ id, title: id, runtime: "node", args: [new URL("./observed.ts", import.meta.url).pathname, id] })
})

const whole = (name: string, description: string, value: number) =>
  Flag.Int(name).pipe(Flag.withDescription(description), Flag.withDefault(value))

const command = Command.make(
  "bench:telemetry",
  { rounds: whole("rounds", "Rounds over the three", 9), seconds: whole("seconds", "Seconds of each", 1) },
  Effect.fnUntraced(function* (plan) {
    const hello = loads.find(({ id }) => id === "hello-64")
    if (hello === undefined) return yield* new BenchError({ message: "hello-64 is no load" })
    Machine.runAhead()
    const samples = yield* Measure.measure(told.map(subject), hello, hello, plan)
    const off = samples.off.map(Results.cpu)
    const costs = told.map((id) => {
      const values = samples[id].map(Results.cpu)
      return { id, micros: median(values), ratio: estimate(ratios(values, off)) }
    })
    for (const { id, micros, ratio } of costs) {
      yield* Console.log(
        `${titles[id].padEnd(24)}${micros.toFixed(1).padStart(6)} µs  ${ratio.median.toFixed(3)} ± ${ratio.error.toFixed(3)}`
      )
    }
    const dear = costs.filter(({ ratio }) => ratio.median > BOUND)
    if (dear.length > 0) {
      return yield* new BenchError({
        message: `more than ${BOUND} of a request that nothing is told of: ${dear.map(({ id }) => titles[id]).join(", ")}`
      })
    }
  })
).pipe(Command.withDescription("What telemetry costs"))

Command.run(command, { version: "0.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
