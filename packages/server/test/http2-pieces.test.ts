/** What waits of a body costs about what it holds, and is what came. */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Pieces } from "../src/internal/http2/pieces.ts"

const join = (pieces: ReadonlyArray<Uint8Array>): ReadonlyArray<number> =>
  pieces.flatMap((piece) => [...piece])

/** What keeps the pieces alive: each of their buffers once. */
const held = (pieces: ReadonlyArray<Uint8Array>): number =>
  [...new Set(pieces.map(({ buffer }) => buffer))].reduce((sum, { byteLength }) => sum + byteLength, 0)

describe("what waits of a body", () => {
  it("is what came, in order, whatever the sizes and whenever it is taken", () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 4_000, max: 4_200 }))
    fc.assert(
      fc.property(fc.array(fc.tuple(size, fc.boolean()), { maxLength: 30 }), (steps) => {
        const pieces = new Pieces()
        const sent: Array<number> = []
        const got: Array<number> = []
        for (const [length, take] of steps) {
          const bytes = Uint8Array.from({ length }, (_, i) => (sent.length + i) % 251)
          sent.push(...bytes)
          pieces.push(bytes)
          if (take) got.push(...join(pieces.take()))
        }
        got.push(...join(pieces.take()))
        assert.deepStrictEqual(got, sent)
        assert.isTrue(pieces.isEmpty)
      })
    )
  })

  it("what was taken is not written to again", () => {
    const pieces = new Pieces()
    pieces.push(Uint8Array.of(1))
    pieces.push(Uint8Array.of(2))
    const taken = pieces.take()
    pieces.push(Uint8Array.of(3))
    pieces.push(Uint8Array.of(4))
    assert.deepStrictEqual(join(taken), [1, 2])
    assert.deepStrictEqual(join(pieces.take()), [3, 4])
  })

  it("a hundred thousand single octets of batches of 64 KiB are few pieces, and keep one batch", () => {
    const pieces = new Pieces()
    for (let i = 0; i < 100_000; i++) pieces.push(new Uint8Array(65_536).subarray(i % 100, (i % 100) + 1))
    const taken = pieces.take()
    assert.isAtMost(taken.length, 26)
    assert.isAtMost(held(taken), 65_536 + 25 * 4_096)
  })

  it("a piece of 4,096 octets is no copy, one of 4,095 behind another is", () => {
    const pieces = new Pieces()
    const [first, large, small] = [1, 4_096, 4_095].map((length) => new Uint8Array(length))
    for (const bytes of [first, large, small]) pieces.push(bytes)
    const taken = pieces.take()
    assert.deepStrictEqual(
      taken.map((piece, i) => piece.buffer === [first, large, small][i].buffer),
      [true, true, false]
    )
  })
})
