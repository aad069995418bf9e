/**
 * Decoders and encoders that are built once for an endpoint: Effect's own, with Effect's compiler switched on for
 * their schemas. Where code cannot be generated (a policy forbids it) the compiler leaves Effect's interpreter in
 * place, and where a value is refused, the interpreter says why.
 */
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaJITCompiler from "effect/schema/SchemaJITCompiler"

/** Gives a finished effect where the schema needs neither services nor time. */
export type Codec = (input: unknown) => Effect.Effect<unknown, Schema.SchemaError, unknown>

export const decoder = (schema: Schema.Top, options: SchemaAST.ParseOptions | undefined): Codec => {
  SchemaJITCompiler.enable(schema.ast)
  return Schema.decodeUnknownEffect(schema, options)
}

export const encoder = (schema: Schema.Top, options: SchemaAST.ParseOptions | undefined): Codec => {
  SchemaJITCompiler.enable(SchemaAST.flip(schema.ast))
  return Schema.encodeUnknownEffect(schema, options)
}

const exitTypeId = "~effect/Exit"

/** Whether an effect is finished and has a value. (`Exit.isExit` asks first whether it is an object at all.) */
export const isDone = (effect: object): effect is Exit.Success<unknown> =>
  exitTypeId in effect && (effect as Exit.Exit<unknown, unknown>)._tag === "Success"
