/**
 * The settings of both sides, RFC 9113 §6.5.2, RFC 8441 §3 and RFC 9218 §2.1: one table of what each may be.
 */
import type { ReasonTag } from "./Http2Error.ts"

export const HEADER_TABLE_SIZE = 0x1
export const ENABLE_PUSH = 0x2
export const MAX_CONCURRENT_STREAMS = 0x3
export const INITIAL_WINDOW_SIZE = 0x4
export const MAX_FRAME_SIZE = 0x5
export const MAX_HEADER_LIST_SIZE = 0x6
export const ENABLE_CONNECT_PROTOCOL = 0x8
export const NO_RFC7540_PRIORITIES = 0x9

/** The largest window, RFC 9113 §6.9.1. */
export const MAX_WINDOW = 0x7fffffff

/** What a side has said, or not said. */
export interface Settings {
  readonly headerTableSize: number
  readonly enablePush: boolean
  readonly maxConcurrentStreams: number
  readonly initialWindowSize: number
  readonly maxFrameSize: number
  readonly maxHeaderListSize: number
  readonly enableConnectProtocol: boolean
  readonly noRfc7540Priorities: boolean
}

/** What holds before a side has said anything. */
export const initial: Settings = {
  headerTableSize: 4096,
  enablePush: true,
  maxConcurrentStreams: Number.POSITIVE_INFINITY,
  initialWindowSize: 65_535,
  maxFrameSize: 16_384,
  maxHeaderListSize: Number.POSITIVE_INFINITY,
  enableConnectProtocol: false,
  noRfc7540Priorities: false
}

interface Row {
  readonly name: keyof Settings
  readonly min: number
  readonly max: number
  readonly reason: ReasonTag
}

const row = (name: keyof Settings, min = 0, max = 0xffffffff, reason: ReasonTag = "InvalidSetting"): Row => ({
  name,
  min,
  max,
  reason
})

const rows: ReadonlyMap<number, Row> = new Map([
  [HEADER_TABLE_SIZE, row("headerTableSize")],
  [ENABLE_PUSH, row("enablePush", 0, 1)],
  [MAX_CONCURRENT_STREAMS, row("maxConcurrentStreams")],
  [INITIAL_WINDOW_SIZE, row("initialWindowSize", 0, MAX_WINDOW, "InvalidInitialWindow")],
  [MAX_FRAME_SIZE, row("maxFrameSize", 16_384, 16_777_215)],
  [MAX_HEADER_LIST_SIZE, row("maxHeaderListSize")],
  [ENABLE_CONNECT_PROTOCOL, row("enableConnectProtocol", 0, 1)],
  [NO_RFC7540_PRIORITIES, row("noRfc7540Priorities", 0, 1)]
])

/** What is wrong with a list of settings. */
export interface Fault {
  readonly reason: ReasonTag
  readonly detail: string
}

/** Whether the answer is a fault. */
export const isFault = (u: Settings | Fault): u is Fault => "reason" in u

/**
 * The settings after one entry of a SETTINGS frame; the entries of a frame are applied in their order (§6.5.3). What is
 * not known is ignored (§6.5.2).
 */
export const apply = (self: Settings, [identifier, value]: readonly [number, number]): Settings | Fault => {
  const found = rows.get(identifier)
  if (found === undefined) return self
  const { name } = found
  if (value < found.min || value > found.max) return { reason: found.reason, detail: `${name} ${value}` }
  const before = self[name]
  // RFC 8441 §3: what was allowed cannot be taken back.
  if (name === "enableConnectProtocol" && before === true && value === 0) {
    return { reason: "InvalidSetting", detail: "enableConnectProtocol 0 after 1" }
  }
  return { ...self, [name]: typeof before === "boolean" ? value === 1 : value }
}
