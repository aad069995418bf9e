/**
 * The laws of frames and of HTTP/2 connections. fast-check prints the seed and the path of a run that fails.
 */
import { assert, describe, it } from "@effect/vitest"
import type * as Frame from "@nvo/protocol/http2/frame/Frame"
import * as FrameDecoder from "@nvo/protocol/http2/frame/FrameDecoder"
import * as FrameEncoder from "@nvo/protocol/http2/frame/FrameEncoder"
import type * as Http2Event from "@nvo/protocol/http2/Http2Event"
import type * as Limits from "@nvo/protocol/http2/Limits"
import * as ServerConnection from "@nvo/protocol/http2/ServerConnection"
import { Bytes, Http2FrameGenerator } from "@nvo/testing"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as fc from "fast-check"
import { toHex } from "./support/hex.ts"
import { eventLine } from "./support/http2Peer.ts"

const RUNS = 1_000

const plain = (frame: Frame.Frame): unknown =>
  JSON.parse(JSON.stringify(frame, (_, value) => (value instanceof Uint8Array ? toHex(value) : value)))

const decode = (chunks: ReadonlyArray<Uint8Array>, maxFrameBytes?: number) => {
  let state = FrameDecoder.initial
  const frames: Array<unknown> = []
  let failure: FrameDecoder.Failure | undefined
  for (const chunk of chunks) {
    const step = FrameDecoder.step(state, chunk, maxFrameBytes)
    state = step.state
    frames.push(...step.frames.map(plain))
    failure = step.failure
  }
  return { frames, failure }
}

// Small limits lead to the refusals that large ones hide.
const limits: fc.Arbitrary<Partial<Limits.Limits>> = fc.oneof(
  fc.constant({}),
  fc.record(
    {
      concurrentStreams: fc.nat(3),
      headerListBytes: fc.integer({ min: 100, max: 250 }),
      fieldCount: fc.nat(6),
      headerBlockBytes: fc.integer({ min: 1, max: 60 }),
      continuations: fc.nat(1),
      streamWindowBytes: fc.nat(10),
      connectProtocol: fc.boolean(),
      bursts: fc.record(
        { resets: fc.nat(2), provokedResets: fc.nat(2), emptyFrames: fc.nat(1), ignored: fc.nat(2) },
        { requiredKeys: [] }
      )
    },
    { requiredKeys: [] }
  )
)

/** Feeds a connection, and answers every request at once. Data that comes in pieces is one datum. */
const observe = (chunks: ReadonlyArray<Uint8Array>, options: Partial<Limits.Limits>) => {
  const connection = new ServerConnection.ServerConnection({ limits: options })
  const lines: Array<string> = []
  const written: Array<Uint8Array> = [...connection.takeOutput()]
  for (const chunk of chunks) {
    for (const event of connection.receive(chunk)) lines.push(eventLine(event))
    written.push(...connection.takeOutput())
  }
  return { lines, written: toHex(Bytes.concat(written)), phase: connection.phase }
}

describe("frames", () => {
  it("round trip: what was encoded is decoded, however it is cut", () => {
    fc.assert(
      fc.property(fc.array(Http2FrameGenerator.frame, { maxLength: 6 }), Bytes.cuts, (frames, cuts) => {
        const bytes = Bytes.concat(frames.map(FrameEncoder.encode))
        assert.deepStrictEqual(decode(Bytes.cut(bytes, cuts)), {
          frames: frames.map(plain),
          failure: undefined
        })
      }),
      { numRuns: RUNS }
    )
  })

  it("chunk invariance: any split of any octets gives the same frames and the same failure", () => {
    const octets = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc
        .tuple(fc.array(Http2FrameGenerator.frame, { maxLength: 3 }), fc.uint8Array({ maxLength: 20 }))
        .map(([frames, rest]) => Bytes.concat([...frames.map(FrameEncoder.encode), rest]))
    )
    fc.assert(
      fc.property(octets, Bytes.cuts, fc.nat(64), (bytes, cuts, maxFrameBytes) => {
        assert.deepStrictEqual(decode(Bytes.cut(bytes, cuts), maxFrameBytes), decode([bytes], maxFrameBytes))
        assert.deepStrictEqual(decode(Bytes.octets(bytes), maxFrameBytes), decode([bytes], maxFrameBytes))
      }),
      { numRuns: RUNS }
    )
  })

  it("what is kept between two chunks is less than a frame", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), Bytes.cuts, fc.nat(64), (bytes, cuts, maxFrameBytes) => {
        let state = FrameDecoder.initial
        for (const chunk of Bytes.cut(bytes, cuts)) {
          state = FrameDecoder.step(state, chunk, maxFrameBytes).state
          assert.isBelow(state.buffer.length, maxFrameBytes + 9)
        }
      }),
      { numRuns: RUNS }
    )
  })
})

