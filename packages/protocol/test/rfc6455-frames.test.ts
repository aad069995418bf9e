/** Frames: RFC 6455 §5 and §10.4, as a server and as a client reads them. */
import { assert, describe, it } from "@effect/vitest"
import * as FrameDecoder from "@nvo/protocol/websocket/FrameDecoder"
import * as FrameEncoder from "@nvo/protocol/websocket/FrameEncoder"
import type * as WebSocketError from "@nvo/protocol/websocket/WebSocketError"
import { Bytes } from "@nvo/testing"
import { frame, observe, refusal } from "./support/webSocket.ts"

const hex = (text: string): Uint8Array =>
  Uint8Array.from(text.split(" ").map((octet) => Number.parseInt(octet, 16)))

const filled = (length: number): Uint8Array => new Uint8Array(length).fill(0x61)

const large = { messageBytes: 100_000_000, frameBytes: 100_000_000 }

describe("RFC 6455 §5.7: the examples", () => {
  it("a single-frame unmasked text message", () => {
    const seen = observe([hex("81 05 48 65 6c 6c 6f")], { role: "Client" })
    assert.deepStrictEqual(seen, { events: [{ _tag: "Text", data: "Hello" }], error: undefined })
  })

  it("a single-frame masked text message", () => {
    const seen = observe([hex("81 85 37 fa 21 3d 7f 9f 4d 51 58")])
    assert.deepStrictEqual(seen, { events: [{ _tag: "Text", data: "Hello" }], error: undefined })
  })

  it("a fragmented unmasked text message", () => {
    const seen = observe([hex("01 03 48 65 6c"), hex("80 02 6c 6f")], { role: "Client" })
    assert.deepStrictEqual(seen.events, [{ _tag: "Text", data: "Hello" }])
  })

  it("an unmasked Ping and its masked Pong", () => {
    const ping = observe([hex("89 05 48 65 6c 6c 6f")], { role: "Client" })
    assert.deepStrictEqual(ping.events, [{ _tag: "Ping", payload: "Hello" }])
    const pong = observe([hex("8a 85 37 fa 21 3d 7f 9f 4d 51 58")])
    assert.deepStrictEqual(pong.events, [{ _tag: "Pong", payload: "Hello" }])
  })

  it("256 octets and 64 KiB of binary data", () => {
    for (const [length, header] of [
      [256, "82 7e 01 00"],
      [65_536, "82 7f 00 00 00 00 00 01 00 00"]
    ] as const) {
      const bytes = FrameEncoder.encodeBytes({ opcode: "Binary", payload: filled(length) })
      assert.deepStrictEqual(bytes.slice(0, bytes.length - length), hex(header))
      assert.strictEqual(observe([bytes], { role: "Client" }).events.length, 1)
    }
  })
})

describe("RFC 6455 §5.2: the shortest form of each length", () => {
  for (const [length, size] of [
    [0, 2],
    [125, 2],
    [126, 4],
    [65_535, 4],
    [65_536, 10]
  ] as const) {
    it(`is written and read for ${length} octets`, () => {
      const bytes = FrameEncoder.encodeBytes({ opcode: "Binary", payload: filled(length) })
      assert.strictEqual(bytes.length, size + length)
      const masked = FrameEncoder.encodeBytes({ opcode: "Binary", payload: filled(length) }, 0x01020304)
      assert.strictEqual(masked.length, size + 4 + length)
      assert.deepStrictEqual(observe([masked]).events, [{ _tag: "Binary", data: "a".repeat(length) }])
    })
  }

  it("is written for lengths beyond 32 bits", () => {
    // The header alone: nobody holds 4 GiB for a test.
    const payload = { length: 2 ** 33 + 5 } as Uint8Array
    assert.deepStrictEqual(
      FrameEncoder.encode({ opcode: "Binary", payload })[0],
      hex("82 7f 00 00 00 02 00 00 00 05")
    )
  })
})

