/** What can be under way over HTTP/2 when a connection breaks, and when it is closed from here: octets that a peer has sent. */
import { FrameEncoder, HpackEncoder, Http2Frame, Http2FrameEncoder, ServerConnection } from "@nvo/protocol"
import type { Shapes } from "./countBreaks.ts"
import { type Fields, get, post } from "./http2Wire.ts"

const INITIAL_WINDOW_SIZE = 0x4
const WIDE = 1_048_576
const CANCEL = 0x8

const frames = (...all: ReadonlyArray<Http2Frame.Frame>): Buffer =>
  Buffer.concat(all.map(Http2FrameEncoder.encode))

const greeted = (window: number, ...octets: ReadonlyArray<Uint8Array>): Buffer =>
  Buffer.concat([
    Buffer.from(ServerConnection.PREFACE, "latin1"),
    frames(
      { _tag: "Settings", ack: false, entries: [[INITIAL_WINDOW_SIZE, window]] },
      { _tag: "Settings", ack: true, entries: [] },
      { _tag: "WindowUpdate", streamId: 0, increment: WIDE }
    ),
    ...octets
  ])

/** What a peer sends that has greeted the server, and takes as much as it is given. */
export const greeting = (...octets: ReadonlyArray<Uint8Array>): Buffer => greeted(WIDE, ...octets)

/** The same of a peer that has opened no window yet. */
export const narrow = (...octets: ReadonlyArray<Uint8Array>): Buffer => greeted(0, ...octets)

// An encoder for each block: what is sent is the same for every connection.
const block = (fields: Fields): Uint8Array =>
  new HpackEncoder.HpackEncoder().encode(fields.map(([name, value]) => ({ name, value })))

export const headers = (streamId: number, fields: Fields, endStream = true): Buffer =>
  frames(new Http2Frame.Headers(streamId, endStream, true, block(fields)))

const continued = (streamId: number, fields: Fields): Buffer => {
  const fragment = block(fields)
  const half = fragment.length >> 1
  return frames(new Http2Frame.Headers(streamId, true, false, fragment.subarray(0, half)), {
    _tag: "Continuation",
    streamId,
    endHeaders: true,
    fragment: fragment.subarray(half)
  })
}

export const data = (streamId: number, length: number, endStream = true): Buffer =>
  frames(new Http2Frame.Data(streamId, endStream, Buffer.alloc(length, 99)))

const trailers = (streamId: number): Buffer => headers(streamId, [["x", "y"]])

/** A WebSocket that has sent a message. */
export const webSocket = (streamId: number, path: string): Buffer =>
  Buffer.concat([
    headers(
      streamId,
      [
        [":method", "CONNECT"],
        [":protocol", "websocket"],
        ...get(path).slice(1),
        ["sec-websocket-version", "13"]
      ],
      false
    ),
    frames(
      new Http2Frame.Data(
        streamId,
        false,
        FrameEncoder.encodeBytes({ opcode: "Text", payload: Buffer.from("ping") }, 0x01020304)
      )
    )
  ])

// HEADERS with END_HEADERS of stream 1: an answer or what came before it.
export const ANSWER = "\x01\x04\x00\x00\x00\x01"
// The same, and END_STREAM: an answer without a body.
const EMPTY_ANSWER = "\x01\x05\x00\x00\x00\x01"
const RESET = "\x00\x00\x04\x03\x00\x00\x00\x00\x01"
export const SETTINGS_ACK = "\x00\x00\x00\x04\x01\x00\x00\x00\x00"
export const GOAWAY = "\x07\x00\x00\x00\x00\x00"

const whole = (octets: Buffer, awaits: string | number) => ({ octets, whole: true, awaits })

/** As `shapes` over HTTP/1.1. */
export const shapes: Shapes = {
  "in the greeting": { octets: greeting() },
  "in a field section": { octets: greeting(continued(1, [...get("/"), ["cookie", "a".repeat(200)]])) },
  "in a body of known length that is read": {
    octets: greeting(headers(1, [...post("/read"), ["content-length", "3000"]], false), data(1, 3_000))
  },
  "in a body with trailers that is read": {
    octets: greeting(headers(1, post("/slow-read"), false), data(1, 3_000, false), trailers(1))
  },
  "in a body that is sent back": {
    octets: greeting(headers(1, post("/echo"), false), data(1, 3_000, false), trailers(1))
  },
  "in a body that waits for 100": {
    octets: greeting(headers(1, [...post("/read"), ["expect", "100-continue"]], false), data(1, 3_000))
  },
  "in a body that nobody reads": {
    octets: greeting(
      headers(1, post("/"), false),
      ...Array.from({ length: 4 }, (_, i) => data(1, 15_000, i === 3))
    )
  },
  "between two requests": { octets: greeting(headers(1, get("/")), headers(3, get("/"))) },
  "in many requests at once": {
    octets: greeting(
      ...Array.from({ length: 20 }, (_, i) =>
        headers(2 * i + 1, get(["/", "/hang", "/endless", "/stuck", "/large"][i % 5]))
      )
    )
  },
  "while the handler runs": whole(greeting(headers(1, get("/hang"))), ANSWER),
  "while the handler runs, a body behind it": {
    octets: greeting(headers(1, post("/hang"), false), data(1, 3_000, false), trailers(1))
  },
  "while a response streams": whole(greeting(headers(1, get("/endless"))), 100_000),
  "while a response streams that nobody reads": {
    octets: greeting(headers(1, get("/endless"))),
    whole: true,
    reads: false
  },
  "while a response waits for its stream": whole(greeting(headers(1, get("/stuck"))), 4_000),
  "while a response waits for its window": whole(narrow(headers(1, get("/large"))), ANSWER),
  "while a large response is written": whole(greeting(headers(1, get("/large"))), 70_000),
  "while a large response is written that nobody reads": {
    octets: greeting(headers(1, get("/large"))),
    whole: true,
    reads: false
  },
  "while upgraded": whole(greeting(webSocket(1, "/upgrade")), "ping"),
  "after a stream was reset by its peer": {
    octets: greeting(
      headers(1, get("/hang")),
      headers(3, get("/endless")),
      frames(...[1, 3].map((streamId) => ({ _tag: "RstStream", streamId, code: CANCEL }) as const))
    )
  },
  "after its peer has said that it leaves": {
    octets: greeting(
      headers(1, get("/hang")),
      frames({ _tag: "GoAway", lastStreamId: 0, code: 0, debug: Buffer.alloc(0) })
    )
  },
  "after a refusal": whole(greeting(headers(1, [...get("/"), ["host", "b"]])), RESET),
  "after an error of its stream": whole(
    greeting(headers(1, get("/hang")), frames({ _tag: "WindowUpdate", streamId: 1, increment: 0 })),
    RESET
  ),
  "after an error of the connection": whole(greeting(headers(2, get("/"))), GOAWAY),
  ...Object.fromEntries(
    ["/fail", "/die", "/interrupt", "/bad-field"].map((target) => [
      `after ${target}`,
      whole(greeting(headers(1, get(target))), EMPTY_ANSWER)
    ])
  ),
  ...Object.fromEntries(
    ["/bad-length", "/bad-stream", "/bad-trailer", "/dying-stream"].map((target) => [
      `after ${target}`,
      whole(greeting(headers(1, get(target))), RESET)
    ])
  )
}
