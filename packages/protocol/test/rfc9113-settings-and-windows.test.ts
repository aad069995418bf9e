/**
 * RFC 9113 §6.5 (SETTINGS), §5.2 and §6.9 (flow control): what each side may change and send.
 */
import { assert, describe, it } from "@effect/vitest"
import type * as Frame from "@nvo/protocol/http2/frame/Frame"
import { Bytes } from "@nvo/testing"
import { fromHex, toHex } from "./support/hex.ts"
import { data, failsWith, having, Peer, post, resetsWith } from "./support/http2Peer.ts"

const settings = (...entries: ReadonlyArray<readonly [number, number]>): Frame.Settings => ({
  _tag: "Settings",
  ack: false,
  entries
})

const windowUpdate = (streamId: number, increment: number): Frame.WindowUpdate => ({
  _tag: "WindowUpdate",
  streamId,
  increment
})

/** Answers stream 1 with so many octets. */
const answer = (peer: Peer, length: number, streamId = 1) => {
  peer.connection.respond(streamId, { status: 200, fields: {}, bodyLength: length }, undefined)
  peer.connection.send(streamId, new Uint8Array(length).fill(0x61))
  peer.connection.finish(streamId)
}

const head = (length: number, streamId = 1) => `HEADERS ${streamId} :status: 200, content-length: ${length}`

describe("RFC 9113 §6.5 SETTINGS", () => {
  it("§6.5.3: is acknowledged", () => {
    const peer = Peer.open()
    assert.deepStrictEqual(peer.send(settings([3, 10])), [])
    assert.deepStrictEqual(peer.read(), ["SETTINGS ack"])
  })

  it("§6.5.3: the acknowledgement of this side's is noticed", () => {
    const peer = new Peer()
    assert.isFalse(peer.connection.isAcknowledged)
    assert.isTrue(Peer.open().connection.isAcknowledged)
  })

  it("§6.5.3: the driver ends a connection that does not acknowledge", () => {
    const peer = new Peer()
    peer.read()
    assert.strictEqual(peer.connection.abort("SettingsTimeout")?.code, "SETTINGS_TIMEOUT")
    assert.deepStrictEqual(peer.read(), ["GOAWAY 0 SETTINGS_TIMEOUT"])
  })

  it("§6.5.2: unknown settings are ignored", () => {
    const peer = Peer.open()
    assert.deepStrictEqual(peer.send(settings([0xff, 1], [0x0, 5])), [])
  })

  const invalid: ReadonlyArray<readonly [name: string, id: number, good: number, bad: number]> = [
    ["ENABLE_PUSH", 2, 1, 2],
    ["MAX_FRAME_SIZE", 5, 16_384, 16_383],
    ["MAX_FRAME_SIZE", 5, 16_777_215, 16_777_216],
    ["RFC 8441 §3 ENABLE_CONNECT_PROTOCOL", 8, 1, 2],
    ["RFC 9218 §2.1 NO_RFC7540_PRIORITIES", 9, 1, 2]
  ]
  for (const [name, id, good, bad] of invalid) {
    it(`§6.5.2: ${name} ${good} is taken, ${bad} is a connection error PROTOCOL_ERROR`, () => {
      const peer = Peer.open()
      assert.deepStrictEqual(peer.send(settings([id, good])), [])
      failsWith(peer.send(settings([id, bad])), peer, "PROTOCOL_ERROR", "InvalidSetting")
    })
  }

  it("§6.5.2: INITIAL_WINDOW_SIZE 2^31 - 1 is taken, 2^31 is a connection error FLOW_CONTROL_ERROR", () => {
    const peer = Peer.open()
    assert.deepStrictEqual(peer.send(settings([4, 0x7fffffff])), [])
    failsWith(peer.send(settings([4, 0x80000000])), peer, "FLOW_CONTROL_ERROR", "InvalidInitialWindow")
  })

  it("RFC 8441 §3: ENABLE_CONNECT_PROTOCOL cannot be taken back", () => {
    const peer = Peer.open()
    peer.send(settings([8, 1]))
    failsWith(peer.send(settings([8, 0])), peer, "PROTOCOL_ERROR", "InvalidSetting")
  })

  it("§6.5.2: of a setting that comes twice the last value counts", () => {
    const peer = Peer.open({}, [
      [4, 1],
      [4, 5]
    ])
    peer.request(1)
    answer(peer, 10)
    assert.deepStrictEqual(peer.read(), [head(10), "DATA 1 aaaaa"])
  })

  it("§6.5.3: values are processed in their order: a size on the way is announced, RFC 7541 §4.2", () => {
    const peer = Peer.open()
    peer.send(settings([1, 0], [1, 4_096]))
    peer.connection.takeOutput()
    peer.request(1)
    peer.connection.respond(1, { status: 200, fields: {}, bodyLength: undefined }, undefined)
    // A size of 0, one of 4,096, and `:status: 200`.
    assert.strictEqual(toHex(Bytes.concat(peer.connection.takeOutput())), "000005010400000001203fe11f88")
  })

  it("§6.5.3: a value on the way that takes a window above 2^31 - 1 is a connection error", () => {
    const peer = Peer.open()
    peer.request(1)
    peer.send(windowUpdate(1, 1))
    failsWith(
      peer.send(settings([4, 0x7fffffff], [4, 65_535])),
      peer,
      "FLOW_CONTROL_ERROR",
      "InvalidInitialWindow"
    )
  })

  it("§6.9.2: SETTINGS do not change the window of the connection", () => {
    const peer = Peer.open({}, [[4, 100_000]])
    peer.request(1)
    answer(peer, 65_536)
    assert.strictEqual(peer.read().at(-1), "DATA 1 (16383)")
    assert.deepStrictEqual(peer.connection.heldBack, [{ streamId: 1, octets: 1 }])
  })

  it("§4.3.1: a block without a field does not confirm a smaller table either", () => {
    const peer = Peer.open({ headerTableBytes: 100 })
    failsWith(
      peer.octets(fromHex("000000 01 05 00000001")),
      peer,
      "COMPRESSION_ERROR",
      "HpackTableSizeUpdate"
    )
  })

  it("HEADER_TABLE_SIZE 0 empties this side's table and says so", () => {
    const peer = Peer.open()
    const respond = (streamId: number) => {
      peer.request(streamId)
      peer.connection.respond(streamId, { status: 200, fields: { "x-a": "b" }, bodyLength: 0 }, undefined)
      return peer.read()
    }
    const line = (streamId: number) =>
      `HEADERS ${streamId} :status: 200, x-a: b, content-length: 0 END_STREAM`
    assert.deepStrictEqual(respond(1), [line(1)])
    peer.send(settings([1, 0]))
    assert.deepStrictEqual(peer.read(), ["SETTINGS ack"])
    assert.deepStrictEqual(respond(3), [line(3)])
    assert.deepStrictEqual(respond(5), [line(5)])
  })

  it("this side's HEADER_TABLE_SIZE holds once it is acknowledged, and must be confirmed", () => {
    const peer = Peer.open({ headerTableBytes: 100 })
    // The peer's encoder does not know: its first block says nothing of a smaller table.
    failsWith(peer.request(1), peer, "COMPRESSION_ERROR", "HpackTableSizeUpdate")
    const other = Peer.open({ headerTableBytes: 100 })
    other.encoder.setPeerTableBytes(100)
    assert.deepStrictEqual(other.request(1), ["head 1 GET / None"])
  })
})