describe("connections", () => {
  it("chunk invariance: any split of the octets gives the same events and the same answers", () => {
    fc.assert(
      fc.property(Http2FrameGenerator.connection, Bytes.cuts, limits, (bytes, cuts, options) => {
        assert.deepStrictEqual(observe(Bytes.cut(bytes, cuts), options), observe([bytes], options))
      }),
      { numRuns: RUNS * 2 }
    )
  })

  it("octet by octet gives the same", () => {
    fc.assert(
      fc.property(Http2FrameGenerator.connection, limits, (bytes, options) => {
        assert.deepStrictEqual(observe(Bytes.octets(bytes), options), observe([bytes], options))
      }),
      { numRuns: RUNS / 4 }
    )
  })

  it("totality: no octets throw, and a connection that was refused says so once, at the end", () => {
    const octets = fc
      .tuple(Http2FrameGenerator.connection, fc.uint8Array({ maxLength: 40 }))
      .map((parts) => Bytes.concat(parts))
    fc.assert(
      fc.property(octets, limits, (bytes, options) => {
        const { lines, phase } = observe([bytes], options)
        const failures = lines.filter((line) => line.startsWith("connection "))
        assert.strictEqual(failures.length, phase === "Closed" ? 1 : 0)
        if (phase === "Closed") assert.strictEqual(lines[lines.length - 1], failures[0])
      }),
      { numRuns: RUNS * 2 }
    )
  })

  it("every request begins once, and ends or fails once", () => {
    fc.assert(
      fc.property(Http2FrameGenerator.connection, limits, (bytes, options) => {
        const { lines } = observe([bytes], options)
        const ended = new Set<string>()
        const begun = new Set<string>()
        for (const line of lines) {
          const [what, streamId] = line.split(" ")
          if (what === "head" || what === "refused") {
            assert.isFalse(begun.has(streamId), line)
            begun.add(streamId)
            if (line.endsWith(" None")) ended.add(streamId)
          } else if (what === "data" || what === "end") {
            assert.isTrue(begun.has(streamId), line)
            assert.isFalse(ended.has(streamId), line)
            if (what === "end") ended.add(streamId)
          }
        }
      }),
      { numRuns: RUNS }
    )
  })

  it.effect("the transform of streams says what the steps say", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(Http2FrameGenerator.connection, Bytes.cuts, async (bytes, cuts) => {
          const connection = new ServerConnection.ServerConnection()
          const items: Array<Http2Event.Http2Event | Http2Event.Output> = []
          await Effect.runPromise(
            Stream.fromIterable(Bytes.cut(bytes, cuts)).pipe(
              ServerConnection.decode(connection),
              Stream.runForEach((item) => Effect.sync(() => items.push(item))),
              Effect.exit
            )
          )
          const lines = items.flatMap((item) => (item._tag === "Output" ? [] : [eventLine(item)]))
          assert.deepStrictEqual(lines, observe([bytes], {}).lines)
        }),
        { numRuns: RUNS / 10 }
      )
    )
  )
})

describe("flow control", () => {
  it("no more is sent than the windows allow, and everything once they allow it", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 300 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 }),
        fc.array(
          fc.oneof(
            fc.tuple(fc.constant("window"), fc.nat(4), fc.integer({ min: 1, max: 200 })),
            fc.tuple(fc.constant("settings"), fc.constant(0), fc.nat(300))
          ),
          { maxLength: 12 }
        ),
        (initialWindow, lengths, steps) => {
          const connection = new ServerConnection.ServerConnection({
            limits: { bursts: { tinyWindows: 1_000 } }
          })
          const settings = (value: number) =>
            FrameEncoder.encode({ _tag: "Settings", ack: false, entries: [[4, value]] })
          connection.receive(Bytes.fromText(ServerConnection.PREFACE))
          connection.receive(settings(initialWindow))
          const ids = lengths.map((_, i) => 1 + i * 2)
          const windows = new Map(ids.map((id) => [id, initialWindow]))
          const sent = new Map(ids.map((id) => [id, 0]))
          let initial = initialWindow
          const block = (id: number) =>
            // :method GET, :scheme https, :path /, :authority "a".
            FrameEncoder.encode({
              _tag: "Headers",
              streamId: id,
              endStream: true,
              endHeaders: true,
              fragment: Uint8Array.of(0x82, 0x87, 0x84, 0x01, 0x01, 0x61)
            } as unknown as Frame.Frame)
          for (const id of ids) connection.receive(block(id))
          ids.forEach((id, i) => {
            connection.respond(id, { status: 200, fields: {}, bodyLength: undefined }, undefined)
            connection.send(id, new Uint8Array(lengths[i]))
            connection.finish(id)
          })
          let state = FrameDecoder.initial
          const ended = new Set<number>()
          const check = () => {
            connection.pump(Number.POSITIVE_INFINITY)
            const step = FrameDecoder.step(state, Bytes.concat(connection.takeOutput()))
            state = step.state
            for (const frame of step.frames) {
              if (frame._tag !== "Data") continue
              sent.set(frame.streamId, (sent.get(frame.streamId) ?? 0) + frame.bytes.length)
              if (frame.endStream) ended.add(frame.streamId)
            }
            ids.forEach((id, i) => {
              assert.isAtMost(sent.get(id) ?? 0, Math.max(windows.get(id) ?? 0, sent.get(id) ?? 0))
              // A window that is open holds nothing back.
              const due = Math.min(lengths[i], windows.get(id) ?? 0)
              assert.isAtLeast(sent.get(id) ?? 0, due)
            })
          }
          check()
          for (const [what, which, amount] of steps) {
            if (what === "window") {
              const id = ids[which % ids.length]
              windows.set(id, (windows.get(id) ?? 0) + amount)
              connection.receive(
                FrameEncoder.encode({ _tag: "WindowUpdate", streamId: id, increment: amount })
              )
            } else {
              for (const id of ids) windows.set(id, (windows.get(id) ?? 0) + amount - initial)
              initial = amount
              connection.receive(settings(amount))
            }
            const before = new Map(sent)
            check()
            for (const id of ids) {
              // What was sent in this step was within the window that the peer knows of.
              if ((sent.get(id) ?? 0) > (before.get(id) ?? 0)) {
                assert.isAtMost(sent.get(id) ?? 0, windows.get(id) ?? 0)
              }
            }
          }
          connection.receive(settings(1_000))
          for (const id of ids) windows.set(id, (windows.get(id) ?? 0) + 1_000 - initial)
          check()
          assert.sameMembers([...ended], ids)
          assert.strictEqual(connection.openStreams, 0)
        }
      ),
      { numRuns: RUNS / 2 }
    )
  })
})
