/**
 * The error codes of RST_STREAM and GOAWAY, RFC 9113 §7.
 */
const codes = {
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  SETTINGS_TIMEOUT: 0x4,
  STREAM_CLOSED: 0x5,
  FRAME_SIZE_ERROR: 0x6,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  CONNECT_ERROR: 0xa,
  ENHANCE_YOUR_CALM: 0xb,
  INADEQUATE_SECURITY: 0xc,
  HTTP_1_1_REQUIRED: 0xd
} as const

/** The names of the codes. */
export type ErrorCode = keyof typeof codes

const names = Object.keys(codes) as ReadonlyArray<ErrorCode>

/** The number of a code. */
export const toNumber = (code: ErrorCode): number => codes[code]

/** The name of a number. Unknown ones have no special meaning (§7) and are shown as `0x` and digits. */
export const nameOf = (code: number): string => names[code] ?? `0x${code.toString(16)}`
