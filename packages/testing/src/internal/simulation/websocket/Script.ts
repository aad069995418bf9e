/** What a WebSocket client of a simulated run does, as data: drawn from a seed, printed, and taken apart. */
import type { Seeded } from "../../Seeded.ts"
import type { Breaking } from "../Ending.ts"

/** One message. */
export interface Send {
  /** Unique in the run: what the message holds. */
  readonly id: number
  readonly binary: boolean
  /** Octets, of a text in UTF-8. */
  readonly size: number
  /** Frames. */
  readonly fragments: number
  /** Pings in front of it, and in front of each further frame. */
  readonly pings: number
  /** Pongs that nobody asked for. */
  readonly pongs: number
  /** Milliseconds in front of it, and in front of each further frame. */
  readonly gap: number
}

/** How a client leaves. */
export type Ending =
  /** Closes when it has what it is due. */
  | { readonly _tag: "Close"; readonly code: number }
  /** Closes as soon as it has sent what it has to send. */
  | { readonly _tag: "CloseSoon"; readonly code: number }
  /** Ends its side without a Close frame, when it has what it is due. */
  | { readonly _tag: "End" }
  | Breaking

/** What is said over one WebSocket, whatever it goes over. */
export interface Conversation {
  /** Of the request that becomes a WebSocket. */
  readonly id: number
  readonly sends: ReadonlyArray<Send>
  /** The server closes, with `SERVER_CODE`, when it has answered so many messages. 0: does not. */
  readonly closesAfter: number
  /** Whether it begins to send before it has the answer to its handshake. */
  readonly eager: boolean
  readonly ending: Ending
}

/** One client and its connection. */
export interface SocketScript extends Conversation {
  /** Milliseconds from the start. */
  readonly start: number
  /** Milliseconds that it waits before it receives, each time. */
  readonly readGap: number
}

/** With what the server closes where it does. */
export const SERVER_CODE = 4_321

const ending = (seeded: Seeded): Ending => {
  const dice = seeded.next()
  const code = seeded.pick([1_000, 1_001, 1_005, 3_000, 4_999])
  if (dice < 0.4) return { _tag: "Close", code }
  if (dice < 0.5) return { _tag: "CloseSoon", code }
  if (dice < 0.6) return { _tag: "End" }
  const octets = seeded.between(0, 900)
  if (dice < 0.7) return { _tag: "ResetAt", octets }
  if (dice < 0.77) return { _tag: "EndAt", octets }
  if (dice < 0.85) return { _tag: "StopAt", octets }
  return { _tag: "Malformed", which: seeded.between(0, 1_000) }
}

/** A conversation, whose messages are no larger than `most`. */
export const converse = (seeded: Seeded, client: number, most: number): Conversation => {
  const count = seeded.between(0, 6)
  return {
    id: client * 100,
    sends: Array.from({ length: count }, (_, i) => ({
      id: client * 100 + i + 1,
      binary: seeded.chance(0.4),
      size: seeded.chance(0.1) ? 0 : seeded.between(1, seeded.chance(0.85) ? Math.min(300, most) : most),
      fragments: seeded.chance(0.5) ? 1 : seeded.between(2, 6),
      pings: seeded.chance(0.25) ? seeded.between(1, 2) : 0,
      pongs: seeded.chance(0.1) ? 1 : 0,
      gap: seeded.chance(0.3) ? seeded.between(1, 200) : 0
    })),
    closesAfter: seeded.chance(0.2) ? seeded.between(1, count + 1) : 0,
    eager: seeded.chance(0.25),
    ending: ending(seeded)
  }
}

/** A client, whose messages are no larger than `most`. */
export const draw = (seeded: Seeded, client: number, most: number): SocketScript => ({
  start: seeded.between(0, 500),
  readGap: seeded.chance(0.15) ? seeded.between(1, 50) : 0,
  ...converse(seeded, client, most)
})

/** What is plainer about a message. */
export const plainSend: Partial<Send> = { binary: true, fragments: 1, pings: 0, pongs: 0, gap: 0 }

/** What is plainer about a conversation. */
export const plain: Partial<Conversation> = { closesAfter: 0, eager: false }
