/** A client of raw HTTP/2 frames over TCP: what it was sent can be looked at, and it sends what no client would. */
import * as Net from "node:net"
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
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { eventually } from "./settle.ts"

export type Fields = ReadonlyArray<readonly [name: string, value: string]>

export const get = (path = "/"): Fields => [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", path],
  [":authority", "a"]
]

export const post = (path = "/"): Fields => [[":method", "POST"], ...get(path).slice(1)]

// Octets in hexadecimal, none for zeros.
const plain = (octets: Uint8Array): string =>
  octets.some((octet) => octet !== 0) ? ` ${Buffer.from(octets).toString("hex")}` : ""

/** See the module. */
export class Http2Wire {
  /** What came, a line for each frame. */
  readonly lines: Array<string> = []
  /** Octets of data that came, by stream. */
  readonly received = new Map<number, number>()
  closed = false
  /** Whether the first frame that came was SETTINGS. */
  greeted: boolean | undefined = undefined
  /** Told of each line as it comes. */
  onLine: ((line: string) => void) | undefined = undefined
  private readonly socket: Net.Socket
  private readonly encoder = new HpackEncoder.HpackEncoder()
  private readonly decoder = new HpackDecoder.HpackDecoder()
  private state = Http2FrameDecoder.initial
  private acknowledged = 0

  constructor(socket: Net.Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on("data", (chunk: Buffer) => this.take(chunk))
    socket.on("close", () => {
      this.closed = true
    })
    socket.on("error", () => {})
  }

  private take(chunk: Uint8Array): void {
    const step = Http2FrameDecoder.step(this.state, chunk)
    this.state = step.state
    for (const frame of step.frames) {
      this.greeted ??= frame._tag === "Settings" && !frame.ack
      const line = this.line(frame)
      if (line === undefined) continue
      this.lines.push(line)
      this.onLine?.(line)
    }
  }

  private line(frame: Http2Frame.Frame): string | undefined {
    switch (frame._tag) {
      case "Data":
        this.received.set(frame.streamId, (this.received.get(frame.streamId) ?? 0) + frame.bytes.length)
        return `DATA ${frame.streamId} ${frame.bytes.length}${frame.endStream ? " END" : ""}`
      case "Headers": {
        const { fields } = this.decoder.decode(frame.fragment, { listBytes: 65_536, fieldCount: 1_000 })
        return `HEADERS ${frame.streamId} ${fields[0]?.value}${frame.endStream ? " END" : ""}`
      }
      case "RstStream":
        return `RST_STREAM ${frame.streamId} ${ErrorCode.nameOf(frame.code)}`
      case "GoAway":
        return `GOAWAY ${frame.lastStreamId} ${ErrorCode.nameOf(frame.code)}`
      case "WindowUpdate":
        return `WINDOW_UPDATE ${frame.streamId} ${frame.increment}`
      case "Ping":
        return frame.ack ? `PING ack${plain(frame.data)}` : "PING"
      case "Settings":
        return frame.ack ? `SETTINGS ack ${++this.acknowledged}` : undefined
      default:
        return undefined
    }
  }

  write(octets: Uint8Array): boolean {
    return this.socket.write(octets)
  }

  send(...frames: ReadonlyArray<Http2Frame.Frame>): void {
    this.write(Buffer.concat(frames.map(Http2FrameEncoder.encode)))
  }

  headers(streamId: number, fields: Fields, endStream = true): Http2Frame.Headers {
    const fragment = this.encoder.encode(fields.map(([name, value]) => ({ name, value })))
    return new Http2Frame.Headers(streamId, endStream, true, fragment)
  }

  data(streamId: number, length: number, endStream = false): Http2Frame.Data {
    return new Http2Frame.Data(streamId, endStream, new Uint8Array(length))
  }

  /** Goes on reading, or stops it. */
  pause(paused: boolean): void {
    if (paused) this.socket.pause()
    else this.socket.resume()
  }

  end(): void {
    this.socket.end()
  }

  /** Waits for a line. */
  sees(line: string | RegExp): Effect.Effect<void> {
    return eventually(String(line), () =>
      this.lines.some((other) => (typeof line === "string" ? other === line : line.test(other)))
    )
  }

  /** Waits for the end of the connection. */
  get ends(): Effect.Effect<void> {
    return eventually("the end of the connection", () => this.closed)
  }
}

/** Connects without a word. */
export const open = (port: number): Effect.Effect<Http2Wire, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<Net.Socket>((resume) => {
        const socket = Net.connect(port, "127.0.0.1", () => resume(Effect.succeed(socket)))
      }),
      (socket) => Effect.sync(() => socket.destroy())
    ),
    (socket) => new Http2Wire(socket)
  )

/** Connects and greets. */
export const connect = (
  port: number,
  settings: Http2Frame.Settings["entries"] = []
): Effect.Effect<Http2Wire, never, Scope.Scope> =>
  Effect.tap(open(port), (wire) =>
    Effect.sync(() => {
      wire.write(Buffer.from(ServerConnection.PREFACE, "latin1"))
      wire.send(
        { _tag: "Settings", ack: false, entries: settings },
        { _tag: "Settings", ack: true, entries: [] }
      )
    })
  )

/** Asserts that a list of lines holds these, in this order, and perhaps others. */
export const inOrder = (lines: ReadonlyArray<string>, ...expected: ReadonlyArray<string>): void => {
  assert.deepStrictEqual(
    lines.filter((line) => expected.includes(line)),
    expected
  )
}
