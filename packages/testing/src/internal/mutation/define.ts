/**
 * What the tables of mutations are written with: rows, choices, and the shapes of request that a row needs.
 */
import type * as Http1Error from "@nvo/protocol/http1/Http1Error"
import * as FieldLine from "../../FieldLine.ts"
import type { Dice, Mutation } from "../../Mutation.ts"
import type * as RequestGenerator from "../../RequestGenerator.ts"
import type * as RequestModel from "../../RequestModel.ts"
import * as TargetGenerator from "../../TargetGenerator.ts"

type Model = RequestModel.RequestModel

export const pick = (choices: ReadonlyArray<string> | string, n: number): string =>
  choices[n % choices.length]

export const insertAt = (text: string, inserted: string, n: number): string => {
  const at = n % (text.length + 1)
  return text.slice(0, at) + inserted + text.slice(at)
}

export const define =
  (phase: Http1Error.Phase) =>
  (
    name: string,
    reason: Http1Error.ReasonTag,
    shape: RequestGenerator.Shape,
    apply: (model: Model, dice: Dice) => Model
  ): Mutation => ({ name, reason, phase, shape, apply })

export const any: RequestGenerator.Shape = {}
export const http11: RequestGenerator.Shape = { minorVersion: 1 }
export const origin: RequestGenerator.Shape = { target: TargetGenerator.origin }
export const absolute: RequestGenerator.Shape = { target: TargetGenerator.absolute }
export const connect: RequestGenerator.Shape = { target: TargetGenerator.authority }
export const withLength: RequestGenerator.Shape = { body: "Length" }
export const withChunked: RequestGenerator.Shape = { body: "Chunked" }
export const withChunks: RequestGenerator.Shape = { body: "Chunked", minChunks: 1 }

/** A field line that says nothing about framing or routing. */
export const plain = FieldLine.make("X-Plain", "value")
