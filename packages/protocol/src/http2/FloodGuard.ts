/**
 * What a peer may make a server do without asking for anything: one budget for each kind of work.
 *
 * A budget is a burst, and a tenth of it comes back each second. Honest clients stay far below; whoever goes over it
 * ends the connection with ENHANCE_YOUR_CALM. Time is told by whoever feeds the connection, so that this is as pure
 * as the rest. Work that has a size is bounded elsewhere: header lists and blocks by `Limits`, data by windows,
 * open streams by SETTINGS_MAX_CONCURRENT_STREAMS, and slow or stalled streams by the engine's deadlines.
 */
import type { ReasonTag } from "./Http2Error.ts"

interface Budget {
  /** How many at once. Chosen by feel, above what was seen of browsers, curl, gRPC and load generators. */
  readonly burst: number
  readonly reason: ReasonTag
  /** What it counts, and what it is there for. */
  readonly counts: string
  readonly attack: string
}

/** The budgets, by name. */
export const budgets = {
  /** A browser that leaves a page resets what it was loading: a hundred streams at once, and that a few times. */
  resets: {
    burst: 400,
    reason: "RapidReset",
    counts: "RST_STREAM of the peer",
    attack: "CVE-2023-44487 (rapid reset): work is begun and abandoned at no cost"
  },
  /** Streams that had to be reset for what the peer sent: an honest client provokes none but by a race. */
  provokedResets: {
    burst: 200,
    reason: "ProvokedResets",
    counts: "streams that this side resets for a fault of the peer",
    attack: "CVE-2025-8671 (MadeYouReset): rapid reset by the server's own hand"
  },
  settings: {
    burst: 50,
    reason: "SettingsFlood",
    counts: "SETTINGS of the peer, acknowledgements included",
    attack: "CVE-2019-9515 (settings flood): each is answered"
  },
  /** gRPC measures the connection with a PING for each window of data. */
  pings: {
    burst: 500,
    reason: "PingFlood",
    counts: "PING of the peer, acknowledgements included",
    attack: "CVE-2019-9512 (ping flood): each is answered"
  },
  emptyFrames: {
    burst: 200,
    reason: "EmptyFrameFlood",
    counts: "DATA, HEADERS and CONTINUATION that hold nothing and end nothing",
    attack: "CVE-2019-9518 (empty frames flood)"
  },
  /** Browsers send one with each stream, and again when a page scrolls. */
  priorities: {
    burst: 1_000,
    reason: "PriorityFlood",
    counts: "PRIORITY and PRIORITY_UPDATE",
    attack: "CVE-2019-9513 (resource loop)"
  },
  tinyWindows: {
    burst: 500,
    reason: "TinyWindows",
    counts:
      "DATA of less than 256 octets that this side had to send because a window was that small, less than 4,096 octets behind another",
    attack: "CVE-2019-9511 (data dribble): a frame for each octet"
  },
  /** Clients open a window for each stream and for each piece of data; requests and DATA give some back. */
  windowUpdates: {
    burst: 1_000,
    reason: "WindowUpdateFlood",
    counts: "WINDOW_UPDATE beyond two for each request and four for each DATA frame that was sent",
    attack: "CVE-2019-9511 (data dribble) from its other side: windows are opened, and nothing is asked for"
  },
  refusals: {
    burst: 200,
    reason: "RefusalFlood",
    counts: "requests that are answered with 431 or 417 before a handler sees them",
    attack: "CVE-2016-6581 (HPACK bomb) and header lists over the limit: small blocks that are work to read"
  },
  ignored: {
    burst: 1_000,
    reason: "IgnoredFrameFlood",
    counts: "frames of unknown types, and frames on streams that have ended",
    attack: "work without a meaning"
  }
} as const satisfies Record<string, Budget>

/** The names of the budgets. */
export type Name = keyof typeof budgets

/** Bursts that differ from the table. */
export type Bursts = { readonly [N in Name]?: number | undefined }

const names = Object.keys(budgets) as ReadonlyArray<Name>

interface Account {
  readonly burst: number
  left: number
  /** When `left` was last brought up to date, in milliseconds. */
  since: number
}

/** The budgets of one connection. */
export class FloodGuard {
  private readonly accounts: { readonly [N in Name]: Account }

  constructor(bursts: Bursts = {}) {
    this.accounts = Object.fromEntries(
      names.map((name) => {
        const burst = bursts[name] ?? budgets[name].burst
        return [name, { burst, left: burst, since: Number.NaN }]
      })
    ) as { [N in Name]: Account }
  }

  /** Gives back some of a budget, up to its burst: for work that was asked for. */
  earn(name: Name, count: number): void {
    const account = this.accounts[name]
    account.left = account.left + count < account.burst ? account.left + count : account.burst
  }

  /** Spends one of a budget at `now` (milliseconds). The reason why the connection ends, if none is left. */
  spend(name: Name, now: number): ReasonTag | undefined {
    const account = this.accounts[name]
    if (account.left < account.burst && now > account.since) {
      const back = ((now - account.since) * account.burst) / 10_000
      account.left = account.left + back < account.burst ? account.left + back : account.burst
      account.since = now
    } else if (!(account.since <= now)) account.since = now
    else if (account.left === account.burst) account.since = now
    if (account.left < 1) return budgets[name].reason
    account.left -= 1
    return undefined
  }
}
