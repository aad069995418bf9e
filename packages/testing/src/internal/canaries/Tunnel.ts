/** Servers whose WebSockets over HTTP/2 are broken. */
import { HpackDecoder } from "@nvo/protocol"
import * as Bytes from "../../Bytes.ts"
import type { Canary } from "../../Canaries.ts"
import { CONTINUATION, canary, DATA, END_STREAM, HEADER_OCTETS, HEADERS, type Raw, same } from "./Http2.ts"

const END_HEADERS = 0x4
const PADDED = 0x8
// More than any list here has.
const LIST = { listBytes: 1_000_000, fieldCount: 1_000 }

const fragmentOf = ({ flags, octets, type }: Raw): Uint8Array =>
  type === HEADERS && (flags & PADDED) !== 0
    ? octets.slice(HEADER_OCTETS + 1, octets.length - octets[HEADER_OCTETS])
    : octets.slice(HEADER_OCTETS)

/** Which streams the client asks to make a tunnel of: `see` has to be shown all of its frames. */
const tunnels = () => {
  const decoder = new HpackDecoder.HpackDecoder()
  const streams = new Set<number>()
  let block: Array<Uint8Array> = []
  return {
    has: (stream: number): boolean => streams.has(stream),
    see: (frame: Raw): ReadonlyArray<Uint8Array> => {
      if (frame.type === HEADERS || frame.type === CONTINUATION) {
        block.push(fragmentOf(frame))
        if ((frame.flags & END_HEADERS) !== 0) {
          const { fields } = decoder.decode(Bytes.concat(block), LIST)
          block = []
          if (fields.some(({ name }) => name === ":protocol")) streams.add(frame.stream)
        }
      }
      return same(frame)
    }
  }
}

// Every fifth frame of a WebSocket's stream goes missing.
const losesSocketFrames = canary("loses-socket-frames", 60, () => {
  const { has, see } = tunnels()
  let count = 0
  return {
    toServer: see,
    toClient: (frame) => (frame.type === DATA && has(frame.stream) && ++count % 5 === 0 ? [] : same(frame))
  }
})

// The end of a WebSocket is not the end of its stream.
const forgetsSocketEnd = canary("forgets-socket-end", 60, () => {
  const { has, see } = tunnels()
  return {
    toServer: see,
    toClient: (frame) => {
      if (frame.type !== DATA || !has(frame.stream)) return same(frame)
      const octets = frame.octets.slice()
      octets[4] &= ~END_STREAM
      return [octets]
    }
  }
})

/** All of them. */
export const all: ReadonlyArray<Canary> = [losesSocketFrames, forgetsSocketEnd]
