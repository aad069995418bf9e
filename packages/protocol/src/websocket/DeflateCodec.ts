/**
 * Raw DEFLATE (RFC 1951) as the protocol needs it: two streams and the service that makes them. The protocol knows
 * nothing of zlib; a platform brings it.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** What went wrong with compressed octets: they are no DEFLATE data, or more comes out than may. */
export type InflateFailure = "Invalid" | "TooLarge"

/** Takes octets back out of DEFLATE data. It remembers what it gave, as far back as its window goes. */
export interface Inflater {
  /** Feeds octets and gives what comes out of them, at most `limit` octets. Nothing is held back. */
  readonly inflate: (bytes: Uint8Array, limit: number) => Uint8Array | InflateFailure
  /** Forgets everything. */
  readonly reset: () => void
}

/** Makes DEFLATE data. */
export interface Deflater {
  /**
   * Feeds octets. With `flush`, everything fed so far comes out, ending with the empty block `00 00 ff ff`.
   */
  readonly deflate: (bytes: Uint8Array, flush: boolean) => Uint8Array
  /** Forgets everything. */
  readonly reset: () => void
}

/** How large a window is, as a power of two (9 to 15), and whether the stream is used for more than one message. */
export interface StreamOptions {
  readonly windowBits: number
  readonly contextTakeover: boolean
}

/** The service. A stream belongs to its Scope. */
export class DeflateCodec extends Context.Service<
  DeflateCodec,
  {
    readonly inflater: (options: StreamOptions) => Effect.Effect<Inflater, never, Scope.Scope>
    readonly deflater: (options: StreamOptions) => Effect.Effect<Deflater, never, Scope.Scope>
  }
>()("@nvo/protocol/websocket/DeflateCodec") {}
