/**
 * Frames as values, RFC 9113 §6: their payload taken apart, and nothing known of what they mean.
 */
import type { ReasonTag } from "../Http2Error.ts"

export type Frame =
  | Data
  | Headers
  | Priority
  | RstStream
  | Settings
  | PushPromise
  | Ping
  | GoAway
  | WindowUpdate
  | Continuation
  | PriorityUpdate
  | Extension
  | Invalid

/** §6.1. */
export class Data {
  readonly _tag = "Data"
  readonly streamId: number
  readonly endStream: boolean
  /** A slice of the chunk where the frame lay in one; it is valid as long as the chunk is. */
  readonly bytes: Uint8Array
  /** Octets of padding behind the data, `undefined` without the flag. */
  readonly padding: number | undefined

  constructor(streamId: number, endStream: boolean, bytes: Uint8Array, padding?: number) {
    this.streamId = streamId
    this.endStream = endStream
    this.bytes = bytes
    this.padding = padding
  }

  /** What flow control counts: padding and its length are part of it. */
  get flowBytes(): number {
    return this.bytes.length + (this.padding === undefined ? 0 : this.padding + 1)
  }
}

/** What a stream depends on, RFC 7540 §5.3: read, checked and otherwise without meaning (RFC 9113 §5.3.2). */
export interface Dependency {
  readonly exclusive: boolean
  readonly streamId: number
  /** 1 to 256. */
  readonly weight: number
}

/** §6.2. */
export class Headers {
  readonly _tag = "Headers"
  readonly streamId: number
  readonly endStream: boolean
  readonly endHeaders: boolean
  readonly fragment: Uint8Array
  readonly dependency: Dependency | undefined
  readonly padding: number | undefined

  constructor(
    streamId: number,
    endStream: boolean,
    endHeaders: boolean,
    fragment: Uint8Array,
    dependency?: Dependency,
    padding?: number
  ) {
    this.streamId = streamId
    this.endStream = endStream
    this.endHeaders = endHeaders
    this.fragment = fragment
    this.dependency = dependency
    this.padding = padding
  }
}

/** §6.3. */
export interface Priority {
  readonly _tag: "Priority"
  readonly streamId: number
  readonly dependency: Dependency
}

/** §6.4. */
export interface RstStream {
  readonly _tag: "RstStream"
  readonly streamId: number
  readonly code: number
}

/** §6.5. Identifiers and values in order; one that comes again replaces the one before. */
export interface Settings {
  readonly _tag: "Settings"
  readonly ack: boolean
  readonly entries: ReadonlyArray<readonly [identifier: number, value: number]>
}

/** §6.6. */
export interface PushPromise {
  readonly _tag: "PushPromise"
  readonly streamId: number
  readonly endHeaders: boolean
  readonly promisedStreamId: number
  readonly fragment: Uint8Array
  readonly padding: number | undefined
}

/** §6.7. Eight octets. */
export interface Ping {
  readonly _tag: "Ping"
  readonly ack: boolean
  readonly data: Uint8Array
}

/** §6.8. */
export interface GoAway {
  readonly _tag: "GoAway"
  readonly lastStreamId: number
  readonly code: number
  readonly debug: Uint8Array
}

/** §6.9. */
export interface WindowUpdate {
  readonly _tag: "WindowUpdate"
  readonly streamId: number
  readonly increment: number
}

/** §6.10. */
export interface Continuation {
  readonly _tag: "Continuation"
  readonly streamId: number
  readonly endHeaders: boolean
  readonly fragment: Uint8Array
}

/** RFC 9218 §7.1. */
export interface PriorityUpdate {
  readonly _tag: "PriorityUpdate"
  readonly prioritizedStreamId: number
  readonly value: string
}

/** §4.1: a type that is not known is ignored. */
export interface Extension {
  readonly _tag: "Extension"
  readonly type: number
  readonly flags: number
  readonly streamId: number
  readonly payload: Uint8Array
}

/** A frame that is refused for itself, while those behind it can be read. */
export interface Invalid {
  readonly _tag: "Invalid"
  readonly streamId: number
  readonly reason: ReasonTag
}
