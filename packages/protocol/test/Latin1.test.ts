import { assert, describe, it } from "@effect/vitest"
import type * as Latin1 from "@nvo/protocol/http/Latin1"
import { Bytes, Characters } from "@nvo/testing"
import * as fc from "fast-check"
import { afterAll, vi } from "vitest"

const RUNS = 1_000

// The module chooses its way when it is loaded: once with Buffer, once without.
const load = async (buffer: unknown): Promise<typeof Latin1> => {
  vi.resetModules()
  vi.stubGlobal("Buffer", buffer)
  try {
    return await import("@nvo/protocol/http/Latin1")
  } finally {
    vi.unstubAllGlobals()
  }
}

const native = await load({ prototype: Buffer.prototype })
const loops = await load(undefined)

afterAll(() => vi.resetModules())

const ways = { native, loops }

const everyOctet = Uint8Array.from({ length: 256 }, (_, octet) => octet)

describe("Latin1", () => {
  it("was loaded in both ways", () => {
    assert.notStrictEqual(native.decode, loops.decode)
    // The one calls Buffer's own code, the other works on what has none.
    const arrayLike = { 0: 0x68, 1: 0x69, length: 2 } as unknown as Uint8Array
    assert.throws(() => native.decode(arrayLike, 0, 2))
    assert.strictEqual(loops.decode(arrayLike, 0, 2), "hi")
  })

  for (const [name, way] of Object.entries(ways)) {
    it(`${name}: every octet is one character of the same number, 0x80 to 0x9f too`, () => {
      const text = way.decode(everyOctet, 0, 256)
      assert.deepStrictEqual(
        [...text].map((character) => character.charCodeAt(0)),
        [...everyOctet]
      )
      assert.deepStrictEqual([...way.encode(text)], [...everyOctet])
    })

    it(`${name}: decodes from start to end, in a view of other bytes too`, () => {
      const view = everyOctet.subarray(0x40, 0x50)
      assert.strictEqual(way.decode(view, 1, 4), "ABC")
      assert.strictEqual(way.decode(view, 3, 3), "")
    })

    it(`${name}: writes at its place and nowhere else`, () => {
      const target = new Uint8Array(8).fill(0x2e)
      way.write(target.subarray(1), "a\xff", 2)
      assert.strictEqual(Bytes.toText(target), "...a\xff...")
    })

    it(`${name}: octets in either form are bytes`, () => {
      assert.strictEqual(way.toBytes(everyOctet), everyOctet)
      assert.deepStrictEqual([...way.toBytes("a\x80")], [0x61, 0x80])
    })
  }

  it("both ways agree on all bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat(), fc.nat(), (bytes, a, b) => {
        const [start, end] = [a % (bytes.length + 1), b % (bytes.length + 1)].sort((x, y) => x - y)
        const text = native.decode(bytes, start, end)
        assert.strictEqual(text, loops.decode(bytes, start, end))
        assert.deepStrictEqual([...native.encode(text)], [...bytes.subarray(start, end)])
        assert.deepStrictEqual([...loops.encode(text)], [...bytes.subarray(start, end)])
      }),
      { numRuns: RUNS }
    )
  })

  it("both ways keep the low octet of what is no octet", () => {
    fc.assert(
      fc.property(fc.string({ unit: Characters.unicode }), (text) => {
        assert.deepStrictEqual([...native.encode(text)], [...loops.encode(text)])
      }),
      { numRuns: RUNS }
    )
  })
})
