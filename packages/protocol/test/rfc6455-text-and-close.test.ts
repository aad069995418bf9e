/** Text (RFC 6455 §8.1), close codes and the close handshake (§5.5.1, §7). */
import { assert, describe, it } from "@effect/vitest"
import * as CloseCode from "@nvo/protocol/websocket/CloseCode"
import * as CloseHandshake from "@nvo/protocol/websocket/CloseHandshake"
import * as FrameEncoder from "@nvo/protocol/websocket/FrameEncoder"
import * as Utf8 from "@nvo/protocol/websocket/Utf8"
import { Bytes } from "@nvo/testing"
import * as fc from "fast-check"
import { frame, observe, refusal } from "./support/webSocket.ts"

const fatal = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const valid = (bytes: Uint8Array): boolean => {
  try {
    fatal.decode(bytes)
    return true
  } catch {
    return false
  }
}

describe("RFC 3629: octets are UTF-8", () => {
  it("for every octet, pair and triple as the Encoding Standard says", () => {
    const tail = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xff]
    for (let a = 0; a < 256; a++) {
      assert.strictEqual(Utf8.isValid(Uint8Array.of(a)), valid(Uint8Array.of(a)), String(a))
      for (let b = 0; b < 256; b++) {
        const pair = Uint8Array.of(a, b)
        if (Utf8.isValid(pair) !== valid(pair)) assert.fail(`${a} ${b}`)
        if (a < 0xe0) continue
        for (const c of tail) {
          const triple = Uint8Array.of(a, b, c)
          if (Utf8.isValid(triple) !== valid(triple)) assert.fail(`${a} ${b} ${c}`)
          for (const d of tail) {
            const four = Uint8Array.of(a, b, c, d)
            if (Utf8.isValid(four) !== valid(four)) assert.fail(`${a} ${b} ${c} ${d}`)
          }
        }
      }
    }
  })

  it("however they are cut", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), Bytes.cuts, (bytes, cuts) => {
        let state = Utf8.initial
        for (const chunk of Bytes.cut(bytes, cuts)) {
          if (state !== Utf8.INVALID) state = Utf8.advance(state, chunk)
        }
        assert.strictEqual(state === Utf8.initial, valid(bytes))
      }),
      { numRuns: 2_000 }
    )
  })

  // Long runs of ASCII are looked at in words, characters that are there in one step.
  const piece = fc.oneof(
    { weight: 4, arbitrary: fc.nat({ max: 260 }).map((length) => new Array<number>(length).fill(0x61)) },
    { weight: 4, arbitrary: fc.constantFrom([0xc3, 0xb6], [0xe6, 0xbc, 0xa2], [0xf0, 0x9f, 0x98, 0x80]) },
    {
      weight: 1,
      arbitrary: fc.constantFrom([0x80], [0xc3], [0xed, 0xa0, 0x80], [0xe6, 0xbc], [0xf0, 0x9f, 0x98])
    }
  )

  it("in long texts, wherever they stand in memory, as octet by octet", () => {
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 8 }),
        fc.nat({ max: 3 }),
        Bytes.cuts,
        (pieces, offset, cuts) => {
          const all = Uint8Array.from([...new Array<number>(offset).fill(0xff), ...pieces.flat()])
          const bytes = all.subarray(offset)
          let expected = Utf8.initial
          for (const octet of bytes) {
            if (expected !== Utf8.INVALID) expected = Utf8.advance(expected, Uint8Array.of(octet))
          }
          let state = Utf8.initial
          for (const chunk of Bytes.cut(bytes, cuts)) {
            if (state !== Utf8.INVALID) state = Utf8.advance(state, chunk)
          }
          assert.strictEqual(state, expected)
          assert.strictEqual(Utf8.advance(Utf8.initial, all, offset), expected)
          assert.strictEqual(Utf8.decodeChecked(bytes), valid(bytes) ? fatal.decode(bytes) : undefined)
          assert.strictEqual(expected === Utf8.initial, valid(bytes))
        }
      ),
      { numRuns: 1_000 }
    )
  })
})

describe("RFC 6455 §8.1: text that is not UTF-8 is 1007", () => {
  const bad: Readonly<Record<string, ReadonlyArray<number>>> = {
    "a lone continuation octet": [0x80],
    "an overlong slash": [0xc0, 0xaf],
    "a surrogate": [0xed, 0xa0, 0x80],
    "beyond U+10FFFF": [0xf4, 0x90, 0x80, 0x80],
    "an octet that is never there": [0xff]
  }
  for (const [name, octets] of Object.entries(bad)) {
    it(`${name}, wherever the frames are cut`, () => {
      const bytes = Uint8Array.from([0x61, ...octets, 0x62])
      for (const [before, after] of Bytes.halves(bytes)) {
        const seen = observe([frame(0x01, before), frame(0x80, after)])
        assert.strictEqual(seen.error?.reason._tag, "InvalidUtf8")
        assert.strictEqual(seen.error?.reason.code, 1007)
        assert.deepStrictEqual(seen.events, [])
      }
    })
  }

  it("as soon as the octet is there, before the frame or the message ends", () => {
    const bytes = frame(0x01, Uint8Array.from([0x61, 0xff, 0x62]))
    assert.strictEqual(refusal(bytes.slice(0, 7)), undefined)
    assert.strictEqual(refusal(bytes.slice(0, 8)), "InvalidUtf8")
    // The second octet can no longer be part of a character, although a third is still due.
    assert.strictEqual(refusal(frame(0x01, Uint8Array.of(0xed, 0xa0))), "InvalidUtf8")
  })

  it("where the message ends inside a character, and not where only a frame does", () => {
    const euro = Uint8Array.of(0xe2, 0x82, 0xac)
    assert.strictEqual(refusal(frame(0x81, euro.slice(0, 2))), "InvalidUtf8")
    const seen = observe([
      frame(0x01, euro.slice(0, 1)),
      frame(0x00, euro.slice(1, 2)),
      frame(0x80, euro.slice(2))
    ])
    assert.deepStrictEqual(seen.events, [{ _tag: "Text", data: "€" }])
  })

  it("and binary messages may hold anything", () => {
    assert.strictEqual(refusal(frame(0x82, Uint8Array.of(0xff))), undefined)
  })

  it("a byte order mark is part of the text", () => {
    assert.deepStrictEqual(observe([frame(0x81, "\ufeffa")]).events, [{ _tag: "Text", data: "\ufeffa" }])
  })
})

