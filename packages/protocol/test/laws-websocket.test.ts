/** The laws of the WebSocket decoders. fast-check prints the seed and the path of a run that fails. */
import { assert, describe, it } from "@effect/vitest"
import * as FrameDecoder from "@nvo/protocol/websocket/FrameDecoder"
import * as FrameEncoder from "@nvo/protocol/websocket/FrameEncoder"
import * as MessageDecoder from "@nvo/protocol/websocket/MessageDecoder"
import type * as WebSocketLimits from "@nvo/protocol/websocket/WebSocketLimits"
import { Bytes, FrameGenerator } from "@nvo/testing"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as fc from "fast-check"
import { observe, plainEvents } from "./support/webSocket.ts"

const RUNS = 1_000

// Small limits lead to the refusals that large ones hide.
const limits: fc.Arbitrary<Partial<WebSocketLimits.WebSocketLimits>> = fc.oneof(
  fc.constant({}),
  fc.record(
    { messageBytes: fc.nat(60), frameBytes: fc.nat(60), fragmentBytes: fc.integer({ min: 1, max: 80 }) },
    { requiredKeys: [] }
  )
)

const anyOctets = fc.oneof(
  { weight: 2, arbitrary: FrameGenerator.octets },
  { weight: 3, arbitrary: FrameGenerator.nearly },
  { weight: 2, arbitrary: FrameGenerator.noise }
)

const keys = fc.array(FrameGenerator.key, { minLength: 1, maxLength: 5 })

describe("chunk invariance", () => {
  it("any split of the same octets gives the same events, the same error, and the same events before it", () => {
    fc.assert(
      fc.property(anyOctets, Bytes.cuts, limits, (bytes, cuts, limits) => {
        assert.deepStrictEqual(observe(Bytes.cut(bytes, cuts), { limits }), observe([bytes], { limits }))
      }),
      { numRuns: 3 * RUNS }
    )
  })

  it("holds octet by octet", () => {
    fc.assert(
      fc.property(anyOctets, (bytes) => {
        const some = bytes.slice(0, 2_000)
        assert.deepStrictEqual(observe(Bytes.octets(some)), observe([some]))
      }),
      { numRuns: 300 }
    )
  })

  it("holds for a decoder that works in place", () => {
    fc.assert(
      fc.property(FrameGenerator.octets, Bytes.cuts, (bytes, cuts) => {
        assert.deepStrictEqual(observe(Bytes.cut(bytes, cuts), { inPlace: true }), observe([bytes]))
      }),
      { numRuns: RUNS }
    )
  })

  it("holds for the transform of streams", () =>
    fc.assert(
      fc.asyncProperty(anyOctets, Bytes.cuts, async (bytes, cuts) => {
        const events: Array<MessageDecoder.MessageEvent> = []
        const error = await Stream.fromIterable(Bytes.cut(bytes, cuts)).pipe(
          MessageDecoder.decode(),
          Stream.runForEach((event) => Effect.sync(() => events.push(event))),
          Effect.as(undefined),
          Effect.catch((error) => Effect.succeed(error)),
          Effect.runPromise
        )
        const seen = observe([bytes])
        assert.deepStrictEqual(plainEvents(events), seen.events)
        // The end of the octets without a Close frame is the loss of the connection.
        const closed = events.at(-1)?._tag === "Close"
        assert.strictEqual(
          error?.reason._tag,
          seen.error?.reason._tag ?? (closed ? undefined : "ConnectionLost")
        )
      }),
      { numRuns: 300 }
    ))
})

// Messages of all kinds, among them many that are small and whole.
const smallMessages = fc
  .tuple(
    fc.array(
      fc.oneof(
        fc.record({
          opcode: fc.constant("Text" as const),
          text: fc.string({ maxLength: 140, unit: "binary-ascii" })
        }),
        fc.record({
          opcode: fc.constant("Text" as const),
          text: fc.string({ maxLength: 60, unit: "grapheme" })
        }),
        fc.record({ opcode: fc.constantFrom("Binary", "Ping", "Pong"), text: fc.string({ maxLength: 40 }) })
      ),
      { maxLength: 8 }
    ),
    keys
  )
  .map(([messages, keys]) =>
    FrameGenerator.encode(
      messages.map(({ opcode, text }) => ({
        opcode,
        payload: new TextEncoder().encode(text).subarray(0, opcode === "Text" ? 130 : 125)
      })),
      keys
    )
  )

