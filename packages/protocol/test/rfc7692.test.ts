/** permessage-deflate, RFC 7692. */
import { assert, describe, it } from "@effect/vitest"
import * as Extensions from "@nvo/protocol/websocket/Extensions"
import * as FrameEncoder from "@nvo/protocol/websocket/FrameEncoder"
import type * as MessageDecoder from "@nvo/protocol/websocket/MessageDecoder"
import * as PerMessageDeflate from "@nvo/protocol/websocket/PerMessageDeflate"
import { Bytes } from "@nvo/testing"
import * as fc from "fast-check"
import * as TestCodec from "./support/testCodec.ts"
import { frame, observe, refusal } from "./support/webSocket.ts"

const negotiate = (offers: string, wanted?: Partial<PerMessageDeflate.Agreement>) => {
  const result = PerMessageDeflate.negotiate(Extensions.parse([offers]) ?? assert.fail("grammar"), wanted)
  return result === undefined ? undefined : Extensions.format([result.answer])
}

describe("§5 and §7.1: a server's choice among offers", () => {
  const cases: ReadonlyArray<
    readonly [offer: string, answer: string | undefined, wanted?: Partial<PerMessageDeflate.Agreement>]
  > = [
    ["permessage-deflate", "permessage-deflate"],
    ["x-webkit-deflate-frame", undefined],
    ["permessage-deflate; client_max_window_bits", "permessage-deflate"],
    [
      "permessage-deflate; client_max_window_bits",
      "permessage-deflate; client_max_window_bits=10",
      { clientMaxWindowBits: 10 }
    ],
    ["permessage-deflate; client_max_window_bits=8", "permessage-deflate; client_max_window_bits=8"],
    // §7.1.2.2: not in an answer to an offer that does not have it.
    ["permessage-deflate", "permessage-deflate", { clientMaxWindowBits: 10 }],
    // §7.1.2.1: at most what the client asked for.
    ["permessage-deflate; server_max_window_bits=10", "permessage-deflate; server_max_window_bits=10"],
    [
      "permessage-deflate; server_max_window_bits=12",
      "permessage-deflate; server_max_window_bits=11",
      { serverMaxWindowBits: 11 }
    ],
    ['permessage-deflate; server_max_window_bits="10"', "permessage-deflate; server_max_window_bits=10"],
    // §7.1.1.1: must be in the answer where it is in the offer.
    ["permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover"],
    ["permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover"],
    [
      "permessage-deflate",
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
      { serverNoContextTakeover: true, clientNoContextTakeover: true }
    ],
    // §7.1: declined are an unknown parameter, a value that is none, a parameter twice.
    ["permessage-deflate; x", undefined],
    ["permessage-deflate; server_no_context_takeover=1", undefined],
    ["permessage-deflate; client_no_context_takeover=true", undefined],
    ["permessage-deflate; server_no_context_takeover; server_no_context_takeover", undefined],
    ["permessage-deflate; server_max_window_bits", undefined],
    ["permessage-deflate; server_max_window_bits=7", undefined],
    ["permessage-deflate; server_max_window_bits=16", undefined],
    ["permessage-deflate; server_max_window_bits=010", undefined],
    ["permessage-deflate; client_max_window_bits=16", undefined],
    ["permessage-deflate; client_max_window_bits=8.0", undefined],
    // zlib has no window of 256 octets for raw data: such an offer is declined, the next one may do.
    ["permessage-deflate; server_max_window_bits=8", undefined],
    ["permessage-deflate; server_max_window_bits=8, permessage-deflate", "permessage-deflate"],
    // §5.1: the client's order is its preference.
    [
      "permessage-deflate; x, foo, permessage-deflate; server_no_context_takeover, permessage-deflate",
      "permessage-deflate; server_no_context_takeover"
    ]
  ]
  for (const [offer, answer, wanted] of cases) {
    it(`${offer}${wanted === undefined ? "" : ` for ${JSON.stringify(wanted)}`} → ${answer ?? "declined"}`, () => {
      assert.strictEqual(negotiate(offer, wanted), answer)
    })
  }
})

