/**
 * What an HTTP/2 connection says when it is fed octets.
 */
import type { FieldSection } from "../http/FieldSection.ts"
import type { Http2Error } from "./Http2Error.ts"
import type { RequestHead } from "./RequestHead.ts"

export type Http2Event =
  /** A request begins. With the framing `None` it has ended, too, and no `RequestEnd` follows. */
  | RequestHead
  | RequestRefused
  | RequestData
  | RequestEnd
  | StreamReset
  | StreamFailed
  | PeerGoAway
  | ConnectionFailed

/** A request that could be read and is answered with a status, that of the error. Its body is thrown away. */
export interface RequestRefused {
  readonly _tag: "RequestRefused"
  readonly streamId: number
  readonly error: Http2Error
}

/** Octets of a body, never empty: a slice of the chunk that was fed, or of a frame that was put together. */
export class RequestData {
  readonly _tag = "RequestData"
  readonly streamId: number
  readonly bytes: Uint8Array

  constructor(streamId: number, bytes: Uint8Array) {
    this.streamId = streamId
    this.bytes = bytes
  }
}

/** The end of a request that has a body. */
export interface RequestEnd {
  readonly _tag: "RequestEnd"
  readonly streamId: number
  readonly trailers: FieldSection
}

/** The peer reset a stream: its request is not wanted any more. */
export interface StreamReset {
  readonly _tag: "StreamReset"
  readonly streamId: number
  readonly code: number
}

/** A stream was reset for a fault of the peer. Its request may or may not have begun. */
export interface StreamFailed {
  readonly _tag: "StreamFailed"
  readonly streamId: number
  readonly error: Http2Error
}

/** The peer will open no more streams. */
export interface PeerGoAway {
  readonly _tag: "PeerGoAway"
  readonly code: number
}

/** The connection is refused, and with it all its streams. GOAWAY stands in the output. Nothing follows. */
export interface ConnectionFailed {
  readonly _tag: "ConnectionFailed"
  readonly error: Http2Error
}

/** What is to be written to the peer: only `ServerConnection.decode` says it this way. */
export interface Output {
  readonly _tag: "Output"
  readonly octets: ReadonlyArray<Uint8Array>
}
