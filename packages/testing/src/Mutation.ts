/**
 * Turns a valid request into one that breaks a single rule, and says which: the reason that a decoder must give,
 * the status that is due, and the part of the message that was being read.
 *
 * The mutations are a table. Each names the shape of request that it needs and changes one part of it; what it
 * needs to choose it reads off `dice`, so that a failure shrinks to the plainest request and the first choice.
 */
import type * as Http1Error from "@nvo/protocol/http1/Http1Error"
import * as fc from "fast-check"
import * as ChunkedBody from "./internal/mutation/chunkedBody.ts"
import * as FieldLines from "./internal/mutation/fieldLines.ts"
import * as RequestLine from "./internal/mutation/requestLine.ts"
import * as RequestGenerator from "./RequestGenerator.ts"
import * as RequestModel from "./RequestModel.ts"

type Model = RequestModel.RequestModel

export interface Mutation {
  /** What is done, in words. */
  readonly name: string
  readonly reason: Http1Error.ReasonTag
  readonly phase: Http1Error.Phase
  readonly shape: RequestGenerator.Shape
  /** The broken request. `dice` are two natural numbers. */
  readonly apply: (model: Model, dice: Dice) => Model
}

export type Dice = readonly [number, number]

/** A request that must be refused, and how. */
export interface Mutated {
  readonly name: string
  readonly model: Model
  readonly bytes: Uint8Array
  readonly reason: Http1Error.ReasonTag
  readonly status: number
  readonly phase: Http1Error.Phase
}

/** Authorities outside their grammar. */
export const invalidAuthorities: ReadonlyArray<string> = RequestLine.invalidAuthorities

/** Content-Length values that are no row of digits. */
export const invalidLengths: ReadonlyArray<string> = FieldLines.invalidLengths

// The statuses that are not 400: RFC 9110 §15.5 and §15.6, RFC 6585 §5. Written out, since they are what is tested.
const statuses: Readonly<Partial<Record<Http1Error.ReasonTag, number>>> = {
  MethodTooLong: 501,
  RequestLineTooLong: 414,
  UnsupportedVersion: 505,
  HeadTooLarge: 431,
  TooManyFields: 431,
  TrailersTooLarge: 431,
  ContentLengthOverflow: 413,
  ChunkSizeOverflow: 413,
  UnknownTransferCoding: 501,
  UnknownExpectation: 417
}

/** All mutations. Every one holds for the default limits. */
export const all: ReadonlyArray<Mutation> = [
  ...RequestLine.requestLine,
  ...FieldLines.fieldSection,
  ...ChunkedBody.chunkedBody,
  ...ChunkedBody.trailerSection
]

/** A valid request broken by that mutation. */
export const mutated = (mutation: Mutation): fc.Arbitrary<Mutated> =>
  fc
    .record({
      model: RequestGenerator.request(mutation.shape),
      dice: fc.tuple(fc.nat(10_000), fc.nat(10_000))
    })
    .map(({ dice, model }) => {
      const broken = mutation.apply(model, dice)
      return {
        name: mutation.name,
        model: broken,
        bytes: RequestModel.encode(broken),
        reason: mutation.reason,
        status: statuses[mutation.reason] ?? 400,
        phase: mutation.phase
      }
    })

/** A valid request broken by any of them. */
export const anyMutated: fc.Arbitrary<Mutated> = fc.constantFrom(...all).chain(mutated)
