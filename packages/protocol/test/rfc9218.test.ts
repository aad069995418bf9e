/**
 * RFC 9218: priorities of requests, from the Priority field and from PRIORITY_UPDATE.
 */
import { assert, describe, it } from "@effect/vitest"
import type * as Frame from "@nvo/protocol/http2/frame/Frame"
import * as Priority from "@nvo/protocol/http2/Priority"
import { failsWith, get, Peer } from "./support/http2Peer.ts"

const settings = (...entries: ReadonlyArray<readonly [number, number]>): Frame.Settings => ({
  _tag: "Settings",
  ack: false,
  entries
})

const update = (streamId: number, value: string): Frame.PriorityUpdate => ({
  _tag: "PriorityUpdate",
  prioritizedStreamId: streamId,
  value
})

/** Answers a stream with so many octets. */
const answer = (peer: Peer, length: number, streamId: number) => {
  peer.connection.respond(streamId, { status: 200, fields: {}, bodyLength: length }, undefined)
  peer.connection.send(streamId, new Uint8Array(length).fill(0x61))
  peer.connection.finish(streamId)
}

const dataOf = (peer: Peer) => peer.read().filter((line) => line.startsWith("DATA"))

describe("RFC 9218 §2.1 SETTINGS_NO_RFC7540_PRIORITIES", () => {
  it("is 1 in the first SETTINGS of the server", () => {
    assert.match(new Peer().read()[0], /^SETTINGS .* 9=1$/)
  })

  it("0 and 1 are taken, 2 is a connection error PROTOCOL_ERROR", () => {
    const peer = Peer.open({}, [[9, 0]])
    assert.deepStrictEqual(peer.send(settings([9, 1])), [])
    failsWith(peer.send(settings([9, 2])), peer, "PROTOCOL_ERROR", "InvalidSetting")
  })

  it("of a client that says 1, the priorities of RFC 7540 are ignored", () => {
    const peer = Peer.open({}, [[9, 1]])
    const dependency = (streamId: number) => ({ exclusive: true, streamId, weight: 1 })
    assert.deepStrictEqual(peer.send(peer.headers(1, get, { dependency: dependency(1) })), [
      "head 1 GET / None"
    ])
    assert.deepStrictEqual(peer.send({ _tag: "Priority", streamId: 3, dependency: dependency(3) }), [])
    assert.deepStrictEqual(peer.read(), [])
  })
})

describe("RFC 9218 §4 and §5: parameters, a dictionary of RFC 8941", () => {
  const { initial, parse } = Priority

  it("urgency and incremental are read", () => {
    assert.deepStrictEqual(parse("u=1, i"), { urgency: 1, incremental: true })
    assert.deepStrictEqual(parse("i=?0,u=7"), { urgency: 7, incremental: false })
    assert.deepStrictEqual(parse(" u=0 "), { urgency: 0, incremental: false })
    assert.deepStrictEqual(parse("i=?1;x, u=5;foo=bar"), { urgency: 5, incremental: true })
  })

  it("of a parameter that comes twice the last value counts, whatever it is", () => {
    assert.deepStrictEqual(parse("u=2, u=4"), { urgency: 4, incremental: false })
    assert.deepStrictEqual(parse("u=2, u=a, i, i=1"), initial)
  })

  it("unknown parameters are ignored, whatever their values are", () => {
    for (const value of [
      '"a\\"b,u=1"',
      "1.5",
      "-12",
      ":aGk=:",
      "a/b",
      "?1",
      "()",
      "( 1 a;b )",
      '("a, b" ?0);c=2',
      '1;a="b, c";d'
    ]) {
      assert.deepStrictEqual(parse(`x=${value}, u=1`), { urgency: 1, incremental: false }, value)
    }
  })

  it("values of another type and out of their range are ignored, and the other parameter is not", () => {
    for (const value of ["u=8", "u=-1", "u=1.5", "u", "u=(1)", 'u="1"', "u=?1"]) {
      assert.deepStrictEqual(parse(`${value}, i`), { urgency: 3, incremental: true }, value)
    }
    for (const value of ["i=1", "i=a", "i=(?1)", 'i="?1"']) {
      assert.deepStrictEqual(parse(`${value}, u=1`), { urgency: 1, incremental: false }, value)
    }
  })

  it("what is no dictionary says nothing", () => {
    for (const value of [
      "",
      "U=1",
      "u=1,,i",
      "u = 1",
      "u=1,",
      "u=1, ",
      ",u=1",
      "é",
      "u=1;",
      "u=(1",
      "u=1 i"
    ]) {
      assert.deepStrictEqual(parse(value), initial, value)
    }
  })

  it("a long value takes no time", () => {
    for (const piece of ["a=(1 ", "a;b", "( ", 'a="', "a=1, ", "a=1;b=(", "1"]) {
      assert.deepStrictEqual(parse(`x=${piece.repeat(20_000)}é`), initial)
    }
  })
})

