/**
 * Turns a valid request into one that breaks a single rule, and says which: the reason that a decoder must give,
 * the status that is due, and the part of the message that was being read.
 *
 * The mutations are a table. Each names the shape of request that it needs and changes one part of it; what it
 * needs to choose it reads off `dice`, so that a failure shrinks to the plainest request and the first choice.
 */
import type * as Http1Error from "@nvo/protocol/http1/Http1Error"
import * as fc from "fast-check"
import * as Characters from "./Characters.ts"
import type { Chunk, ChunkedModel } from "./ChunkedModel.ts"
import * as FieldLine from "./FieldLine.ts"
import * as RequestGenerator from "./RequestGenerator.ts"
import * as RequestModel from "./RequestModel.ts"
import * as TargetGenerator from "./TargetGenerator.ts"

type Model = RequestModel.RequestModel

export interface Mutation {
  /** What is done, in words. */
  readonly name: string
  readonly reason: Http1Error.ReasonTag
  readonly phase: Http1Error.Phase
  readonly shape: RequestGenerator.Shape
  /** The broken request. `dice` are two natural numbers. */
  readonly apply: (model: Model, dice: Dice) => Model
}

export type Dice = readonly [number, number]

/** A request that must be refused, and how. */
export interface Mutated {
  readonly name: string
  readonly model: Model
  readonly bytes: Uint8Array
  readonly reason: Http1Error.ReasonTag
  readonly status: number
  readonly phase: Http1Error.Phase
}

const pick = (choices: ReadonlyArray<string> | string, n: number): string => choices[n % choices.length]

const insertAt = (text: string, inserted: string, n: number): string => {
  const at = n % (text.length + 1)
  return text.slice(0, at) + inserted + text.slice(at)
}

const define =
  (phase: Http1Error.Phase) =>
  (
    name: string,
    reason: Http1Error.ReasonTag,
    shape: RequestGenerator.Shape,
    apply: (model: Model, dice: Dice) => Model
  ): Mutation => ({ name, reason, phase, shape, apply })

const any: RequestGenerator.Shape = {}
const http11: RequestGenerator.Shape = { minorVersion: 1 }
const origin: RequestGenerator.Shape = { target: TargetGenerator.origin }
const absolute: RequestGenerator.Shape = { target: TargetGenerator.absolute }
const connect: RequestGenerator.Shape = { target: TargetGenerator.authority }
const withLength: RequestGenerator.Shape = { body: "Length" }
const withChunked: RequestGenerator.Shape = { body: "Chunked" }
const withChunks: RequestGenerator.Shape = { body: "Chunked", minChunks: 1 }

// Request line.

const line = define("RequestLine")

