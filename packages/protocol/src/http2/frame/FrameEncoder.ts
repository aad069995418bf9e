/**
 * Frames in, octets out, RFC 9113 §4.1.
 *
 * It writes what it is told: what may be sent when is decided elsewhere.
 */
import * as Latin1 from "../../http/Latin1.ts"
import { OctetWriter } from "../internal/OctetWriter.ts"
import type * as Frame from "./Frame.ts"
import * as FrameType from "./FrameType.ts"

/**
 * Writes a frame header.
 *
 * @internal
 */
export const header = (
  writer: OctetWriter,
  type: number,
  flags: number,
  streamId: number,
  length: number
): void => {
  writer.ensure(FrameType.HEADER_BYTES)
  const { at, bytes } = writer
  bytes[at] = length >>> 16
  bytes[at + 1] = length >>> 8
  bytes[at + 2] = length
  bytes[at + 3] = type
  bytes[at + 4] = flags
  bytes[at + 5] = streamId >>> 24
  bytes[at + 6] = streamId >>> 16
  bytes[at + 7] = streamId >>> 8
  bytes[at + 8] = streamId
  writer.at = at + FrameType.HEADER_BYTES
}

const uint32 = (writer: OctetWriter, value: number): void => {
  writer.ensure(4)
  const { at, bytes } = writer
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
  writer.at = at + 4
}

const uint16 = (writer: OctetWriter, value: number): void => {
  writer.octet(value >>> 8)
  writer.octet(value)
}

const dependency = (writer: OctetWriter, { exclusive, streamId, weight }: Frame.Dependency): void => {
  uint32(writer, exclusive ? streamId | 0x80000000 : streamId)
  writer.octet(weight - 1)
}

const zeros = (writer: OctetWriter, count: number): void => {
  writer.ensure(count)
  writer.bytes.fill(0, writer.at, writer.at + count)
  writer.at += count
}

/** @internal */
export const rstStream = (writer: OctetWriter, streamId: number, code: number): void => {
  header(writer, FrameType.RST_STREAM, 0, streamId, 4)
  uint32(writer, code)
}

/** @internal */
export const settings = (writer: OctetWriter, entries: Frame.Settings["entries"]): void => {
  header(writer, FrameType.SETTINGS, 0, 0, entries.length * 6)
  for (const [identifier, value] of entries) {
    uint16(writer, identifier)
    uint32(writer, value)
  }
}

/** @internal */
export const settingsAck = (writer: OctetWriter): void =>
  header(writer, FrameType.SETTINGS, FrameType.ACK, 0, 0)

/** @internal */
export const ping = (writer: OctetWriter, ack: boolean, data: Uint8Array): void => {
  header(writer, FrameType.PING, ack ? FrameType.ACK : 0, 0, 8)
  writer.copy(data)
}

/** @internal */
export const goAway = (writer: OctetWriter, lastStreamId: number, code: number, debug: Uint8Array): void => {
  header(writer, FrameType.GOAWAY, 0, 0, 8 + debug.length)
  uint32(writer, lastStreamId)
  uint32(writer, code)
  writer.copy(debug)
}

/** @internal */
export const windowUpdate = (writer: OctetWriter, streamId: number, increment: number): void => {
  header(writer, FrameType.WINDOW_UPDATE, 0, streamId, 4)
  uint32(writer, increment)
}

/**
 * The octets of a frame. An `Invalid` one has none.
 *
 * @example
 * ```ts
 * import * as FrameEncoder from "@nvo/protocol/http2/frame/FrameEncoder"
 *
 * FrameEncoder.encode({ _tag: "WindowUpdate", streamId: 1, increment: 100 }).length // 13
 * ```
 */
export const encode = (frame: Frame.Frame): Uint8Array => {
  const writer = new OctetWriter()
  write(writer, frame)
  return writer.bytes.slice(0, writer.at)
}

const write = (writer: OctetWriter, frame: Frame.Frame): void => {
  switch (frame._tag) {
    case "Data": {
      const flags = (frame.endStream ? FrameType.END_STREAM : 0) | padded(frame.padding)
      header(writer, FrameType.DATA, flags, frame.streamId, frame.flowBytes)
      if (frame.padding !== undefined) writer.octet(frame.padding)
      writer.copy(frame.bytes)
      return zeros(writer, frame.padding ?? 0)
    }
    case "Headers": {
      const flags =
        (frame.endStream ? FrameType.END_STREAM : 0) |
        (frame.endHeaders ? FrameType.END_HEADERS : 0) |
        (frame.dependency === undefined ? 0 : FrameType.PRIORITY_FLAG) |
        padded(frame.padding)
      const length =
        frame.fragment.length +
        (frame.dependency === undefined ? 0 : 5) +
        (frame.padding === undefined ? 0 : frame.padding + 1)
      header(writer, FrameType.HEADERS, flags, frame.streamId, length)
      if (frame.padding !== undefined) writer.octet(frame.padding)
      if (frame.dependency !== undefined) dependency(writer, frame.dependency)
      writer.copy(frame.fragment)
      return zeros(writer, frame.padding ?? 0)
    }
    case "Priority":
      header(writer, FrameType.PRIORITY, 0, frame.streamId, 5)
      return dependency(writer, frame.dependency)
    case "RstStream":
      return rstStream(writer, frame.streamId, frame.code)
    case "Settings":
      return frame.ack ? settingsAck(writer) : settings(writer, frame.entries)
    case "PushPromise": {
      const length = 4 + frame.fragment.length + (frame.padding === undefined ? 0 : frame.padding + 1)
      const flags = (frame.endHeaders ? FrameType.END_HEADERS : 0) | padded(frame.padding)
      header(writer, FrameType.PUSH_PROMISE, flags, frame.streamId, length)
      if (frame.padding !== undefined) writer.octet(frame.padding)
      uint32(writer, frame.promisedStreamId)
      writer.copy(frame.fragment)
      return zeros(writer, frame.padding ?? 0)
    }
    case "Ping":
      return ping(writer, frame.ack, frame.data)
    case "GoAway":
      return goAway(writer, frame.lastStreamId, frame.code, frame.debug)
    case "WindowUpdate":
      return windowUpdate(writer, frame.streamId, frame.increment)
    case "Continuation":
      header(
        writer,
        FrameType.CONTINUATION,
        frame.endHeaders ? FrameType.END_HEADERS : 0,
        frame.streamId,
        frame.fragment.length
      )
      return writer.copy(frame.fragment)
    case "PriorityUpdate":
      header(writer, FrameType.PRIORITY_UPDATE, 0, 0, 4 + frame.value.length)
      uint32(writer, frame.prioritizedStreamId)
      return writer.copy(Latin1.encode(frame.value))
    case "Extension":
      header(writer, frame.type, frame.flags, frame.streamId, frame.payload.length)
      return writer.copy(frame.payload)
    case "Invalid":
      return
  }
}

const padded = (padding: number | undefined): number => (padding === undefined ? 0 : FrameType.PADDED)