describe("§7.1: a client takes or refuses the answer", () => {
  const verify = (answer: string, offered?: Partial<PerMessageDeflate.Agreement>) =>
    PerMessageDeflate.verify((Extensions.parse([answer]) ?? assert.fail("grammar"))[0], offered)

  it("takes what it offered, and less", () => {
    assert.deepStrictEqual(verify("permessage-deflate"), PerMessageDeflate.defaults)
    assert.deepStrictEqual(
      verify(
        "permessage-deflate; server_max_window_bits=9; client_max_window_bits=10; client_no_context_takeover"
      ),
      {
        serverNoContextTakeover: false,
        clientNoContextTakeover: true,
        serverMaxWindowBits: 9,
        clientMaxWindowBits: 10
      }
    )
  })

  const refused: ReadonlyArray<readonly [string, Partial<PerMessageDeflate.Agreement>?]> = [
    ["permessage-deflate; x"],
    ["permessage-deflate; client_max_window_bits"],
    ["permessage-deflate; server_max_window_bits=20"],
    ["permessage-deflate; server_no_context_takeover=a"],
    ["permessage-deflate; client_no_context_takeover; client_no_context_takeover"],
    ["permessage-deflate", { serverNoContextTakeover: true }],
    ["permessage-deflate; server_max_window_bits=12", { serverMaxWindowBits: 11 }],
    ["permessage-deflate", { serverMaxWindowBits: 11 }]
  ]
  for (const [answer, offered] of refused) {
    it(`refuses ${answer}${offered === undefined ? "" : ` for ${JSON.stringify(offered)}`}`, () => {
      assert.isUndefined(verify(answer, offered))
    })
  }

  it("offers its bounds", () => {
    assert.strictEqual(
      Extensions.format([PerMessageDeflate.offer()]),
      "permessage-deflate; client_max_window_bits"
    )
    assert.strictEqual(
      Extensions.format([PerMessageDeflate.offer({ clientMaxWindowBits: 9, serverNoContextTakeover: true })]),
      "permessage-deflate; server_no_context_takeover; client_max_window_bits=9"
    )
  })
})

const inflation = (contextTakeover = true): MessageDecoder.Inflation => ({
  inflater: TestCodec.inflater(),
  contextTakeover
})

const octets = (...values: ReadonlyArray<number>) => Uint8Array.from(values)

