/**
 * What leaves a connection: heads at once, and the data of all streams in turn, as far as the windows go.
 *
 * Fair sharing: of the streams with something to send, the most urgent ones (RFC 9218) take turns, a frame each. A
 * stream that its window or that of the connection holds back leaves the line until a window opens.
 */
import * as FrameEncoder from "../frame/FrameEncoder.ts"
import * as FrameType from "../frame/FrameType.ts"
import { HpackEncoder } from "../hpack/HpackEncoder.ts"
import { OctetWriter } from "./OctetWriter.ts"
import * as ResponseFields from "./responseFields.ts"
import type { Stream } from "./stream.ts"

// Larger pieces are sent as they are, smaller ones are copied behind the frame header. Chosen by feel.
const COPIED_BYTES = 2_048

// A frame below this size that a window forced is one of those that `tinyWindows` counts.
const TINY_FRAME_BYTES = 256

// Behind this many octets a tiny frame costs little, and is nobody's fault: a peer that gives back half of its window
// at a time leaves a rest of an octet now and then. Chosen by feel: a second frame for each of a quarter of the usual
// size.
const TINY_FRAME_DISTANCE = 4_096

/** What the sender needs of its connection. */
export interface Host {
  /** END_STREAM was sent. */
  readonly onEndSent: (stream: Stream) => void
  /** A window forces a frame of few octets soon after another. Returns whether that is one too many. */
  readonly onTinyFrame: () => boolean
  /** Everything that was queued on a stream has left. */
  readonly onFlushed: (stream: Stream) => void
}

/** See the module. One owner: its connection. */
export class Sender {
  readonly writer = new OctetWriter()
  readonly encoder: HpackEncoder
  /** The connection's window. */
  window = 65_535
  /** The peer's SETTINGS_MAX_FRAME_SIZE. */
  maxFrameBytes = 16_384
  private readonly host: Host
  /** Streams in line, by urgency. */
  private readonly lines: ReadonlyArray<Array<Stream>> = Array.from({ length: 8 }, () => [])
  private waiting = 0
  private stopped = false
  /** DATA frames that were sent. */
  dataFrames = 0
  /** Octets of data since the last tiny frame. */
  private sinceTiny = 0

  constructor(headerTableBytes: number, host: Host) {
    this.encoder = new HpackEncoder({ tableBytes: headerTableBytes })
    this.host = host
  }

  /** Whether a stream stands in line. */
  get hasWork(): boolean {
    return this.waiting > 0
  }

  /** Nothing more is sent. */
  stop(): void {
    this.stopped = true
    for (const line of this.lines) line.length = 0
    this.waiting = 0
  }

  /** Puts a stream in line that may have something to send. */
  schedule(stream: Stream): void {
    if (stream.scheduled || !stream.isSending || this.stopped) return
    if (stream.queued > 0 ? stream.sendWindow > 0 && this.window > 0 : stream.ending) {
      stream.scheduled = true
      this.waiting++
      this.lines[stream.urgency].push(stream)
    }
  }

  /**
   * Sends data, `room` octets or a frame more at the most.
   */
  pump(room: number): void {
    let left = room
    while (this.waiting > 0 && left > 0) {
      const line = this.lines.find((streams) => streams.length > 0)
      if (line === undefined) return
      const stream = line.shift() as Stream
      this.waiting--
      stream.scheduled = false
      left -= this.sendFrame(stream)
      this.schedule(stream)
    }
  }

  // One DATA frame, or what ends the stream. Returns the octets it took.
  private sendFrame(stream: Stream): number {
    if (!stream.isSending) return 0
    const { queued } = stream
    const window = stream.sendWindow < this.window ? stream.sendWindow : this.window
    let size = queued < window ? queued : window
    if (size > this.maxFrameBytes) size = this.maxFrameBytes
    // The connection's window went to another stream of the line.
    if (queued > 0 && size <= 0) return 0
    if (size < queued && size < TINY_FRAME_BYTES) {
      const costly = this.sinceTiny < TINY_FRAME_DISTANCE
      this.sinceTiny = 0
      if (costly && this.host.onTinyFrame()) return 0
    } else this.sinceTiny += size
    const last = stream.ending && size === queued
    const endsHere = last && stream.trailers === undefined
    if (size > 0 || endsHere) {
      const { writer } = this
      FrameEncoder.header(writer, FrameType.DATA, endsHere ? FrameType.END_STREAM : 0, stream.id, size)
      this.dataFrames++
      this.take(stream, size)
      stream.queued -= size
      stream.sendWindow -= size
      this.window -= size
    }
    if (last) {
      if (stream.trailers !== undefined) {
        // Checked when they were given.
        ResponseFields.checkTrailers(stream.trailers)
        this.block(stream.id, undefined, true)
      }
      this.host.onEndSent(stream)
    }
    if (stream.queued === 0 && size > 0) this.host.onFlushed(stream)
    return size + FrameType.HEADER_BYTES
  }

  private take(stream: Stream, size: number): void {
    const { queue } = stream
    let left = size
    let pieces = 0
    while (left > 0) {
      const piece = queue[pieces]
      if (piece.length <= left) {
        this.put(piece)
        left -= piece.length
        pieces++
      } else {
        this.put(piece.subarray(0, left))
        queue[pieces] = piece.subarray(left)
        left = 0
      }
    }
    if (pieces === queue.length) queue.length = 0
    else if (pieces > 0) queue.splice(0, pieces)
  }

  private put(piece: Uint8Array): void {
    if (piece.length <= COPIED_BYTES) this.writer.copy(piece)
    else this.writer.share(piece)
  }

  /**
   * Writes the fields that were checked last as a header block: HEADERS, and CONTINUATION where the peer takes no
   * frame of that size.
   */
  block(streamId: number, status: number | undefined, endStream: boolean): void {
    const { encoder, writer } = this
    FrameEncoder.header(
      writer,
      FrameType.HEADERS,
      FrameType.END_HEADERS | (endStream ? FrameType.END_STREAM : 0),
      streamId,
      0
    )
    const mark = writer.mark
    encoder.begin(writer)
    if (status !== undefined) encoder.field(writer, ":status", statusText(status))
    const { names, values } = ResponseFields
    for (let i = 0; i < names.length; i++) encoder.field(writer, names[i], values[i])
    const length = writer.mark - mark
    const at = writer.position(mark) - FrameType.HEADER_BYTES
    const first = length < this.maxFrameBytes ? length : this.maxFrameBytes
    const { bytes } = writer
    bytes[at] = first >>> 16
    bytes[at + 1] = first >>> 8
    bytes[at + 2] = first
    if (first === length) return
    // §6.10.
    bytes[at + 4] &= ~FrameType.END_HEADERS
    const rest = bytes.slice(writer.position(mark) + first, writer.at)
    writer.at -= rest.length
    for (let from = 0; from < rest.length; from += this.maxFrameBytes) {
      const piece = rest.subarray(from, from + this.maxFrameBytes)
      const flags = from + piece.length === rest.length ? FrameType.END_HEADERS : 0
      FrameEncoder.header(writer, FrameType.CONTINUATION, flags, streamId, piece.length)
      writer.copy(piece)
    }
  }
}

const statusTexts = new Map<number, string>()

const statusText = (status: number): string => {
  let text = statusTexts.get(status)
  if (text === undefined) {
    text = String(status)
    statusTexts.set(status, text)
  }
  return text
}
