/**
 * HTTP/2 frames: any that can be written, and what clients send, in an order that makes sense and in one that does not.
 */
import type * as Frame from "@nvo/protocol/http2/frame/Frame"
import { Data, Headers } from "@nvo/protocol/http2/frame/Frame"
import * as FrameEncoder from "@nvo/protocol/http2/frame/FrameEncoder"
import { HpackEncoder } from "@nvo/protocol/http2/hpack/HpackEncoder"
import * as fc from "fast-check"
import * as Bytes from "./Bytes.ts"

const uint31 = fc.oneof(fc.nat(9), fc.nat(0x7fffffff))
const streamId = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 0x7fffffff }))
const uint32 = fc.oneof(fc.nat(20), fc.nat(0xffffffff))
const octets = fc.uint8Array({ maxLength: 40 })
const padding = fc.option(fc.oneof(fc.nat(4), fc.nat(255)), { nil: undefined })
const dependency: fc.Arbitrary<Frame.Dependency> = fc.record({
  exclusive: fc.boolean(),
  streamId: uint31,
  weight: fc.integer({ min: 1, max: 256 })
})

const tagged = <Tag extends Frame.Frame["_tag"], A extends object>(tag: Tag, fields: fc.Arbitrary<A>) =>
  fields.map((value) => ({ _tag: tag, ...value }) as unknown as Extract<Frame.Frame, { _tag: Tag }>)

/** Any frame, whether it makes sense or not. */
export const frame: fc.Arbitrary<Frame.Frame> = fc.oneof(
  fc
    .tuple(streamId, fc.boolean(), octets, padding)
    .map(([id, endStream, bytes, pad]) => new Data(id, endStream, bytes, pad)),
  fc
    .tuple(streamId, fc.boolean(), fc.boolean(), octets, fc.option(dependency, { nil: undefined }), padding)
    .map((args) => new Headers(...args)),
  tagged("Priority", fc.record({ streamId, dependency })),
  tagged("RstStream", fc.record({ streamId, code: uint32 })),
  tagged(
    "Settings",
    fc.oneof(
      fc.constant({ ack: true, entries: [] }),
      fc.record({
        ack: fc.constant(false),
        entries: fc.array(fc.tuple(fc.nat(0xffff), uint32), { maxLength: 4 })
      })
    )
  ),
  tagged(
    "PushPromise",
    fc.record({ streamId, endHeaders: fc.boolean(), promisedStreamId: uint31, fragment: octets, padding })
  ),
  tagged("Ping", fc.record({ ack: fc.boolean(), data: fc.uint8Array({ minLength: 8, maxLength: 8 }) })),
  tagged("GoAway", fc.record({ lastStreamId: uint31, code: uint32, debug: octets })),
  tagged("WindowUpdate", fc.record({ streamId: uint31, increment: uint31 })),
  tagged("Continuation", fc.record({ streamId, endHeaders: fc.boolean(), fragment: octets })),
  tagged("PriorityUpdate", fc.record({ prioritizedStreamId: uint31, value: octets.map(Bytes.toText) })),
  tagged(
    "Extension",
    fc.record({
      type: fc.integer({ min: 0x11, max: 0xff }),
      flags: fc.nat(255),
      streamId: uint31,
      payload: octets
    })
  )
)

/** A step of a client. */
type Step =
  | { readonly _tag: "Frame"; readonly frame: Frame.Frame }
  | {
      readonly _tag: "Request"
      readonly streamId: number
      readonly fields: ReadonlyArray<readonly [string, string]>
      readonly endStream: boolean
      /** Where the header block is cut into frames. */
      readonly cut: number | undefined
    }

const name = fc.constantFrom("x", "accept", "te", "host", "content-length", "connection", "X", "cookie")
const value = fc.constantFrom("a", "trailers", "example.com", "3", "", "\n", "close")

const fields: fc.Arbitrary<ReadonlyArray<readonly [string, string]>> = fc
  .tuple(
    fc.constantFrom("GET", "POST", "CONNECT", "HEAD"),
    fc.constantFrom("/", "/a?b", "*", "x"),
    fc.array(fc.tuple(name, value), { maxLength: 2 })
  )
  .map(([method, path, others]) => [
    [":method", method],
    [":scheme", "https"],
    [":path", path],
    [":authority", "example.com"],
    ...others
  ])

const small = fc.integer({ min: 1, max: 9 })
const usualData = fc
  .tuple(small, fc.boolean(), fc.uint8Array({ maxLength: 6 }))
  .map(([id, endStream, bytes]) => new Data(id, endStream, bytes))

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      _tag: fc.constant("Request" as const),
      streamId: fc.oneof(fc.constantFrom(1, 3, 5, 7, 9), small),
      fields,
      endStream: fc.boolean(),
      cut: fc.option(fc.nat(60), { nil: undefined })
    })
  },
  { weight: 4, arbitrary: usualData.map((frame) => ({ _tag: "Frame" as const, frame })) },
  {
    weight: 2,
    arbitrary: fc
      .oneof(
        tagged("WindowUpdate", fc.record({ streamId: fc.nat(9), increment: fc.nat(100) })),
        tagged("RstStream", fc.record({ streamId: small, code: fc.nat(13) })),
        tagged("Ping", fc.record({ ack: fc.boolean(), data: fc.constant(new Uint8Array(8)) })),
        tagged(
          "Settings",
          fc.record({
            ack: fc.constant(false),
            entries: fc.array(fc.tuple(fc.nat(9), fc.oneof(fc.nat(3), fc.nat(70_000))), { maxLength: 2 })
          })
        )
      )
      .map((frame) => ({ _tag: "Frame" as const, frame }))
  },
  { weight: 1, arbitrary: frame.map((frame) => ({ _tag: "Frame" as const, frame })) }
)

const encode = (steps: ReadonlyArray<Step>): Uint8Array => {
  const encoder = new HpackEncoder()
  return Bytes.concat([
    Bytes.fromText("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    FrameEncoder.encode({ _tag: "Settings", ack: false, entries: [] }),
    ...steps.flatMap((step) => {
      if (step._tag === "Frame") return [FrameEncoder.encode(step.frame)]
      const block = encoder.encode(step.fields.map(([name, value]) => ({ name, value })))
      const { cut, endStream, streamId } = step
      if (cut === undefined || cut >= block.length) {
        return [FrameEncoder.encode(new Headers(streamId, endStream, true, block))]
      }
      return [
        FrameEncoder.encode(new Headers(streamId, endStream, false, block.subarray(0, cut))),
        FrameEncoder.encode({
          _tag: "Continuation",
          streamId,
          endHeaders: true,
          fragment: block.subarray(cut)
        })
      ]
    })
  ])
}

/** The octets of a connection, from its preface on: requests, data and what else clients send, some of it wrong. */
export const connection: fc.Arbitrary<Uint8Array> = fc.array(step, { maxLength: 14 }).map(encode)