const requestLine: ReadonlyArray<Mutation> = [
  line("a delimiter in the method", "InvalidMethod", any, (model, [a, b]) => ({
    ...model,
    method: insertAt(model.method, pick(Characters.DELIMITERS, a), b)
  })),
  line("a control or obs-text octet in the method", "InvalidMethod", any, (model, [a, b]) => ({
    ...model,
    method: insertAt(model.method, pick(`\t${Characters.CONTROL}${Characters.OBS_TEXT}`, a), b)
  })),
  line("white space before the method", "InvalidMethod", any, (model, [a]) => ({
    ...model,
    method: pick([" ", "\t"], a) + model.method
  })),
  line("a tab behind the method", "InvalidMethod", any, (model) => ({ ...model, afterMethod: "\t" })),
  line("a NUL in the method", "NulByte", any, (model, [, b]) => ({
    ...model,
    method: insertAt(model.method, "\0", b)
  })),
  line("a method of 33 octets", "MethodTooLong", any, (model) => ({ ...model, method: "M".repeat(33) })),
  line("five empty lines", "TooManyEmptyLines", any, (model) => ({ ...model, leading: "\r\n".repeat(5) })),
  line("an empty line that is a bare LF", "BareLineFeed", any, (model) => ({ ...model, leading: "\n" })),
  line("an empty line that is a bare CR", "BareCarriageReturn", any, (model) => ({
    ...model,
    leading: "\r"
  })),
  line("two spaces before the target", "InvalidTarget", any, (model) => ({ ...model, afterMethod: "  " })),
  line("a control octet in the target", "InvalidTarget", any, (model, [a, b]) => ({
    ...model,
    target: insertAt(model.target, pick(`\t${Characters.CONTROL}`, a), b)
  })),
  line("a NUL in the target", "NulByte", any, (model, [, b]) => ({
    ...model,
    target: insertAt(model.target, "\0", b)
  })),
  line("an octet outside the target's grammar", "InvalidTarget", origin, (model, [a, b]) => ({
    ...model,
    target: `/${insertAt(model.target.slice(1).replaceAll("%", "_"), pick(`#"<>\\^\`{|}[]${Characters.OBS_TEXT}`, a), b)}`
  })),
  line("broken percent-encoding", "InvalidTarget", origin, (model, [a]) => ({
    ...model,
    target: model.target + pick(["%", "%4", "%zz", "%4g", "%%41", "%u0041"], a)
  })),
  line("a relative reference", "InvalidTarget", origin, (model, [a]) => ({
    ...model,
    target: pick(["index.html", "?q", "a/b", ".", "host", "http:/", "http:", "**"], a)
  })),
  line("a scheme that is not http", "InvalidTarget", absolute, (model, [a]) => ({
    ...model,
    target: pick(["ftp", "ws", "xhttp", "httpx", ""], a) + model.target.slice(model.target.indexOf(":"))
  })),
  line("userinfo in the target", "InvalidTarget", absolute, (model, [a]) => ({
    ...model,
    target: model.target.replace("://", `://${pick(["user@", "user:pass@", "@", "a%40b@"], a)}`)
  })),
  line("an empty host in the target", "InvalidTarget", absolute, (model, [a]) => ({
    ...model,
    target: pick(["http://", "http:///a", "http://:80/", "https://?q", "http://:"], a)
  })),
  line("a host outside its grammar in the target", "InvalidTarget", absolute, (model, [a]) => ({
    ...model,
    target: `http://${pick(
      invalidAuthorities.filter((authority) => !authority.includes(" ")),
      a
    )}/`
  })),
  line("an asterisk for another method than OPTIONS", "TargetFormMismatch", origin, (model) => ({
    ...model,
    method: model.method === "OPTIONS" ? "GET" : model.method,
    target: "*"
  })),
  line("CONNECT with another form", "TargetFormMismatch", connect, (model, [a]) => ({
    ...model,
    target: pick(
      ["/", "*", "http://a/", "a", "a:", ":80", "a:80/", "u@a:80", "[::1]", "a:65536", "a,b:80"],
      a
    )
  })),
  line("no version", "MissingVersion", any, (model) => ({ ...model, afterTarget: "", version: "" })),
  line("a malformed version", "InvalidVersion", any, (model, [a]) => ({
    ...model,
    version: pick(
      [
        "",
        "http/1.1",
        "Http/1.1",
        "HTTP/1",
        "HTTP/1.",
        "HTTP/.1",
        "HTTP/1.10",
        "HTTP/11.1",
        "HTTP/1,1",
        "HTTP 1.1",
        "HTTP/ 1.1",
        "HTTP/1.1 ",
        "HTTP/1.1\t",
        " HTTP/1.1",
        "HTTPS/1.1",
        "HTTP/a.1",
        "HTTP/1.x",
        "HTTP/+1.1",
        "ICY/1.1"
      ],
      a
    )
  })),
  line("a NUL in the version", "NulByte", any, (model, [, b]) => ({
    ...model,
    version: insertAt(model.version, "\0", b)
  })),
  line("a version that is not ours", "UnsupportedVersion", any, (model, [a]) => ({
    ...model,
    version: pick(["HTTP/2.0", "HTTP/0.9", "HTTP/3.0", "HTTP/1.2", "HTTP/1.9", "HTTP/9.9"], a)
  })),
  line("a request line of more than 8000 octets", "RequestLineTooLong", origin, (model, [, b]) => ({
    ...model,
    target: `/${"a".repeat(8_000 + (b % 20))}`
  })),
  line("a bare LF behind the request line", "BareLineFeed", any, (model) => ({ ...model, lineEnd: "\n" })),
  line("a bare CR behind the request line", "BareCarriageReturn", any, (model) => ({
    ...model,
    lineEnd: "\r"
  }))
]

