/**
 * What one turn writes to a TLS socket, in one buffer and one write of whole records.
 *
 * TLS encrypts a single buffer as it is. Of several it makes a copy before, in memory that is new for each write, and each
 * of them has been a write of the socket's stream until then. The copy made here goes into memory that is used again:
 * 100 MiB in pieces of 64 KiB over HTTP/2 took 0.974 ± 0.017 of the CPU, and with new memory for each write three times of
 * it (docs/benchmarks/http2.md).
 *
 * A piece of 64 KiB and its frames are four full records of TLS and one of a few octets, which costs its peer as many
 * system calls as a full one. That rest is left to the next write, if one comes before the socket has taken this one:
 * 100 MiB took 0.91 ± 0.03 of the time.
 *
 * Whoever edits this: a buffer may be written to when the socket has written everything, and given to another socket when
 * it has also said so. One whose write failed is never used again.
 */
import { Buffer } from "node:buffer"
import type { Writable } from "node:stream"
import type { Latin1 } from "@nvo/protocol"

/** Octets of a full record (RFC 8446 §5.1). */
export const RECORD_OCTETS = 16_384

/** Octets that are left at the most: of more, the record is worth it. Chosen by feel. */
export const MOST_REST = 1_024

/** Octets that are joined at the most: a rest, what a turn holds back, and a piece as large behind it. */
export const MOST_OCTETS = 131_072 + MOST_REST

/** Octets that are joined at the least: fewer are copied fast enough where they are. Chosen by feel. */
export const LEAST_OCTETS = 16_384

/**
 * Buffers of all sockets together, 2 MiB and a little. A peer that takes nothing keeps one; those that find none free
 * write as if there were none. Chosen by feel.
 */
export const MOST_BUFFERS = 16

/** Nothing is left. */
const NOTHING = new Uint8Array(0)

/** Buffers that no socket has now. */
const free: Array<Buffer> = []
let made = 0

const take = (): Buffer | undefined => {
  const buffer = free.pop()
  if (buffer !== undefined || made === MOST_BUFFERS) return buffer
  made++
  return Buffer.allocUnsafeSlow(MOST_OCTETS)
}

/** See the module. One for each socket. */
export class JoinedWrite {
  private buffer: Buffer | undefined = undefined
  /** Writes of the buffer that the socket has not answered. */
  private writes = 0
  private readonly least: number

  constructor(least = LEAST_OCTETS) {
    this.least = least
  }

  /**
   * Writes the octets, in order, and gives what of them it has left: nothing, or, where `leavesRest`, what stands behind
   * the last full record of a write that the socket tells the end of in 'drain'. `undefined`, and nothing is written,
   * where they are too few to be worth it or need more than a buffer that is free.
   */
  write(socket: Writable, octets: ReadonlyArray<Latin1.Octets>, leavesRest: boolean): Uint8Array | undefined {
    // A socket that has written everything may have yet to say so: its 'drain' event comes before.
    if (socket.writableLength > 0) return undefined
    let length = 0
    for (const item of octets) length += item.length
    if (length < this.least || length > MOST_OCTETS) return undefined
    this.buffer ??= take()
    const { buffer } = this
    if (buffer === undefined) return undefined
    let at = 0
    for (const item of octets) {
      if (typeof item === "string") buffer.write(item, at, "latin1")
      else buffer.set(item, at)
      at += item.length
    }
    const rest = length % RECORD_OCTETS
    const leaves = leavesRest && rest <= MOST_REST && length - rest >= socket.writableHighWaterMark
    const end = leaves ? length - rest : length
    this.writes++
    socket.write(buffer.subarray(0, end), this.written)
    return end === length ? NOTHING : Buffer.from(buffer.subarray(end, length))
  }

  private readonly written = (error: Error | null | undefined): void => {
    this.writes--
    if (this.writes > 0 || this.buffer === undefined) return
    if (error) made--
    else free.push(this.buffer)
    this.buffer = undefined
  }
}