describe("RFC 9113 §5.2 and §6.9: sending within the peer's windows", () => {
  it("§6.9.2: a body of more than 65,535 octets waits for a window", () => {
    const peer = Peer.open()
    peer.request(1)
    answer(peer, 65_536)
    const written = peer.read()
    assert.strictEqual(written.length, 5)
    assert.strictEqual(written[4], "DATA 1 (16383)")
    assert.deepStrictEqual(peer.connection.heldBack, [{ streamId: 1, octets: 1 }])
    peer.send(windowUpdate(1, 1))
    assert.deepStrictEqual(peer.read(), [])
    peer.send(windowUpdate(0, 1))
    assert.deepStrictEqual(peer.read(), ["DATA 1 a END_STREAM"])
    assert.deepStrictEqual(peer.connection.heldBack, [])
  })

  it("§6.9.1: an initial window of 1 is kept, octet by octet", () => {
    const peer = Peer.open({}, [[4, 1]])
    peer.request(1)
    answer(peer, 3)
    assert.deepStrictEqual(peer.read(), [head(3), "DATA 1 a"])
    peer.send(windowUpdate(1, 1))
    assert.deepStrictEqual(peer.read(), ["DATA 1 a"])
    peer.send(windowUpdate(1, 1))
    assert.deepStrictEqual(peer.read(), ["DATA 1 a END_STREAM"])
  })

  it("§6.9.2: a change of INITIAL_WINDOW_SIZE holds for open streams, below zero too", () => {
    const peer = Peer.open({}, [[4, 10]])
    peer.request(1)
    answer(peer, 20)
    assert.deepStrictEqual(peer.read(), [head(20), "DATA 1 aaaaaaaaaa"])
    peer.send(settings([4, 5]), windowUpdate(1, 5))
    assert.deepStrictEqual(peer.read(), ["SETTINGS ack"])
    peer.send(windowUpdate(1, 1))
    assert.deepStrictEqual(peer.read(), ["DATA 1 a"])
    peer.send(settings([4, 100]))
    assert.deepStrictEqual(peer.read(), ["SETTINGS ack", "DATA 1 aaaaaaaaa END_STREAM"])
  })

  it("§6.9.2: a change that takes a stream's window above 2^31 - 1 is a connection error", () => {
    const peer = Peer.open()
    peer.request(1)
    peer.send(windowUpdate(1, 0x7fffffff - 65_535))
    failsWith(peer.send(settings([4, 65_536])), peer, "FLOW_CONTROL_ERROR", "InvalidInitialWindow")
  })

  it("§4.2: no frame is larger than the peer's MAX_FRAME_SIZE, and larger ones are used where it allows", () => {
    const peer = Peer.open({}, [[5, 20_000]])
    peer.request(1)
    answer(peer, 30_000)
    assert.deepStrictEqual(peer.read(), [head(30_000), "DATA 1 (20000)", "DATA 1 (10000) END_STREAM"])
  })

  it("a head that is larger than a frame goes on in CONTINUATION", () => {
    const peer = Peer.open()
    peer.request(1)
    const fields = { "x-large": "~".repeat(20_000) }
    peer.connection.respond(1, { status: 200, fields, bodyLength: 0 }, undefined)
    const written = peer.read()
    assert.strictEqual(written[0], "HEADERS 1 (16384) END_STREAM")
    assert.match(written[1], /^CONTINUATION 1 \(\d+\)$/)
  })

  it("§6.9: a WINDOW_UPDATE of 0 is an error of the stream or of the connection: PROTOCOL_ERROR", () => {
    const peer = Peer.open()
    peer.begin(1)
    resetsWith(peer.send(windowUpdate(1, 0)), peer, 1, "PROTOCOL_ERROR", "ZeroWindowIncrement")
    failsWith(peer.send(windowUpdate(0, 0)), peer, "PROTOCOL_ERROR", "ZeroConnectionIncrement")
  })

  it("§6.9.1: a window of 2^31 - 1 is taken, one more is a FLOW_CONTROL_ERROR", () => {
    const peer = Peer.open()
    peer.begin(1)
    const most = 0x7fffffff - 65_535
    assert.deepStrictEqual(peer.send(windowUpdate(1, most), windowUpdate(0, most)), [])
    resetsWith(peer.send(windowUpdate(1, 1)), peer, 1, "FLOW_CONTROL_ERROR", "WindowOverflow")
    failsWith(peer.send(windowUpdate(0, 1)), peer, "FLOW_CONTROL_ERROR", "ConnectionWindowOverflow")
  })
})

