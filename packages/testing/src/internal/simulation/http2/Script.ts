/** What an HTTP/2 client of a simulated run does, as data: drawn from a seed, printed, and taken apart. */
import type { Seeded } from "../../Seeded.ts"
import type { Breaking } from "../Ending.ts"
import type { Ask } from "../Scenario.ts"
import { type Conversation, converse } from "../websocket/Script.ts"

/** Where a client resets a stream: when so many octets of the request, or of the response, have gone by. */
export interface Reset {
  readonly of: "Request" | "Response"
  readonly octets: number
}

/** A WebSocket on a stream, RFC 8441. What breaks off in it is the stream, not its connection. */
export interface TunnelScript extends Conversation {
  /** Credit is held back once, when so many octets have come, for so many milliseconds. */
  readonly stall: { readonly after: number; readonly millis: number } | undefined
}

/** One request, on a stream of its own. */
export interface StreamAsk extends Ask {
  readonly reset: Reset | undefined
  /** Octets of a part of the header block: HEADERS and CONTINUATION. 0: all in one. */
  readonly fragment: number
  /** Octets of padding on each frame that may have some. 0: none. */
  readonly padding: number
  /** Whether the body ends with trailers. */
  readonly trailers: boolean
  /** What is said over it where it is the handshake of a WebSocket. */
  readonly socket: TunnelScript | undefined
}

/** How a client leaves after its requests. */
export type Ending =
  /** GOAWAY, and the end of its side. */
  { readonly _tag: "Close" } | { readonly _tag: "End" } | { readonly _tag: "Silent" } | Breaking

/** One client and its connection. */
export interface Http2Script {
  /** Milliseconds from the start. */
  readonly start: number
  readonly asks: ReadonlyArray<StreamAsk>
  /** The most streams that it wants to have open. */
  readonly concurrency: number
  /** Whether it opens streams without regard to the server's limit. */
  readonly greedy: boolean
  /** SETTINGS_INITIAL_WINDOW_SIZE. */
  readonly window: number
  /** SETTINGS_HEADER_TABLE_SIZE. */
  readonly tableBytes: number
  /** Credit is given back when so many octets have come, and so many milliseconds later. */
  readonly credit: { readonly every: number; readonly delay: number }
  /** The window is set again, so many milliseconds after the start. */
  readonly changes: ReadonlyArray<{ readonly after: number; readonly window: number }>
  /** Octets that come first and alone, in the middle of the preface perhaps. 0: none. */
  readonly firstOctets: number
  /** PINGs with the first requests. */
  readonly pings: number
  /** Milliseconds that it waits before it receives, each time. */
  readonly readGap: number
  /** Milliseconds between its requests. */
  readonly think: number
  readonly ending: Ending
}

// DATA frames of less than 256 octets that a client may make a server send: well within the budget of `tinyWindows`.
const TINY_FRAMES = 40

const reset = (seeded: Seeded): Reset | undefined =>
  seeded.chance(0.15)
    ? {
        of: seeded.chance(0.5) ? "Request" : "Response",
        octets: seeded.chance(0.4) ? 0 : seeded.between(1, 400)
      }
    : undefined

const ending = (seeded: Seeded): Ending => {
  const dice = seeded.next()
  if (dice < 0.35) return { _tag: "Close" }
  if (dice < 0.5) return { _tag: "End" }
  if (dice < 0.62) return { _tag: "Silent" }
  const octets = seeded.between(0, 1_200)
  if (dice < 0.7) return { _tag: "ResetAt", octets }
  if (dice < 0.77) return { _tag: "EndAt", octets }
  if (dice < 0.85) return { _tag: "StopAt", octets }
  return { _tag: "Malformed", which: seeded.between(0, 1_000) }
}

