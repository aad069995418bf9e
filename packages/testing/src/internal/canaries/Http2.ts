/** Servers whose HTTP/2 is broken: frames that it does not see, or did not send so. */
import * as Effect from "effect/Effect"
import * as Bytes from "../../Bytes.ts"
import type { Canary } from "../../Canaries.ts"
import { type Change, tamper } from "./Tamper.ts"

export const DATA = 0x0
export const HEADERS = 0x1
const RST_STREAM = 0x3
const SETTINGS = 0x4
const WINDOW_UPDATE = 0x8
export const CONTINUATION = 0x9
export const END_STREAM = 0x1
const ACK = 0x1
const INITIAL_WINDOW_SIZE = 0x4
const PREFACE_OCTETS = 24
export const HEADER_OCTETS = 9

/** One frame as it is sent. */
export interface Raw {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly octets: Uint8Array
}

const number = (octets: Uint8Array, at: number): number =>
  new DataView(octets.buffer, octets.byteOffset).getUint32(at)

const withNumber = (octets: Uint8Array, at: number, value: number): Uint8Array => {
  const changed = octets.slice()
  new DataView(changed.buffer).setUint32(at, value)
  return changed
}

/** Changes frames; `skip` octets come before the first. What is behind a frame that has not come in full waits. */
const frames = (skip: number, change: (frame: Raw) => ReadonlyArray<Uint8Array>): Change => {
  let kept = new Uint8Array(0)
  let left = skip
  return (octets) => {
    kept = Bytes.concat([kept, octets]) as Uint8Array<ArrayBuffer>
    const passed: Array<Uint8Array> = []
    if (left > 0) {
      passed.push(kept.slice(0, left))
      const taken = Math.min(left, kept.length)
      left -= taken
      kept = kept.slice(taken)
    }
    while (kept.length >= HEADER_OCTETS) {
      const end = HEADER_OCTETS + (number(kept, 0) >>> 8)
      if (kept.length < end) break
      const one = kept.slice(0, end)
      passed.push(
        ...change({ type: one[3], flags: one[4], stream: number(one, 5) & 0x7fffffff, octets: one })
      )
      kept = kept.slice(end)
    }
    return Bytes.concat(passed)
  }
}

/** A frame as it is. */
export const same = ({ octets }: Raw): ReadonlyArray<Uint8Array> => [octets]

/** A server whose frames are changed. */
export const canary = (
  name: string,
  within: number,
  changes: () => {
    readonly toServer?: (frame: Raw) => ReadonlyArray<Uint8Array>
    readonly toClient?: (frame: Raw) => ReadonlyArray<Uint8Array>
  }
): Canary => ({
  name,
  protocol: "Http2",
  within,
  connection: (connection) =>
    Effect.sync(() => {
      const { toClient, toServer } = changes()
      return tamper(connection, {
        ...(toServer === undefined ? {} : { toServer: frames(PREFACE_OCTETS, toServer) }),
        ...(toClient === undefined ? {} : { toClient: frames(0, toClient) })
      })
    })
})

// What the peer says of its window is not heard: it is taken for that of a peer that said nothing.
const ignoresWindow = canary("ignores-window", 40, () => ({
  toServer: (frame) => {
    if (frame.type !== SETTINGS || (frame.flags & ACK) !== 0) return same(frame)
    let { octets } = frame
    for (let at = HEADER_OCTETS; at + 6 <= octets.length; at += 6) {
      if (octets[at + 1] === INITIAL_WINDOW_SIZE) octets = withNumber(octets, at + 2, 65_535)
    }
    return [octets]
  }
}))

// What was read of a stream is not given back to its window.
const forgetsCredit = canary("forgets-credit", 700, () => ({
  toClient: (frame) => (frame.type === WINDOW_UPDATE && frame.stream !== 0 ? [] : same(frame))
}))

// Octets of one stream's body are sent as those of another that is under way.
const mixesUpStreams = canary("mixes-up-streams", 60, () => {
  let under = 0
  return {
    toClient: (frame) => {
      if (frame.type === RST_STREAM && frame.stream === under) under = 0
      if (frame.type !== DATA) return same(frame)
      const other = under
      if ((frame.flags & END_STREAM) !== 0) {
        if (frame.stream === under) under = 0
        return same(frame)
      }
      under = frame.stream
      return other === 0 || other === under ? same(frame) : [withNumber(frame.octets, 5, other)]
    }
  }
})

// A stream that has ended is answered once more.
const answersAfterEnd = canary("answers-after-end", 20, () => ({
  toClient: (frame) => {
    const ends = (frame.type === DATA || frame.type === HEADERS) && (frame.flags & END_STREAM) !== 0
    const more = new Uint8Array(HEADER_OCTETS)
    return ends ? [frame.octets, withNumber(more, 5, frame.stream)] : same(frame)
  }
}))

// A stream that its peer has reset goes on to count, and to hold its place.
const forgetsSlot = canary("forgets-slot", 700, () => ({
  toServer: (frame) => (frame.type === RST_STREAM ? [] : same(frame))
}))

/** All of them. */
export const all: ReadonlyArray<Canary> = [
  ignoresWindow,
  forgetsCredit,
  mixesUpStreams,
  answersAfterEnd,
  forgetsSlot
]
