/**
 * RFC 9113 §5: the states of streams, their numbers, concurrency, priorities and errors.
 */
import { assert, describe, it } from "@effect/vitest"
import * as ConnectionState from "@nvo/protocol/http2/ConnectionState"
import type * as Frame from "@nvo/protocol/http2/frame/Frame"
import * as StreamState from "@nvo/protocol/http2/StreamState"
import { data, failsWith, get, Peer, post, resetsWith } from "./support/http2Peer.ts"

/** Brings stream 1 into each state. */
const into: { readonly [S in StreamState.State]: () => Peer } = {
  Idle: () => Peer.open(),
  Open: () => {
    const peer = Peer.open()
    peer.begin(1)
    return peer
  },
  HalfClosedRemote: () => {
    const peer = Peer.open()
    peer.request(1)
    return peer
  },
  HalfClosedLocal: () => {
    const peer = into.Open()
    peer.connection.respond(1, { status: 200, fields: {}, bodyLength: 0 }, undefined)
    peer.read()
    return peer
  },
  Closed: () => {
    const peer = into.Open()
    peer.send({ _tag: "RstStream", streamId: 1, code: 8 })
    return peer
  },
  Reset: () => {
    const peer = into.Open()
    peer.connection.reset(1, "CANCEL")
    peer.read()
    return peer
  }
}

const frames: { readonly [K in StreamState.FrameKind]: (peer: Peer) => Frame.Frame } = {
  Headers: (peer) => peer.headers(1, [["x", "y"]]),
  Data: () => data(1, "x", true),
  WindowUpdate: () => ({ _tag: "WindowUpdate", streamId: 1, increment: 1 }),
  RstStream: () => ({ _tag: "RstStream", streamId: 1, code: 0 })
}

describe("RFC 9113 §5.1 stream states", () => {
  for (const state of StreamState.states) {
    for (const kind of Object.keys(frames) as ReadonlyArray<StreamState.FrameKind>) {
      const verdict = StreamState.verdicts[state][kind]
      it(`${kind} in ${state}: ${verdict}`, () => {
        const peer = into[state]()
        const frame = state === "Idle" && kind === "Headers" ? peer.headers(1, get) : frames[kind](peer)
        const lines = peer.send(frame)
        switch (verdict) {
          case "Accept": {
            const expected = {
              Headers: state === "Idle" ? ["head 1 GET / None"] : ["end 1 x: y"],
              Data: ["data 1 x", "end 1"],
              WindowUpdate: [],
              RstStream: ["reset 1 NO_ERROR"]
            }
            assert.deepStrictEqual(lines, expected[kind])
            assert.strictEqual(peer.connection.phase, "Open")
            break
          }
          case "Ignore":
            assert.deepStrictEqual(lines, [])
            assert.deepStrictEqual(peer.read(), [])
            assert.strictEqual(peer.connection.phase, "Open")
            break
          case "HalfClosedStream":
            resetsWith(lines, peer, 1, "STREAM_CLOSED", verdict)
            break
          case "ClosedStream":
            failsWith(lines, peer, "STREAM_CLOSED", verdict)
            break
          default:
            failsWith(lines, peer, "PROTOCOL_ERROR", verdict)
        }
      })
    }

    it(`PRIORITY in ${state} is allowed`, () => {
      const peer = into[state]()
      const dependency = { exclusive: false, streamId: 0, weight: 16 }
      assert.deepStrictEqual(peer.send({ _tag: "Priority", streamId: 1, dependency }), [])
      assert.deepStrictEqual(peer.read(), [])
    })
  }

  it("late frames on a reset stream are read for compression and flow control", () => {
    const peer = into.Reset()
    const added = [...post, ["x-added", "value"] as const]
    assert.deepStrictEqual(peer.send(peer.headers(1, added, { endStream: true })), [])
    // Half of the connection's window comes back although nobody read it.
    for (let i = 0; i < 32; i++) assert.deepStrictEqual(peer.send(data(1, 16_384)), [])
    assert.deepStrictEqual(peer.read(), ["WINDOW_UPDATE 0 524288"])
    assert.deepStrictEqual(peer.begin(3, added), ["head 3 POST / Stream"])
  })

  it("256 resets are remembered; the frames of the one before are those of a closed stream", () => {
    const peer = Peer.open({ bursts: { provokedResets: 1_000 } })
    for (let i = 0; i < 257; i++) {
      peer.begin(1 + i * 2)
      peer.connection.reset(1 + i * 2, "CANCEL")
    }
    assert.deepStrictEqual(peer.send(data(3, "x")), [])
    failsWith(peer.send(data(1, "x")), peer, "STREAM_CLOSED", "ClosedStream")
  })
})

