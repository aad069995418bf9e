/**
 * The chunked coding (RFC 9112 §7.1) up to its last chunk, octet by octet. The trailer section behind it is a
 * field section and not read here.
 *
 * It knows sizes, extensions and terminators. Chunk data is reported by its place in the input and never
 * looked at. As elsewhere, what it answers depends on the octets, not on how they were cut.
 */
import { CR, classes, HEXDIG, HTAB, LF, QDTEXT, SP, TCHAR } from "../../http/Grammar.ts"
import type { Limits } from "../../http/Limits.ts"
import type { ReasonTag } from "../Http1Error.ts"

const SIZE_START = 0
const SIZE = 1
const SIZE_LINE_FEED = 2
const DATA = 3
const DATA_CARRIAGE_RETURN = 4
const DATA_LINE_FEED = 5
// Inside an extension; every octet from the first ";" or white space to the CR counts against the budget.
const EXTENSION_SPACE = 6
const NAME_START = 7
const NAME = 8
const NAME_SPACE = 9
const VALUE_START = 10
const TOKEN_VALUE = 11
const QUOTED_VALUE = 12
const QUOTED_PAIR = 13
const QUOTED_END = 14

/** Where a scan stands between two inputs. */
export interface ChunkedScan {
  readonly phase: number
  /** Octets of chunk data still to come, or the size read so far. */
  readonly size: number
  readonly digits: number
  readonly extensionBytes: number
}

export const start: ChunkedScan = { phase: SIZE_START, size: 0, digits: 0, extensionBytes: 0 }

class Result {
  /** `Data`: chunk data lies from `dataStart` to `index`. `Last`: the last chunk's line has ended. */
  outcome!: "Data" | "Last" | "More" | "Failed"
  index!: number
  dataStart!: number
  reason!: ReasonTag
  state!: ChunkedScan
}

/** What a scan came to; overwritten by the next one. */
export const result = new Result()

const fail = (reason: ReasonTag, index: number): void => {
  result.outcome = "Failed"
  result.index = index
  result.reason = reason
}

// Of "0" the low four bits are 0, of "A" and "a" they are 1.
const hexValue = (octet: number): number => (octet & 0xf) + 9 * (octet >> 6)

const isSpace = (octet: number): boolean => octet === SP || octet === HTAB
const isTchar = (octet: number): boolean => (classes[octet] & TCHAR) !== 0

// The next phase inside an extension, SIZE_LINE_FEED where the line ends, or -1 where the grammar is left:
// chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
const nextInExtension = (phase: number, octet: number): number => {
  switch (phase) {
    case EXTENSION_SPACE:
      return octet === 0x3b ? NAME_START : isSpace(octet) ? EXTENSION_SPACE : -1
    case NAME_START:
      return isTchar(octet) ? NAME : isSpace(octet) ? NAME_START : -1
    case NAME:
      if (isTchar(octet)) return NAME
      if (octet === 0x3b) return NAME_START
      if (octet === 0x3d) return VALUE_START
      return octet === CR ? SIZE_LINE_FEED : isSpace(octet) ? NAME_SPACE : -1
    case NAME_SPACE:
      if (octet === 0x3b) return NAME_START
      return octet === 0x3d ? VALUE_START : isSpace(octet) ? NAME_SPACE : -1
    case VALUE_START:
      if (octet === 0x22) return QUOTED_VALUE
      return isTchar(octet) ? TOKEN_VALUE : isSpace(octet) ? VALUE_START : -1
    case TOKEN_VALUE:
      if (isTchar(octet)) return TOKEN_VALUE
      if (octet === 0x3b) return NAME_START
      return octet === CR ? SIZE_LINE_FEED : isSpace(octet) ? EXTENSION_SPACE : -1
    case QUOTED_VALUE:
      if (octet === 0x22) return QUOTED_END
      return octet === 0x5c ? QUOTED_PAIR : (classes[octet] & QDTEXT) !== 0 ? QUOTED_VALUE : -1
    case QUOTED_PAIR:
      return octet === HTAB || (octet >= SP && octet !== 0x7f) ? QUOTED_VALUE : -1
    default:
      if (octet === 0x3b) return NAME_START
      return octet === CR ? SIZE_LINE_FEED : isSpace(octet) ? EXTENSION_SPACE : -1
  }
}

/** Scans `bytes` from `from` to `to`, up to the end of the next piece of chunk data. */
export const scan = (
  bytes: Uint8Array,
  from: number,
  to: number,
  state: ChunkedScan,
  limits: Limits
): void => {
  let { digits, extensionBytes, phase, size } = state
  let i = from
  while (i < to) {
    const octet = bytes[i]
    switch (phase) {
      case SIZE_START:
      case SIZE: {
        if ((classes[octet] & HEXDIG) !== 0) {
          if (digits === limits.chunkSizeDigits) return fail("ChunkSizeTooLong", i)
          size = size * 16 + hexValue(octet)
          if (size > Number.MAX_SAFE_INTEGER) return fail("ChunkSizeOverflow", i)
          digits++
          phase = SIZE
        } else if (octet === LF) return fail("BareLineEndInChunk", i)
        else if (phase === SIZE_START) return fail("InvalidChunkSize", i)
        else if (octet === CR) phase = SIZE_LINE_FEED
        else if (octet === 0x3b || isSpace(octet)) {
          if (++extensionBytes > limits.chunkExtensionBytes) return fail("ChunkExtensionsTooLarge", i)
          phase = octet === 0x3b ? NAME_START : EXTENSION_SPACE
        } else return fail("InvalidChunkSize", i)
        i++
        break
      }
      case SIZE_LINE_FEED: {
        if (octet !== LF) return fail("BareLineEndInChunk", i - 1)
        i++
        if (size === 0) {
          result.outcome = "Last"
          result.index = i
          return
        }
        phase = DATA
        break
      }
      case DATA: {
        const end = i + Math.min(size, to - i)
        result.outcome = "Data"
        result.dataStart = i
        result.index = end
        size -= end - i
        result.state = { phase: size === 0 ? DATA_CARRIAGE_RETURN : DATA, size, digits: 0, extensionBytes }
        return
      }
      case DATA_CARRIAGE_RETURN: {
        if (octet !== CR) return fail("MissingChunkTerminator", i)
        phase = DATA_LINE_FEED
        i++
        break
      }
      case DATA_LINE_FEED: {
        if (octet !== LF) return fail("MissingChunkTerminator", i)
        phase = SIZE_START
        i++
        break
      }
      default: {
        const next = nextInExtension(phase, octet)
        if (next === -1) return fail(octet === LF ? "BareLineEndInChunk" : "InvalidChunkExtension", i)
        if (next !== SIZE_LINE_FEED && ++extensionBytes > limits.chunkExtensionBytes) {
          return fail("ChunkExtensionsTooLarge", i)
        }
        phase = next
        i++
      }
    }
  }
  result.outcome = "More"
  result.index = i
  result.state = { phase, size, digits, extensionBytes }
}