/** What is no host with an optional port, wherever it stands. */
export const invalidAuthorities: ReadonlyArray<string> = [
  "a b",
  "a,b",
  "a, b",
  "user@a",
  "a:b",
  "a:80:80",
  "a:65536",
  "a:-1",
  "a:+80",
  "a:8 0",
  "a\\b",
  "a%zz",
  "a%4",
  "<a>",
  '"a"',
  "::1",
  "[::1",
  "::1]",
  "[]",
  "[::1]a",
  "[::1]80",
  "[:1]",
  "[1:]",
  "[:::]",
  "[1::2::3]",
  "[12345::]",
  "[g::]",
  "[1:2:3:4:5:6:7]",
  "[1:2:3:4:5:6:7:8:9]",
  "[1:2:3:4:5:6:7::8:9]",
  "[1:2:3:4:5:6:7:8::]",
  "[::1.2.3]",
  "[::1.2.3.256]",
  "[1.2.3.4]",
  "[1.2.3.4::]",
  "[::1%25eth0]",
  "[v1]",
  "[v.a]",
  "[vg.a]",
  "[v1.]"
]

// Field lines.

const fields = define("Fields")

const addField = (model: Model, line: FieldLine.FieldLine, position: number): Model => ({
  ...model,
  fields: FieldLine.insert(model.fields, line, position)
})

const replaceValue = (model: Model, name: string, value: string): Model => ({
  ...model,
  fields: model.fields.map((line) =>
    FieldLine.is(line, name) ? { ...line, before: " ", value, after: "" } : line
  )
})

const withoutField = (model: Model, name: string): Model => ({
  ...model,
  fields: model.fields.filter((line) => !FieldLine.is(line, name))
})

const plain = FieldLine.make("X-Plain", "value")

