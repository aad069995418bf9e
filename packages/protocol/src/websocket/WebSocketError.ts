/**
 * Everything that can be wrong on a WebSocket, and every way in which one ends, as one typed error.
 *
 * The table below owns the reasons: who is at fault, the status that refuses a handshake, the close code that is
 * sent to the peer, the section, and the sentence that a person reads. A status or a code of 0 means that none is
 * sent. Add a row to add a reason; nothing else lists them.
 */
import * as Data from "effect/Data"
import * as ConnectionId from "../http/ConnectionId.ts"

/** Who is at fault. */
export type Initiator = "Peer" | "Application" | "Server"

/** Which part of the protocol. */
export type Phase = "Handshake" | "Frame" | "Message" | "Close"

const refused = (status: number, section: string, text: string) =>
  ({ initiator: "Peer", phase: "Handshake", status, code: 0, section, text }) as const

const frame = (code: number, section: string, text: string) =>
  ({ initiator: "Peer", phase: "Frame", status: 0, code, section, text }) as const

const message = (code: number, section: string, text: string) =>
  ({ initiator: "Peer", phase: "Message", status: 0, code, section, text }) as const

const close = (initiator: Initiator, code: number, section: string, text: string) =>
  ({ initiator, phase: "Close", status: 0, code, section, text }) as const

/** The reasons, by name. Fixed for each reason: who, where, which status or code, which section, what it says. */
export const reasons = {
  // What a server refuses in a client's handshake.
  MethodNotGet: refused(405, "RFC 6455 §4.1", "the method of a handshake is not GET"),
  HandshakeNotHttp11: refused(400, "RFC 6455 §4.1", "a handshake is not HTTP/1.1 or later"),
  MissingUpgrade: refused(426, "RFC 6455 §4.2.1", "the Upgrade field does not name websocket"),
  MissingConnectionUpgrade: refused(400, "RFC 6455 §4.2.1", "the Connection field does not name Upgrade"),
  MissingKey: refused(400, "RFC 6455 §4.2.1", "there is no Sec-WebSocket-Key"),
  DuplicateKey: refused(400, "RFC 6455 §11.3.1", "there is more than one Sec-WebSocket-Key"),
  InvalidKey: refused(400, "RFC 6455 §4.2.1", "the Sec-WebSocket-Key is not 16 octets in base64"),
  MissingVersion: refused(426, "RFC 6455 §4.2.1", "there is no Sec-WebSocket-Version"),
  UnsupportedVersion: refused(426, "RFC 6455 §4.4", "the Sec-WebSocket-Version is not 13"),
  InvalidProtocols: refused(400, "RFC 6455 §4.1", "Sec-WebSocket-Protocol is not a list of tokens"),
  DuplicateProtocol: refused(400, "RFC 6455 §4.1", "a subprotocol is named twice"),
  InvalidExtensions: refused(400, "RFC 6455 §9.1", "Sec-WebSocket-Extensions is outside its grammar"),
  // What a client refuses in a server's answer.
  StatusNot101: refused(0, "RFC 6455 §4.1", "the answer to a handshake is not 101"),
  AnswerNotWebSocket: refused(0, "RFC 6455 §4.1", "the answer does not upgrade to websocket"),
  WrongAccept: refused(0, "RFC 6455 §4.1", "the Sec-WebSocket-Accept does not belong to the key"),
  UnrequestedExtension: refused(0, "RFC 6455 §4.1", "the answer has an extension that was not offered"),
  InvalidExtensionAnswer: refused(0, "RFC 7692 §7.1", "the answer to permessage-deflate is not valid"),
  UnrequestedProtocol: refused(0, "RFC 6455 §4.1", "the answer has a subprotocol that was not offered"),
  // Frames.
  ReservedBits: frame(1002, "RFC 6455 §5.2", "a reserved bit is set that no extension defines"),
  ReservedOpcode: frame(1002, "RFC 6455 §5.2", "a reserved opcode"),
  UnmaskedFrame: frame(1002, "RFC 6455 §5.1", "a frame from a client is not masked"),
  MaskedFrame: frame(1002, "RFC 6455 §5.1", "a frame from a server is masked"),
  FragmentedControlFrame: frame(1002, "RFC 6455 §5.5", "a control frame is fragmented"),
  ControlFrameTooLong: frame(1002, "RFC 6455 §5.5", "a control frame has more than 125 octets"),
  LengthNotMinimal: frame(1002, "RFC 6455 §5.2", "a payload length is not in its shortest form"),
  LengthOverflow: frame(1002, "RFC 6455 §5.2", "the most significant bit of a payload length is set"),
  FrameTooLarge: frame(1009, "RFC 6455 §10.4", "a frame is over its limit"),
  UnexpectedContinuation: frame(1002, "RFC 6455 §5.4", "a continuation frame continues nothing"),
  InterruptedMessage: frame(1002, "RFC 6455 §5.4", "a message begins before the one before it has ended"),
  CompressedContinuation: frame(
    1002,
    "RFC 7692 §6.1",
    "RSV1 is set on a frame that is not a message's first"
  ),
  // Messages.
  MessageTooLarge: message(1009, "RFC 6455 §10.4", "a message is over its limit"),
  TooManyFragments: message(1008, "RFC 6455 §10.4", "the fragments of a message cost more than their limit"),
  InvalidUtf8: message(1007, "RFC 6455 §8.1", "a text message is not UTF-8"),
  InvalidCompressedData: message(1007, "RFC 7692 §7.2.2", "the data of a compressed message is not DEFLATE"),
  InvalidMessage: message(1007, "RFC 6455 §7.4.1", "a message is not what its schema says"),
  ControlFlood: message(1008, "RFC 6455 §7.4.1", "more control frames than the limit"),
  MessageFlood: message(1008, "RFC 6455 §7.4.1", "more messages than the limit"),
  // Close frames, and how a connection ends.
  InvalidClosePayload: close("Peer", 1002, "RFC 6455 §5.5.1", "a Close frame has one octet of payload"),
  InvalidCloseCode: close("Peer", 1002, "RFC 6455 §7.4", "a Close frame has a code that may not be sent"),
  InvalidCloseReason: close("Peer", 1007, "RFC 6455 §5.5.1", "the reason of a Close frame is not UTF-8"),
  PeerClosed: close("Peer", 0, "RFC 6455 §7.1.5", "the peer closed"),
  ConnectionLost: close("Peer", 0, "RFC 6455 §7.1.5", "the connection ended without a Close frame"),
  PingTimeout: close("Peer", 0, "RFC 6455 §5.5.2", "nothing came within the deadline of a ping"),
  CloseTimeout: close("Peer", 0, "RFC 6455 §7.1.1", "the peer did not answer a Close frame in time"),
  SlowConsumer: close("Peer", 1008, "RFC 6455 §7.4.1", "the peer does not read what is sent to it"),
  ServerStopping: close("Server", 1001, "RFC 6455 §7.4.1", "the server stops"),
  ApplicationClosed: close("Application", 1000, "RFC 6455 §7.1.2", "the application closed"),
  InvalidCloseArguments: close("Application", 0, "RFC 6455 §7.4", "a code or a reason that may not be sent")
} as const satisfies Record<
  string,
  {
    readonly initiator: Initiator
    readonly phase: Phase
    readonly status: number
    readonly code: number
    readonly section: string
    readonly text: string
  }
