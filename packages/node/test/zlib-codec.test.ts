/** Both ways to raw DEFLATE: by zlib's handles, and by the functions for whole buffers. */
import { randomFillSync } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { ZlibCodec } from "@nvo/node"
import { DeflateCodec, PerMessageDeflate } from "@nvo/protocol"
import { Effect } from "effect"
import * as fc from "fast-check"

const noise = randomFillSync(Buffer.alloc(200_000))

const messages = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.nat(100_000).map((length) => new Uint8Array(length).fill(97)),
    fc.nat(200_000).map((length) => Uint8Array.from(noise.subarray(0, length)))
  ),
  { maxLength: 6 }
)

const streams = (contextTakeover: boolean, windowBits = 15) =>
  Effect.gen(function* () {
    const codec = yield* DeflateCodec.DeflateCodec
    const options = { windowBits, contextTakeover }
    return { deflater: yield* codec.deflater(options), inflater: yield* codec.inflater(options) }
  })

it("this Node's zlib can be driven by hand", () => {
  assert.isTrue(ZlibCodec.takesHandles)
})

for (const [name, layer] of Object.entries({
  handles: ZlibCodec.layerWith(true),
  "whole buffers": ZlibCodec.layerWith(false)
})) {
  describe(`DEFLATE by ${name}`, () => {
    for (const contextTakeover of [true, false]) {
      it.live(`gives back what it was given, ${contextTakeover ? "with" : "without"} context takeover`, () =>
        Effect.promise(() =>
          fc.assert(
            fc.asyncProperty(
              messages,
              fc.integer({ min: 9, max: 15 }),
              fc.nat(1_000),
              (messages, bits, cut) =>
                Effect.gen(function* () {
                  const { deflater, inflater } = yield* streams(contextTakeover, bits)
                  for (const message of messages) {
                    const data = PerMessageDeflate.compress(deflater, contextTakeover, message)
                    const at = cut % (data.length + 1)
                    const parts = [data.subarray(0, at), data.subarray(at)].map((part, index) =>
                      PerMessageDeflate.decompress(
                        inflater,
                        contextTakeover,
                        part,
                        index === 1,
                        message.length
                      )
                    )
                    const whole = Buffer.concat(
                      parts.map((part) => (typeof part === "string" ? [] : part) as Uint8Array)
                    )
                    assert.isTrue(whole.equals(message), String(parts))
                  }
                }).pipe(Effect.scoped, Effect.provide(layer), Effect.runPromise)
            ),
            { numRuns: 60 }
          )
        )
      )
    }

    it.effect("stops a bomb at n + 1, and says what is no DEFLATE", () =>
      Effect.gen(function* () {
        const { deflater, inflater } = yield* streams(false)
        const take = (data: Uint8Array, limit: number) => {
          const result = PerMessageDeflate.decompress(inflater, false, data, true, limit)
          inflater.reset()
          return typeof result === "string" ? result : result.length
        }
        const bomb = PerMessageDeflate.compress(deflater, false, new Uint8Array(1_000_000))
        assert.isBelow(bomb.length, 2_000)
        assert.strictEqual(take(bomb, 1_000_000), 1_000_000)
        assert.strictEqual(take(bomb, 999_999), "TooLarge")
        assert.strictEqual(take(Uint8Array.of(0xff, 0xff, 0xff), 1_000), "Invalid")
        assert.strictEqual(take(bomb, 1_000_000), 1_000_000)
      }).pipe(Effect.provide(layer))
    )

    it.effect("streams that are used in turns do not mix", () =>
      Effect.gen(function* () {
        const one = yield* streams(false)
        const two = yield* streams(false)
        const a = PerMessageDeflate.compress(one.deflater, false, Buffer.from("aaaa".repeat(100)))
        const b = PerMessageDeflate.compress(two.deflater, false, Buffer.from("bbbb".repeat(100)))
        const parts: Array<unknown> = []
        const take = (streams: typeof one, data: Uint8Array, last: boolean) => {
          const result = PerMessageDeflate.decompress(streams.inflater, false, data, last, 1_000)
          parts.push(typeof result === "string" ? result : Buffer.from(result).toString())
        }
        take(one, a.subarray(0, 3), false)
        take(two, b.subarray(0, 3), false)
        take(one, a.subarray(3), true)
        take(two, b.subarray(3), true)
        assert.strictEqual(`${parts[0]}${parts[2]}`, "aaaa".repeat(100))
        assert.strictEqual(`${parts[1]}${parts[3]}`, "bbbb".repeat(100))
      }).pipe(Effect.provide(layer))
    )
  })
}

it.effect("by handles: a block that is marked as the last may be followed by others, RFC 7692 §7.2.3.4", () =>
  Effect.gen(function* () {
    const { inflater } = yield* streams(false)
    // The RFC's example.
    const data = Uint8Array.of(0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00)
    const result = PerMessageDeflate.decompress(inflater, false, data, true, 100)
    assert.strictEqual(typeof result === "string" ? result : Buffer.from(result).toString(), "Hello")
  }).pipe(Effect.provide(ZlibCodec.layer))
)