describe("a server refuses", () => {
  const cases: ReadonlyArray<
    readonly [name: string, tag: WebSocketError.ReasonTag, code: number, bytes: Uint8Array]
  > = [
    ["§5.2: RSV1 without an extension", "ReservedBits", 1002, frame(0xc1, "")],
    ["§5.2: RSV2", "ReservedBits", 1002, frame(0xa1, "")],
    ["§5.2: RSV3", "ReservedBits", 1002, frame(0x91, "")],
    ...[0x3, 0x4, 0x5, 0x6, 0x7, 0xb, 0xc, 0xd, 0xe, 0xf].map(
      (code) => [`§5.2: opcode ${code.toString(16)}`, "ReservedOpcode", 1002, frame(0x80 | code, "")] as const
    ),
    ["§5.1: a frame without a mask", "UnmaskedFrame", 1002, hex("81 01 61")],
    ["§5.5: a fragmented Ping", "FragmentedControlFrame", 1002, frame(0x09, "")],
    ["§5.5: a fragmented Close", "FragmentedControlFrame", 1002, frame(0x08, "")],
    ["§5.5: a Ping of 126 octets", "ControlFrameTooLong", 1002, frame(0x89, filled(126))],
    ["§5.2: 125 octets in 16 bits of length", "LengthNotMinimal", 1002, hex("82 fe 00 7d")],
    [
      "§5.2: 65,535 octets in 64 bits of length",
      "LengthNotMinimal",
      1002,
      hex("82 ff 00 00 00 00 00 00 ff ff")
    ],
    ["§5.2: a length with its highest bit set", "LengthOverflow", 1002, hex("82 ff 80 00 00 00 00 00 00 00")],
    ["§10.4: a length that no memory holds", "FrameTooLarge", 1009, hex("82 ff 7f ff ff ff ff ff ff ff")],
    ["§5.4: a continuation of nothing", "UnexpectedContinuation", 1002, frame(0x80, "")],
    [
      "§5.4: a text inside a message",
      "InterruptedMessage",
      1002,
      Bytes.concat([frame(0x01, "a"), frame(0x81, "b")])
    ],
    [
      "§5.4: a binary message inside another",
      "InterruptedMessage",
      1002,
      Bytes.concat([frame(0x02, "a"), frame(0x02, "b")])
    ]
  ]
  for (const [name, tag, code, bytes] of cases) {
    it(`${name}: ${tag}, ${code}`, () => {
      const seen = observe([bytes])
      assert.strictEqual(seen.error?.reason._tag, tag)
      assert.strictEqual(seen.error?.reason.code, code)
      // Octet by octet, and nothing behind the first that could be known.
      assert.deepStrictEqual(observe(Bytes.octets(bytes)), seen)
    })
  }

  it("§5.1: by the second octet, a frame without a mask", () => {
    assert.strictEqual(refusal(hex("81 05")), "UnmaskedFrame")
  })

  it("§10.4: by its header, a frame that is over the limit", () => {
    const limits = { frameBytes: 1_000 }
    assert.strictEqual(refusal(hex("82 fe 03 e8"), { limits }), undefined)
    assert.strictEqual(refusal(hex("82 fe 03 e9"), { limits }), "FrameTooLarge")
  })

  it("and reads on no more: every further step says the same", () => {
    const decoder = FrameDecoder.make()
    const failed = FrameDecoder.step(decoder, FrameDecoder.initial, frame(0x83, "")).state
    const again = FrameDecoder.step(decoder, failed, frame(0x81, "a"))
    assert.strictEqual(again.state, failed)
    assert.deepStrictEqual(again.parts, [])
  })

  it("with the number of the frame", () => {
    const seen = observe([Bytes.concat([frame(0x81, "a"), frame(0x89, ""), hex("81 00")])])
    assert.strictEqual(seen.error?.frameIndex, 3)
    assert.strictEqual(seen.events.length, 2)
  })
})

describe("RFC 6455 §5.1: a client", () => {
  it("refuses a masked frame", () => {
    assert.strictEqual(refusal(frame(0x81, "a"), { role: "Client" }), "MaskedFrame")
  })

  it("§5.3: masks each octet with the key's octet at its place", () => {
    const bytes = FrameEncoder.encodeBytes(
      { opcode: "Text", payload: new TextEncoder().encode("Hello") },
      0x37fa213d
    )
    assert.deepStrictEqual(bytes, hex("81 85 37 fa 21 3d 7f 9f 4d 51 58"))
  })
})