const closeFrame = (code: number, reason: string | Uint8Array = "") => {
  const text = typeof reason === "string" ? new TextEncoder().encode(reason) : reason
  return frame(0x88, Uint8Array.from([code >> 8, code & 0xff, ...text]))
}

describe("RFC 6455 §5.5.1: a Close frame", () => {
  it("has a code and a reason, or a code, or neither", () => {
    assert.deepStrictEqual(observe([closeFrame(1000, "bye €")]).events, [
      { _tag: "Close", code: 1000, reason: "bye €" }
    ])
    assert.deepStrictEqual(observe([closeFrame(4999)]).events, [{ _tag: "Close", code: 4999, reason: "" }])
    // §7.1.5: no code is 1005.
    assert.deepStrictEqual(observe([frame(0x88, "")]).events, [{ _tag: "Close", code: 1005, reason: "" }])
  })

  it("of one octet is 1002", () => {
    assert.strictEqual(refusal(frame(0x88, "a")), "InvalidClosePayload")
  })

  it("with a reason that is not UTF-8 is 1007", () => {
    const seen = observe([closeFrame(1000, Uint8Array.of(0xff))])
    assert.strictEqual(seen.error?.reason._tag, "InvalidCloseReason")
    assert.strictEqual(seen.error?.reason.code, 1007)
  })

  it("is the last: what follows it means nothing, not even what is wrong", () => {
    const seen = observe([Bytes.concat([closeFrame(1000), frame(0x81, "a"), Uint8Array.of(0xff, 0xff)])])
    assert.deepStrictEqual(seen, { events: [{ _tag: "Close", code: 1000, reason: "" }], error: undefined })
  })
})

describe("RFC 6455 §7.4: close codes", () => {
  it("from 0 to 5100: those that may stand in a frame are taken, all others are 1002", () => {
    for (let code = 0; code <= 5_100; code++) {
      const known = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]
      const may = known.includes(code) || (code >= 3000 && code <= 4999)
      assert.strictEqual(CloseCode.isValid(code), may, String(code))
      assert.strictEqual(refusal(closeFrame(code)), may ? undefined : "InvalidCloseCode", String(code))
    }
  })

  it("and what this side sends is held to the same", () => {
    assert.isUndefined(FrameEncoder.closePayload(1005))
    assert.isUndefined(FrameEncoder.closePayload(1006, "x"))
    assert.isUndefined(FrameEncoder.closePayload(undefined, "a reason without a code"))
    assert.deepStrictEqual(FrameEncoder.closePayload(), new Uint8Array(0))
    assert.strictEqual(FrameEncoder.closePayload(1000, "a".repeat(123))?.length, 125)
    assert.isUndefined(FrameEncoder.closePayload(1000, "a".repeat(124)))
    assert.isUndefined(FrameEncoder.closePayload(1000, "é".repeat(62)))
  })
})

describe("RFC 6455 §7: the close handshake", () => {
  it("has these transitions and no others", () => {
    const all = CloseHandshake.states.flatMap((state) =>
      CloseHandshake.inputs.flatMap((input) => {
        const next = CloseHandshake.next(state, input)
        return next === undefined ? [] : [`${state} ${input} ${next}`]
      })
    )
    assert.deepStrictEqual(all, [
      "Open CloseSent Closing",
      "Open CloseReceived Answering",
      "Open Failed Failed",
      "Open Ended Closed",
      "Closing CloseReceived Closed",
      "Closing Failed Closed",
      "Closing Ended Closed",
      "Answering CloseSent Closed",
      "Answering Ended Closed",
      "Failed Ended Closed"
    ])
  })

  it("ends from every state", () => {
    for (const state of CloseHandshake.states) {
      if (state !== "Closed") assert.strictEqual(CloseHandshake.next(state, "Ended"), "Closed")
    }
  })

  it("§5.5.1: nothing is sent after a Close frame, and §7.1.7: nothing is read after a failure", () => {
    assert.deepStrictEqual(CloseHandshake.states.filter(CloseHandshake.maySend), ["Open"])
    assert.deepStrictEqual(CloseHandshake.states.filter(CloseHandshake.mayReceive), ["Open", "Closing"])
  })
})
