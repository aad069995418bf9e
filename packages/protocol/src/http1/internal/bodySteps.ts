/**
 * The steps of a request decoder inside a body: of known length, in chunks, and the trailer section.
 */
import * as ByteBuffer from "../../http/ByteBuffer.ts"
import * as FieldSection from "../../http/FieldSection.ts"
import * as Latin1 from "../../http/Latin1.ts"
import * as Http1Error from "../Http1Error.ts"
import type { State } from "../RequestDecoder.ts"
import * as RequestEvent from "../RequestEvent.ts"
import * as ChunkedScan from "./chunkedScan.ts"
import { failed, failedAt, idle, type Run } from "./decoderRun.ts"
import * as FieldScan from "./fieldScan.ts"

/** Reads a body of known length. */
export const stepLength = (run: Run, state: State & { readonly _tag: "Length" }): State => {
  const available = run.bytes.length - run.at
  const take = Math.min(state.remaining, available)
  const from = run.at
  run.at += take
  run.events.push(
    new RequestEvent.BodyData(take === run.bytes.length ? run.bytes : run.bytes.subarray(from, run.at))
  )
  if (take < state.remaining) {
    return {
      _tag: "Length",
      index: run.index,
      remaining: state.remaining - take,
      offset: state.offset + take
    }
  }
  run.events.push(RequestEvent.end)
  return idle(run.index + 1)
}

/** Reads chunks. */
export const stepChunked = (run: Run, state: State & { readonly _tag: "Chunked" }): State => {
  const { bytes } = run
  const { limits } = run.decoder
  const origin = run.at - state.offset
  let scan = state.scan
  while (run.at < bytes.length) {
    ChunkedScan.scan(bytes, run.at, bytes.length, scan, limits)
    const result = ChunkedScan.result
    switch (result.outcome) {
      case "Failed":
        return failedAt(run, result.reason, result.index, result.index - origin, "Body")
      case "Data":
        run.events.push(new RequestEvent.BodyData(bytes.subarray(result.dataStart, result.index)))
        break
      case "Last": {
        run.at = result.index
        return {
          _tag: "Trailers",
          index: run.index,
          buffer: ByteBuffer.empty,
          scan: FieldScan.start,
          offset: run.at - origin
        }
      }
    }
    run.at = result.index
    scan = result.state
  }
  return { _tag: "Chunked", index: run.index, scan, offset: bytes.length - origin }
}

// RFC 9110 §6.5.1: fields that frame or route a message may not come behind it.
const forbiddenTrailers = [
  "content-length",
  "transfer-encoding",
  "host",
  "trailer",
  "content-encoding"
] as const

/** Reads a trailer section. */
export const stepTrailers = (run: Run, state: State & { readonly _tag: "Trailers" }): State => {
  const { bytes } = run
  const { limits } = run.decoder
  const from = run.at
  const sectionStart = from - state.buffer.length
  const to = Math.min(sectionStart + limits.trailerBytes, bytes.length)
  FieldScan.scan(bytes, from, to, state.scan, limits.fieldCount, sectionStart)
  const { count, index, outcome, phase, reason } = FieldScan.result
  switch (outcome) {
    case "Failed":
      return failedAt(run, reason, index, state.offset + index - sectionStart, "Trailers")
    case "More":
      if (to < bytes.length) {
        const offset = state.offset + limits.trailerBytes
        return failed(run, "TrailersTooLarge", offset, "Trailers", `${limits.trailerBytes} octets`)
      }
      run.at = bytes.length
      return {
        _tag: "Trailers",
        index: run.index,
        buffer: ByteBuffer.append(state.buffer, bytes, from, bytes.length),
        scan: { phase, count },
        offset: state.offset
      }
    case "Done": {
      run.at = index
      if (count === 0) {
        run.events.push(RequestEvent.end)
        return idle(run.index + 1)
      }
      const section = ByteBuffer.toBytes(ByteBuffer.append(state.buffer, bytes, from, index))
      FieldScan.scan(section, 0, section.length, FieldScan.start, limits.fieldCount, 0)
      const positions = FieldScan.takePositions()
      const trailers = new FieldSection.TextSection(Latin1.decode(section, 0, section.length), positions)
      for (let i = 0; i < trailers.size; i++) {
        if (forbiddenTrailers.some((name) => trailers.is(i, name))) {
          const offset = state.offset + positions[i << 2]
          return failed(run, "ForbiddenTrailer", offset, "Trailers", Http1Error.quote(trailers.name(i)))
        }
      }
      run.events.push(new RequestEvent.RequestEnd(trailers))
      return idle(run.index + 1)
    }
  }
}