/** A client; `ask` draws its requests, of bodies that are no larger than it is told. */
export const draw = (
  seeded: Seeded,
  client: number,
  most: number,
  ask: (seeded: Seeded, id: number, most: number) => Ask
): Http2Script => {
  const window = seeded.chance(0.5) ? 65_535 : seeded.pick([0, 1, 30, 300, 5_000])
  const changes = seeded.chance(0.25)
    ? [{ after: seeded.between(1, 600), window: seeded.pick([1, 30, 1_000, 70_000]) }]
    : []
  const narrowest = narrowestOf({ changes, window })
  const count = seeded.between(1, 8)
  const size = narrowest >= 256 ? most : Math.min(most, Math.floor((narrowest * TINY_FRAMES) / count) + 1)
  return {
    start: seeded.between(0, 500),
    asks: Array.from({ length: count }, (_, i) => ({
      ...ask(seeded, client * 100 + i + 1, size),
      minorVersion: 1 as const,
      expectContinue: false,
      reset: reset(seeded),
      fragment: seeded.chance(0.2) ? seeded.between(10, 80) : 0,
      padding: seeded.chance(0.15) ? seeded.between(1, 100) : 0,
      trailers: seeded.chance(0.2),
      socket: undefined
    })),
    concurrency: seeded.pick([1, 2, 8, 8]),
    greedy: seeded.chance(0.2),
    window,
    tableBytes: seeded.chance(0.8) ? 4_096 : seeded.pick([0, 100, 8_192]),
    credit: {
      every: seeded.chance(0.5) ? 1 : seeded.between(1, 20_000),
      delay: seeded.chance(0.3) ? seeded.between(1, 300) : 0
    },
    changes,
    firstOctets: seeded.chance(0.3) ? seeded.between(1, 40) : 0,
    pings: seeded.chance(0.3) ? seeded.between(1, 3) : 0,
    readGap: seeded.chance(0.15) ? seeded.between(1, 50) : 0,
    think: seeded.chance(0.3) ? seeded.between(1, 300) : 0,
    ending: ending(seeded)
  }
}

const narrowestOf = ({ changes, window }: Pick<Http2Script, "changes" | "window">): number =>
  Math.max(1, Math.min(window, ...changes.map((change) => change.window)))

// What is said over a WebSocket through windows of less than 256 octets comes in so many of them.
const TINY_MESSAGE_FRAMES = 10

const tunnel = (seeded: Seeded, client: number, most: number): StreamAsk => {
  const socket = {
    ...converse(seeded, client, most),
    stall: seeded.chance(0.25)
      ? { after: seeded.between(0, 300), millis: seeded.between(1, 5_000) }
      : undefined
  }
  return {
    id: socket.id,
    kind: "Text",
    method: "GET",
    minorVersion: 1,
    body: 0,
    chunk: seeded.chance(0.3) ? seeded.between(1, 50) : 0,
    expectContinue: false,
    size: 0,
    pieces: 0,
    sleep: 0,
    reset: seeded.chance(0.1) ? { of: "Response", octets: seeded.between(0, 400) } : undefined,
    fragment: seeded.chance(0.2) ? seeded.between(10, 80) : 0,
    padding: seeded.chance(0.15) ? seeded.between(1, 100) : 0,
    trailers: false,
    socket
  }
}

/** A client with WebSockets among its streams: `first` and those behind it, whose messages are no larger than `most`. */
export const withTunnels = (
  seeded: Seeded,
  script: Http2Script,
  first: number,
  count: number,
  most: number
): Http2Script => {
  const narrowest = narrowestOf(script)
  const size = narrowest >= 256 ? most : Math.min(most, narrowest * TINY_MESSAGE_FRAMES)
  let { asks } = script
  for (let i = 0; i < count; i++) {
    asks = asks.toSpliced(seeded.between(0, asks.length), 0, tunnel(seeded, first + i, size))
  }
  return { ...script, asks }
}

/** What is plainer about a stream. */
export const plainAsk: Partial<StreamAsk> = { reset: undefined, fragment: 0, padding: 0, trailers: false }

/** What is plainer about a WebSocket on a stream. */
export const plainTunnel: Partial<TunnelScript> = { stall: undefined }

/** What is plainer about a client. */
export const plain: Partial<Http2Script> = {
  concurrency: 1,
  greedy: false,
  window: 65_535,
  tableBytes: 4_096,
  credit: { every: 1, delay: 0 },
  changes: [],
  firstOctets: 0,
  pings: 0
}
