/** Memory for short frames: nothing of it is given out twice. */
import { describe, it } from "@effect/vitest"
import fc from "fast-check"
import { expect } from "vitest"
import * as FrameEncoder from "../src/websocket/FrameEncoder.ts"
import * as Slab from "../src/websocket/internal/slab.ts"

describe("slabs", () => {
  it("give out octets that nobody else has, all 0", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(Slab.LONGEST + 1), { maxLength: 60 }), (lengths) => {
        const taken = lengths.map((length, i) => {
          const bytes = Slab.take(length)
          expect(bytes.length).toBe(length)
          expect(bytes.every((octet) => octet === 0)).toBe(true)
          return bytes.fill((i % 255) + 1)
        })
        for (const [i, bytes] of taken.entries()) {
          expect(bytes.every((octet) => octet === (i % 255) + 1)).toBe(true)
        }
      })
    )
  })

  it("have the octets up to the longest, and longer ones have memory of their own", () => {
    expect(Slab.take(Slab.LONGEST).buffer.byteLength).toBe(Slab.SLAB_BYTES)
    expect(Slab.take(Slab.LONGEST + 1).buffer.byteLength).toBe(Slab.LONGEST + 1)
  })

  it("leave a frame as it was while others are made", () => {
    const payload = (n: number) => new Uint8Array(64).fill(n)
    const frames = Array.from({ length: 1_000 }, (_, n) =>
      FrameEncoder.encodeBytes({ opcode: "Binary", payload: payload(n & 255) })
    )
    for (const [n, frame] of frames.entries()) {
      expect([...frame]).toEqual([0x82, 64, ...payload(n & 255)])
    }
  })
})
