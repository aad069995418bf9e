/**
 * RFC 9113 §4 to §8: what a server may send. A strict client reads all of it.
 */
import { assert, describe, it } from "@effect/vitest"
import * as FrameEncoder from "@nvo/protocol/http2/frame/FrameEncoder"
import * as ServerConnection from "@nvo/protocol/http2/ServerConnection"
import { Bytes, Http2FrameGenerator } from "@nvo/testing"
import * as fc from "fast-check"
import { fromHex } from "./support/hex.ts"
import { data, get, Peer, post } from "./support/http2Peer.ts"
import { violations } from "./support/http2Strict.ts"

const settings = (...entries: ReadonlyArray<readonly [number, number]>) =>
  ({ _tag: "Settings", ack: false, entries }) as const

const ok = { status: 200, fields: {}, bodyLength: undefined }

const written = (connection: ServerConnection.ServerConnection): Uint8Array => {
  connection.pump(Number.POSITIVE_INFINITY)
  return Bytes.concat(connection.takeOutput())
}

describe("what a strict client reads", () => {
  it("of a connection with everything that a server says, is in order", () => {
    const peer = new Peer()
    const { connection } = peer
    const all: Array<Uint8Array> = []
    const say = (work: () => void) => {
      work()
      all.push(written(connection))
    }
    say(() => peer.octets(Bytes.fromText(ServerConnection.PREFACE)))
    say(() => peer.send(settings([4, 100_000]), { _tag: "Settings", ack: true, entries: [] }))
    say(() => peer.send({ _tag: "Ping", ack: false, data: new Uint8Array(8) }))
    // Interim heads, a head that is larger than a frame, data of several frames, trailers.
    say(() => peer.begin(1))
    say(() => connection.interim(1, 103, { link: "</a>" }))
    say(() => connection.respond(1, { ...ok, fields: { "x-large": "~".repeat(40_000) } }, "now"))
    say(() => connection.send(1, new Uint8Array(50_000)))
    say(() => connection.finish(1, { "x-sum": "1" }))
    // The rest of its request comes, and is more than anybody wants.
    say(() => connection.discard(1, 10))
    say(() => peer.send(data(1, 11)))
    // Windows are given back; streams are reset by either side, and refused.
    say(() => peer.begin(3))
    for (let i = 0; i < 12; i++) {
      say(() => peer.send(data(3, 16_384)))
      say(() => connection.consumed(3, 16_384))
    }
    say(() => connection.reset(3, "CANCEL"))
    say(() => peer.begin(5))
    say(() => connection.respond(5, ok, undefined))
    say(() => connection.send(5, new Uint8Array(1_000)))
    say(() => peer.send({ _tag: "RstStream", streamId: 5, code: 8 }))
    say(() => connection.send(5, new Uint8Array(1_000)))
    say(() => peer.request(7, [["x", "y"]]))
    say(() => connection.shutdown())
    say(() => connection.commitShutdown())
    say(() => peer.request(9))
    say(() => peer.send({ _tag: "WindowUpdate", streamId: 0, increment: 0 }))
    say(() => connection.shutdown())
    assert.deepStrictEqual(violations(Bytes.concat(all)), [])
  })

  it("of a connection that is fed any frames, and answers what it can, is in order", () => {
    const command = fc.record({
      streamId: fc.nat(9),
      what: fc.constantFrom(
        "respond",
        "send",
        "finish",
        "trailers",
        "reset",
        "interim",
        "discard",
        "shutdown",
        "commit"
      )
    })
    const step = fc.oneof(
      fc.array(Http2FrameGenerator.frame, { minLength: 1, maxLength: 4 }),
      fc.nat(9).map((streamId) => ({ request: streamId })),
      command
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const peer = new Peer({ concurrentStreams: 3 })
        const { connection } = peer
        const all = [written(connection)]
        peer.octets(Bytes.fromText(ServerConnection.PREFACE))
        peer.send(settings())
        for (const one of steps) {
          if (Array.isArray(one)) peer.octets(Bytes.concat(one.map(FrameEncoder.encode)))
          else if ("request" in one) peer.begin(one.request)
          else {
            const { streamId, what } = one
            if (what === "respond") connection.respond(streamId, ok, undefined)
            else if (what === "send") connection.send(streamId, new Uint8Array(20_000))
            else if (what === "finish") connection.finish(streamId)
            else if (what === "trailers") connection.finish(streamId, { "x-sum": "1" })
            else if (what === "reset") connection.reset(streamId, "CANCEL")
            else if (what === "interim") connection.interim(streamId, 103, {})
            else if (what === "discard") connection.discard(streamId, 5)
            else if (what === "shutdown") connection.shutdown()
            else connection.commitShutdown()
          }
          all.push(written(connection))
        }
        assert.deepStrictEqual(violations(Bytes.concat(all)), [])
      }),
      { numRuns: 1_000 }
    )
  })

  const canaries: ReadonlyArray<readonly [what: string, hex: string]> = [
    ["SETTINGS are not first", "000008 06 00 00000000 0000000000000000"],
    ["a frame is cut off", "000000 04 00 00000000 000008 06 00 00000000"],
    ["the reserved bit is set", "000000 04 00 80000000"],
    ["does not send type 5", "000000 04 00 00000000 000004 05 04 00000001 00000002"],
    ["flags 8 of type 0", "000000 04 00 00000000 000001 00 08 00000001 00"],
    ["a field block is interrupted", "000000 04 00 00000000 000000 01 00 00000001 000000 00 00 00000001"],
    ["CONTINUATION continues nothing", "000000 04 00 00000000 000000 09 04 00000001"],
    ["a server opens no streams", "000000 04 00 00000000 000000 01 04 00000002"],
    ["which is reset", "000000 04 00 00000000 000004 03 00 00000001 00000000 000000 00 00 00000001"],
    ["behind END_STREAM", "000000 04 00 00000000 000000 01 05 00000001 000000 00 00 00000001"],
    ["an increment of 0", "000000 04 00 00000000 000004 08 00 00000000 00000000"],
    ["ENABLE_PUSH is said", "000006 04 00 00000000 000200000000"],
    [
      "the last stream rises",
      "000000 04 00 00000000 000008 07 00 00000000 0000000100000000 000008 07 00 00000000 0000000300000000"
    ],
    ["a field block is not complete", "000000 04 00 00000000 000000 01 00 00000001"]
  ]
  for (const [what, octets] of canaries) {
    it(`says where ${what}`, () => assert.include(violations(fromHex(octets)).join("\n"), what))
  }
})

