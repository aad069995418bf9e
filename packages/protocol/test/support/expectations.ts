/**
 * Assertions of the cases that are named for an RFC section. Each feeds its text in one piece, octet by octet and
 * in every two pieces, and asks for the same answer every time.
 */
import { assert } from "@effect/vitest"
import type * as Http1Error from "@nvo/protocol/http1/Http1Error"
import type * as RequestDecoder from "@nvo/protocol/http1/RequestDecoder"
import { Bytes } from "@nvo/testing"
import { type Observed, observe, type Seen } from "./observe.ts"

type Limits = RequestDecoder.Options["limits"]

/** What is due for a refused message. */
export interface Refusal {
  readonly reason: Http1Error.ReasonTag
  readonly status: number
  readonly phase: Http1Error.Phase
  readonly offset: number
}

// Above this a text is cut in some places only, near its beginning and its end.
const MAX_HALVES = 400

const everyWay = (bytes: Uint8Array): ReadonlyArray<ReadonlyArray<Uint8Array>> => [
  [bytes],
  Bytes.octets(bytes),
  ...(bytes.length <= MAX_HALVES
    ? Bytes.halves(bytes)
    : [1, 2, 17, bytes.length >> 1, bytes.length - 2, bytes.length - 1].map((at) => [
        bytes.slice(0, at),
        bytes.slice(at)
      ]))
]

/** What is seen of a text, after checking that its cuts do not matter. */
export const observeText = (text: string, limits?: Limits): Observed => {
  const bytes = Bytes.fromText(text)
  const [whole, ...others] = everyWay(bytes).map((chunks) => observe(chunks, { limits }))
  for (const other of others) assert.deepStrictEqual(other, whole)
  return whole
}

/** The text must be refused so. */
export const refuses = (text: string, refusal: Refusal, limits?: Limits): Observed => {
  const observed = observeText(text, limits)
  const { error } = observed
  assert.isDefined(error, `accepted: ${JSON.stringify(text.slice(0, 200))}`)
  const { offset, phase, reason, status } = error!
  assert.deepStrictEqual({ reason, status, phase, offset }, refusal, JSON.stringify(text.slice(0, 200)))
  return observed
}

/** The text must be accepted whole, with nothing unfinished; what was seen. */
export const accepts = (text: string, limits?: Limits): ReadonlyArray<Seen> => {
  const { atEnd, error, seen } = observeText(text, limits)
  assert.isUndefined(error, `${error?.message} in ${JSON.stringify(text.slice(0, 200))}`)
  assert.isUndefined(atEnd, `${atEnd?.message} in ${JSON.stringify(text.slice(0, 200))}`)
  return seen
}

/** The head of the only message in the text. */
export const acceptsHead = (text: string, limits?: Limits): (Seen & { readonly _tag: "Head" })["head"] => {
  const seen = accepts(text, limits)
  const heads = seen.filter((event) => event._tag === "Head")
  assert.strictEqual(heads.length, 1)
  return heads[0].head
}

/** A refusal with status 400, as most are. */
export const bad = (reason: Http1Error.ReasonTag, phase: Http1Error.Phase, offset: number): Refusal => ({
  reason,
  status: 400,
  phase,
  offset
})

/** Splits a text at the mark "⮞", which stands before the octet at fault: the text without it and the offset. */
export const marked = (text: string): readonly [text: string, offset: number] => {
  const offset = text.indexOf("⮞")
  assert.isAtLeast(offset, 0, "the text has no mark")
  return [text.replace("⮞", ""), offset]
}

/** As `refuses`, the offset given by the mark. */
export const refusesAt = (
  text: string,
  reason: Http1Error.ReasonTag,
  phase: Http1Error.Phase,
  status = 400,
  limits?: Limits
): Observed => {
  const [plain, offset] = marked(text)
  return refuses(plain, { reason, status, phase, offset }, limits)
}