const fieldSection: ReadonlyArray<Mutation> = [
  fields("a bare LF behind a field line", "BareLineFeed", any, (model, [, b]) =>
    addField(model, { ...plain, end: "\n" }, b)
  ),
  fields("a bare CR behind a field line", "BareCarriageReturn", any, (model, [, b]) =>
    addField(model, { ...plain, end: "\r" }, b)
  ),
  fields("a bare CR in a field value", "BareCarriageReturn", any, (model, [a, b]) =>
    addField(model, { ...plain, value: insertAt("value", "\r", 1 + (a % 4)) }, b)
  ),
  fields("a bare LF that ends the head", "BareLineFeed", any, (model) => ({ ...model, headEnd: "\n" })),
  fields("a bare CR that ends the head", "BareCarriageReturn", any, (model) => ({
    ...model,
    headEnd: "\rX"
  })),
  fields("a NUL in a field name", "NulByte", any, (model, [a, b]) =>
    addField(model, { ...plain, name: insertAt("X-Plain", "\0", a) }, b)
  ),
  fields("a NUL in a field value", "NulByte", any, (model, [a, b]) =>
    addField(model, { ...plain, value: insertAt("value", "\0", a) }, b)
  ),
  fields("a delimiter in a field name", "InvalidFieldName", any, (model, [a, b]) =>
    addField(model, { ...plain, name: `X${pick(Characters.DELIMITERS.replace(":", ""), a)}Plain` }, b)
  ),
  fields("a control or obs-text octet in a field name", "InvalidFieldName", any, (model, [a, b]) =>
    addField(
      model,
      { ...plain, name: insertAt("Plain", pick(Characters.CONTROL + Characters.OBS_TEXT, a), b) },
      b
    )
  ),
  fields("no field name", "EmptyFieldName", any, (model, [, b]) =>
    addField(model, { ...plain, name: "" }, b)
  ),
  fields("no colon", "MissingColon", any, (model, [, b]) =>
    addField(model, { ...plain, colon: "", before: "", value: "" }, b)
  ),
  fields("white space before the colon", "SpaceBeforeColon", any, (model, [a, b]) =>
    addField(model, { ...plain, colon: pick([" :", "\t:", "  :"], a) }, b)
  ),
  fields("white space inside a field name", "SpaceBeforeColon", any, (model, [a, b]) =>
    addField(model, { ...plain, name: pick(["X Plain", "X\tPlain"], a) }, b)
  ),
  fields("white space before the first field line", "LeadingSpace", any, (model, [a]) =>
    addField(model, { ...plain, name: pick([" X", "\tX", " "], a) }, 0)
  ),
  fields("a folded field line", "ObsoleteFolding", any, (model, [a, b]) => ({
    ...addField(model, { ...plain, end: `\r\n${pick([" folded", "\tfolded", " ", " a: b"], a)}\r\n` }, b)
  })),
  fields("a control octet in a field value", "InvalidFieldValue", any, (model, [a, b]) =>
    addField(model, { ...plain, value: insertAt("value", pick(Characters.CONTROL, a), b) }, b)
  ),
  fields("a head over its limit", "HeadTooLarge", any, (model, [, b]) =>
    addField(model, { ...plain, value: "v".repeat(16_384 + (b % 20)) }, b)
  ),
  fields("more than a hundred field lines", "TooManyFields", any, (model, [, b]) => ({
    ...model,
    fields: [...model.fields, ...Array.from({ length: 101 + (b % 5) }, () => plain)]
  })),
  // Host.
  fields("no Host in HTTP/1.1", "MissingHost", http11, (model) => withoutField(model, "host")),
  fields("two Hosts", "DuplicateHost", http11, (model, [a, b]) =>
    addField(model, model.fields.find((line) => FieldLine.is(line, "host")) ?? plain, a + b)
  ),
  fields("a Host outside its grammar", "InvalidHost", http11, (model, [a]) =>
    replaceValue(model, "host", pick([...invalidAuthorities, "a/", "http://a", "a?", "a#", "a\x80"], a))
  ),
  // Content-Length.
  fields("a Content-Length that is no row of digits", "InvalidContentLength", withLength, (model, [a]) =>
    replaceValue(model, "content-length", pick(invalidLengths, a))
  ),
  fields("two Content-Lengths", "DuplicateContentLength", withLength, (model, [a, b]) =>
    addField(
      model,
      a % 2 === 0
        ? (model.fields.find((line) => FieldLine.is(line, "content-length")) ?? plain)
        : FieldLine.make("Content-Length", String(b)),
      b
    )
  ),
  fields("a Content-Length too large to count", "ContentLengthOverflow", withLength, (model, [a]) =>
    replaceValue(
      model,
      "content-length",
      pick(["9007199254740992", "18446744073709551616", "9".repeat(400), `000${2 ** 53}`], a)
    )
  ),
  fields(
    "Content-Length with Transfer-Encoding",
    "ContentLengthWithTransferEncoding",
    withChunked,
    (model, [a, b]) => addField(model, FieldLine.make("Content-Length", pick(["0", "5"], a)), b)
  ),
  // Transfer-Encoding.
  fields("chunked is not the final coding", "TransferCodingNotFinal", withChunked, (model, [a]) =>
    replaceValue(
      model,
      "transfer-encoding",
      pick(
        [
          "gzip",
          "identity",
          "xchunked",
          "chunkedx",
          "chunked;q=1",
          "chunked ; a=b",
          "chunked, gzip",
          "chunked, identity",
          "chunked, chunked",
          "chunked, gzip, chunked",
          "gzip, chunked;q=0"
        ],
        a
      )
    )
  ),
  fields("a Transfer-Encoding that is no list", "InvalidTransferEncoding", withChunked, (model, [a]) =>
    replaceValue(
      model,
      "transfer-encoding",
      pick(
        [
          "",
          ",",
          "chunked,",
          ",chunked",
          "chunked,,chunked",
          "chun ked",
          "chunked gzip",
          '"chunked"',
          "chunked\xa0",
          "\xa0chunked",
          "chunked\x85",
          "chunked=1",
          "[chunked]",
          ";chunked"
        ],
        a
      )
    )
  ),
  fields("an unknown transfer coding", "UnknownTransferCoding", withChunked, (model, [a]) =>
    replaceValue(
      model,
      "transfer-encoding",
      pick(
        [
          "gzip, chunked",
          "identity,chunked",
          "x;a=b \t,\tCHUNKED",
          "chunked-x, chunked",
          "xchunked, chunked"
        ],
        a
      )
    )
  ),
  fields("a second Transfer-Encoding", "TransferCodingNotFinal", withChunked, (model, [, b]) =>
    addField(model, FieldLine.make("Transfer-Encoding", "chunked"), b)
  ),
  fields("a second, empty Transfer-Encoding", "InvalidTransferEncoding", withChunked, (model, [, b]) =>
    addField(model, FieldLine.make("Transfer-Encoding", ""), b)
  ),
  fields("Transfer-Encoding in HTTP/1.0", "TransferEncodingInHttp10", withChunked, (model) => ({
    ...model,
    version: "HTTP/1.0"
  })),
  fields("an unknown expectation", "UnknownExpectation", http11, (model, [a, b]) =>
    addField(
      model,
      FieldLine.make("Expect", pick(["200-ok", "100-continue, a", "100-continue=1", "100 continue"], a)),
      b
    )
  )
]

