/**
 * A client of frames for the server's side of HTTP/2, and both sides' words in a form that can be read.
 */
import { assert } from "@effect/vitest"
import * as Latin1 from "@nvo/protocol/http/Latin1"
import * as ErrorCode from "@nvo/protocol/http2/ErrorCode"
import type * as Frame from "@nvo/protocol/http2/frame/Frame"
import * as FrameDecoder from "@nvo/protocol/http2/frame/FrameDecoder"
import * as FrameEncoder from "@nvo/protocol/http2/frame/FrameEncoder"
import type * as Http2Event from "@nvo/protocol/http2/Http2Event"
import { HpackDecoder } from "@nvo/protocol/http2/hpack/HpackDecoder"
import { HpackEncoder } from "@nvo/protocol/http2/hpack/HpackEncoder"
import type * as Limits from "@nvo/protocol/http2/Limits"
import * as ServerConnection from "@nvo/protocol/http2/ServerConnection"
import { Bytes } from "@nvo/testing"

export type Fields = ReadonlyArray<readonly [name: string, value: string]>

export const get: Fields = [
  [":method", "GET"],
  [":scheme", "https"],
  [":path", "/"],
  [":authority", "example.com"]
]

export const post: Fields = [[":method", "POST"], ...get.slice(1)]

/** The fields without those of a name. */
export const without = (fields: Fields, name: string): Fields => fields.filter(([other]) => other !== name)

/** The fields with another value for one. */
export const having = (fields: Fields, name: string, value: string): Fields =>
  fields.map((field) => (field[0] === name ? [name, value] : field))

const listLimits = { listBytes: 1_000_000, fieldCount: 10_000 }

/** What an event says, in a line. */
export const eventLine = (event: Http2Event.Http2Event): string => {
  switch (event._tag) {
    case "RequestHead":
      return `head ${event.streamId} ${event.method} ${event.rawTarget} ${event.framing._tag}`
    case "RequestRefused":
      return `refused ${event.streamId} ${event.error.status} ${event.error.reason._tag}`
    case "RequestData":
      return `data ${event.streamId} ${Bytes.toText(event.bytes)}`
    case "RequestEnd":
      return `end ${event.streamId}${[...event.trailers].map(([n, v]) => ` ${n}: ${v}`).join("")}`
    case "StreamReset":
      return `reset ${event.streamId} ${ErrorCode.nameOf(event.code)}`
    case "StreamFailed":
      return `failed ${event.streamId} ${event.error.code} ${event.error.reason._tag}`
    case "PeerGoAway":
      return `goaway ${ErrorCode.nameOf(event.code)}`
    case "ConnectionFailed":
      return `connection ${event.error.code} ${event.error.reason._tag}`
  }
}

/** See the module. */
export class Peer {
  readonly connection: ServerConnection.ServerConnection
  readonly encoder = new HpackEncoder()
  private readonly decoder = new HpackDecoder()
  private reading: FrameDecoder.State = FrameDecoder.initial
  now = 0

  constructor(limits?: Partial<Limits.Limits>) {
    this.connection = new ServerConnection.ServerConnection({ limits })
  }

  /** A peer behind both prefaces and the acknowledgements of their settings. */
  static open(limits?: Partial<Limits.Limits>, settings: Frame.Settings["entries"] = []): Peer {
    const peer = new Peer(limits)
    assert.deepStrictEqual(peer.octets(Bytes.fromText(ServerConnection.PREFACE)), [])
    assert.deepStrictEqual(
      peer.send(
        { _tag: "Settings", ack: false, entries: settings },
        { _tag: "Settings", ack: true, entries: [] }
      ),
      []
    )
    peer.read()
    return peer
  }

  /** Sends octets; gives what the server makes of them. */
  octets(bytes: Uint8Array): ReadonlyArray<string> {
    return this.connection.receive(bytes, this.now).map(eventLine)
  }

  send(...frames: ReadonlyArray<Frame.Frame>): ReadonlyArray<string> {
    return this.octets(Bytes.concat(frames.map(FrameEncoder.encode)))
  }

