/**
 * RFC 9113 §5.4 and §7: how errors are told, and what error codes do.
 */
import { assert, describe, it } from "@effect/vitest"
import * as ErrorCode from "@nvo/protocol/http2/ErrorCode"
import type * as Frame from "@nvo/protocol/http2/frame/Frame"
import { fromHex } from "./support/hex.ts"
import { data, failsWith, get, Peer, resetsWith } from "./support/http2Peer.ts"

describe("RFC 9113 §5.4 error handling", () => {
  it("§5.4: of several errors of a stream the first is told, and what comes behind it is ignored", () => {
    const peer = Peer.open()
    peer.begin(1)
    resetsWith(
      peer.send({ _tag: "WindowUpdate", streamId: 1, increment: 0 }),
      peer,
      1,
      "PROTOCOL_ERROR",
      "ZeroWindowIncrement"
    )
    assert.deepStrictEqual(
      peer.send(
        { _tag: "WindowUpdate", streamId: 1, increment: 0 },
        peer.headers(1, [["Upper", "case"]], { endStream: false }),
        data(1, "x")
      ),
      []
    )
    assert.deepStrictEqual(peer.read(), [])
  })

  it("§5.4.1: of several errors of a connection the first is told, and nothing behind it is read", () => {
    const peer = Peer.open()
    assert.deepStrictEqual(
      peer.send(
        { _tag: "WindowUpdate", streamId: 0, increment: 0 },
        { _tag: "Settings", ack: false, entries: [[4, 0x80000000]] },
        peer.headers(1, get)
      ),
      ["connection PROTOCOL_ERROR ZeroConnectionIncrement"]
    )
    assert.deepStrictEqual(peer.read(), ["GOAWAY 0 PROTOCOL_ERROR"])
  })

  it("§5.4.1: what came in front of an error of the connection is told first", () => {
    const peer = Peer.open()
    assert.deepStrictEqual(peer.send(peer.headers(1, get), peer.headers(2, get)), [
      "head 1 GET / None",
      "connection PROTOCOL_ERROR InvalidStreamId"
    ])
    assert.deepStrictEqual(peer.read(), ["GOAWAY 1 PROTOCOL_ERROR"])
  })

  it("§5.4.2: RST_STREAM is never answered by RST_STREAM", () => {
    const peer = Peer.open()
    peer.begin(1)
    peer.request(3)
    peer.begin(5)
    peer.connection.reset(5, "CANCEL")
    peer.read()
    for (const streamId of [1, 1, 3, 3, 5, 5]) peer.send({ _tag: "RstStream", streamId, code: 1 })
    assert.deepStrictEqual(peer.read(), [])
    assert.strictEqual(peer.connection.phase, "Open")
  })

  it("§5.4.2: a stream that was reset is reset once", () => {
    const peer = Peer.open()
    peer.begin(1)
    peer.connection.reset(1, "CANCEL")
    peer.connection.reset(1, "INTERNAL_ERROR")
    assert.deepStrictEqual(peer.read(), ["RST_STREAM 1 CANCEL"])
  })
})

describe("RFC 9113 §4.3 field blocks", () => {
  const blocks: ReadonlyArray<readonly [reason: string, hex: string]> = [
    ["HpackTruncated", "0085"],
    ["HpackIntegerOverflow", "ffffffffff7f"],
    ["HpackIndexOutOfRange", "c6"],
    ["HpackInvalidHuffman", "00016184ffffffff"],
    ["HpackTableSizeUpdate", "3fe21f"]
  ]
  for (const [reason, hex] of blocks) {
    it(`whatever is wrong with a field block is a connection error COMPRESSION_ERROR: ${reason}`, () => {
      const open = Peer.open()
      const head = { ...open.headers(1, []), fragment: fromHex(hex) } as Frame.Headers
      failsWith(open.send(head), open, "COMPRESSION_ERROR", reason)
      // In trailers, too.
      const trailed = Peer.open()
      trailed.begin(1)
      failsWith(trailed.send(head), trailed, "COMPRESSION_ERROR", reason)
    })
  }
})

describe("RFC 9113 §7 error codes", () => {
  it("a code that nobody knows does nothing special, in RST_STREAM", () => {
    for (const code of [0xe, 0xff, 0xffffffff]) {
      const peer = Peer.open()
      peer.begin(1)
      assert.deepStrictEqual(peer.send({ _tag: "RstStream", streamId: 1, code }), [
        `reset 1 ${ErrorCode.nameOf(code)}`
      ])
      assert.deepStrictEqual(peer.request(3), ["head 3 GET / None"])
    }
  })

  it("a code that nobody knows does nothing special, in GOAWAY", () => {
    const peer = Peer.open()
    peer.begin(1)
    const goAway = { _tag: "GoAway", lastStreamId: 0, code: 0xff, debug: new Uint8Array(0) } as const
    assert.deepStrictEqual(peer.send(goAway), ["goaway 0xff"])
    peer.send({ _tag: "Ping", ack: false, data: new TextEncoder().encode("12345678") })
    assert.deepStrictEqual(peer.read(), ["PING ack 12345678"])
    assert.deepStrictEqual(peer.send(data(1, "x", true)), ["data 1 x", "end 1"])
  })

  it("INADEQUATE_SECURITY is told behind the server's preface", () => {
    const peer = new Peer()
    const error = peer.connection.abort("InadequateSecurity", "TLS_RSA_WITH_NULL_SHA")
    assert.deepStrictEqual(
      [error?.scope, error?.code, error?.reason.detail],
      ["Connection", "INADEQUATE_SECURITY", "TLS_RSA_WITH_NULL_SHA"]
    )
    const written = peer.read()
    assert.match(written[0], /^SETTINGS /)
    assert.strictEqual(written.at(-1), "GOAWAY 0 INADEQUATE_SECURITY")
  })
})