describe("RFC 6455 §5.4: fragments", () => {
  const fragments = (opcode: number, ...parts: ReadonlyArray<string>) =>
    Bytes.concat(
      parts.map((part, index) =>
        frame((index === parts.length - 1 ? 0x80 : 0) | (index === 0 ? opcode : 0), part)
      )
    )

  it("make one message, empty ones too", () => {
    const seen = observe([fragments(0x1, "Hel", "", "lo", "")])
    assert.deepStrictEqual(seen.events, [{ _tag: "Text", data: "Hello" }])
  })

  it("§5.5: let control frames through between them", () => {
    const bytes = Bytes.concat([frame(0x01, "Hel"), frame(0x89, "p"), frame(0x8a, "q"), frame(0x80, "lo")])
    assert.deepStrictEqual(observe([bytes]).events, [
      { _tag: "Ping", payload: "p" },
      { _tag: "Pong", payload: "q" },
      { _tag: "Text", data: "Hello" }
    ])
  })

  it("§5.5.1: may be broken off by a Close frame, and nothing follows it", () => {
    const bytes = Bytes.concat([
      frame(0x01, "Hel"),
      frame(0x88, "\u0003\u00e8".slice(0, 0)),
      frame(0x80, "lo")
    ])
    assert.deepStrictEqual(observe([bytes]).events, [{ _tag: "Close", code: 1005, reason: "" }])
  })

  it("are cut by the encoder where they are to be", () => {
    const payload = filled(10)
    const frames = FrameEncoder.fragment({ opcode: "Binary", payload }, 4)
    assert.deepStrictEqual(
      frames.map(({ fin, opcode, payload }) => [opcode, fin, payload.length]),
      [
        ["Binary", false, 4],
        ["Continuation", false, 4],
        ["Continuation", true, 2]
      ]
    )
    assert.strictEqual(FrameEncoder.fragment({ opcode: "Text", payload: filled(0) }, 4).length, 1)
  })

  it("§10.4: messages at the limit are taken, and one octet more is 1009, before it has come", () => {
    const limits = { messageBytes: 10 }
    assert.strictEqual(refusal(frame(0x82, filled(10)), { limits }), undefined)
    assert.strictEqual(refusal(frame(0x82, filled(11)).slice(0, 7), { limits }), "MessageTooLarge")
    assert.strictEqual(refusal(fragments(0x2, "12345", "67890"), { limits }), undefined)
    assert.strictEqual(refusal(fragments(0x2, "12345", "678901"), { limits }), "MessageTooLarge")
  })

  it("§10.4: cost at least 64 octets each: 4 MiB in frames of 64 pass, one frame more does not", () => {
    const limits = { ...large, messageBytes: 4_194_304 }
    const middle = frame(0x00, filled(64))
    const body = Bytes.concat([frame(0x02, filled(64)), ...Array.from({ length: 65_534 }, () => middle)])
    const whole = observe([body, frame(0x80, filled(64))], { limits })
    assert.isUndefined(whole.error)
    assert.strictEqual(whole.events.length, 1)
    const more = observe([body, frame(0x00, filled(63)), frame(0x80, filled(1))], { limits })
    assert.strictEqual(more.error?.reason._tag, "TooManyFragments")
    assert.strictEqual(more.error?.reason.code, 1008)
  })

  it("§10.4: 1,024 empty ones pass with any limit, and no more", () => {
    const limits = { messageBytes: 1 }
    const empty = (count: number) => [
      frame(0x01, ""),
      ...Array.from({ length: count - 1 }, () => frame(0x00, ""))
    ]
    assert.isUndefined(observe(empty(1_024), { limits }).error)
    assert.strictEqual(observe(empty(1_025), { limits }).error?.reason._tag, "TooManyFragments")
  })
})

describe("decoding in place", () => {
  it("takes the mask off in the chunk, and only where it was asked to", () => {
    const bytes = FrameEncoder.encodeBytes({ opcode: "Binary", payload: filled(200) }, 0x01020304)
    const copied = bytes.slice()
    FrameDecoder.step(FrameDecoder.make(), FrameDecoder.initial, copied)
    assert.deepStrictEqual(copied, bytes)
    const { parts } = FrameDecoder.step(FrameDecoder.make({ inPlace: true }), FrameDecoder.initial, copied)
    assert.strictEqual(parts[0].payload.buffer, copied.buffer)
    assert.deepStrictEqual(Uint8Array.from(parts[0].payload), filled(200))
  })
})
