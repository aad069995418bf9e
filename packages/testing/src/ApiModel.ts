/**
 * Sequences of requests against a model: what a server answers must be what a plain value says, however the commands
 * follow each other. A sequence that fails is cut down to the commands that matter.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

/** One thing that a client may do. */
export interface Command<Model> {
  readonly name: string
  /** What it needs to be chosen: its values are generated. `Schema.Null` for nothing. */
  readonly input: Schema.Top
  /** Whether it can be done now. A command that cannot is left out. Default: always. */
  readonly when?: ((model: Model, input: never) => boolean) | undefined
  /** Asks the server, compares, and gives the model after it. Fails where the server says something else. */
  readonly run: (model: Model, input: never) => Effect.Effect<Model, unknown, HttpClient.HttpClient>
}

/** What to try. */
export interface Options<Model> {
  /** The model of a server that has just started. */
  readonly initial: Model
  readonly commands: ReadonlyArray<Command<Model>>
  /** Sequences. Default: 20. */
  readonly runs?: number | undefined
  /** The longest sequence. Default: 20. */
  readonly length?: number | undefined
  /** Repeats the sequences of another run. Default: 0. */
  readonly seed?: number | undefined
}

/** A sequence after which the server and the model do not agree. */
export class ModelBroken extends Data.TaggedError("ModelBroken")<{
  /** The commands that matter, the last one being the one that failed. */
  readonly commands: ReadonlyArray<{ readonly name: string; readonly input: unknown }>
  readonly cause: unknown
}> {
  override get message(): string {
    const steps = this.commands.map(({ input, name }) =>
      input === null ? name : `${name} ${JSON.stringify(input)}`
    )
    return `${steps.join(", ")} → ${String(this.cause)}`
  }
}

/** Checks a server: `layer` is built anew for each sequence, and gives an `HttpClient` that is bound to it. */
export const check = <Model, E, R>(
  layer: Layer.Layer<HttpClient.HttpClient, E, R>,
  { commands, initial, length, runs, seed }: Options<Model>
): Effect.Effect<void, E | ModelBroken, R> =>
  Effect.gen(function* () {
    // A number chooses the command: it shrinks towards the first.
    const step = Arbitrary.flatMap(
      Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: commands.length - 1 }))),
      (which) =>
        Arbitrary.map(Arbitrary.schema(commands[which].input), (input) => ({
          which,
          input: input as unknown
        }))
    )
    const play = (sequence: ReadonlyArray<{ readonly which: number; readonly input: unknown }>) =>
      Effect.gen(function* () {
        const done: Array<{ readonly name: string; readonly input: unknown }> = []
        let model = initial
        for (const { input, which } of sequence) {
          const { name, run, when } = commands[which]
          if (when !== undefined && !when(model, input as never)) continue
          done.push({ name, input })
          model = yield* Effect.mapError(
            run(model, input as never),
            (cause) => new ModelBroken({ commands: done, cause })
          )
        }
        return true
      })
    const fresh = Layer.fresh(layer)
    const result = yield* Arbitrary.checkEffect(
      Arbitrary.array(step, { minLength: 1, maxLength: length ?? 20 }),
      (sequence) => Effect.provide(play(sequence), fresh, { local: true }),
      { runs: runs ?? 20, seed: seed ?? 0, size: length ?? 20 }
    )
    if (result._tag === "Falsified" && result.failure._tag === "PropertyError")
      return yield* Effect.fail(result.failure.error)
  })
