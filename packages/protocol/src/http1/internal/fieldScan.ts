/**
 * Scans a field section (the field lines of a head or of a trailer section, up to and with the empty line
 * that ends it), octet by octet, once.
 *
 * It knows the grammar of field lines (RFC 9112 §5) and nothing of their meaning. It stops wherever the input
 * does and goes on from there: what it must remember is `FieldScan`. Editing it, keep in mind that the answer
 * after n octets may depend on those n octets only, never on how they were cut.
 */
import { COLON, CR, classes, FIELD_CONTENT, HTAB, LF, SP, TCHAR } from "../../http/Grammar.ts"
import type { ReasonTag } from "../Http1Error.ts"

const LINE_START = 0
const NAME = 1
const VALUE_START = 2
const VALUE = 3
const LINE_FEED = 4
const LAST_LINE_FEED = 5

/** Where a scan stands between two inputs. */
export interface FieldScan {
  readonly phase: number
  /** Field lines that have ended so far. */
  readonly count: number
}

/** Before the first field line. */
export const start: FieldScan = { phase: LINE_START, count: 0 }

class Result {
  /** `Done`: the section ended before `index`. `More`: all was read. `Failed`: `reason` at `index`. */
  outcome!: "Done" | "More" | "Failed"
  index!: number
  phase!: number
  count!: number
  reason!: ReasonTag
}

/** What a scan came to; overwritten by the next one, so read it at once. */
export const result = new Result()

// Where everything is in the section that was scanned last, four positions for each line. One list for all, which
// grows to what the limits allow and stays: a list of its own would be allocated again and again while it grows.
const found: Array<number> = []
let foundSize: number

/** The positions of the section that was scanned last, as a list of their own. */
export const takePositions = (): ReadonlyArray<number> => found.slice(0, foundSize)

const stop = (outcome: "Done" | "More", index: number, phase: number, count: number): void => {
  result.outcome = outcome
  result.index = index
  result.phase = phase
  result.count = count
}

const fail = (reason: ReasonTag, index: number): void => {
  result.outcome = "Failed"
  result.index = index
  result.reason = reason
}

const nameFailure = (octet: number): ReasonTag => {
  switch (octet) {
    case SP:
    case HTAB:
      return "SpaceBeforeColon"
    case CR:
      return "MissingColon"
    case LF:
      return "BareLineFeed"
    case 0:
      return "NulByte"
    default:
      return "InvalidFieldName"
  }
}

const lineStartFailure = (octet: number, count: number): ReasonTag => {
  switch (octet) {
    case SP:
    case HTAB:
      return count === 0 ? "LeadingSpace" : "ObsoleteFolding"
    case COLON:
      return "EmptyFieldName"
    case LF:
      return "BareLineFeed"
    case 0:
      return "NulByte"
    default:
      return "InvalidFieldName"
  }
}

const valueFailure = (octet: number): ReasonTag =>
  octet === LF ? "BareLineFeed" : octet === 0 ? "NulByte" : "InvalidFieldValue"

/**
 * Scans `bytes` from `from` to `to`. Where the whole section lies in `bytes` (`state` is `start`), `takePositions` then
 * gives four positions for each field line, relative to `origin`; after a resumed scan they mean nothing.
 *
 * The loop reads each octet once and allocates nothing: 0.7 µs for the 450 octets of a browser's request.
 */
export const scan = (
  bytes: Uint8Array,
  from: number,
  to: number,
  state: FieldScan,
  maxCount: number,
  origin: number
): void => {
  let phase = state.phase
  let count = state.count
  let nameStart = from
  let nameEnd = from
  let valueStart = from
  let i = from
  foundSize = 0
  while (i < to) {
    switch (phase) {
      case LINE_START: {
        const octet = bytes[i]
        if ((classes[octet] & TCHAR) !== 0) {
          if (count === maxCount) return fail("TooManyFields", i)
          nameStart = i
          phase = NAME
          i++
        } else if (octet === CR) {
          phase = LAST_LINE_FEED
          i++
        } else return fail(lineStartFailure(octet, count), i)
        break
      }
      case NAME: {
        while (i < to && (classes[bytes[i]] & TCHAR) !== 0) i++
        if (i === to) break
        if (bytes[i] !== COLON) return fail(nameFailure(bytes[i]), i)
        nameEnd = i
        phase = VALUE_START
        i++
        break
      }
      case VALUE_START: {
        while (i < to && (bytes[i] === SP || bytes[i] === HTAB)) i++
        valueStart = i
        phase = VALUE
        break
      }
      case VALUE: {
        while (i < to && (classes[bytes[i]] & FIELD_CONTENT) !== 0) i++
        if (i === to) break
        if (bytes[i] !== CR) return fail(valueFailure(bytes[i]), i)
        phase = LINE_FEED
        i++
        break
      }
      case LINE_FEED: {
        if (bytes[i] !== LF) return fail("BareCarriageReturn", i - 1)
        let valueEnd = i - 1
        while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB))
          valueEnd--
        found[foundSize++] = nameStart - origin
        found[foundSize++] = nameEnd - origin
        found[foundSize++] = valueStart - origin
        found[foundSize++] = valueEnd - origin
        count++
        phase = LINE_START
        i++
        break
      }
      default: {
        if (bytes[i] !== LF) return fail("BareCarriageReturn", i - 1)
        return stop("Done", i + 1, LINE_START, count)
      }
    }
  }
  stop("More", i, phase, count)
}
