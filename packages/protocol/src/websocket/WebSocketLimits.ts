/**
 * What a WebSocket accepts at the most. Each limit is inclusive. The defaults are what `ServerConfig` documents;
 * this module owns the numbers.
 */
export interface WebSocketLimits {
  /** Octets of a message, after decompression. Beyond: 1009. */
  readonly messageBytes: number
  /** Octets of the payload of one frame, as it is sent. Beyond: 1009. */
  readonly frameBytes: number
  /**
   * What each fragment of a message counts at the least, in octets. All fragments of a message may cost
   * `messageBytes` together, or 1,024 times this, where that is more. Beyond: 1008.
   */
  readonly fragmentBytes: number
}

export const defaults: WebSocketLimits = {
  messageBytes: 1_048_576,
  // 4 KiB more than a message: one that does not compress grows a little when it is.
  frameBytes: 1_052_672,
  // What a fragment costs besides its octets, in time spent on octets; chosen by feel.
  fragmentBytes: 64
}

/** Fragments that a message may have however short they are. */
export const FREE_FRAGMENTS = 1_024

/** What the fragments of one message may cost together. */
export const fragmentBudget = (limits: WebSocketLimits): number =>
  Math.max(limits.messageBytes, limits.fragmentBytes * FREE_FRAGMENTS)

/** The defaults with some of them replaced. */
export const make = (limits?: Partial<WebSocketLimits>): WebSocketLimits =>
  limits === undefined ? defaults : { ...defaults, ...limits }