describe("the fast path for small messages", () => {
  it("says what the reference says, for every split", () => {
    let fast = 0
    fc.assert(
      fc.property(
        fc.oneof({ weight: 3, arbitrary: smallMessages }, { weight: 2, arbitrary: anyOctets }),
        Bytes.cuts,
        limits,
        fc.boolean(),
        fc.constantFrom("Server" as const, "Client" as const),
        (bytes, cuts, limits, inPlace, role) => {
          const options = { limits, inPlace, role }
          const seen = observe(Bytes.cut(bytes, cuts), options)
          if (seen.events.length > 1) fast++
          assert.deepStrictEqual(seen, observe(Bytes.cut(bytes, cuts), options, MessageDecoder.stepParts))
        }
      ),
      { numRuns: 3 * RUNS }
    )
    assert.isAbove(fast, RUNS / 2)
  })
})

describe("round trip", () => {
  for (const role of ["Server", "Client"] as const) {
    it(`what is sent to a ${role.toLowerCase()} is what it understands`, () => {
      fc.assert(
        fc.property(FrameGenerator.conversation, keys, Bytes.cuts, ({ events, frames }, keys, cuts) => {
          const bytes = FrameGenerator.encode(frames, role === "Server" ? keys : undefined)
          assert.deepStrictEqual(observe(Bytes.cut(bytes, cuts), { role }), {
            events: plainEvents(events),
            error: undefined
          })
        }),
        { numRuns: RUNS }
      )
    })
  }

  it("messages in one frame, as a server sends them", () => {
    fc.assert(
      fc.property(FrameGenerator.message, (message) => {
        const bytes = FrameEncoder.toBytes(FrameEncoder.encodeMessage(message.data))
        assert.deepStrictEqual(observe([bytes], { role: "Client" }).events, plainEvents([message]))
      }),
      { numRuns: RUNS }
    )
  })

  it("frames, through both transforms of streams", () =>
    fc.assert(
      fc.asyncProperty(FrameGenerator.conversation, keys, async ({ frames }, keys) => {
        let at = 0
        const parts = await Stream.fromIterable(frames).pipe(
          FrameEncoder.encodeStream(() => keys[at++ % keys.length]),
          FrameDecoder.decode(),
          Stream.runCollect,
          Effect.runPromise
        )
        assert.deepStrictEqual(
          parts.map(({ fin, opcode, payload }) => ({ fin, opcode, payload: Bytes.toText(payload) })),
          frames.map(({ fin, opcode, payload }) => ({
            fin: fin ?? true,
            opcode,
            payload: Bytes.toText(payload)
          }))
        )
      }),
      { numRuns: 300 }
    ))
})

describe("totality", () => {
  it("no octets throw, and what is kept is within the limits", () => {
    fc.assert(
      fc.property(anyOctets, Bytes.cuts, limits, (bytes, cuts, limits) => {
        const decoder = MessageDecoder.make({ limits })
        let state = MessageDecoder.initial
        for (const chunk of Bytes.cut(bytes, cuts)) {
          state = MessageDecoder.step(decoder, state, chunk).state
          assert.isAtMost(state.message?.data.length ?? 0, decoder.frames.limits.messageBytes)
          assert.isAtMost(state.control.length, 125)
          if (state.frames._tag === "Header") assert.isBelow(state.frames.octets.length, 14)
        }
      }),
      { numRuns: RUNS }
    )
  })

  it("a message's octets are copied a bounded number of times, however it is cut", () => {
    // One octet in each chunk: quadratic work would take hours.
    const payload = new Uint8Array(400_000).fill(0x61)
    const bytes = FrameEncoder.encodeBytes({ opcode: "Text", payload }, 0x01020304)
    const seen = observe(Bytes.octets(bytes))
    assert.strictEqual((seen.events[0] as { readonly data: string }).data.length, payload.length)
  })
})
