/** A client of raw HTTP/2 frames on a simulated network. It answers nothing by itself, PING and SETTINGS neither. */
import { assert } from "@effect/vitest"
import {
  ErrorCode,
  HpackDecoder,
  HpackEncoder,
  Http2Frame,
  Http2FrameDecoder,
  Http2FrameEncoder,
  ServerConnection
} from "@nvo/protocol"
import { Bytes } from "@nvo/testing"
import { Effect } from "effect"
import type { Client } from "./simulated.ts"

export type Fields = ReadonlyArray<readonly [name: string, value: string]>

/** The fields of a request. */
export const request = (method: string, more: Fields = [], path = "/"): Fields => [
  [":method", method],
  [":scheme", "http"],
  [":path", path],
  [":authority", "a"],
  ...more
]

/** The fields of an extended CONNECT, RFC 8441. */
export const webSocket = (more: Fields = []): Fields => [
  [":method", "CONNECT"],
  [":protocol", "websocket"],
  ...request("CONNECT").slice(1),
  ["sec-websocket-version", "13"],
  ...more
]

/** See the module. */
export class Http2Client {
  /** What came, a line for each frame; heads with their status. */
  readonly lines: Array<string> = []
  /** The fields of each head that came, by stream. */
  readonly heads = new Map<number, Readonly<Record<string, string>>>()
  /** The octets of each stream. */
  readonly bodies = new Map<number, string>()
  readonly client: Client
  private readonly encoder = new HpackEncoder.HpackEncoder()
  private readonly decoder = new HpackDecoder.HpackDecoder()
  private state = Http2FrameDecoder.initial

  constructor(client: Client) {
    this.client = client
  }

  /** Sends frames in one piece. */
  send(...frames: ReadonlyArray<Http2Frame.Frame>) {
    return this.client.send(Bytes.concat(frames.map((frame) => Http2FrameEncoder.encode(frame))))
  }

  headers(streamId: number, fields: Fields, endStream = true): Http2Frame.Headers {
    const fragment = this.encoder.encode(fields.map(([name, value]) => ({ name, value })))
    return new Http2Frame.Headers(streamId, endStream, true, fragment)
  }

  data(streamId: number, octets: Uint8Array | string, endStream = false): Http2Frame.Data {
    const bytes = typeof octets === "string" ? Bytes.fromText(octets) : octets
    return new Http2Frame.Data(streamId, endStream, bytes)
  }

  reset(streamId: number): Http2Frame.Frame {
    return { _tag: "RstStream", streamId, code: ErrorCode.toNumber("CANCEL") }
  }

  ping(): Http2Frame.Frame {
    return { _tag: "Ping", ack: false, data: new Uint8Array(8) }
  }

  window(streamId: number, increment: number): Http2Frame.Frame {
    return { _tag: "WindowUpdate", streamId, increment }
  }

  /** Takes what comes until there is such a line. */
  sees(line: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.lines.includes(line)) return Effect.void
      return Effect.flatMap(this.client.receive, (octets) => {
        if (typeof octets === "string") {
          assert.fail(`${line} did not come before the end: ${this.lines.join(", ")}, ${octets}`)
        }
        this.take(octets)
        return this.sees(line)
      })
    })
  }

  /** Takes everything that comes, and gives the way in which the server left. */
  get ends(): Effect.Effect<string> {
    return Effect.flatMap(this.client.receive, (octets) => {
      if (typeof octets === "string") return Effect.succeed(octets)
      this.take(octets)
      return this.ends
    })
  }

  private take(octets: Uint8Array): void {
    const step = Http2FrameDecoder.step(this.state, octets)
    this.state = step.state
    for (const frame of step.frames) this.lines.push(this.line(frame))
  }

  private line(frame: Http2Frame.Frame): string {
    switch (frame._tag) {
      case "Data":
        this.bodies.set(
          frame.streamId,
          (this.bodies.get(frame.streamId) ?? "") + Bytes.toText(frame.bytes.slice())
        )
        return `DATA ${frame.streamId}${frame.endStream ? " END" : ""}`
      case "Headers": {
        const { fields } = this.decoder.decode(frame.fragment, { listBytes: 65_536, fieldCount: 1_000 })
        this.heads.set(frame.streamId, Object.fromEntries(fields.map(({ name, value }) => [name, value])))
        return `HEADERS ${frame.streamId} ${fields[0]?.value}${frame.endStream ? " END" : ""}`
      }
      case "RstStream":
        return `RST_STREAM ${frame.streamId} ${ErrorCode.nameOf(frame.code)}`
      case "GoAway":
        return `GOAWAY ${frame.lastStreamId} ${ErrorCode.nameOf(frame.code)}`
      case "Ping":
        return frame.ack ? "PING ack" : "PING"
      case "Settings":
        return frame.ack ? "SETTINGS ack" : "SETTINGS"
      default:
        return frame._tag
    }
  }
}

/** Connects and greets. */
export const greet = <E, R>(
  connect: Effect.Effect<Client, E, R>,
  settings: Http2Frame.Settings["entries"] = []
) =>
  Effect.gen(function* () {
    const http2 = new Http2Client(yield* connect)
    yield* http2.client.send(Bytes.fromText(ServerConnection.PREFACE))
    yield* http2.send(
      { _tag: "Settings", ack: false, entries: settings },
      { _tag: "Settings", ack: true, entries: [] }
    )
    return http2
  })
