/**
 * Valid HTTP/1.1 requests of every shape, within the default limits.
 */
import * as fc from "fast-check"
import * as Characters from "./Characters.ts"
import * as ChunkedModel from "./ChunkedModel.ts"
import * as FieldLine from "./FieldLine.ts"
import * as HostGenerator from "./HostGenerator.ts"
import type * as RequestModel from "./RequestModel.ts"
import * as TargetGenerator from "./TargetGenerator.ts"

/** What to draw from; everything if left out. */
export interface Shape {
  readonly minorVersion?: 0 | 1 | undefined
  readonly body?: RequestModel.Body["_tag"] | undefined
  readonly target?: fc.Arbitrary<TargetGenerator.MethodAndTarget> | undefined
  /** Chunks before the last one, at least. */
  readonly minChunks?: number | undefined
}

const noBody: fc.Arbitrary<RequestModel.Body> = fc.constant({ _tag: "None" })

const lengthBody: fc.Arbitrary<RequestModel.Body> = fc
  .uint8Array({ maxLength: 60 })
  .map((bytes) => ({ _tag: "Length", bytes }))

const chunkedBody = (minChunks: number): fc.Arbitrary<RequestModel.Body> =>
  ChunkedModel.arbitrary(minChunks).map((model) => ({ _tag: "Chunked", model }))

const body = (minorVersion: 0 | 1, shape: Shape): fc.Arbitrary<RequestModel.Body> => {
  switch (shape.body) {
    case "None":
      return noBody
    case "Length":
      return lengthBody
    case "Chunked":
      return chunkedBody(shape.minChunks ?? 0)
    case undefined:
      return minorVersion === 0
        ? fc.oneof(Characters.plainestFirst, noBody, lengthBody)
        : fc.oneof(Characters.plainestFirst, noBody, lengthBody, chunkedBody(shape.minChunks ?? 0))
  }
}

// A Connection field: options in any case, in any order, with empty members, as RFC 9110 §5.6.1 allows.
const connectionLine = fc
  .array(
    fc.oneof(
      Characters.plainestFirst,
      ...["close", "keep-alive", "upgrade", "TE"].map(Characters.anyCase),
      Characters.token,
      fc.constant("")
    ),
    { maxLength: 4 }
  )
  .chain((members) =>
    fc.record({
      members: fc.constant(members),
      line: fc
        .array(Characters.ows, { minLength: members.length * 2, maxLength: members.length * 2 })
        .map((spaces) =>
          members
            .map((member, i) => spaces[i * 2] + member + spaces[i * 2 + 1])
            .join(",")
            .replace(/^[ \t]+|[ \t]+$/g, "")
        )
        .chain((value) => FieldLine.of("connection", fc.constant(value)))
    })
  )

const framingLine = (
  body: RequestModel.Body,
  zeros: number
): fc.Arbitrary<FieldLine.FieldLine> | undefined => {
  switch (body._tag) {
    case "None":
      return undefined
    case "Length":
      return FieldLine.of("content-length", fc.constant("0".repeat(zeros) + String(body.bytes.length)))
    case "Chunked":
      return FieldLine.of("transfer-encoding", Characters.anyCase("chunked"))
  }
}

const none = fc.constant(undefined)
const sometimes = <A>(weight: number, arbitrary: fc.Arbitrary<A>): fc.Arbitrary<A | undefined> =>
  fc.oneof(Characters.plainestFirst, { weight: 4, arbitrary: none }, { weight, arbitrary })

const withFraming = (
  minorVersion: 0 | 1,
  body: RequestModel.Body,
  shape: Shape
): fc.Arbitrary<RequestModel.RequestModel> =>
  fc
    .record({
      leading: fc.oneof(Characters.plainestFirst, fc.constant(0), fc.nat(4)),
      methodAndTarget: shape.target ?? TargetGenerator.any,
      host:
        minorVersion === 1
          ? FieldLine.of("host", HostGenerator.hostField)
          : fc.option(FieldLine.of("host", HostGenerator.hostField), { nil: undefined }),
      framing: fc
        .oneof(Characters.plainestFirst, fc.constant(0), fc.nat(6))
        .chain((zeros) => framingLine(body, zeros) ?? none),
      connections: fc.array(connectionLine, { maxLength: 2 }),
      upgrade: sometimes(
        1,
        FieldLine.of("upgrade", fc.constantFrom("websocket", "h2c", "HTTP/2.0, websocket"))
      ),
      expect: sometimes(
        1,
        FieldLine.of(
          "expect",
          minorVersion === 1 ? Characters.anyCase("100-continue") : fc.constantFrom("100-continue", "magic")
        )
      ),
      ordinary: fc.array(FieldLine.ordinary, { maxLength: 6 }),
      positions: fc.array(fc.nat(12), { minLength: 6, maxLength: 6 })
    })
    .map((drawn) => {
      const special = [
        drawn.host,
        drawn.framing,
        drawn.upgrade,
        drawn.expect,
        ...drawn.connections.map((connection) => connection.line)
      ]
      let fields: ReadonlyArray<FieldLine.FieldLine> = drawn.ordinary
      special.forEach((line, i) => {
        if (line !== undefined) fields = FieldLine.insert(fields, line, drawn.positions[i])
      })
      const options = drawn.connections.flatMap((connection) =>
        connection.members.map((member) => member.toLowerCase())
      )
      return {
        leading: "\r\n".repeat(drawn.leading),
        method: drawn.methodAndTarget.method,
        afterMethod: " ",
        target: drawn.methodAndTarget.target,
        afterTarget: " ",
        version: `HTTP/1.${minorVersion}`,
        lineEnd: "\r\n",
        fields,
        headEnd: "\r\n",
        body,
        meaning: {
          form: drawn.methodAndTarget.form,
          minorVersion,
          persistent: !options.includes("close") && (minorVersion === 1 || options.includes("keep-alive")),
          expectContinue:
            minorVersion === 1 &&
            drawn.expect !== undefined &&
            (body._tag === "Chunked" || (body._tag === "Length" && body.bytes.length > 0)),
          upgrade: minorVersion === 1 && options.includes("upgrade") ? drawn.upgrade?.value : undefined
        }
      }
    })

/** A valid request of that shape. */
export const request = (shape: Shape = {}): fc.Arbitrary<RequestModel.RequestModel> => {
  const minorVersion: fc.Arbitrary<0 | 1> =
    shape.minorVersion !== undefined
      ? fc.constant(shape.minorVersion)
      : shape.body === "Chunked"
        ? fc.constant(1)
        : fc.oneof(
            Characters.plainestFirst,
            { weight: 4, arbitrary: fc.constant(1 as const) },
            { weight: 1, arbitrary: fc.constant(0 as const) }
          )
  return minorVersion.chain((minorVersion) =>
    body(minorVersion, shape).chain((body) => withFraming(minorVersion, body, shape))
  )
}

/** Requests one behind the other, as a pipelining client sends them. */
export const pipeline: fc.Arbitrary<ReadonlyArray<RequestModel.RequestModel>> = fc.array(request(), {
  minLength: 1,
  maxLength: 4
})
