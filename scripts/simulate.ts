// `npm run simulate`: simulated runs of the server, as many as wanted, on all cores, until a seed fails; or one
// seed, made small and shown. `--help` lists the options.
import { availableParallelism } from "node:os"
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Canaries, Simulation } from "@nvo/testing"
import { Console, Data, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { simulate } from "./lib/simulate.ts"

/** What ends the command with an exit code; it has been said what failed. */
class SeedFailed extends Data.TaggedError("SeedFailed") {}

const fail = (message: string) => Effect.andThen(Console.error(message), Effect.fail(new SeedFailed()))

const flags = {
  seeds: Flag.Int("seeds").pipe(Flag.withDescription("How many seeds to run"), Flag.withDefault(2_000)),
  from: Flag.Int("from").pipe(Flag.withDescription("The first seed"), Flag.withDefault(0)),
  seed: Flag.Int("seed").pipe(
    Flag.withDescription("Runs this seed alone, makes it small if it fails, and shows what happened"),
    Flag.optional
  ),
  whole: Flag.Boolean("whole").pipe(
    Flag.withDescription("Shows a failed seed as it is, not the smallest run that fails in the same way"),
    Flag.withDefault(false)
  ),
  canary: Flag.Literals(
    "canary",
    Canaries.all.map(({ name }) => name)
  ).pipe(Flag.withDescription("A server that is broken in this way, in place of nvo"), Flag.optional),
  protocol: Flag.Literals("protocol", Simulation.protocols).pipe(
    Flag.withDescription("What the clients speak (default: each seed draws it)"),
    Flag.optional
  ),
  cores: Flag.Int("cores").pipe(
    Flag.withDescription("Workers (default: one for each core)"),
    Flag.withDefault(availableParallelism())
  )
}

const show = Effect.fnUntraced(function* (
  seed: number,
  canary: string | undefined,
  protocol: Simulation.Protocol | undefined,
  whole: boolean
) {
  const variant = Canaries.all.find(({ name }) => name === canary)
  const outcome = Simulation.run(Simulation.draw(seed, protocol ?? variant?.protocol), variant)
  const shown = whole || outcome.violations.length === 0 ? outcome : Simulation.minimize(outcome, variant)
  yield* Console.log(Simulation.format(shown))
  return outcome.violations.length > 0
})

const progressLine = (seeds: number) => {
  const start = performance.now()
  let last = start
  return ({ done, requests }: { readonly done: number; readonly requests: number }) => {
    const now = performance.now()
    if (now - last < 1_000 && done < seeds) return
    last = now
    const rate = (done / (now - start)) * 1_000
    process.stderr.write(`${done} of ${seeds} seeds, ${requests} requests, ${rate.toFixed(0)} seeds/s\n`)
  }
}

const command = Command.make("simulate", flags, (options) =>
  Effect.gen(function* () {
    const canary = Option.getOrUndefined(options.canary)
    const protocol = Option.getOrUndefined(options.protocol)
    const replay = (seed: number) =>
      `npm run simulate -- --seed ${seed}${canary === undefined ? "" : ` --canary ${canary}`}${
        protocol === undefined ? "" : ` --protocol ${protocol}`
      }`
    if (Option.isSome(options.seed)) {
      const failed = yield* show(options.seed.value, canary, protocol, options.whole)
      return failed ? yield* fail(`replay it with: ${replay(options.seed.value)}`) : undefined
    }
    const { from, seeds } = options
    const result = yield* simulate({
      from,
      seeds,
      canary,
      protocol,
      cores: options.cores,
      onProgress: progressLine(seeds)
    })
    if (result.failed === undefined) {
      yield* Console.log(`${result.done} seeds, ${result.requests} requests: nothing is wrong`)
      return
    }
    yield* show(result.failed, canary, protocol, options.whole)
    return yield* fail(`seed ${result.failed} fails; replay it with: ${replay(result.failed)}`)
  })
).pipe(Command.withDescription("Runs the server in simulations and shows the first that fails"))

Command.run(command, { version: "0.0.0" }).pipe(Effect.provide(NodeServices.layer), (main) =>
  NodeRuntime.runMain(main, { disableErrorReporting: true })
)