describe("§6 and §7.2: messages", () => {
  const hello = octets(0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00)

  it("§7.2.3.1: the example of one block, in one frame and in two", () => {
    const text = [{ _tag: "Text", data: "Hello" }]
    assert.deepStrictEqual(observe([frame(0xc1, hello)], { inflation: inflation() }).events, text)
    const fragments = [frame(0x41, hello.slice(0, 3)), frame(0x80, hello.slice(3))]
    assert.deepStrictEqual(observe(fragments, { inflation: inflation() }).events, text)
  })

  it("§7.2.3.2: the example that shares a window, and the same without one", () => {
    const again = octets(0xf2, 0x00, 0x11, 0x00, 0x00)
    const both = [frame(0xc1, hello), frame(0xc1, again)]
    assert.deepStrictEqual(observe(both, { inflation: inflation() }).events, [
      { _tag: "Text", data: "Hello" },
      { _tag: "Text", data: "Hello" }
    ])
    assert.strictEqual(
      observe(both, { inflation: inflation(false) }).error?.reason._tag,
      "InvalidCompressedData"
    )
  })

  it("§7.2.3.3: the example of a block without compression", () => {
    const stored = octets(0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00)
    assert.deepStrictEqual(observe([frame(0xc1, stored)], { inflation: inflation() }).events, [
      { _tag: "Text", data: "Hello" }
    ])
  })

  it("§7.2.3.5: the example of two blocks", () => {
    const two = octets(0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00)
    assert.deepStrictEqual(observe([frame(0xc1, two)], { inflation: inflation() }).events, [
      { _tag: "Text", data: "Hello" }
    ])
  })

  it("§7.2.3.6: an empty message is the octet 0x00, and is read as one", () => {
    const deflater = TestCodec.deflater()
    assert.deepStrictEqual(PerMessageDeflate.compress(deflater, true, octets()), octets(0x00))
    assert.deepStrictEqual(observe([frame(0xc1, octets(0x00))], { inflation: inflation() }).events, [
      { _tag: "Text", data: "" }
    ])
  })

  it("§6: a message without RSV1 is not compressed, also where the extension is in use", () => {
    assert.deepStrictEqual(observe([frame(0x81, "Hello")], { inflation: inflation() }).events, [
      { _tag: "Text", data: "Hello" }
    ])
  })

  it("§6.1: RSV1 stands on the first frame only, and never on a control frame", () => {
    const options = { inflation: inflation() }
    const late = Bytes.concat([frame(0x41, hello.slice(0, 3)), frame(0xc0, hello.slice(3))])
    assert.strictEqual(refusal(late, options), "CompressedContinuation")
    assert.strictEqual(refusal(frame(0xc9, ""), options), "ReservedBits")
    assert.strictEqual(refusal(frame(0xc8, ""), options), "ReservedBits")
  })

  it("§7.2.2: data that is no DEFLATE is 1007", () => {
    const seen = observe([frame(0xc2, octets(0xff, 0xff, 0xff))], { inflation: inflation() })
    assert.strictEqual(seen.error?.reason._tag, "InvalidCompressedData")
    assert.strictEqual(seen.error?.reason.code, 1007)
  })

  it("§8: what comes out is limited, at n and n + 1, in one frame and in many", () => {
    const bomb = (length: number) =>
      PerMessageDeflate.compress(TestCodec.deflater(), false, new Uint8Array(length))
    const limits = { messageBytes: 100_000 }
    for (const cut of [(b: Uint8Array) => [b], (b: Uint8Array) => [b.slice(0, 40), b.slice(40)]]) {
      const frames = (length: number) => {
        const pieces = cut(bomb(length))
        return pieces.map((piece, i) =>
          frame((i === 0 ? 0x42 : 0) | (i === pieces.length - 1 ? 0x80 : 0), piece)
        )
      }
      assert.isUndefined(observe(frames(100_000), { limits, inflation: inflation() }).error)
      const over = observe(frames(100_001), { limits, inflation: inflation() })
      assert.strictEqual(over.error?.reason._tag, "MessageTooLarge")
      assert.strictEqual(over.error?.reason.code, 1009)
    }
  })

  it("text is checked after it was taken apart", () => {
    const bad = PerMessageDeflate.compress(TestCodec.deflater(), false, octets(0x61, 0xff))
    assert.strictEqual(refusal(frame(0xc1, bad), { inflation: inflation() }), "InvalidUtf8")
  })

  for (const contextTakeover of [true, false]) {
    it(`§7.2.1: parts compressed one by one are one message, ${contextTakeover ? "with" : "without"} context takeover`, () => {
      const text = fc.array(fc.constantFrom("a", "b", "abcabcabc", "ü"), { maxLength: 200 })
      const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 })
      fc.assert(
        fc.property(fc.array(fc.tuple(text, cuts), { minLength: 1, maxLength: 3 }), (messages) => {
          const deflater = TestCodec.deflater()
          const chunks = messages.flatMap(([words, sizes]) => {
            const bytes = new TextEncoder().encode(words.join(""))
            const parts: Array<Uint8Array> = []
            let at = 0
            do {
              const size = sizes[parts.length % sizes.length]
              parts.push(bytes.subarray(at, at + size))
              at += size
            } while (at < bytes.length)
            return parts.map((part, i) => {
              const fin = i === parts.length - 1
              const payload = PerMessageDeflate.compress(deflater, contextTakeover, part, fin)
              const opcode = i === 0 ? "Text" : "Continuation"
              return FrameEncoder.encodeBytes({ opcode, fin, rsv1: i === 0, payload }, 0x01020304)
            })
          })
          const seen = observe(chunks, { inflation: inflation(contextTakeover) })
          assert.deepStrictEqual(
            seen.events,
            messages.map(([words]) => ({ _tag: "Text", data: words.join("") }))
          )
        })
      )
    })
  }

  for (const contextTakeover of [true, false]) {
    it(`§7.2: messages pass ${contextTakeover ? "with" : "without"} context takeover, in any fragments`, () => {
      const deflater = TestCodec.deflater()
      const texts = ["Hello", "Hello, Hello", "", "x".repeat(70_000), "Hello"]
      const frames = texts.flatMap((text) => {
        const payload = PerMessageDeflate.compress(deflater, contextTakeover, new TextEncoder().encode(text))
        return FrameEncoder.fragment({ opcode: "Text", rsv1: true, payload }, 7)
      })
      const chunks = frames.map((one) => FrameEncoder.encodeBytes(one, 0x01020304))
      const seen = observe(chunks, { inflation: inflation(contextTakeover) })
      assert.deepStrictEqual(
        seen.events,
        texts.map((data) => ({ _tag: "Text", data }))
      )
    })
  }
})
