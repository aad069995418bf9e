/**
 * Scans a request line (RFC 9112 §3), octet by octet, once, with the empty lines that may stand before it.
 *
 * Like `fieldScan`, it can stop and go on anywhere, and its answer depends on the octets only. What the target
 * means is not decided here: any octet that is neither a space nor a control octet may stand in it.
 */
import { CR, classes, LF, SP, TCHAR } from "../../http/Grammar.ts"
import type { Limits } from "../../http/Limits.ts"
import type { ReasonTag } from "../Http1Error.ts"

const EMPTY = 0
const EMPTY_LINE_FEED = 1
const METHOD = 2
const TARGET_START = 3
const TARGET = 4
const VERSION = 5
const CARRIAGE_RETURN = 6
const LINE_FEED = 7

/** Where a scan stands between two inputs. */
export interface RequestLineScan {
  readonly phase: number
  /** Empty lines seen before the request line. */
  readonly emptyLines: number
  /** Octets of the version read so far. */
  readonly versionLength: number
}

export const start: RequestLineScan = { phase: EMPTY, emptyLines: 0, versionLength: 0 }

class Result {
  outcome!: "Done" | "More" | "Failed"
  /** After `Done` the octet behind the line; after `Failed` the octet at fault. */
  index!: number
  /** Where the line began: negative where an earlier input held its beginning, the end where nothing of it has come. */
  lineStart!: number
  methodEnd!: number
  targetEnd!: number
  minorVersion!: 0 | 1
  reason!: ReasonTag
  phase!: number
  emptyLines!: number
  versionLength!: number
}

/** What a scan came to; overwritten by the next one, so read it at once. */
export const result = new Result()

/** Where a scan that needs more stands: what it must be given to go on. Made on demand, since most lines come in one piece. */
export const resultState = (): RequestLineScan => {
  const { emptyLines, phase, versionLength } = result
  return { phase, emptyLines, versionLength }
}

const fail = (reason: ReasonTag, index: number, lineStart: number): void => {
  result.outcome = "Failed"
  result.index = index
  result.lineStart = lineStart
  result.reason = reason
}

// "HTTP/" DIGIT "." DIGIT; 0 stands for a digit.
const VERSION_OCTETS = [0x48, 0x54, 0x54, 0x50, 0x2f, 0, 0x2e, 0]

const isDigit = (octet: number): boolean => octet >= 0x30 && octet <= 0x39

const methodFailure = (octet: number): ReasonTag =>
  octet === LF ? "BareLineFeed" : octet === 0 ? "NulByte" : "InvalidMethod"

const targetFailure = (octet: number): ReasonTag => {
  switch (octet) {
    case CR:
      return "MissingVersion"
    case LF:
      return "BareLineFeed"
    case 0:
      return "NulByte"
    default:
      return "InvalidTarget"
  }
}

/**
 * Scans `bytes` from `from` to `to`. `origin` is the index of the line's first octet, before `from` where an earlier input
 * held it. The positions and the version in `result` mean something only where the whole line lies in `bytes`, that
 * is where `state` is `start`.
 */
export const scan = (
  bytes: Uint8Array,
  from: number,
  to: number,
  state: RequestLineScan,
  limits: Limits,
  origin: number
): void => {
  let { emptyLines, phase, versionLength } = state
  let lineStart = origin
  let i = from
  while (i < to) {
    const octet = bytes[i]
    if (
      phase >= METHOD &&
      phase <= CARRIAGE_RETURN &&
      octet !== CR &&
      i - lineStart >= limits.requestLineBytes
    ) {
      return fail("RequestLineTooLong", i, lineStart)
    }
    switch (phase) {
      case EMPTY: {
        if ((classes[octet] & TCHAR) !== 0) {
          lineStart = i
          phase = METHOD
        } else if (octet === CR) {
          if (emptyLines === limits.emptyLines) return fail("TooManyEmptyLines", i, i)
          phase = EMPTY_LINE_FEED
          i++
        } else return fail(methodFailure(octet), i, i)
        break
      }
      case EMPTY_LINE_FEED: {
        if (octet !== LF) return fail("BareCarriageReturn", i - 1, i - 1)
        emptyLines++
        phase = EMPTY
        i++
        break
      }
      case METHOD: {
        if ((classes[octet] & TCHAR) !== 0) {
          if (i - lineStart >= limits.methodBytes) return fail("MethodTooLong", i, lineStart)
          i++
        } else if (octet === SP) {
          result.methodEnd = i
          phase = TARGET_START
          i++
        } else return fail(methodFailure(octet), i, lineStart)
        break
      }
      case TARGET_START: {
        if (octet === SP) return fail("InvalidTarget", i, lineStart)
        phase = TARGET
        break
      }
      case TARGET: {
        const limit = lineStart + limits.requestLineBytes
        const end = Math.min(limit, to)
        while (i < end && bytes[i] > SP && bytes[i] !== 0x7f) i++
        if (i === to) break
        if (i === limit && bytes[i] !== CR) return fail("RequestLineTooLong", i, lineStart)
        if (bytes[i] !== SP) return fail(targetFailure(bytes[i]), i, lineStart)
        result.targetEnd = i
        phase = VERSION
        i++
        break
      }
      case VERSION: {
        const expected = VERSION_OCTETS[versionLength]
        if (expected === 0 ? !isDigit(octet) : octet !== expected) {
          return fail(
            octet === LF ? "BareLineFeed" : octet === 0 ? "NulByte" : "InvalidVersion",
            i,
            lineStart
          )
        }
        // RFC 9110 §15.6.6; the minor version no longer matters.
        if (versionLength === 5 && octet !== 0x31) return fail("UnsupportedVersion", i, lineStart)
        if (versionLength === 7) {
          if (octet > 0x31) return fail("UnsupportedVersion", i, lineStart)
          result.minorVersion = octet === 0x31 ? 1 : 0
          phase = CARRIAGE_RETURN
        }
        versionLength++
        i++
        break
      }
      case CARRIAGE_RETURN: {
        if (octet !== CR) {
          return fail(
            octet === LF ? "BareLineFeed" : octet === 0 ? "NulByte" : "InvalidVersion",
            i,
            lineStart
          )
        }
        phase = LINE_FEED
        i++
        break
      }
      default: {
        if (octet !== LF) return fail("BareCarriageReturn", i - 1, lineStart)
        result.outcome = "Done"
        result.index = i + 1
        result.lineStart = lineStart
        return
      }
    }
  }
  result.outcome = "More"
  // Empty lines in front are not part of the line.
  result.lineStart = phase <= EMPTY_LINE_FEED ? to : lineStart
  result.phase = phase
  result.emptyLines = emptyLines
  result.versionLength = versionLength
}