/** What is no row of digits, though somebody once took it for one. */
export const invalidLengths: ReadonlyArray<string> = [
  "",
  "+5",
  "-0",
  "-1",
  "5 5",
  "5,5",
  "5, 5",
  "5,",
  ",5",
  "0x5",
  "5.0",
  "5e0",
  "1_0",
  "5;q=1",
  '"5"',
  "five",
  "\xb2",
  "\xef\xbc\x95",
  "5\xa0",
  "\xa05"
]

// Chunks and trailers.

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

const chunkedBody: ReadonlyArray<Mutation> = [
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

const trailerSection: ReadonlyArray<Mutation> = [
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

// The statuses that are not 400: RFC 9110 §15.5 and §15.6, RFC 6585 §5. Written out, since they are what is tested.
const statuses: Readonly<Partial<Record<Http1Error.ReasonTag, number>>> = {
  MethodTooLong: 501,
  RequestLineTooLong: 414,
  UnsupportedVersion: 505,
  HeadTooLarge: 431,
  TooManyFields: 431,
  TrailersTooLarge: 431,
  ContentLengthOverflow: 413,
  ChunkSizeOverflow: 413,
  UnknownTransferCoding: 501,
  UnknownExpectation: 417
}

/** All mutations. Every one holds for the default limits. */
export const all: ReadonlyArray<Mutation> = [
  ...requestLine,
  ...fieldSection,
  ...chunkedBody,
  ...trailerSection
]

/** A valid request broken by that mutation. */
export const mutated = (mutation: Mutation): fc.Arbitrary<Mutated> =>
  fc
    .record({
      model: RequestGenerator.request(mutation.shape),
      dice: fc.tuple(fc.nat(10_000), fc.nat(10_000))
    })
    .map(({ dice, model }) => {
      const broken = mutation.apply(model, dice)
      return {
        name: mutation.name,
        model: broken,
        bytes: RequestModel.encode(broken),
        reason: mutation.reason,
        status: statuses[mutation.reason] ?? 400,
        phase: mutation.phase
      }
    })

/** A valid request broken by any of them. */
export const anyMutated: fc.Arbitrary<Mutated> = fc.constantFrom(...all).chain(mutated)