  headers(
    streamId: number,
    fields: Fields,
    options?: {
      readonly endStream?: boolean
      readonly endHeaders?: boolean
      readonly dependency?: Frame.Dependency
      readonly padding?: number
    }
  ): Frame.Headers {
    return {
      _tag: "Headers",
      streamId,
      endStream: options?.endStream ?? true,
      endHeaders: options?.endHeaders ?? true,
      fragment: this.encoder.encode(fields.map(([name, value]) => ({ name, value }))),
      dependency: options?.dependency,
      padding: options?.padding
    }
  }

  /** Sends a request without a body. */
  request(streamId: number, fields: Fields = get): ReadonlyArray<string> {
    return this.send(this.headers(streamId, fields))
  }

  /** Sends the head of a request with a body. */
  begin(streamId: number, fields: Fields = post): ReadonlyArray<string> {
    return this.send(this.headers(streamId, fields, { endStream: false }))
  }

  /** What the server has written since the last time, a line for each frame. */
  read(): ReadonlyArray<string> {
    this.connection.pump(Number.POSITIVE_INFINITY)
    const step = FrameDecoder.step(this.reading, Bytes.concat(this.connection.takeOutput()), 16_777_215)
    this.reading = step.state
    assert.isUndefined(step.failure)
    return step.frames.map((frame) => this.line(frame))
  }

  private line(frame: Frame.Frame): string {
    switch (frame._tag) {
      case "Data": {
        const text = frame.bytes.length > 24 ? `(${frame.bytes.length})` : Bytes.toText(frame.bytes)
        return `DATA ${frame.streamId} ${text}${frame.endStream ? " END_STREAM" : ""}`
      }
      case "Headers": {
        const end = frame.endStream ? " END_STREAM" : ""
        if (!frame.endHeaders) return `HEADERS ${frame.streamId} (${frame.fragment.length})${end}`
        const { fields, refusal } = this.decoder.decode(frame.fragment, listLimits)
        assert.isUndefined(refusal)
        return `HEADERS ${frame.streamId} ${fields.map(({ name, value }) => `${name}: ${value}`).join(", ")}${end}`
      }
      case "RstStream":
        return `RST_STREAM ${frame.streamId} ${ErrorCode.nameOf(frame.code)}`
      case "GoAway":
        return `GOAWAY ${frame.lastStreamId} ${ErrorCode.nameOf(frame.code)}`
      case "WindowUpdate":
        return `WINDOW_UPDATE ${frame.streamId} ${frame.increment}`
      case "Settings":
        return frame.ack ? "SETTINGS ack" : `SETTINGS ${frame.entries.map(([i, v]) => `${i}=${v}`).join(" ")}`
      case "Ping":
        return `PING${frame.ack ? " ack" : ""} ${Bytes.toText(frame.data)}`
      case "Continuation":
        return `CONTINUATION ${frame.streamId} (${frame.fragment.length})`
      default:
        return frame._tag
    }
  }
}

/** A peer whose connection ends with what it sends. */
export const failsWith = (
  lines: ReadonlyArray<string>,
  peer: Peer,
  code: ErrorCode.ErrorCode,
  reason: string
): void => {
  assert.strictEqual(lines[lines.length - 1], `connection ${code} ${reason}`)
  const written = peer.read()
  assert.match(written[written.length - 1] ?? "", new RegExp(`^GOAWAY \\d+ ${code}$`))
  assert.strictEqual(peer.connection.phase, "Closed")
}

/** A peer one of whose streams is reset for what it sends. */
export const resetsWith = (
  lines: ReadonlyArray<string>,
  peer: Peer,
  streamId: number,
  code: ErrorCode.ErrorCode,
  reason: string
): void => {
  assert.strictEqual(lines[lines.length - 1], `failed ${streamId} ${code} ${reason}`)
  const written = peer.read()
  assert.strictEqual(written[written.length - 1], `RST_STREAM ${streamId} ${code}`)
  assert.strictEqual(peer.connection.phase, "Open")
}

/** Data of so many octets. */
export const data = (
  streamId: number,
  bytes: string | number,
  endStream = false,
  padding?: number
): Frame.Data =>
  ({
    _tag: "Data",
    streamId,
    endStream,
    bytes: typeof bytes === "string" ? Latin1.encode(bytes) : new Uint8Array(bytes),
    padding,
    flowBytes: (typeof bytes === "string" ? bytes.length : bytes) + (padding === undefined ? 0 : padding + 1)
  }) as Frame.Data
