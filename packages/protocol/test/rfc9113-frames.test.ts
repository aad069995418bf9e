/**
 * RFC 9113 §3, §4 and §6: the preface, the layout of frames, and what each type demands.
 */
import { assert, describe, it } from "@effect/vitest"
import * as ServerConnection from "@nvo/protocol/http2/ServerConnection"
import { Bytes } from "@nvo/testing"
import { fromHex } from "./support/hex.ts"
import { data, failsWith, get, Peer, post, resetsWith } from "./support/http2Peer.ts"

const prefaced = () => {
  const peer = new Peer()
  peer.octets(Bytes.fromText(ServerConnection.PREFACE))
  return peer
}

/** A peer with a stream 1 whose request has a body, and one whose connection fails for raw octets. */
const withBody = () => {
  const peer = Peer.open()
  assert.deepStrictEqual(peer.begin(1), ["head 1 POST / Stream"])
  return peer
}

describe("RFC 9113 §3.4 connection preface", () => {
  it("the server's preface comes first, without waiting for the client's", () => {
    assert.deepStrictEqual(new Peer().read(), [
      "SETTINGS 3=100 4=262144 6=16384 9=1",
      "WINDOW_UPDATE 0 983041"
    ])
  })

  it("anything but the preface is a connection error PROTOCOL_ERROR, at its first octet", () => {
    const peer = new Peer()
    failsWith(
      peer.octets(Bytes.fromText("PRI * HTTP/2.0\r\n\r\nSM\r\n\rX")),
      peer,
      "PROTOCOL_ERROR",
      "InvalidPreface"
    )
    const other = new Peer()
    failsWith(other.octets(Bytes.fromText("G")), other, "PROTOCOL_ERROR", "InvalidPreface")
  })

  it("the preface may come octet by octet", () => {
    const peer = new Peer()
    for (const octet of Bytes.octets(Bytes.fromText(ServerConnection.PREFACE))) {
      assert.deepStrictEqual(peer.octets(octet), [])
    }
    assert.strictEqual(peer.connection.phase, "AwaitingSettings")
  })

  it("a first frame other than SETTINGS is a connection error PROTOCOL_ERROR", () => {
    const peer = prefaced()
    failsWith(peer.request(1), peer, "PROTOCOL_ERROR", "MissingSettings")
    const other = prefaced()
    failsWith(
      other.send({ _tag: "Settings", ack: true, entries: [] }),
      other,
      "PROTOCOL_ERROR",
      "MissingSettings"
    )
  })

  it("nothing is said behind a connection error", () => {
    const peer = new Peer()
    peer.octets(Bytes.fromText("GET / HTTP/1.1\r\n"))
    peer.read()
    assert.deepStrictEqual(peer.octets(Bytes.fromText(ServerConnection.PREFACE)), [])
    assert.deepStrictEqual(peer.read(), [])
  })
})

describe("RFC 9113 §4.1 frame format", () => {
  it("a frame of an unknown type is ignored", () => {
    const peer = Peer.open()
    assert.deepStrictEqual(
      peer.send({ _tag: "Extension", type: 0xfa, flags: 0xff, streamId: 0, payload: new Uint8Array(8) }),
      []
    )
    assert.deepStrictEqual(peer.read(), [])
  })

  it("undefined flags and the reserved bit are ignored", () => {
    const peer = Peer.open()
    assert.deepStrictEqual(peer.octets(fromHex("000008 06 fe 80000000 0102030405060708")), [])
    assert.deepStrictEqual(peer.read(), ["PING ack \x01\x02\x03\x04\x05\x06\x07\x08"])
  })
})

