/** Frames that end a connection, and the code that is due for each: RFC 9113. */
import type { ErrorCode, Http2Frame } from "@nvo/protocol"

const octets = (length: number): Uint8Array => new Uint8Array(length)

const extension = (type: number, streamId: number, length: number): Http2Frame.Frame => ({
  _tag: "Extension",
  type,
  flags: 0,
  streamId,
  payload: octets(length)
})

const settings = (identifier: number, value: number): Http2Frame.Frame => ({
  _tag: "Settings",
  ack: false,
  entries: [[identifier, value]]
})

interface Malformed {
  readonly what: string
  readonly code: ErrorCode.ErrorCode
  /** `idle` is a stream that was never opened. */
  readonly frame: (idle: number) => Http2Frame.Frame
}

const table: ReadonlyArray<Malformed> = [
  // §6.1, §5.1, §6.6, §6.10.
  { what: "DATA on the connection", code: "PROTOCOL_ERROR", frame: () => extension(0x0, 0, 1) },
  { what: "DATA on an idle stream", code: "PROTOCOL_ERROR", frame: (idle) => extension(0x0, idle, 1) },
  {
    what: "RST_STREAM on an idle stream",
    code: "PROTOCOL_ERROR",
    frame: (idle) => ({ _tag: "RstStream", streamId: idle, code: 0 })
  },
  {
    what: "HEADERS on an even stream",
    code: "PROTOCOL_ERROR",
    // :method: GET, by its place in the static table.
    frame: (idle) => ({
      _tag: "Headers",
      streamId: idle + 1,
      endStream: true,
      endHeaders: true,
      fragment: Uint8Array.of(0x82),
      dependency: undefined,
      padding: undefined
    })
  },
  { what: "PUSH_PROMISE", code: "PROTOCOL_ERROR", frame: (idle) => extension(0x5, idle, 4) },
  {
    what: "CONTINUATION of nothing",
    code: "PROTOCOL_ERROR",
    frame: (idle) => ({ _tag: "Continuation", streamId: idle, endHeaders: true, fragment: octets(0) })
  },
  // §6.5.2.
  { what: "ENABLE_PUSH of 2", code: "PROTOCOL_ERROR", frame: () => settings(0x2, 2) },
  { what: "a window of 2^31", code: "FLOW_CONTROL_ERROR", frame: () => settings(0x4, 0x80000000) },
  { what: "a frame size of 1", code: "PROTOCOL_ERROR", frame: () => settings(0x5, 1) },
  // §6.9.
  {
    what: "credit of nothing",
    code: "PROTOCOL_ERROR",
    frame: () => ({ _tag: "WindowUpdate", streamId: 0, increment: 0 })
  },
  {
    what: "more credit than there can be",
    code: "FLOW_CONTROL_ERROR",
    frame: () => ({ _tag: "WindowUpdate", streamId: 0, increment: 0x7fffffff })
  },
  // §4.2, §6.5, §6.7.
  {
    what: "a frame that is too large",
    code: "FRAME_SIZE_ERROR",
    frame: (idle) => extension(0x0, idle, 16_385)
  },
  { what: "SETTINGS of five octets", code: "FRAME_SIZE_ERROR", frame: () => extension(0x4, 0, 5) },
  { what: "PING of seven octets", code: "FRAME_SIZE_ERROR", frame: () => extension(0x6, 0, 7) }
]

export const malformedOf = (which: number): Malformed => table[which % table.length]
