/** A WebSocket peer at the level of frames, which keeps to the rules only where it is told to. */
import * as Http2 from "node:http2"
import type * as Net from "node:net"
import { FieldSection, FrameEncoder, Handshake, MessageDecoder } from "@nvo/protocol"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as ReadResponse from "./ReadResponse.ts"
import * as Wire from "./Wire.ts"

const KEY = 0x37fa213d

const NONCE = new TextEncoder().encode("the sample nonce")

export const handshakeFields = (
  options: Omit<Handshake.ClientOptions, "nonce"> = {}
): Readonly<Record<string, string>> => Handshake.requestFields({ ...options, nonce: NONCE })

export class WsWire {
  readonly wire: Wire.Wire
  readonly response: ReadResponse.ReadResponse
  private decoderState = MessageDecoder.initial
  private decoder = MessageDecoder.make({
    role: "Client",
    limits: { messageBytes: 100_000_000, frameBytes: 100_000_000 }
  })
  private events: Array<MessageDecoder.MessageEvent> = []
  private seen: number

  constructor(wire: Wire.Wire, response: ReadResponse.ReadResponse, seen: number) {
    this.wire = wire
    this.response = response
    this.seen = seen
  }

  /** Reads with another decoder, from the first frame on. */
  decodeBy(decoder: MessageDecoder.MessageDecoder): this {
    this.decoder = decoder
    return this
  }

  send(frame: FrameEncoder.Frame): Effect.Effect<void> {
    return this.wire.send(FrameEncoder.encodeBytes(frame, KEY))
  }

  text(text: string): Effect.Effect<void> {
    return this.send({ opcode: "Text", payload: new TextEncoder().encode(text) })
  }

  ping(payload = ""): Effect.Effect<void> {
    return this.send({ opcode: "Ping", payload: new TextEncoder().encode(payload) })
  }

  close(code?: number, reason?: string): Effect.Effect<void> {
    const payload = FrameEncoder.closePayload(code, reason)
    return payload === undefined
      ? Effect.die(new Error(`No Close frame has code ${code}`))
      : this.send({ opcode: "Close", payload })
  }

  private read(): MessageDecoder.MessageEvent | undefined {
    const { received } = this.wire
    if (received.length > this.seen) {
      const step = MessageDecoder.step(this.decoder, this.decoderState, received.subarray(this.seen))
      this.seen = received.length
      this.decoderState = step.state
      this.events.push(...step.events)
      if (step.state.error !== undefined) throw step.state.error
    }
    return this.events.shift()
  }

  /** The next message or control frame of the server. */
  get next(): Effect.Effect<MessageDecoder.MessageEvent> {
    return this.wire.until("a frame", () => this.read())
  }

  /** The next one, or `undefined` where the connection ended before. */
  get nextOrEnd(): Effect.Effect<MessageDecoder.MessageEvent | undefined> {
    return Effect.map(
      this.wire.until("a frame or the end", () => {
        const event = this.read()
        return event !== undefined || this.wire.ended || this.wire.closed ? { event } : undefined
      }),
      ({ event }) => event
    )
  }

  /** The Close frame of the server, behind whatever else it sends. */
  get closed(): Effect.Effect<Extract<MessageDecoder.MessageEvent, { readonly _tag: "Close" }> | undefined> {
    return Effect.flatMap(this.nextOrEnd, (event) =>
      event === undefined || event._tag === "Close" ? Effect.succeed(event) : this.closed
    )
  }
}

export interface Options {
  readonly path?: string
  readonly fields?: Readonly<Record<string, string>>
  readonly client?: Omit<Handshake.ClientOptions, "nonce">
  /** Sent in one write with the handshake, or at once behind it. */
  readonly behind?: Uint8Array
}

/** Opens a WebSocket. */
export type Connect = (port: number, options?: Options) => Effect.Effect<WsWire, Error, Scope.Scope>

/** Opens a WebSocket over HTTP/1.1. */
export const connect = (port: number, options: Options = {}): Effect.Effect<WsWire, Error, Scope.Scope> =>
  Effect.gen(function* () {
    const wire = yield* Wire.connect(port)
    const head = Wire.request("GET", options.path ?? "/", {
      ...handshakeFields(options.client),
      ...options.fields
    })
    wire.sendUnsafe(Buffer.concat([head, options.behind ?? new Uint8Array(0)]))
    const response = yield* wire.response()
    const end = wire.received.indexOf("\r\n\r\n")
    const verified = Handshake.verify(
      { status: response.status, fields: FieldSection.make(response.fields) },
      { ...options.client, nonce: NONCE }
    )
    if (verified._tag === "Refused") return yield* Effect.die(verified.error)
    return new WsWire(wire, response, end + 4)
  })

/** A stream of Node's HTTP/2 client, which is all of its connection that is used: one goes with the other. */
export const openStream = (
  port: number,
  fields: Readonly<Record<string, string>>,
  behind: Uint8Array = new Uint8Array(0)
): Effect.Effect<
  { readonly wire: Wire.Wire; readonly head: Http2.IncomingHttpHeaders & Http2.IncomingHttpStatusHeader },
  Error,
  Scope.Scope
> =>
  Effect.flatMap(
    Effect.acquireRelease(
      Effect.sync(() => Http2.connect(`http://127.0.0.1:${port}`).on("error", () => {})),
      (session) => Effect.sync(() => session.destroy())
    ),
    (session) =>
      Effect.callback((resume) => {
        // RFC 8441 §3: not before the server has offered it.
        session.once("remoteSettings", (settings) => {
          if (settings.enableConnectProtocol !== true) {
            return resume(Effect.fail(new Error("Extended CONNECT is not offered")))
          }
          const stream = session.request(
            { ":method": "CONNECT", ":protocol": "websocket", ":scheme": "http", ":path": "/", ...fields },
            { endStream: false }
          )
          const reset = { resetAndDestroy: () => stream.close(Http2.constants.NGHTTP2_CANCEL) }
          const wire = new Wire.Wire(Object.assign(stream, reset) as unknown as Net.Socket)
          stream.on("close", () => session.close())
          stream.once("response", (head) => resume(Effect.succeed({ wire, head })))
          if (behind.length > 0) stream.write(behind)
        })
        session.once("close", () => resume(Effect.fail(new Error("The connection has ended"))))
      })
  )

const connectProtocolFields = (options: Options): Readonly<Record<string, string>> => {
  const { connection: _, upgrade: __, "sec-websocket-key": ___, ...fields } = handshakeFields(options.client)
  return { ":path": options.path ?? "/", ...fields, ...options.fields }
}

/** Opens a WebSocket over a stream of HTTP/2. */
export const connectStream: Connect = (port, options = {}) =>
  Effect.map(openStream(port, connectProtocolFields(options), options.behind), ({ head, wire }) => {
    if (head[":status"] !== 200) throw new Error(`Refused with ${head[":status"]}`)
    const fields = Object.entries(head).flatMap(([name, value]) =>
      name.startsWith(":") || value === undefined ? [] : [[name, String(value)] as const]
    )
    const none = { reason: "", body: Buffer.alloc(0), trailers: [], interim: [] }
    return new WsWire(
      wire,
      { ...none, version: "2", status: 200, fields, framing: "None", complete: false },
      0
    )
  })

/** What a WebSocket goes over, and how it is opened. */
export const carriers: Readonly<Record<"HTTP/1.1" | "HTTP/2", Connect>> = {
  "HTTP/1.1": connect,
  "HTTP/2": connectStream
}
