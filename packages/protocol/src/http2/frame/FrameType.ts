/**
 * The frame types, RFC 9113 §6 and RFC 9218 §7: what each demands of its header, as one table.
 */
import type { ReasonTag } from "../Http2Error.ts"

export const DATA = 0x0
export const HEADERS = 0x1
export const PRIORITY = 0x2
export const RST_STREAM = 0x3
export const SETTINGS = 0x4
export const PUSH_PROMISE = 0x5
export const PING = 0x6
export const GOAWAY = 0x7
export const WINDOW_UPDATE = 0x8
export const CONTINUATION = 0x9
export const PRIORITY_UPDATE = 0x10

/** Flags. What is not defined for a type is ignored (§4.1). */
export const ACK = 0x1
export const END_STREAM = 0x1
export const END_HEADERS = 0x4
export const PADDED = 0x8
export const PRIORITY_FLAG = 0x20

/** Octets of a frame header, §4.1. */
export const HEADER_BYTES = 9

interface Rule {
  /** Whether the frame is one of the connection, of a stream, or of either. */
  readonly on: "Connection" | "Stream" | "Either"
  /** Octets of the payload: at least, and at the most. */
  readonly min: number
  readonly max: number
  /** The payload is a multiple of it. */
  readonly unit: number
  /** What a length out of range is. A stream error leaves the frame out. */
  readonly lengthReason: ReasonTag
}

const any = Number.MAX_SAFE_INTEGER

const rule = (
  on: Rule["on"],
  min: number,
  max: number,
  unit = 1,
  lengthReason: ReasonTag = "InvalidFrameLength"
): Rule => ({ on, min, max, unit, lengthReason })

const rules: ReadonlyArray<Rule | undefined> = (() => {
  const table: Array<Rule | undefined> = new Array(PRIORITY_UPDATE + 1).fill(undefined)
  table[DATA] = rule("Stream", 0, any)
  table[HEADERS] = rule("Stream", 0, any)
  table[PRIORITY] = rule("Stream", 5, 5, 1, "InvalidPriorityLength")
  table[RST_STREAM] = rule("Stream", 4, 4)
  table[SETTINGS] = rule("Connection", 0, any, 6)
  table[PUSH_PROMISE] = rule("Stream", 4, any)
  table[PING] = rule("Connection", 8, 8)
  table[GOAWAY] = rule("Connection", 8, any)
  table[WINDOW_UPDATE] = rule("Either", 4, 4)
  table[CONTINUATION] = rule("Stream", 0, any)
  table[PRIORITY_UPDATE] = rule("Connection", 4, any)
  return table
})()

/** What is wrong with a frame header, or `undefined`. `maxFrameBytes` is this side's SETTINGS_MAX_FRAME_SIZE. */
export const headerFault = (
  type: number,
  flags: number,
  streamId: number,
  length: number,
  maxFrameBytes: number
): ReasonTag | undefined => {
  if (length > maxFrameBytes) return "FrameTooLarge"
  const found = rules[type]
  // §5.5: extension frames are ignored, whatever they are.
  if (found === undefined) return undefined
  if (found.on === "Stream" && streamId === 0) return "MissingStreamId"
  if (found.on === "Connection" && streamId !== 0) return "UnexpectedStreamId"
  if (length < found.min || length > found.max || length % found.unit !== 0) return found.lengthReason
  // §6.5: an acknowledgement says nothing else.
  if (type === SETTINGS && (flags & ACK) !== 0 && length !== 0) return "InvalidFrameLength"
  return undefined
}