describe("RFC 9218 §7 and §7.1 PRIORITY_UPDATE", () => {
  it("the more urgent ones go first, by the field and by PRIORITY_UPDATE", () => {
    const peer = Peer.open()
    peer.request(1)
    peer.request(3, [...get, ["priority", "u=1"]])
    peer.request(5)
    assert.deepStrictEqual(peer.send(update(5, "u=0")), [])
    for (const streamId of [1, 3, 5]) answer(peer, 1, streamId)
    assert.deepStrictEqual(dataOf(peer), [
      "DATA 5 a END_STREAM",
      "DATA 3 a END_STREAM",
      "DATA 1 a END_STREAM"
    ])
  })

  it("one that comes before its stream is kept, the last one counts, and goes before the field", () => {
    const peer = Peer.open()
    assert.deepStrictEqual(peer.send(update(3, "u=7"), update(3, "u=0")), [])
    peer.request(1)
    peer.request(3, [...get, ["priority", "u=7"]])
    for (const streamId of [1, 3]) answer(peer, 1, streamId)
    assert.deepStrictEqual(dataOf(peer), ["DATA 3 a END_STREAM", "DATA 1 a END_STREAM"])
  })

  it("one that leaves a parameter out says its default", () => {
    const peer = Peer.open()
    peer.request(1, [...get, ["priority", "u=7"]])
    peer.request(3, [...get, ["priority", "u=4"]])
    peer.send(update(1, "i"))
    for (const streamId of [1, 3]) answer(peer, 1, streamId)
    assert.deepStrictEqual(dataOf(peer), ["DATA 1 a END_STREAM", "DATA 3 a END_STREAM"])
  })

  it("for a stream that is closed it is ignored", () => {
    const peer = Peer.open({ concurrentStreams: 1 })
    peer.request(5)
    answer(peer, 0, 5)
    peer.read()
    for (const streamId of [1, 3, 5]) assert.deepStrictEqual(peer.send(update(streamId, "u=0")), [])
    assert.deepStrictEqual(peer.request(7), ["head 7 GET / None"])
  })

  it("n streams are open, or idle with a priority; one more is a connection error PROTOCOL_ERROR", () => {
    const open = () => {
      const peer = Peer.open({ concurrentStreams: 3 })
      peer.request(1)
      assert.deepStrictEqual(peer.send(update(3, "u=0"), update(5, "u=0"), update(3, "u=1")), [])
      return peer
    }
    const peer = open()
    failsWith(peer.send(update(7, "u=0")), peer, "PROTOCOL_ERROR", "TooManyPrioritized")
    // Those below a stream that is opened are closed, and one that is opened counts once.
    const other = open()
    assert.deepStrictEqual(other.request(5), ["head 5 GET / None"])
    assert.deepStrictEqual(other.send(update(7, "u=0")), [])
    failsWith(other.send(update(9, "u=0")), other, "PROTOCOL_ERROR", "TooManyPrioritized")
  })

  it("for stream 0 or one of the server's it is a connection error PROTOCOL_ERROR", () => {
    for (const streamId of [0, 2]) {
      const peer = Peer.open()
      failsWith(peer.send(update(streamId, "u=0")), peer, "PROTOCOL_ERROR", "InvalidPriorityUpdate")
    }
  })

  it("a value that is no dictionary is that of nothing said, and no error", () => {
    const peer = Peer.open()
    peer.request(1, [...get, ["priority", "u=7"]])
    peer.request(3, [...get, ["priority", "u=4"]])
    assert.deepStrictEqual(peer.send(update(1, "=")), [])
    for (const streamId of [1, 3]) answer(peer, 1, streamId)
    assert.deepStrictEqual(dataOf(peer), ["DATA 1 a END_STREAM", "DATA 3 a END_STREAM"])
  })
})

describe("RFC 9218 §10 scheduling", () => {
  it("the streams of one urgency take turns, a frame each", () => {
    const peer = Peer.open({}, [[4, 1_000_000]])
    peer.send({ _tag: "WindowUpdate", streamId: 0, increment: 1_000_000 })
    for (const streamId of [1, 3]) {
      peer.request(streamId)
      answer(peer, 32_768, streamId)
    }
    assert.deepStrictEqual(dataOf(peer), [
      "DATA 1 (16384)",
      "DATA 3 (16384)",
      "DATA 1 (16384) END_STREAM",
      "DATA 3 (16384) END_STREAM"
    ])
  })
})
