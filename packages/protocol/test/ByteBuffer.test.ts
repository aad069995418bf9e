import { assert, describe, it } from "@effect/vitest"
import * as ByteBuffer from "@nvo/protocol/http/ByteBuffer"
import { Bytes } from "@nvo/testing"
import * as fc from "fast-check"

const RUNS = 1_000

const text = (buffer: ByteBuffer.ByteBuffer) => Bytes.toText(ByteBuffer.toBytes(buffer))

describe("ByteBuffer", () => {
  it("the empty one has nothing and stays so", () => {
    const source = Bytes.fromText("abc")
    const one = ByteBuffer.append(ByteBuffer.empty, source, 0, 3)
    assert.deepStrictEqual([text(ByteBuffer.empty), ByteBuffer.empty.length, text(one)], ["", 0, "abc"])
    assert.strictEqual(text(ByteBuffer.append(ByteBuffer.empty, source, 1, 1)), "")
  })

  it("takes the octets from start to end, and keeps no reference to the source", () => {
    const source = Bytes.fromText("0123456789")
    const buffer = ByteBuffer.append(ByteBuffer.append(ByteBuffer.empty, source, 2, 5), source, 0, 10)
    source.fill(0)
    assert.strictEqual(text(buffer), "2340123456789")
    assert.strictEqual(buffer.length, 13)
  })

  it("every version stays what it was, whatever grows from it, in any order", () => {
    const growth = fc.array(fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 700 })), { maxLength: 30 })
    fc.assert(
      fc.property(growth, (growth) => {
        const versions: Array<readonly [ByteBuffer.ByteBuffer, string]> = [[ByteBuffer.empty, ""]]
        for (const [n, bytes] of growth) {
          const [from, was] = versions[n % versions.length]
          const from1 = bytes.length >> 2
          const next = ByteBuffer.append(from, bytes, from1, bytes.length)
          versions.push([next, was + Bytes.toText(bytes).slice(from1)])
        }
        for (const [buffer, expected] of versions) {
          assert.strictEqual(text(buffer), expected)
          assert.strictEqual(buffer.length, expected.length)
        }
      }),
      { numRuns: RUNS }
    )
  })

  it("grows in place: octet by octet it takes a few storages, each at most twice what is needed", () => {
    const storages = new Set<unknown>()
    let buffer = ByteBuffer.empty
    const source = Uint8Array.of(0x61)
    for (let i = 0; i < 100_000; i++) {
      buffer = ByteBuffer.append(buffer, source, 0, 1)
      storages.add(buffer.storage)
    }
    // 1 KiB doubled up to 128 KiB.
    assert.strictEqual(storages.size, 8)
    assert.isAtMost(buffer.storage.bytes.length, 200_000)
    assert.strictEqual(text(buffer), "a".repeat(100_000))
  })
})
