/**
 * Close codes, RFC 6455 §7.4 and the registry of §11.7: what each says, and which may stand in a Close frame.
 */

interface Code {
  readonly name: string
  /** Whether it may stand in a Close frame; the others only ever stand for what was seen. */
  readonly inFrame: boolean
}

/** The codes of the registry below 3000. */
export const codes: Readonly<Record<number, Code>> = {
  1000: { name: "Normal Closure", inFrame: true },
  1001: { name: "Going Away", inFrame: true },
  1002: { name: "Protocol error", inFrame: true },
  1003: { name: "Unsupported Data", inFrame: true },
  1004: { name: "Reserved", inFrame: false },
  1005: { name: "No Status Rcvd", inFrame: false },
  1006: { name: "Abnormal Closure", inFrame: false },
  1007: { name: "Invalid frame payload data", inFrame: true },
  1008: { name: "Policy Violation", inFrame: true },
  1009: { name: "Message Too Big", inFrame: true },
  1010: { name: "Mandatory Ext.", inFrame: true },
  1011: { name: "Internal Error", inFrame: true },
  1012: { name: "Service Restart", inFrame: true },
  1013: { name: "Try Again Later", inFrame: true },
  1014: { name: "Bad Gateway", inFrame: true },
  1015: { name: "TLS handshake", inFrame: false }
}

/** What stands for a Close frame without a code (§7.1.5). */
export const NO_STATUS = 1005
/** What stands for an end without a Close frame (§7.1.5). */
export const ABNORMAL = 1006

/** Whether a code may stand in a Close frame: one of the registry, or 3000 to 4999, which are for libraries and apps. */
export const isValid = (code: number): boolean =>
  code >= 3000 ? code <= 4999 : Object.hasOwn(codes, code) && codes[code].inFrame

/** The octets that the reason of a Close frame may have: 125 less the code. */
export const MAX_REASON_BYTES = 123