describe("the table of stream states", () => {
  it("every state is reached, and nothing leaves a closed one", () => {
    const reached = new Set<StreamState.State>(["Idle"])
    for (const state of StreamState.states) {
      for (const input of StreamState.inputs) {
        const to = StreamState.next(state, input)
        if (to !== undefined) reached.add(to)
        if (state === "Closed" || state === "Reset") assert.isUndefined(to)
      }
    }
    assert.sameMembers([...reached], [...StreamState.states])
  })

  it("is drawn with every transition", () => {
    const arrows = StreamState.toMermaid()
      .split("\n")
      .filter((line) => line.includes("-->"))
    const transitions = StreamState.states.flatMap((state) => Object.keys(StreamState.table[state]))
    assert.strictEqual(arrows.length, transitions.length + 3)
  })
})

describe("the table of connection states", () => {
  it("every phase is reached, can end, and nothing leaves the last", () => {
    const reached = new Set<ConnectionState.Phase>([ConnectionState.initial])
    for (const phase of ConnectionState.phases) {
      for (const input of ConnectionState.inputs) {
        const to = ConnectionState.next(phase, input)
        if (to !== undefined) reached.add(to)
      }
      assert.strictEqual(ConnectionState.next(phase, "Finished"), phase === "Closed" ? undefined : "Closed")
    }
    assert.sameMembers([...reached], [...ConnectionState.phases])
    assert.deepStrictEqual(ConnectionState.table.Closed, {})
  })

  it("is drawn with every transition", () => {
    const arrows = ConnectionState.toMermaid()
      .split("\n")
      .filter((line) => line.includes("-->"))
    const transitions = ConnectionState.phases.flatMap((phase) => Object.keys(ConnectionState.table[phase]))
    assert.strictEqual(arrows.length, transitions.length + 2)
  })
})

describe("RFC 9113 §5.1.1 stream identifiers", () => {
  it("an even number is a connection error PROTOCOL_ERROR", () => {
    const peer = Peer.open()
    failsWith(peer.request(2), peer, "PROTOCOL_ERROR", "InvalidStreamId")
  })

  it("a number below one that was used is a connection error PROTOCOL_ERROR", () => {
    const peer = Peer.open()
    peer.request(5)
    failsWith(peer.request(3), peer, "PROTOCOL_ERROR", "StreamIdNotRising")
  })

  it("a number that was used and is closed is a connection error STREAM_CLOSED", () => {
    const peer = Peer.open()
    peer.request(5)
    peer.connection.respond(5, { status: 200, fields: {}, bodyLength: 0 }, undefined)
    failsWith(peer.request(5), peer, "STREAM_CLOSED", "ClosedStream")
  })

  it("numbers may be left out, and those are closed", () => {
    const peer = Peer.open()
    assert.deepStrictEqual(peer.request(101), ["head 101 GET / None"])
    failsWith(peer.send(data(51, "x")), peer, "STREAM_CLOSED", "ClosedStream")
  })
})

describe("RFC 9113 §5.1.2 stream concurrency", () => {
  it("n streams are open at once, one more is refused with REFUSED_STREAM", () => {
    const peer = Peer.open({ concurrentStreams: 2 })
    assert.deepStrictEqual(peer.request(1), ["head 1 GET / None"])
    assert.deepStrictEqual(peer.request(3), ["head 3 GET / None"])
    resetsWith(peer.request(5), peer, 5, "REFUSED_STREAM", "TooManyStreams")
    peer.connection.respond(1, { status: 204, fields: {}, bodyLength: 0 }, undefined)
    assert.deepStrictEqual(peer.request(7), ["head 7 GET / None"])
  })
})

describe("RFC 7540 §5.3.1 priorities, RFC 9113 §5.3.2", () => {
  const dependency = (streamId: number) => ({ exclusive: true, streamId, weight: 1 })

  it("a dependency in HEADERS is read and has no meaning", () => {
    const peer = Peer.open()
    assert.deepStrictEqual(peer.send(peer.headers(3, get, { dependency: dependency(1) })), [
      "head 3 GET / None"
    ])
  })

  it("a stream that depends on itself is a stream error PROTOCOL_ERROR", () => {
    const peer = Peer.open()
    resetsWith(
      peer.send(peer.headers(1, get, { dependency: dependency(1) })),
      peer,
      1,
      "PROTOCOL_ERROR",
      "SelfDependency"
    )
    peer.request(3)
    resetsWith(
      peer.send({ _tag: "Priority", streamId: 3, dependency: dependency(3) }),
      peer,
      3,
      "PROTOCOL_ERROR",
      "SelfDependency"
    )
  })
})