describe("RFC 9113 §4.2 frame size", () => {
  it("16,384 octets are taken, one more is a connection error FRAME_SIZE_ERROR, at its header", () => {
    const peer = withBody()
    assert.deepStrictEqual(peer.send(data(1, 16_384)).length, 1)
    failsWith(peer.octets(fromHex("004001 00 00 00000001")), peer, "FRAME_SIZE_ERROR", "FrameTooLarge")
  })

  it("a limit that was raised is announced and holds", () => {
    const peer = new Peer({ frameBytes: 20_000 })
    assert.include(peer.read()[0], "5=20000")
    const open = Peer.open({ frameBytes: 20_000 })
    open.begin(1)
    assert.deepStrictEqual(open.send(data(1, 20_000)).length, 1)
    failsWith(open.send(data(1, 20_001)), open, "FRAME_SIZE_ERROR", "FrameTooLarge")
  })

  const lengths: ReadonlyArray<readonly [name: string, hex: string]> = [
    ["§6.4 RST_STREAM of 3 octets", "000003 03 00 00000001 000000"],
    ["§6.4 RST_STREAM of 5 octets", "000005 03 00 00000001 0000000000"],
    ["§6.5 SETTINGS of 5 octets", "000005 04 00 00000000 0001000000"],
    ["§6.5 SETTINGS of 7 octets", "000007 04 00 00000000 00010000000000"],
    ["§6.5 SETTINGS that acknowledges and says something", "000006 04 01 00000000 000100000000"],
    ["§6.7 PING of 7 octets", "000007 06 00 00000000 00000000000000"],
    ["§6.7 PING of 9 octets", "000009 06 00 00000000 000000000000000000"],
    ["§6.8 GOAWAY of 7 octets", "000007 07 00 00000000 00000000000000"],
    ["§6.9 WINDOW_UPDATE of 3 octets", "000003 08 00 00000000 000000"],
    ["§6.9 WINDOW_UPDATE of 5 octets", "000005 08 00 00000001 0000000000"],
    ["§6.1 DATA that is padded and has no pad length", "000000 00 08 00000001"],
    ["§6.2 HEADERS with a dependency of 4 octets", "000004 01 25 00000003 00000000"],
    ["RFC 9218 §7.1 PRIORITY_UPDATE of 3 octets", "000003 10 00 00000000 000000"]
  ]
  for (const [name, hex] of lengths) {
    it(`${name} is a connection error FRAME_SIZE_ERROR`, () => {
      const peer = withBody()
      failsWith(peer.octets(fromHex(hex)), peer, "FRAME_SIZE_ERROR", "InvalidFrameLength")
    })
  }

  it("§6.3 PRIORITY of 4 octets is a stream error FRAME_SIZE_ERROR", () => {
    const peer = withBody()
    resetsWith(
      peer.octets(fromHex("000004 02 00 00000001 00000000")),
      peer,
      1,
      "FRAME_SIZE_ERROR",
      "InvalidPriorityLength"
    )
  })

  it("§6.3 and §5.4.2: on an idle stream, which cannot be reset, it is one of the connection", () => {
    const peer = Peer.open()
    failsWith(
      peer.octets(fromHex("000006 02 00 00000001 000000000000")),
      peer,
      "FRAME_SIZE_ERROR",
      "InvalidPriorityLength"
    )
  })
})

describe("RFC 9113 §6 stream identifiers", () => {
  const ofStreams: ReadonlyArray<readonly [name: string, hex: string]> = [
    ["§6.1 DATA", "000000 00 00 00000000"],
    ["§6.2 HEADERS", "000000 01 04 00000000"],
    ["§6.3 PRIORITY", "000005 02 00 00000000 0000000000"],
    ["§6.4 RST_STREAM", "000004 03 00 00000000 00000000"],
    ["§6.6 PUSH_PROMISE", "000004 05 00 00000000 00000000"],
    ["§6.10 CONTINUATION", "000000 09 04 00000000"]
  ]
  for (const [name, hex] of ofStreams) {
    it(`${name} on stream 0 is a connection error PROTOCOL_ERROR`, () => {
      const peer = withBody()
      failsWith(peer.octets(fromHex(hex)), peer, "PROTOCOL_ERROR", "MissingStreamId")
    })
  }

  const ofConnections: ReadonlyArray<readonly [name: string, hex: string]> = [
    ["§6.5 SETTINGS", "000000 04 00 00000001"],
    ["§6.7 PING", "000008 06 00 00000001 0000000000000000"],
    ["§6.8 GOAWAY", "000008 07 00 00000001 0000000000000000"],
    ["RFC 9218 §7.1 PRIORITY_UPDATE", "000004 10 00 00000001 00000001"]
  ]
  for (const [name, hex] of ofConnections) {
    it(`${name} on a stream is a connection error PROTOCOL_ERROR`, () => {
      const peer = withBody()
      failsWith(peer.octets(fromHex(hex)), peer, "PROTOCOL_ERROR", "UnexpectedStreamId")
    })
  }
})

describe("RFC 9113 §6.1 and §6.2 padding", () => {
  it("padding is taken off and counted", () => {
    const peer = withBody()
    assert.deepStrictEqual(peer.send(data(1, "abc", false, 10)), ["data 1 abc"])
    assert.deepStrictEqual(
      peer.send({ ...peer.headers(3, get, { padding: 255 }), _tag: "Headers" } as never),
      ["head 3 GET / None"]
    )
  })

  it("padding that fills the frame leaves no data", () => {
    const peer = withBody()
    assert.deepStrictEqual(peer.octets(fromHex("000003 00 09 00000001 02 0000")), ["end 1"])
  })

  it("padding that is longer than the frame is a connection error PROTOCOL_ERROR", () => {
    const peer = withBody()
    failsWith(peer.octets(fromHex("000003 00 08 00000001 03 0000")), peer, "PROTOCOL_ERROR", "InvalidPadding")
    const other = Peer.open()
    failsWith(
      other.octets(fromHex("000003 01 0c 00000001 03 0000")),
      other,
      "PROTOCOL_ERROR",
      "InvalidPadding"
    )
  })

  it("padding that leaves no room for a dependency is a connection error PROTOCOL_ERROR", () => {
    const peer = Peer.open()
    failsWith(
      peer.octets(fromHex("000006 01 2c 00000001 02 00000000 00")),
      peer,
      "PROTOCOL_ERROR",
      "InvalidPadding"
    )
  })
})

