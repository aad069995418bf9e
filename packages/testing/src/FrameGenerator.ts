/**
 * WebSocket messages and frames on fast-check: what a client may send, as values, and what it must not.
 */
import * as FrameEncoder from "@nvo/protocol/websocket/FrameEncoder"
import type { MessageEvent } from "@nvo/protocol/websocket/MessageDecoder"
import * as fc from "fast-check"
import * as Bytes from "./Bytes.ts"
import * as Characters from "./Characters.ts"

/** A masking key. */
export const key: fc.Arbitrary<number> = fc.oneof(fc.constant(0), fc.integer())

/** Octets, mostly few, some beyond each form of a payload length. */
export const payload: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(125, 126, 127, 300, 65_535, 65_536), fc.integer({ min: 0, max: 255 }))
      .map(([length, fill]) => new Uint8Array(length).fill(fill))
  }
)

/** Texts of whole characters, of every length in UTF-8. */
export const text: fc.Arbitrary<string> = fc.string({ unit: Characters.unicode, maxLength: 40 })

/** A message. */
export const message: fc.Arbitrary<Extract<MessageEvent, { readonly _tag: "Text" | "Binary" }>> = fc.oneof(
  text.map((data) => ({ _tag: "Text", data }) as const),
  payload.map((data) => ({ _tag: "Binary", data }) as const)
)

/** A control frame that may stand between fragments. */
export const control: fc.Arbitrary<Extract<MessageEvent, { readonly _tag: "Ping" | "Pong" }>> = fc
  .tuple(fc.constantFrom("Ping" as const, "Pong" as const), fc.uint8Array({ maxLength: 125 }))
  .map(([_tag, payload]) => ({ _tag, payload }))

/** A Close frame with a code that may be sent, or with none. */
export const close: fc.Arbitrary<Extract<MessageEvent, { readonly _tag: "Close" }>> = fc.oneof(
  fc.constant({ _tag: "Close", code: 1005, reason: "" } as const),
  fc
    .tuple(
      fc.constantFrom(1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 4999),
      fc.string({ unit: Characters.unicode, maxLength: 30 })
    )
    .map(([code, reason]) => ({ _tag: "Close", code, reason }) as const)
)

/** What a client sends, and what is to be understood of it. */
export interface Conversation {
  readonly frames: ReadonlyArray<FrameEncoder.Frame>
  readonly events: ReadonlyArray<MessageEvent>
}

const payloadOf = (event: MessageEvent): Uint8Array => {
  switch (event._tag) {
    case "Text":
      return new TextEncoder().encode(event.data)
    case "Binary":
      return event.data
    case "Close":
      return (
        FrameEncoder.closePayload(event.code === 1005 ? undefined : event.code, event.reason) ??
        new Uint8Array(0)
      )
    default:
      return event.payload
  }
}

interface Part {
  readonly message: Extract<MessageEvent, { readonly _tag: "Text" | "Binary" }>
  readonly cuts: Bytes.Cuts
  readonly between: ReadonlyArray<Extract<MessageEvent, { readonly _tag: "Ping" | "Pong" }>>
}

const part: fc.Arbitrary<Part> = fc.record({
  message,
  cuts: fc.array(fc.nat(1_000), { maxLength: 4 }),
  between: fc.array(control, { maxLength: 3 })
})

const controlFrame = (event: MessageEvent): FrameEncoder.Frame => ({
  opcode: event._tag as "Ping" | "Pong" | "Close",
  payload: payloadOf(event)
})

const conversationOf = (parts: ReadonlyArray<Part>, end: MessageEvent | undefined): Conversation => {
  const frames: Array<FrameEncoder.Frame> = []
  const events: Array<MessageEvent> = []
  for (const { between, cuts, message } of parts) {
    const pieces = Bytes.cut(payloadOf(message), cuts)
    for (const [index, payload] of pieces.entries()) {
      frames.push({
        opcode: index === 0 ? message._tag : "Continuation",
        fin: index === pieces.length - 1,
        payload
      })
      const inside = index < pieces.length - 1 ? between[index] : undefined
      if (inside !== undefined) {
        frames.push(controlFrame(inside))
        events.push(inside)
      }
    }
    events.push(message)
  }
  if (end !== undefined) {
    frames.push(controlFrame(end))
    events.push(end)
  }
  return { frames, events }
}

/** Messages in any fragments, control frames between them, and perhaps a Close frame at the end. */
export const conversation: fc.Arbitrary<Conversation> = fc
  .tuple(fc.array(part, { maxLength: 5 }), fc.option(close, { nil: undefined }))
  .map(([parts, end]) => conversationOf(parts, end))

/** Octets of a conversation, each frame with a key of its own; without keys, as a server sends them. */
export const encode = (
  frames: ReadonlyArray<FrameEncoder.Frame>,
  keys: ReadonlyArray<number> | undefined
): Uint8Array =>
  Bytes.concat(
    frames.map((frame, index) =>
      FrameEncoder.encodeBytes(frame, keys === undefined ? undefined : (keys[index % keys.length] ?? 0))
    )
  )

/** A conversation as a client's octets. */
export const octets: fc.Arbitrary<Uint8Array> = fc
  .tuple(conversation, fc.array(key, { minLength: 1, maxLength: 5 }))
  .map(([{ frames }, keys]) => encode(frames, keys))

/** Octets that are nearly a conversation: some of them changed, or left out, or more of them. */
export const nearly: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    octets,
    fc.array(fc.tuple(fc.nat(2_000), fc.constantFrom("change", "drop", "add"), fc.nat(255)), {
      minLength: 1,
      maxLength: 3
    })
  )
  .map(([bytes, changes]) => {
    const changed = [...bytes]
    for (const [where, how, octet] of changes) {
      const at = changed.length === 0 ? 0 : where % changed.length
      if (how === "change") changed[at] = octet
      else if (how === "drop") changed.splice(at, 1)
      else changed.splice(at, 0, octet)
    }
    return Uint8Array.from(changed)
  })

/** Octets that mean nothing, and octets that look like frames. */
export const noise: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc
    .array(
      fc.tuple(
        fc.nat(255),
        fc.constantFrom(0x80, 0x81, 0x85, 0xfd, 0xfe, 0xff, 0x05),
        fc.uint8Array({ maxLength: 20 })
      ),
      { maxLength: 10 }
    )
    .map((frames) =>
      Bytes.concat(frames.map(([first, second, rest]) => Uint8Array.of(first, second, ...rest)))
    )
)
