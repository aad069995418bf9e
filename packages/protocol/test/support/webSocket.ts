/** Feeds WebSocket decoders and writes down what they say in a form that can be compared. */
import * as MessageDecoder from "@nvo/protocol/websocket/MessageDecoder"
import type * as WebSocketError from "@nvo/protocol/websocket/WebSocketError"
import { Bytes } from "@nvo/testing"

export interface Observed {
  readonly events: ReadonlyArray<unknown>
  readonly error: { readonly reason: WebSocketError.Reason; readonly frameIndex: number } | undefined
}

const plain = (event: MessageDecoder.MessageEvent): unknown => {
  switch (event._tag) {
    case "Binary":
      return { ...event, data: Bytes.toText(event.data) }
    case "Ping":
    case "Pong":
      return { ...event, payload: Bytes.toText(event.payload) }
    default:
      return event
  }
}

/** All that a decoder says of chunks, one after the other. */
export const observe = (
  chunks: Iterable<Uint8Array>,
  options?: MessageDecoder.Options,
  feed: typeof MessageDecoder.stepParts = MessageDecoder.step
): Observed => {
  const decoder = MessageDecoder.make(options)
  let state = MessageDecoder.initial
  const events: Array<unknown> = []
  for (const chunk of chunks) {
    const step = feed(decoder, state, chunk)
    state = step.state
    events.push(...step.events.map(plain))
  }
  const { error } = state
  return {
    events,
    error: error === undefined ? undefined : { reason: error.reason, frameIndex: error.frameIndex }
  }
}

export const plainEvents = (events: ReadonlyArray<MessageDecoder.MessageEvent>): ReadonlyArray<unknown> =>
  events.map(plain)

/** The tag of the error that octets end with. */
export const refusal = (
  bytes: Uint8Array,
  options?: MessageDecoder.Options
): WebSocketError.ReasonTag | undefined => observe([bytes], options).error?.reason._tag

/** A client's frame with a key of zeros, so that its payload can be read as it is. */
export const frame = (first: number, payload: Uint8Array | string): Uint8Array => {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload
  const { length } = bytes
  const header =
    length < 126
      ? [first, 0x80 | length]
      : length < 65_536
        ? [first, 0xfe, length >> 8, length & 0xff]
        : [first, 0xff, 0, 0, 0, 0, length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff]
  return Bytes.concat([Uint8Array.from(header), new Uint8Array(4), bytes])
}