describe("RFC 9113 §6.7 PING", () => {
  it("is answered with the same octets", () => {
    const peer = Peer.open()
    assert.deepStrictEqual(peer.send({ _tag: "Ping", ack: false, data: Bytes.fromText("12345678") }), [])
    assert.deepStrictEqual(peer.read(), ["PING ack 12345678"])
  })

  it("an acknowledgement is not answered", () => {
    const peer = Peer.open()
    assert.deepStrictEqual(peer.send({ _tag: "Ping", ack: true, data: Bytes.fromText("12345678") }), [])
    assert.deepStrictEqual(peer.read(), [])
  })
})

describe("RFC 9113 §6.10 CONTINUATION", () => {
  const cut = (peer: Peer, at: ReadonlyArray<number>) => {
    const { fragment } = peer.headers(1, get)
    const ends = [...at, fragment.length]
    return ends.map((to, i) => fragment.subarray(i === 0 ? 0 : ends[i - 1], to))
  }

  it("a block in pieces is one block", () => {
    const peer = Peer.open()
    const [first, second, third] = cut(peer, [1, 5])
    assert.deepStrictEqual(
      peer.send(
        { ...peer.headers(1, get, { endHeaders: false }), fragment: first } as never,
        { _tag: "Continuation", streamId: 1, endHeaders: false, fragment: second },
        { _tag: "Continuation", streamId: 1, endHeaders: true, fragment: third }
      ),
      ["head 1 GET / None"]
    )
  })

  const between: ReadonlyArray<readonly [name: string, hex: string]> = [
    ["DATA", "000000 00 00 00000001"],
    ["PING", "000008 06 00 00000000 0000000000000000"],
    ["a frame of an unknown type", "000000 fa 00 00000000"],
    ["CONTINUATION on another stream", "000000 09 04 00000003"],
    ["HEADERS on the same stream", "000001 01 05 00000001 82"]
  ]
  for (const [name, hex] of between) {
    it(`${name} between its pieces is a connection error PROTOCOL_ERROR`, () => {
      const peer = Peer.open()
      peer.octets(fromHex("000001 01 00 00000001 82"))
      failsWith(peer.octets(fromHex(hex)), peer, "PROTOCOL_ERROR", "ContinuationExpected")
    })
  }

  it("a CONTINUATION behind a complete block is a connection error PROTOCOL_ERROR", () => {
    const peer = Peer.open()
    peer.begin(1)
    failsWith(peer.octets(fromHex("000000 09 04 00000001")), peer, "PROTOCOL_ERROR", "UnexpectedContinuation")
  })
})

describe("RFC 9113 §8.4 server push", () => {
  it("a PUSH_PROMISE of a client is a connection error PROTOCOL_ERROR", () => {
    const peer = withBody()
    failsWith(
      peer.octets(fromHex("000005 05 04 00000001 00000002 82")),
      peer,
      "PROTOCOL_ERROR",
      "PushFromClient"
    )
  })
})

describe("RFC 9113 §4.3 field section compression", () => {
  it("a block that cannot be decoded is a connection error COMPRESSION_ERROR", () => {
    const peer = Peer.open()
    failsWith(
      peer.octets(fromHex("000001 01 05 00000001 be")),
      peer,
      "COMPRESSION_ERROR",
      "HpackIndexOutOfRange"
    )
    const other = Peer.open()
    failsWith(
      other.octets(fromHex("000002 01 05 00000001 0085")),
      other,
      "COMPRESSION_ERROR",
      "HpackTruncated"
    )
  })

  it("the block of a stream that is refused is decoded all the same", () => {
    const peer = Peer.open({ concurrentStreams: 1 })
    peer.begin(1)
    const added = [...post, ["x-added", "value"] as const]
    assert.deepStrictEqual(peer.begin(3, added), ["failed 3 REFUSED_STREAM TooManyStreams"])
    peer.read()
    peer.connection.reset(1, "CANCEL")
    assert.deepStrictEqual(peer.begin(5, added), ["head 5 POST / Stream"])
  })
})

describe("a header block that is not complete", () => {
  it("is known from the type of its first frame to its last octet", () => {
    const peer = Peer.open()
    const octets = fromHex("000001 01 01 00000001 82 000002 09 04 00000001 8784")
    const known = Bytes.octets(octets).map((octet) => {
      peer.octets(octet)
      return peer.connection.isInHeaderBlock
    })
    assert.deepStrictEqual(
      known,
      known.map((_, i) => i >= 3 && i < octets.length - 1)
    )
  })

  it("data that is not complete is not one", () => {
    const peer = withBody()
    peer.octets(fromHex("000010 00 00 00000001 00"))
    assert.isFalse(peer.connection.isInHeaderBlock)
  })
})
