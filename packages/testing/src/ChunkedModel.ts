/**
 * A chunked body as it is sent, RFC 9112 §7.1: sizes, extensions, line ends, data and trailers, each apart.
 */
import * as fc from "fast-check"
import * as Bytes from "./Bytes.ts"
import * as Characters from "./Characters.ts"
import * as FieldLine from "./FieldLine.ts"

export interface Chunk {
  /** The size in hexadecimal digits, as written. */
  readonly size: string
  /** All extensions with the white space before them. */
  readonly extension: string
  /** CRLF in every valid chunk. */
  readonly sizeEnd: string
  readonly data: Uint8Array
  /** CRLF in every valid chunk; nothing in the last one. */
  readonly dataEnd: string
}

export interface ChunkedModel {
  readonly chunks: ReadonlyArray<Chunk>
  readonly last: Chunk
  readonly trailers: ReadonlyArray<FieldLine.FieldLine>
  /** CRLF in every valid body. */
  readonly end: string
}

const encodeChunk = (chunk: Chunk): string =>
  chunk.size + chunk.extension + chunk.sizeEnd + Bytes.toText(chunk.data) + chunk.dataEnd

/** One character for each octet. */
export const encode = (model: ChunkedModel): string =>
  model.chunks.map(encodeChunk).join("") +
  encodeChunk(model.last) +
  FieldLine.encodeAll(model.trailers) +
  model.end

/** The content. */
export const content = (model: ChunkedModel): Uint8Array =>
  Bytes.concat(model.chunks.map((chunk) => chunk.data))

const quotedString = fc
  .array(
    fc.oneof(
      Characters.plainestFirst,
      Characters.string(`a \t;,=${Characters.TCHAR}${Characters.OBS_TEXT}`, { minLength: 1, maxLength: 6 }),
      Characters.of(`"\\ \ta${Characters.VCHAR}${Characters.OBS_TEXT}`).map((character) => `\\${character}`)
    ),
    { maxLength: 4 }
  )
  .map((parts) => `"${parts.join("")}"`)

const extension = fc
  .record({
    beforeSemicolon: Characters.ows,
    afterSemicolon: Characters.ows,
    name: Characters.token,
    value: fc.option(
      fc.record({
        beforeEquals: Characters.ows,
        afterEquals: Characters.ows,
        text: fc.oneof(Characters.plainestFirst, Characters.token, quotedString)
      }),
      { nil: undefined }
    )
  })
  .map(
    ({ afterSemicolon, beforeSemicolon, name, value }) =>
      `${beforeSemicolon};${afterSemicolon}${name}${
        value === undefined ? "" : `${value.beforeEquals}=${value.afterEquals}${value.text}`
      }`
  )

/** chunk-ext: mostly none. */
export const extensions: fc.Arbitrary<string> = fc.oneof(
  Characters.plainestFirst,
  { weight: 3, arbitrary: fc.constant("") },
  { weight: 1, arbitrary: fc.array(extension, { maxLength: 3 }).map((parts) => parts.join("")) }
)

// Leading zeros up to 15 digits, either case.
const size = (length: number, zeros: number, mask: number): string => {
  const digits = length.toString(16)
  return "0".repeat(Math.min(zeros, 15 - digits.length)) + Characters.recase(digits, mask)
}

const writing = fc.record({
  zeros: fc.oneof(Characters.plainestFirst, fc.constant(0), fc.nat(12)),
  mask: fc.nat(255),
  extensions
})

const chunk = fc.record({ data: fc.uint8Array({ minLength: 1, maxLength: 40 }), writing }).map(
  ({ data, writing }): Chunk => ({
    size: size(data.length, writing.zeros, writing.mask),
    extension: writing.extensions,
    sizeEnd: "\r\n",
    data,
    dataEnd: "\r\n"
  })
)

const lastChunk = writing.map(
  ({ extensions, zeros }): Chunk => ({
    size: "0".repeat(zeros + 1),
    extension: extensions,
    sizeEnd: "\r\n",
    data: new Uint8Array(0),
    dataEnd: ""
  })
)

/** A valid chunked body; at least `minChunks` chunks before the last one. */
export const arbitrary = (minChunks: number): fc.Arbitrary<ChunkedModel> =>
  fc.record({
    chunks: fc.array(chunk, { minLength: minChunks, maxLength: 5 }),
    last: lastChunk,
    trailers: fc.oneof(
      Characters.plainestFirst,
      fc.constant([]),
      fc.array(FieldLine.ordinary, { maxLength: 4 })
    ),
    end: fc.constant("\r\n")
  })
