/**
 * The laws of HPACK. fast-check prints the seed and the path of a run that fails.
 */
import { assert, describe, it } from "@effect/vitest"
import { HpackDecoder } from "@nvo/protocol/http2/hpack/HpackDecoder"
import { HpackEncoder } from "@nvo/protocol/http2/hpack/HpackEncoder"
import { HpackGenerator } from "@nvo/testing"
import * as fc from "fast-check"

const RUNS = 1_000

const limits = { listBytes: 65_536, fieldCount: 1_000 }

const plain = (fields: ReadonlyArray<{ readonly name: string; readonly value: string }>) =>
  fields.map(({ name, value }) => [name, value])

describe("round trip", () => {
  it("what was encoded is decoded, block after block, and both tables stay the same", () => {
    fc.assert(
      fc.property(
        HpackGenerator.lists,
        fc.boolean(),
        fc.array(fc.nat(300), { maxLength: 6 }),
        (lists, huffman, sizes) => {
          const encoder = new HpackEncoder({ huffman })
          const decoder = new HpackDecoder()
          lists.forEach((list, i) => {
            if (sizes[i] !== undefined) encoder.setPeerTableBytes(sizes[i])
            const { fields, refusal } = decoder.decode(encoder.encode(list), limits)
            assert.isUndefined(refusal)
            assert.deepStrictEqual(plain(fields), plain(list))
            assert.deepStrictEqual(plain(decoder.entries), plain(encoder.entries))
            assert.strictEqual(decoder.tableSize, encoder.tableSize)
          })
        }
      ),
      { numRuns: RUNS }
    )
  })
})

describe("totality", () => {
  it("no block throws, and none makes a decoder hold more than its table", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(HpackGenerator.blocks, fc.uint8Array({ maxLength: 80 })), { maxLength: 8 }),
        (blocks) => {
          const decoder = new HpackDecoder(256)
          for (const block of blocks) {
            const { fields } = decoder.decode(block, { listBytes: 1_000, fieldCount: 10 })
            assert.isAtMost(decoder.tableSize, 256)
            assert.isAtMost(fields.length, 10)
            assert.isAtMost(
              fields.reduce((sum, field) => sum + field.size, 0),
              1_000
            )
          }
        }
      ),
      { numRuns: RUNS * 3 }
    )
  })

  it("a block that was cut is refused or gives the fields in front of the cut", () => {
    fc.assert(
      fc.property(HpackGenerator.lists, fc.nat(1_000), ([list], at) => {
        const block = new HpackEncoder().encode(list)
        const cut = block.subarray(0, at % (block.length + 1))
        const { fields, refusal } = new HpackDecoder().decode(cut, limits)
        assert.deepStrictEqual(plain(fields), plain(list).slice(0, fields.length))
        if (refusal !== undefined) assert.strictEqual(refusal, "HpackTruncated")
      }),
      { numRuns: RUNS }
    )
  })
})
