// `npm run mutate`: small changes of the sources of HTTP/1.1, one at a time, each of which some test has to notice.
// The files stay as they are: a changed source is only ever loaded. `--help` lists the options.
import { availableParallelism, setPriority } from "node:os"
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Data, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { root } from "./lib/workspace.ts"
import { http1 } from "./mutation/http1.ts"
import * as Run from "./mutation/run.ts"
import * as Tell from "./mutation/tell.ts"

/** What ends the command with an exit code; it has been said what failed. */
class NotNoticed extends Data.TaggedError("NotNoticed") {}

const flags = {
  file: Flag.String("file").pipe(
    Flag.withDescription("Only sources whose path holds this text, as in --file chunkedScan"),
    Flag.optional
  ),
  sample: Flag.Int("sample").pipe(
    Flag.withDescription("Tries so many mutants, drawn by the seed, and not all of them"),
    Flag.optional
  ),
  seed: Flag.Int("seed").pipe(
    Flag.withDescription("Draws the sample and the generated input of the tests"),
    Flag.withDefault(1)
  ),
  cores: Flag.Int("cores").pipe(
    Flag.withDescription("Workers (default: one for each core)"),
    Flag.withDefault(availableParallelism())
  )
}

const command = Command.make("mutate", flags, ({ cores, file, sample, seed }) =>
  Effect.gen(function* () {
    // Others may use the machine: this takes long and is in no hurry.
    setPriority(10)
    const target = http1(root)
    const part = Option.getOrElse(file, () => "")
    const of = Run.mutantsOf({ ...target, sources: target.sources.filter((source) => source.includes(part)) })
    const mutants = Option.match(sample, { onNone: () => of, onSome: (size) => Run.sample(of, size, seed) })
    const tried = yield* Run.run(target, mutants, { cores, seed, onTried: Tell.progress(mutants.length) })
    const whole = Option.isNone(file) && Option.isNone(sample)
    const { failed, lines } = Tell.result(tried, whole ? target.equivalents : [])
    yield* Console.log(lines.join("\n"))
    if (failed) return yield* new NotNoticed()
  })
).pipe(Command.withDescription("Changes the sources of HTTP/1.1 and shows which changes no test notices"))

Command.run(command, { version: "0.0.0" }).pipe(
  Effect.catchTag("TestsFail", (error) =>
    Effect.andThen(Console.error(error.message), Effect.fail(new NotNoticed()))
  ),
  Effect.provide(NodeServices.layer),
  (main) => NodeRuntime.runMain(main, { disableErrorReporting: true })
)