describe("RFC 9113 §5.4 error handling", () => {
  it("§5.4.1: GOAWAY names the last stream that may have been acted on", () => {
    const peer = Peer.open()
    peer.request(1)
    peer.request(7)
    peer.send({ _tag: "WindowUpdate", streamId: 0, increment: 0 })
    assert.deepStrictEqual(peer.read(), ["GOAWAY 7 PROTOCOL_ERROR"])
  })

  it("§5.4.2: a stream error leaves the other streams alone", () => {
    const peer = Peer.open()
    peer.begin(1)
    peer.begin(3)
    resetsWith(
      peer.send({ _tag: "WindowUpdate", streamId: 1, increment: 0 }),
      peer,
      1,
      "PROTOCOL_ERROR",
      "ZeroWindowIncrement"
    )
    assert.deepStrictEqual(peer.send(data(3, "x", true)), ["data 3 x", "end 3"])
  })
})

describe("RFC 9113 §6.8 GOAWAY", () => {
  it("in two steps: all streams, a PING, and once that is answered the last one", () => {
    const peer = Peer.open()
    peer.request(1)
    peer.connection.shutdown()
    assert.deepStrictEqual(peer.read(), ["GOAWAY 2147483647 NO_ERROR", "PING nvo stop"])
    assert.strictEqual(peer.connection.phase, "ShuttingDown")
    // Sent before the peer knew: still served.
    assert.deepStrictEqual(peer.request(3), ["head 3 GET / None"])
    peer.send({ _tag: "Ping", ack: true, data: new TextEncoder().encode("nvo stop") })
    assert.deepStrictEqual(peer.read(), ["GOAWAY 3 NO_ERROR"])
    assert.strictEqual(peer.connection.phase, "Draining")
    // Beyond the last stream: not looked at, but decoded.
    assert.deepStrictEqual(peer.request(5, [...get, ["x-added", "v"]]), [])
    assert.deepStrictEqual(peer.read(), [])
    peer.connection.respond(3, { status: 200, fields: {}, bodyLength: 0 }, undefined)
    assert.deepStrictEqual(peer.read(), ["HEADERS 3 :status: 200, content-length: 0 END_STREAM"])
    assert.strictEqual(peer.connection.openStreams, 1)
  })

  it("another PING does not commit the shutdown, the driver may", () => {
    const peer = Peer.open()
    peer.connection.shutdown()
    peer.send({ _tag: "Ping", ack: true, data: new TextEncoder().encode("12345678") })
    assert.strictEqual(peer.connection.phase, "ShuttingDown")
    peer.connection.commitShutdown()
    assert.strictEqual(peer.connection.phase, "Draining")
    peer.read()
    peer.connection.commitShutdown()
    peer.connection.shutdown()
    assert.deepStrictEqual(peer.read(), [])
  })

  it("the last stream that was named does not become a higher one with an error", () => {
    const peer = Peer.open()
    peer.request(1)
    peer.connection.commitShutdown()
    peer.request(3)
    peer.send({ _tag: "WindowUpdate", streamId: 0, increment: 0 })
    assert.deepStrictEqual(peer.read(), ["GOAWAY 1 NO_ERROR", "GOAWAY 1 PROTOCOL_ERROR"])
  })

  it("beyond the last stream, fields count for compression and data for the connection's window", () => {
    const peer = Peer.open()
    peer.connection.commitShutdown()
    const added = [...post, ["x-added", "value"] as const]
    assert.deepStrictEqual(peer.begin(1, added), [])
    // The last octet of the connection's window is taken, and half of the window comes back.
    for (let i = 0; i < 32; i++) assert.deepStrictEqual(peer.send(data(1, 16_384)), [])
    assert.deepStrictEqual(peer.read(), ["GOAWAY 0 NO_ERROR", "WINDOW_UPDATE 0 524288"])
    assert.deepStrictEqual(peer.send(peer.headers(1, [["x-added", "value"]])), [])
    assert.strictEqual(peer.connection.phase, "Draining")
  })

  it("a peer's GOAWAY is told, and its open streams go on", () => {
    const peer = Peer.open()
    peer.begin(1)
    assert.deepStrictEqual(
      peer.send({ _tag: "GoAway", lastStreamId: 0, code: 0, debug: new Uint8Array(3) }),
      ["goaway NO_ERROR"]
    )
    assert.deepStrictEqual(peer.send(data(1, "x", true)), ["data 1 x", "end 1"])
  })
})