>

/** The names of the reasons. */
export type ReasonTag = keyof typeof reasons

/** Which rule, and with what. */
export interface Reason<Tag extends ReasonTag = ReasonTag> {
  readonly _tag: Tag
  /** What stood there, or the limit, or the empty text. Printable. */
  readonly detail: string
  /** The code that the peer closed with, for `PeerClosed`; otherwise what this side sends, or 0. */
  readonly code: number
}

/**
 * Why a WebSocket was refused, or how it ended.
 *
 * @example
 * ```ts
 * import * as WebSocketError from "@nvo/protocol/websocket/WebSocketError"
 *
 * const error = WebSocketError.make("UnmaskedFrame", { frameIndex: 3 })
 * error.reason.code // 1002
 * error.message // "UnmaskedFrame: a frame from a client is not masked (RFC 6455 §5.1; frame 3)"
 * ```
 */
export class WebSocketError extends Data.TaggedError("WebSocketError")<{
  readonly connectionId: ConnectionId.ConnectionId
  readonly phase: Phase
  readonly initiator: Initiator
  /** Which frame of the peer's, 1 for the first; 0 where none is concerned. */
  readonly frameIndex: number
  readonly reason: Reason
}> {
  /** The status that refuses the handshake, or 0. */
  get status(): number {
    return reasons[this.reason._tag].status
  }

  override get message(): string {
    const { section, text } = reasons[this.reason._tag]
    const detail = this.reason.detail === "" ? "" : `: ${this.reason.detail}`
    const where = this.frameIndex === 0 ? "" : `; frame ${this.frameIndex}`
    const on = this.connectionId === ConnectionId.none ? "" : ` on ${ConnectionId.format(this.connectionId)}`
    return `${this.reason._tag}: ${text}${detail} (${section}${where}${on})`
  }
}

/** Makes the error of a reason; what the table fixes is filled in. */
export const make = (
  tag: ReasonTag,
  options?: {
    readonly connectionId?: ConnectionId.ConnectionId
    readonly frameIndex?: number
    readonly detail?: string
    readonly code?: number
  }
): WebSocketError => {
  const { code, initiator, phase } = reasons[tag]
  return new WebSocketError({
    connectionId: options?.connectionId ?? ConnectionId.none,
    phase,
    initiator,
    frameIndex: options?.frameIndex ?? 0,
    reason: { _tag: tag, detail: options?.detail ?? "", code: options?.code ?? code }
  })
}

/** Whether `u` is a `WebSocketError`. */
export const isWebSocketError = (u: unknown): u is WebSocketError => u instanceof WebSocketError
