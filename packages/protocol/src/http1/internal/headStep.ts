/**
 * The step of a request decoder inside a head. A head in one chunk is scanned once and never copied; one that
 * comes in pieces is kept in a buffer and, when it is complete, scanned once more.
 */
import * as ByteBuffer from "../../http/ByteBuffer.ts"
import * as FieldSection from "../../http/FieldSection.ts"
import * as Latin1 from "../../http/Latin1.ts"
import type * as Http1Error from "../Http1Error.ts"
import type { State } from "../RequestDecoder.ts"
import * as RequestEvent from "../RequestEvent.ts"
import * as ChunkedScan from "./chunkedScan.ts"
import { failed, failedAt, idle, type Run } from "./decoderRun.ts"
import * as FieldScan from "./fieldScan.ts"
import * as HeadSemantics from "./headSemantics.ts"
import * as RequestLineScan from "./requestLineScan.ts"

// Methods are looked up in tables by everyone who comes after; a constant is found there by identity, a slice
// has to be interned each time.
const COMMON_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"] as const

const readMethod = (text: string, length: number): string => {
  for (let i = 0; i < COMMON_METHODS.length; i++) {
    const method = COMMON_METHODS[i]
    if (method.length === length && text.startsWith(method)) return method
  }
  return text.slice(0, length)
}

// The head lies in `bytes` from `from` to `to`, its syntax checked by the two scans whose results are the last ones.
const readHead = (run: Run, bytes: Uint8Array, from: number, to: number): State => {
  const { methodEnd, minorVersion, targetEnd } = RequestLineScan.result
  const text = Latin1.decode(bytes, from, to)
  const method = readMethod(text, methodEnd - from)
  const target = text.slice(methodEnd + 1 - from, targetEnd - from)
  const fields = new FieldSection.TextSection(text, FieldScan.takePositions())
  const head = HeadSemantics.read(method, target, minorVersion, fields, to - from, run.decoder.limits)
  if (HeadSemantics.isRefusal(head)) {
    return failed(
      run,
      head.reason,
      head.offset,
      targetReasons.has(head.reason) ? "RequestLine" : "Fields",
      head.detail
    )
  }
  switch (head.framing._tag) {
    case "Length":
      run.events.push(head)
      return { _tag: "Length", index: run.index, remaining: head.framing.length, offset: to - from }
    case "Chunked":
      run.events.push(head)
      return { _tag: "Chunked", index: run.index, scan: ChunkedScan.start, offset: to - from }
    default:
      // A head is the first event of its step: a list of two, and not one that grows to 17.
      run.events = [head, RequestEvent.end]
      return idle(run.index + 1)
  }
}

const targetReasons: ReadonlySet<Http1Error.ReasonTag> = new Set<Http1Error.ReasonTag>([
  "InvalidTarget",
  "TargetFormMismatch"
])

// The head goes on in the next chunk: what has come of it is kept.
const unfinished = (
  run: Run,
  before: ByteBuffer.ByteBuffer,
  lineStart: number,
  line: RequestLineScan.RequestLineScan,
  fields: FieldScan.FieldScan | undefined
): State => {
  const { at, bytes } = run
  run.at = bytes.length
  const buffer = ByteBuffer.append(before, bytes, Math.max(lineStart, at), bytes.length)
  return { _tag: "Head", index: run.index, buffer, line, fields }
}

/** Reads a head, or what there is of it. */
export const stepHead = (run: Run, state: State & { readonly _tag: "Idle" | "Head" }): State => {
  const { bytes } = run
  const { limits } = run.decoder
  const from = run.at
  const resumed = state._tag === "Head" ? state : undefined
  const before = resumed?.buffer ?? ByteBuffer.empty
  const knownFields = resumed?.fields

  // The request line.
  let fieldsFrom = from
  let lineStart = from - before.length
  if (knownFields === undefined) {
    RequestLineScan.scan(bytes, from, bytes.length, resumed?.line ?? RequestLineScan.start, limits, lineStart)
    const line = RequestLineScan.result
    if (line.outcome === "Failed") {
      return failedAt(run, line.reason, line.index, line.index - line.lineStart, "RequestLine")
    }
    lineStart = line.lineStart
    if (line.outcome === "More") {
      return unfinished(run, before, lineStart, RequestLineScan.resultState(), undefined)
    }
    fieldsFrom = line.index
  }

  // The field section, up to the limit of the whole head; the request line may have reached it.
  const to = Math.min(lineStart + limits.headBytes, bytes.length)
  FieldScan.scan(bytes, fieldsFrom, to, knownFields ?? FieldScan.start, limits.fieldCount, lineStart)
  const fields = FieldScan.result
  switch (fields.outcome) {
    case "Failed":
      return failedAt(run, fields.reason, fields.index, fields.index - lineStart, "Fields")
    case "More":
      if (to < bytes.length) {
        return failed(run, "HeadTooLarge", limits.headBytes, "Fields", `${limits.headBytes} octets`)
      }
      return unfinished(run, before, lineStart, RequestLineScan.start, {
        phase: fields.phase,
        count: fields.count
      })
    case "Done": {
      run.at = fields.index
      if (before.length === 0) return readHead(run, bytes, lineStart, fields.index)
      // The head came in pieces. It is known to be sound, so one more pass finds where everything is.
      const head = ByteBuffer.toBytes(ByteBuffer.append(before, bytes, from, fields.index))
      RequestLineScan.scan(head, 0, head.length, RequestLineScan.start, limits, 0)
      const { index } = RequestLineScan.result
      FieldScan.scan(head, index, head.length, FieldScan.start, limits.fieldCount, 0)
      return readHead(run, head, 0, head.length)
    }
  }
}
