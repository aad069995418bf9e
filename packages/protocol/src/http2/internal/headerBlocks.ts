/**
 * Header blocks from their frames, RFC 9113 §4.3: HEADERS and the CONTINUATION frames behind it, within limits.
 */
import * as ByteBuffer from "../../http/ByteBuffer.ts"
import type * as Frame from "../frame/Frame.ts"
import type { ReasonTag } from "../Http2Error.ts"
import type { Limits } from "../Limits.ts"

/** A whole block. */
export interface HeaderBlock {
  readonly endStream: boolean
  /** Whether the stream was said to depend on itself. */
  readonly selfDependent: boolean
  readonly bytes: Uint8Array
}

interface Pending {
  readonly streamId: number
  readonly endStream: boolean
  readonly selfDependent: boolean
  readonly buffer: ByteBuffer.ByteBuffer
  readonly continuations: number
}

/** See the module. */
export class HeaderBlocks {
  private pending: Pending | undefined = undefined
  /** The block that the last frame completed. */
  complete: HeaderBlock | undefined = undefined

  /** The stream whose block is not complete; 0 if there is none. */
  get pendingStreamId(): number {
    return this.pending === undefined ? 0 : this.pending.streamId
  }

  /** Takes a frame. Gives what it is refused for, if it is. */
  take(frame: Frame.Headers | Frame.Continuation, limits: Limits): ReasonTag | undefined {
    const { pending } = this
    const { endHeaders, fragment, streamId } = frame
    this.complete = undefined
    if (frame._tag === "Continuation") {
      if (pending === undefined) return "UnexpectedContinuation"
      if (pending.continuations === limits.continuations) return "ContinuationFlood"
      if (pending.buffer.length + fragment.length > limits.headerBlockBytes) return "HeaderBlockTooLarge"
      const buffer = ByteBuffer.append(pending.buffer, fragment, 0, fragment.length)
      const { endStream, selfDependent } = pending
      if (endHeaders) {
        this.pending = undefined
        this.complete = { endStream, selfDependent, bytes: ByteBuffer.toBytes(buffer) }
      } else this.pending = { ...pending, buffer, continuations: pending.continuations + 1 }
      return undefined
    }
    if (fragment.length > limits.headerBlockBytes) return "HeaderBlockTooLarge"
    const selfDependent = frame.dependency?.streamId === streamId
    const { endStream } = frame
    if (endHeaders) this.complete = { endStream, selfDependent, bytes: fragment }
    else {
      const buffer = ByteBuffer.append(ByteBuffer.empty, fragment, 0, fragment.length)
      this.pending = { streamId, endStream, selfDependent, buffer, continuations: 0 }
    }
    return undefined
  }
}