describe("RFC 9113 §5.1 and §6.4: where nothing more is sent", () => {
  it("behind RST_STREAM of the peer nothing of the response is sent, what waited neither", () => {
    const peer = Peer.open({}, [[4, 1]])
    peer.request(1)
    peer.connection.respond(1, ok, undefined)
    peer.connection.send(1, new Uint8Array(10))
    peer.read()
    peer.send({ _tag: "RstStream", streamId: 1, code: 8 })
    peer.send({ _tag: "WindowUpdate", streamId: 1, increment: 100 })
    peer.connection.finish(1, { "x-sum": "1" })
    assert.deepStrictEqual(peer.read(), [])
  })

  it("behind END_STREAM nothing of the response is sent", () => {
    const peer = Peer.open()
    peer.begin(1)
    peer.connection.respond(1, { ...ok, bodyLength: 0 }, undefined)
    peer.read()
    peer.connection.respond(1, ok, undefined)
    peer.connection.interim(1, 103, {})
    peer.connection.send(1, new Uint8Array(1))
    peer.connection.finish(1, { "x-sum": "1" })
    assert.deepStrictEqual(peer.read(), [])
  })

  it("behind GOAWAY with an error nothing at all is sent", () => {
    const peer = Peer.open()
    peer.begin(1)
    peer.send({ _tag: "WindowUpdate", streamId: 0, increment: 0 })
    peer.read()
    peer.connection.respond(1, ok, undefined)
    peer.connection.reset(1, "CANCEL")
    peer.connection.consumed(1, 1_000)
    peer.connection.shutdown()
    peer.connection.commitShutdown()
    assert.deepStrictEqual(peer.read(), [])
  })
})

describe("RFC 9113 §6.9.1 the flow-control window", () => {
  it("END_STREAM without data needs no window", () => {
    const peer = Peer.open({}, [[4, 0]])
    peer.request(1)
    peer.connection.respond(1, ok, undefined)
    peer.connection.finish(1)
    assert.deepStrictEqual(peer.read(), ["HEADERS 1 :status: 200", "DATA 1  END_STREAM"])
  })

  it("heads and trailers need no window", () => {
    const peer = Peer.open({}, [[4, 0]])
    peer.request(1)
    peer.connection.interim(1, 103, {})
    peer.connection.respond(1, ok, undefined)
    peer.connection.finish(1, { "x-sum": "1" })
    assert.deepStrictEqual(peer.read(), [
      "HEADERS 1 :status: 103",
      "HEADERS 1 :status: 200",
      "HEADERS 1 x-sum: 1 END_STREAM"
    ])
  })
})

describe("RFC 9113 §6.9 accounting", () => {
  it("data in error counts for the connection's window: it comes back as if it had been read", () => {
    const peer = Peer.open({ streamWindowBytes: 40_000, connectionWindowBytes: 65_535 })
    // A length that is exceeded, a stream that has ended, one that was reset, a window that is exceeded.
    peer.begin(1, [...post, ["content-length", "1"]])
    peer.send(data(1, 16_384))
    peer.request(3)
    peer.send(data(3, 16_384))
    assert.deepStrictEqual(
      peer.read().filter((line) => line.startsWith("WINDOW")),
      ["WINDOW_UPDATE 0 32768"]
    )
    peer.send(data(1, 16_384))
    peer.begin(5)
    peer.send(data(5, 16_384))
    assert.deepStrictEqual(peer.read(), [])
    peer.connection.reset(5, "CANCEL")
    assert.deepStrictEqual(peer.read(), ["RST_STREAM 5 CANCEL", "WINDOW_UPDATE 0 32768"])
  })
})

describe("RFC 9113 §8.3: pseudo-header fields of responses", () => {
  it("there is :status and no other, in heads, interim heads and trailers", () => {
    const fields = { ":status": "500" }
    const peer = Peer.open()
    peer.request(1, get)
    const reasonOf = (result: unknown) => (result as { reason?: { _tag: string } })?.reason?._tag
    assert.strictEqual(reasonOf(peer.connection.interim(1, 103, fields)), "InvalidResponseFieldName")
    assert.strictEqual(
      reasonOf(peer.connection.respond(1, { ...ok, fields }, undefined)),
      "InvalidResponseFieldName"
    )
    peer.connection.respond(1, ok, undefined)
    assert.strictEqual(reasonOf(peer.connection.finish(1, fields)), "InvalidResponseFieldName")
    assert.deepStrictEqual(peer.read(), ["HEADERS 1 :status: 200"])
  })
})
