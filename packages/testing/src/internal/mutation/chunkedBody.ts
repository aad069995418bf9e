/**
 * Mutations of chunks and of the trailer section.
 */

import type { Chunk, ChunkedModel } from "../../ChunkedModel.ts"
import * as FieldLine from "../../FieldLine.ts"
import type { Mutation } from "../../Mutation.ts"
import type * as RequestModel from "../../RequestModel.ts"
import { define, insertAt, pick, plain, withChunked, withChunks } from "./define.ts"

type Model = RequestModel.RequestModel

const spoilChunked = (model: Model, spoil: (body: ChunkedModel) => ChunkedModel): Model =>
  model.body._tag === "Chunked"
    ? { ...model, body: { ...model.body, model: spoil(model.body.model) } }
    : model

// One chunk of the body, the last one among them.
const spoilSizeLine = (model: Model, n: number, spoil: (chunk: Chunk) => Chunk): Model =>
  spoilChunked(model, (body) => {
    const at = n % (body.chunks.length + 1)
    return at === body.chunks.length
      ? { ...body, last: spoil(body.last) }
      : { ...body, chunks: body.chunks.with(at, spoil(body.chunks[at])) }
  })

const spoilData = (model: Model, n: number, spoil: (chunk: Chunk) => Chunk): Model =>
  spoilChunked(model, (body) => {
    const at = n % body.chunks.length
    return { ...body, chunks: body.chunks.with(at, spoil(body.chunks[at])) }
  })

const chunks = define("Body")

export const chunkedBody: ReadonlyArray<Mutation> = [
  chunks(
    "a chunk size that is no row of hexadecimal digits",
    "InvalidChunkSize",
    withChunked,
    (model, [a, b]) =>
      spoilSizeLine(model, b, (chunk) => ({
        ...chunk,
        extension: "",
        size: pick(
          ["", "g", "0x5", "-1", "+5", " 5", "\t5", "5g", "5,5", "5.", "\xb2", "\0", "0\0", "5=1", '"5"'],
          a
        )
      }))
  ),
  chunks("white space behind a chunk size", "InvalidChunkExtension", withChunked, (model, [a, b]) =>
    spoilSizeLine(model, b, (chunk) => ({ ...chunk, extension: pick([" ", "\t", " 5", "  "], a) }))
  ),
  chunks("a chunk size of too many digits", "ChunkSizeTooLong", withChunked, (model, [a, b]) =>
    spoilSizeLine(model, b, (chunk) => ({ ...chunk, size: chunk.size.padStart(17 + (a % 3), "0") }))
  ),
  chunks("a chunk size too large to count", "ChunkSizeOverflow", withChunked, (model, [a, b]) =>
    spoilSizeLine(model, b, (chunk) => ({
      ...chunk,
      size: pick(["20000000000000", "ffffffffffffffff", "0020000000000000", "8000000000000000"], a)
    }))
  ),
  chunks("a chunk extension outside its grammar", "InvalidChunkExtension", withChunked, (model, [a, b]) =>
    spoilSizeLine(model, b, (chunk) => ({
      ...chunk,
      extension: pick(
        [
          ";",
          "; ",
          ";=x",
          ";a=",
          ";a= ",
          ";a=;b",
          ';a="',
          ';a="\\',
          ';a="b"c',
          ';"a"',
          ";a b",
          ";a ",
          ";a=b ",
          ";a=b=c",
          ";a\0",
          ";a=\x01",
          ';a="\x7f"',
          ';a="\\\x01"',
          ';a="\r',
          ";;a"
        ],
        a
      )
    }))
  ),
  chunks("chunk extensions over their limit", "ChunkExtensionsTooLarge", withChunked, (model, [a, b]) =>
    spoilSizeLine(model, b, (chunk) => ({
      ...chunk,
      extension: pick([`;a=${"x".repeat(4_096)}`, `;${"a;".repeat(2_048)}a`, `;a="${"x".repeat(4_096)}"`], a)
    }))
  ),
  chunks("a bare LF behind a chunk size", "BareLineEndInChunk", withChunked, (model, [, b]) =>
    spoilSizeLine(model, b, (chunk) => ({ ...chunk, sizeEnd: "\n" }))
  ),
  chunks("a bare LF inside an extension", "BareLineEndInChunk", withChunked, (model, [a, b]) =>
    spoilSizeLine(model, b, (chunk) => ({ ...chunk, extension: pick([";\n", ";a\n", ';a="\n', ";a=\n"], a) }))
  ),
  chunks("a bare CR behind a chunk size", "BareLineEndInChunk", withChunked, (model, [a, b]) =>
    spoilSizeLine(model, b, (chunk) => ({ ...chunk, sizeEnd: pick(["\rX", "\r\r\n", "\r\0\n"], a) }))
  ),
  chunks("no CRLF behind chunk data", "MissingChunkTerminator", withChunks, (model, [a, b]) =>
    spoilData(model, b, (chunk) => ({
      ...chunk,
      dataEnd: pick(["", "\n", "\r", "X\r\n", "\n\r", "\0\r\n"], a)
    }))
  )
]

const trailers = define("Trailers")

const addTrailer = (model: Model, line: FieldLine.FieldLine, position: number): Model =>
  spoilChunked(model, (body) => ({ ...body, trailers: FieldLine.insert(body.trailers, line, position) }))

export const trailerSection: ReadonlyArray<Mutation> = [
  trailers("a framing or routing field in the trailers", "ForbiddenTrailer", withChunked, (model, [a, b]) =>
    addTrailer(
      model,
      FieldLine.make(
        pick(["Content-Length", "transfer-encoding", "HOST", "Trailer", "content-Encoding"], a),
        "5"
      ),
      b
    )
  ),
  trailers("a folded trailer", "ObsoleteFolding", withChunked, (model, [, b]) =>
    addTrailer(model, { ...plain, end: "\r\n folded\r\n" }, b)
  ),
  trailers("white space before the first trailer", "LeadingSpace", withChunked, (model) =>
    addTrailer(model, { ...plain, name: " X" }, 0)
  ),
  trailers("white space before a trailer's colon", "SpaceBeforeColon", withChunked, (model, [, b]) =>
    addTrailer(model, { ...plain, colon: " :" }, b)
  ),
  trailers("a NUL in a trailer", "NulByte", withChunked, (model, [a, b]) =>
    addTrailer(model, { ...plain, value: insertAt("value", "\0", a) }, b)
  ),
  trailers("a bare LF behind a trailer", "BareLineFeed", withChunked, (model, [, b]) =>
    addTrailer(model, { ...plain, end: "\n" }, b)
  ),
  trailers("a bare LF that ends the trailers", "BareLineFeed", withChunked, (model) =>
    spoilChunked(model, (body) => ({ ...body, end: "\n" }))
  ),
  trailers("a bare CR that ends the trailers", "BareCarriageReturn", withChunked, (model) =>
    spoilChunked(model, (body) => ({ ...body, end: "\rX" }))
  ),
  trailers("trailers over their limit", "TrailersTooLarge", withChunked, (model, [, b]) =>
    addTrailer(model, { ...plain, value: "v".repeat(8_192) }, b)
  ),
  trailers("more than a hundred trailers", "TooManyFields", withChunked, (model) =>
    spoilChunked(model, (body) => ({
      ...body,
      trailers: [...body.trailers, ...Array.from({ length: 101 }, () => plain)]
    }))
  )
]
