/**
 * An HTTP/1.1 request as a value: every octet that is sent, part by part, and what a recipient must make of it.
 */
import * as BodyFraming from "@nvo/protocol/http/BodyFraming"
import type * as RequestTarget from "@nvo/protocol/http/RequestTarget"
import * as Bytes from "./Bytes.ts"
import * as ChunkedModel from "./ChunkedModel.ts"
import * as FieldLine from "./FieldLine.ts"

/** A body as it is sent. `Length` is also the body of a message that declares 0 octets. */
export type Body =
  | { readonly _tag: "None" }
  | { readonly _tag: "Length"; readonly bytes: Uint8Array }
  | { readonly _tag: "Chunked"; readonly model: ChunkedModel.ChunkedModel }

export interface RequestModel {
  /** Empty lines before the request line. */
  readonly leading: string
  readonly method: string
  /** " " in every valid request line, as is `afterTarget`. */
  readonly afterMethod: string
  readonly target: string
  readonly afterTarget: string
  readonly version: string
  /** CRLF in every valid request line. */
  readonly lineEnd: string
  /** All field lines, those that frame and route among them. */
  readonly fields: ReadonlyArray<FieldLine.FieldLine>
  /** CRLF in every valid head. */
  readonly headEnd: string
  readonly body: Body
  /** What cannot be read off the parts. */
  readonly meaning: {
    readonly form: RequestTarget.Form
    readonly minorVersion: 0 | 1
    readonly persistent: boolean
    readonly expectContinue: boolean
    readonly upgrade: string | undefined
  }
}

/** What a recipient understands. */
export interface Understood {
  readonly method: string
  readonly rawTarget: string
  readonly form: RequestTarget.Form
  readonly minorVersion: 0 | 1
  readonly fields: ReadonlyArray<readonly [name: string, value: string]>
  readonly framing: BodyFraming.BodyFraming
  readonly persistent: boolean
  readonly expectContinue: boolean
  readonly upgrade: string | undefined
  /** The content, one character for each octet. */
  readonly body: string
  readonly trailers: ReadonlyArray<readonly [name: string, value: string]>
}

/** The head without the empty lines before it, one character for each octet. */
export const encodeHead = (model: RequestModel): string =>
  model.method +
  model.afterMethod +
  model.target +
  model.afterTarget +
  model.version +
  model.lineEnd +
  FieldLine.encodeAll(model.fields) +
  model.headEnd

const encodeBody = (body: Body): string => {
  switch (body._tag) {
    case "None":
      return ""
    case "Length":
      return Bytes.toText(body.bytes)
    case "Chunked":
      return ChunkedModel.encode(body.model)
  }
}

/** The request as text, one character for each octet. */
export const encodeText = (model: RequestModel): string =>
  model.leading + encodeHead(model) + encodeBody(model.body)

/** The request as octets. */
export const encode = (model: RequestModel): Uint8Array => Bytes.fromText(encodeText(model))

const framingOf = (body: Body): BodyFraming.BodyFraming =>
  body._tag === "Chunked"
    ? BodyFraming.chunked
    : body._tag === "Length" && body.bytes.length > 0
      ? BodyFraming.length(body.bytes.length)
      : BodyFraming.none

/** What a recipient must understand. */
export const understood = (model: RequestModel): Understood => ({
  method: model.method,
  rawTarget: model.target,
  ...model.meaning,
  fields: model.fields.map(FieldLine.understood),
  framing: framingOf(model.body),
  body:
    model.body._tag === "Chunked"
      ? Bytes.toText(ChunkedModel.content(model.body.model))
      : encodeBody(model.body),
  trailers: model.body._tag === "Chunked" ? model.body.model.trailers.map(FieldLine.understood) : []
})
