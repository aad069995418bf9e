/**
 * What the laws draw from: a law over requests that are all alike would hold for the wrong reason.
 */
import { assert, describe, it } from "@effect/vitest"
import {
  Bytes,
  Characters,
  ChunkedModel,
  RequestGenerator,
  type RequestModel,
  ResponseGenerator
} from "@nvo/testing"
import * as fc from "fast-check"

const SEED = 20_240_229

const sample = <A>(arbitrary: fc.Arbitrary<A>): ReadonlyArray<A> =>
  fc.sample(arbitrary, { seed: SEED, numRuns: 1_000 })

const count = <A>(all: ReadonlyArray<A>, key: (one: A) => string): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const one of all) counts[key(one)] = (counts[key(one)] ?? 0) + 1
  return counts
}

const often = (counts: Record<string, number>, keys: ReadonlyArray<string>, least = 20) => {
  for (const key of keys) assert.isAtLeast(counts[key] ?? 0, least, `${key} of ${JSON.stringify(counts)}`)
}

describe("characters of Unicode", () => {
  it("are one code point each, from every part of it, and no surrogates", () => {
    const points = sample(Characters.unicode).map((character) => {
      assert.lengthOf([...character], 1)
      return character.codePointAt(0)!
    })
    for (const point of points) assert.isFalse(point >= 0xd800 && point < 0xe000, point.toString(16))
    const part = (point: number) =>
      point < 0x80 ? "ASCII" : point < 0xd800 ? "below" : point < 0x10000 ? "above" : "beyond"
    often(
      count(points, (point) => part(point)),
      ["ASCII", "below", "beyond"]
    )
  })
})

describe("requests", () => {
  const models = sample(RequestGenerator.request())

  it("have every form, version, framing and meaning", () => {
    often(
      count(models, (model) => model.meaning.form),
      ["Origin", "Absolute", "Authority", "Asterisk"]
    )
    often(
      count(models, (model) => String(model.meaning.minorVersion)),
      ["0", "1"]
    )
    often(
      count(models, (model) => model.body._tag),
      ["None", "Length", "Chunked"]
    )
    often(
      count(models, (model) => String(model.meaning.persistent)),
      ["true", "false"]
    )
    often(
      count(models, (model) => String(model.meaning.expectContinue)),
      ["true", "false"]
    )
    often(
      count(models, (model) => String(model.meaning.upgrade !== undefined)),
      ["true", "false"],
      5
    )
    often(
      count(models, (model) => String(model.leading !== "")),
      ["true", "false"]
    )
  })

  it("have chunks with extensions, quoted ones among them, and trailers", () => {
    const bodies = models.flatMap((model) => (model.body._tag === "Chunked" ? [model.body.model] : []))
    often(
      count(bodies, (body) => (body.trailers.length > 0 ? "trailers" : "none")),
      ["trailers", "none"]
    )
    const extensions = bodies.flatMap((body) => [...body.chunks, body.last].map((chunk) => chunk.extension))
    often(
      count(extensions, (text) => (text === "" ? "none" : text.includes('"') ? "quoted" : "plain")),
      ["none", "quoted", "plain"]
    )
    assert.isTrue(bodies.some((body) => ChunkedModel.content(body).length === 0))
  })

  it("shrink to the plainest that is still at fault", () => {
    const shrunk = (isFault: (model: RequestModel.RequestModel) => boolean) => {
      const result = fc.check(
        fc.property(RequestGenerator.request(), (model) => !isFault(model)),
        { seed: SEED, numRuns: 1_000 }
      )
      assert.isTrue(result.failed)
      return result.counterexample![0]
    }
    const withTrailer = shrunk(
      (model) => model.body._tag === "Chunked" && model.body.model.trailers.length > 0
    )
    assert.strictEqual(withTrailer.leading, "")
    assert.strictEqual(withTrailer.fields.length, 2)
    assert.isTrue(withTrailer.body._tag === "Chunked")
    if (withTrailer.body._tag === "Chunked") {
      assert.strictEqual(withTrailer.body.model.chunks.length, 0)
      assert.strictEqual(withTrailer.body.model.trailers.length, 1)
    }
  })
})

describe("responses", () => {
  it("have every framing", () => {
    const models = sample(ResponseGenerator.response)
    often(
      count(models, (model) => model.understood.framing),
      ["None", "Length", "Chunked", "Close"]
    )
    often(
      count(models, (model) => String(model.understood.trailers.length > 0)),
      ["true", "false"]
    )
  })

  it("with arbitrary text are accepted often enough for that to say something", () => {
    const heads = sample(ResponseGenerator.anyEvents).filter((events) => events[0]?._tag === "ResponseHead")
    assert.isAtLeast(heads.length, 100)
  })
})

describe("cuts", () => {
  it("lose nothing, and take every chunk apart from the others' memory", () => {
    fc.assert(
      fc.property(fc.uint8Array(), Bytes.cuts, (bytes, cuts) => {
        const chunks = Bytes.cut(bytes, cuts)
        assert.strictEqual(chunks.length, cuts.length + 1)
        assert.strictEqual(Bytes.toText(Bytes.concat(chunks)), Bytes.toText(bytes))
        for (const chunk of chunks) assert.notStrictEqual(chunk.buffer, bytes.buffer)
      }),
      { numRuns: 1_000 }
    )
  })

  it("splits lose nothing, halves are all of them, octets are one each", () => {
    const bytes = Bytes.fromText("abc")
    assert.deepStrictEqual(
      Bytes.halves(bytes).map((pair) => pair.map(Bytes.toText)),
      [
        ["", "abc"],
        ["a", "bc"],
        ["ab", "c"],
        ["abc", ""]
      ]
    )
    assert.deepStrictEqual(Bytes.octets(bytes).map(Bytes.toText), ["a", "b", "c"])
    fc.assert(
      fc.property(Bytes.splits(bytes), (chunks) => {
        assert.strictEqual(Bytes.toText(Bytes.concat(chunks)), "abc")
      }),
      { numRuns: 1_000 }
    )
  })
})
