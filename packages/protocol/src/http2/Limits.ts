/**
 * What an HTTP/2 connection accepts at the most. Each limit is inclusive. The defaults are what `ServerConfig`
 * documents; this module owns the numbers.
 */
import * as HttpLimits from "../http/Limits.ts"
import type { Bursts } from "./FloodGuard.ts"

export interface Limits {
  /** Streams that are open at once: SETTINGS_MAX_CONCURRENT_STREAMS. Beyond: REFUSED_STREAM. */
  readonly concurrentStreams: number
  /** Octets of a frame's payload: SETTINGS_MAX_FRAME_SIZE, from 16,384 to 16,777,215. Beyond: FRAME_SIZE_ERROR. */
  readonly frameBytes: number
  /** Octets of a field section, 32 for each field besides: SETTINGS_MAX_HEADER_LIST_SIZE. Beyond: 431. */
  readonly headerListBytes: number
  /** Fields of a field section, pseudo-header fields included. Beyond: 431. */
  readonly fieldCount: number
  /** Octets of a header block as it is sent. Beyond: ENHANCE_YOUR_CALM. */
  readonly headerBlockBytes: number
  /** CONTINUATION frames of one header block. Beyond: ENHANCE_YOUR_CALM. */
  readonly continuations: number
  /** Octets of the tables of header compression, this side's and the peer's: SETTINGS_HEADER_TABLE_SIZE. */
  readonly headerTableBytes: number
  /** Octets that a peer may send on a stream before they are taken: SETTINGS_INITIAL_WINDOW_SIZE. */
  readonly streamWindowBytes: number
  /** Octets that a peer may send on all streams before they are taken. 65,535 at least. */
  readonly connectionWindowBytes: number
  readonly targetGrammar: HttpLimits.Limits["targetGrammar"]
  /** Whether extended CONNECT is offered: SETTINGS_ENABLE_CONNECT_PROTOCOL. */
  readonly connectProtocol: boolean
  /** Budgets of `FloodGuard` that differ from its table. */
  readonly bursts: Bursts
}

export const defaults: Limits = {
  // RFC 9113 §6.5.2 recommends no less.
  concurrentStreams: 100,
  // The least that is allowed: a larger frame only keeps other streams waiting for longer.
  frameBytes: 16_384,
  headerListBytes: HttpLimits.defaults.headBytes,
  fieldCount: HttpLimits.defaults.fieldCount,
  // Whoever keeps to the list's size needs no more: Huffman coding is used where it is shorter.
  headerBlockBytes: HttpLimits.defaults.headBytes * 2,
  // Two of the smallest frame size hold a block of that size; the rest is for senders that cut finer.
  continuations: 8,
  headerTableBytes: 4_096,
  // What a gigabit link holds in 2 ms, or 10 Mbit/s in 200 ms; chosen by feel between memory and distance.
  streamWindowBytes: 262_144,
  // Four streams whose handlers do not read, and no more, can hold back the others.
  connectionWindowBytes: 1_048_576,
  targetGrammar: HttpLimits.defaults.targetGrammar,
  connectProtocol: false,
  bursts: {}
}

/** The defaults with some of them replaced. */
export const make = (limits?: Partial<Limits>): Limits =>
  limits === undefined ? defaults : { ...defaults, ...limits }