describe("RFC 9113 §5.2 and §6.9: holding the peer to this side's windows", () => {
  const limits = { streamWindowBytes: 1_000, connectionWindowBytes: 65_535 }

  it("n octets on a stream are taken, one more is a stream error FLOW_CONTROL_ERROR", () => {
    const peer = Peer.open(limits)
    peer.begin(1)
    assert.strictEqual(peer.send(data(1, 1_000)).length, 1)
    resetsWith(peer.send(data(1, 1)), peer, 1, "FLOW_CONTROL_ERROR", "WindowExceeded")
  })

  it("n octets on the connection are taken, one more is a connection error FLOW_CONTROL_ERROR", () => {
    const peer = Peer.open({ ...limits, streamWindowBytes: 1_000_000 })
    peer.begin(1)
    for (let i = 0; i < 3; i++) peer.send(data(1, 16_384))
    assert.strictEqual(peer.send(data(1, 16_383)).length, 1)
    failsWith(peer.send(data(1, 1)), peer, "FLOW_CONTROL_ERROR", "ConnectionWindowExceeded")
  })

  it("§6.1: padding and its length count", () => {
    const peer = Peer.open(limits)
    peer.begin(1)
    assert.strictEqual(peer.send(data(1, 744, false, 255)).length, 1)
    resetsWith(peer.send(data(1, 257)), peer, 1, "FLOW_CONTROL_ERROR", "WindowExceeded")
  })

  it("what was taken comes back once it is half of a window", () => {
    const peer = Peer.open(limits)
    peer.begin(1)
    peer.send(data(1, 800))
    peer.connection.consumed(1, 499)
    assert.deepStrictEqual(peer.read(), [])
    peer.connection.consumed(1, 1)
    assert.deepStrictEqual(peer.read(), ["WINDOW_UPDATE 1 500"])
  })

  it("no more comes back than was sent, and nothing on a stream that has ended", () => {
    const peer = Peer.open(limits)
    peer.begin(1)
    peer.send(data(1, 800, true))
    peer.connection.consumed(1, 1_000_000)
    assert.deepStrictEqual(peer.read(), [])
  })

  it("what a stream holds comes back to the connection when it is reset, by either side", () => {
    const peer = Peer.open({ streamWindowBytes: 40_000, connectionWindowBytes: 65_535 })
    peer.begin(1)
    peer.send(data(1, 16_384), data(1, 16_384))
    peer.send({ _tag: "RstStream", streamId: 1, code: 8 })
    assert.deepStrictEqual(peer.read(), ["WINDOW_UPDATE 0 32768"])
    peer.begin(3)
    peer.send(data(3, 16_384), data(3, 16_384))
    peer.connection.reset(3, "CANCEL")
    assert.deepStrictEqual(peer.read(), ["RST_STREAM 3 CANCEL", "WINDOW_UPDATE 0 32768"])
  })
})

describe("fair sharing", () => {
  it("`pump` sends no more than it has room for, and a frame", () => {
    const peer = Peer.open()
    peer.request(1, having(post, ":method", "GET"))
    answer(peer, 60_000)
    peer.connection.takeOutput()
    peer.connection.pump(1)
    assert.isTrue(peer.connection.hasWork)
    const octets = peer.connection.takeOutput().reduce((sum, part) => sum + part.length, 0)
    assert.strictEqual(octets, 16_384 + 9)
  })
})
