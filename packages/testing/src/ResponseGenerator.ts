/**
 * Responses as an application gives them, event by event: valid ones with what a client must read, and broken
 * ones with the reason that an encoder must give.
 */
import * as ConnectionId from "@nvo/protocol/http/ConnectionId"
import type * as Http1Error from "@nvo/protocol/http1/Http1Error"
import type * as ResponseEncoder from "@nvo/protocol/http1/ResponseEncoder"
import type * as ResponseEvent from "@nvo/protocol/http1/ResponseEvent"
import * as fc from "fast-check"
import * as Bytes from "./Bytes.ts"
import * as Characters from "./Characters.ts"
import * as FieldLine from "./FieldLine.ts"

/** A response and what a client reads of it. */
export interface ResponseModel {
  readonly exchange: ResponseEncoder.Exchange
  readonly date: string | undefined
  readonly events: ReadonlyArray<ResponseEvent.ResponseEvent>
  readonly understood: Understood
}

type Lines = ReadonlyArray<readonly [name: string, value: string]>

export interface Understood {
  readonly interim: ReadonlyArray<{ readonly status: number; readonly fields: Lines }>
  readonly status: number
  /** The fields that the application gave and that are not the encoder's own. */
  readonly fields: Lines
  /** The content, one character for each octet; empty where the response has none. */
  readonly body: string
  readonly trailers: Lines
  readonly persistent: boolean
  readonly framing: "None" | "Length" | "Chunked" | "Close"
  /** What Content-Length must say; `undefined` where it must not be there. */
  readonly contentLength: number | undefined
}

/** A response that must be refused. */
export interface BrokenResponse {
  readonly name: string
  readonly exchange: ResponseEncoder.Exchange
  readonly events: ReadonlyArray<ResponseEvent.ResponseEvent>
  readonly reason: Http1Error.ReasonTag
}

export const exchange: fc.Arbitrary<ResponseEncoder.Exchange> = fc.record({
  connectionId: fc.integer({ min: 1, max: 1_000 }).map(ConnectionId.make),
  requestIndex: fc.integer({ min: 1, max: 100 }),
  method: fc.constantFrom("GET", "HEAD", "POST", "OPTIONS"),
  minorVersion: fc.constantFrom(1 as const, 0 as const),
  persistent: fc.boolean()
})

const fieldName = FieldLine.name.filter((name) => !["trailer", "te"].includes(name.toLowerCase()))

// An application may leave white space around a value; a recipient takes it off.
const fieldValue = fc.oneof(
  Characters.plainestFirst,
  { weight: 4, arbitrary: FieldLine.value },
  {
    weight: 1,
    arbitrary: fc.tuple(Characters.ows, FieldLine.value, Characters.ows).map((parts) => parts.join(""))
  }
)

/** Fields that an application may send. */
export const fields: fc.Arbitrary<ResponseEvent.Fields> = fc
  .array(
    fc.tuple(
      fieldName,
      fc.oneof(
        Characters.plainestFirst,
        { weight: 4, arbitrary: fieldValue },
        { weight: 1, arbitrary: fc.array(fieldValue, { maxLength: 3 }) }
      )
    ),
    { maxLength: 5 }
  )
  .map(Object.fromEntries)

/** The field lines that a recipient reads. */
export const lines = (fields: ResponseEvent.Fields): Lines =>
  Object.entries(fields).flatMap(([name, value]) =>
    (typeof value === "string" ? [value] : value).map(
      (item) => [name, item.replace(/^[ \t]+|[ \t]+$/g, "")] as const
    )
  )

const status = fc.oneof(
  Characters.plainestFirst,
  fc.constantFrom(200, 201, 204, 205, 206, 301, 304, 400, 404, 500, 503),
  fc.integer({ min: 200, max: 599 })
)

const connection: fc.Arbitrary<ResponseEvent.Fields> = fc.oneof(
  Characters.plainestFirst,
  { weight: 3, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.constantFrom({ Connection: "close" }, { connection: "keep-alive, x-option" }) }
)

// What belongs to the encoder: an application may give it, and it changes nothing.
const ignored: fc.Arbitrary<ResponseEvent.Fields> = fc.oneof(
  Characters.plainestFirst,
  { weight: 3, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { "Transfer-Encoding": "chunked" },
      { "transfer-encoding": "gzip" },
      { "Keep-Alive": "timeout=5" },
      { "proxy-connection": "keep-alive" }
    )
  }
)

const hasNoContent = (status: number): boolean => status === 204 || status === 205 || status === 304

/** A valid response with what a client must read. */
export const response: fc.Arbitrary<ResponseModel> = fc
  .record({
    exchange,
    date: fc.constantFrom(undefined, "Sun, 06 Nov 1994 08:49:37 GMT"),
    interim: fc.array(fc.record({ status: fc.constantFrom(100, 102, 103, 199), fields }), { maxLength: 2 }),
    status,
    reasonPhrase: fc.oneof(Characters.plainestFirst, fc.constant(undefined), FieldLine.value),
    fields,
    connection,
    ignored,
    data: fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 5 }),
    /** How the length is made known: by the body, by the field, by both, or not at all. */
    known: fc.constantFrom("Neither", "Body", "Field", "Both"),
    trailers: fc.oneof(Characters.plainestFirst, fc.constant(undefined), fields)
  })
  .map((drawn): ResponseModel => {
    const { exchange, known, status } = drawn
    const content = Bytes.concat(drawn.data)
    const noContent = hasNoContent(status)
    const bodyLength = known === "Body" || known === "Both" ? content.length : undefined
    const declared = known === "Field" || known === "Both" ? content.length : undefined
    const length = declared ?? bodyLength
    const framing: Understood["framing"] =
      noContent || exchange.method === "HEAD"
        ? "None"
        : length !== undefined
          ? "Length"
          : exchange.minorVersion === 1
            ? "Chunked"
            : "Close"
    const contentLength =
      status === 204
        ? undefined
        : status === 205
          ? 0
          : status === 304
            ? declared
            : exchange.method === "HEAD" && declared === undefined && bodyLength === 0
              ? undefined
              : length
    return {
      exchange,
      date: drawn.date,
      events: [
        ...drawn.interim.map((interim) => ({ _tag: "InterimHead", ...interim }) as const),
        {
          _tag: "ResponseHead",
          status,
          reasonPhrase: drawn.reasonPhrase,
          fields: {
            ...drawn.fields,
            ...drawn.connection,
            ...drawn.ignored,
            ...(declared === undefined ? {} : { "Content-Length": String(declared) })
          },
          bodyLength
        },
        ...drawn.data.map((bytes) => ({ _tag: "ResponseData", bytes }) as const),
        { _tag: "ResponseEnd", trailers: drawn.trailers }
      ],
      understood: {
        interim:
          exchange.minorVersion === 0
            ? []
            : drawn.interim.map((interim) => ({ status: interim.status, fields: lines(interim.fields) })),
        status,
        fields: lines(drawn.fields),
        body: framing === "None" ? "" : Bytes.toText(content),
        trailers: framing === "Chunked" && drawn.trailers !== undefined ? lines(drawn.trailers) : [],
        persistent: exchange.persistent && drawn.connection.Connection !== "close" && framing !== "Close",
        framing,
        contentLength
      }
    }
  })

// A character that no field may hold.
const forbiddenCharacter = fc.oneof(
  Characters.plainestFirst,
  Characters.of(`\r\n\0${Characters.CONTROL}`),
  fc.constantFrom("\u0100", "\u010a", "\u010d", "\u560a", "\u2028", "\ud800", "😀")
)

const spoiltValue = fc
  .tuple(FieldLine.value, forbiddenCharacter, FieldLine.value)
  .map((parts) => parts.join(""))

const spoiltName = fc.oneof(
  Characters.plainestFirst,
  fc.constant(""),
  fc
    .tuple(
      Characters.token,
      fc.oneof(
        Characters.plainestFirst,
        forbiddenCharacter,
        Characters.of(` \t${Characters.DELIMITERS}${Characters.OBS_TEXT}`)
      ),
      Characters.token
    )
    .map((parts) => parts.join(""))
)

const get: ResponseEncoder.Exchange = {
  connectionId: ConnectionId.make(7),
  requestIndex: 3,
  method: "GET",
  minorVersion: 1,
  persistent: true
}

const head = (given: Partial<ResponseEvent.ResponseHead>): ResponseEvent.ResponseHead => ({
  _tag: "ResponseHead",
  status: 200,
  fields: {},
  bodyLength: undefined,
  ...given
})

const data = (length: number): ResponseEvent.ResponseData => ({
  _tag: "ResponseData",
  bytes: new Uint8Array(length).fill(0x78)
})

const end: ResponseEvent.ResponseEnd = { _tag: "ResponseEnd" }

const broken = (
  name: string,
  reason: Http1Error.ReasonTag,
  events: fc.Arbitrary<ReadonlyArray<ResponseEvent.ResponseEvent>>,
  exchange: ResponseEncoder.Exchange = get
): fc.Arbitrary<BrokenResponse> => events.map((events) => ({ name, exchange, events, reason }))

/** Responses that break one promise each. The events end with the one that breaks it. */
export const allBroken: ReadonlyArray<fc.Arbitrary<BrokenResponse>> = [
  broken(
    "a status that ends no exchange",
    "InvalidStatus",
    fc
      .constantFrom(0, 99, 100, 101, 199, 600, 1000, -200, 200.5, Number.NaN, Number.POSITIVE_INFINITY)
      .map((status) => [head({ status })])
  ),
  broken(
    "an interim status that is none",
    "InvalidInterimStatus",
    fc
      .constantFrom(0, 99, 101, 200, 100.5, Number.NaN)
      .map((status) => [{ _tag: "InterimHead", status, fields: {} }])
  ),
  broken(
    "a reason phrase with a forbidden character",
    "InvalidReasonPhrase",
    spoiltValue.map((reasonPhrase) => [head({ reasonPhrase })])
  ),
  broken(
    "a field name that is no token",
    "InvalidResponseFieldName",
    spoiltName.map((name) => [head({ fields: { [name]: "v" } })])
  ),
  broken(
    "a field value with a forbidden character",
    "InvalidResponseFieldValue",
    fc.tuple(fieldName, spoiltValue).map(([name, value]) => [head({ fields: { [name]: value } })])
  ),
  broken(
    "a forbidden character in one value of a list",
    "InvalidResponseFieldValue",
    spoiltValue.map((value) => [head({ fields: { "set-cookie": ["a=b", value] } })])
  ),
  broken(
    "a Connection option that is no token",
    "InvalidResponseFieldValue",
    spoiltValue.map((value) => [head({ fields: { connection: `close, x${value}` } })])
  ),
  broken(
    "a forbidden character in an interim head",
    "InvalidResponseFieldValue",
    spoiltValue.map((value) => [{ _tag: "InterimHead", status: 103, fields: { link: value } }])
  ),
  broken(
    "a Content-Length that is no row of digits",
    "InvalidResponseLength",
    fc
      .constantFrom("", "+5", "-1", "5, 5", "5 ", "0x5", "5.0", "9007199254740992")
      .map((value) => [head({ fields: { "Content-Length": value } })])
  ),
  broken(
    "a Content-Length that differs from the body's length",
    "ResponseLengthMismatch",
    fc
      .tuple(fc.nat(100), fc.integer({ min: 1, max: 100 }))
      .map(([length, more]) => [
        head({ fields: { "content-length": String(length + more) }, bodyLength: length })
      ])
  ),
  broken(
    "more octets than declared",
    "ResponseTooLong",
    fc
      .tuple(fc.nat(100), fc.integer({ min: 1, max: 100 }))
      .map(([length, more]) => [head({ bodyLength: length }), data(length), data(more)])
  ),
  broken(
    "fewer octets than declared",
    "ResponseTooShort",
    fc
      .tuple(fc.nat(100), fc.integer({ min: 1, max: 100 }))
      .map(([length, more]) => [head({ bodyLength: length + more }), data(length), end])
  ),
  broken(
    "a 2xx answer to CONNECT",
    "ConnectWithoutTunnel",
    fc.integer({ min: 200, max: 299 }).map((status) => [head({ status })]),
    { ...get, method: "CONNECT" }
  ),
  broken(
    "a trailer that frames or routes",
    "ForbiddenResponseTrailer",
    fc
      .constantFrom("content-length", "Transfer-Encoding", "HOST", "trailer", "Set-Cookie", "content-type")
      .map((name) => [head({}), data(1), { _tag: "ResponseEnd", trailers: { [name]: "1" } }])
  ),
  broken(
    "a forbidden character in a trailer",
    "InvalidResponseFieldValue",
    spoiltValue.map((value) => [head({}), { _tag: "ResponseEnd", trailers: { "x-sum": value } }])
  ),
  broken(
    "events out of order",
    "ResponseOutOfOrder",
    fc.constantFrom<ReadonlyArray<ResponseEvent.ResponseEvent>>(
      [data(1)],
      [end],
      [head({}), head({})],
      [head({}), { _tag: "InterimHead", status: 103, fields: {} }],
      [head({}), end, end],
      [head({}), end, data(1)],
      [head({}), end, head({})],
      [head({ bodyLength: 0 }), end, { _tag: "InterimHead", status: 103, fields: {} }]
    )
  )
]

/** A response that breaks one promise. */
export const brokenResponse: fc.Arbitrary<BrokenResponse> = fc.constantFrom(...allBroken).chain((one) => one)

const anyText = fc.oneof(
  Characters.plainestFirst,
  fc.string({ unit: Characters.unicode }),
  fc.string({
    unit: fc.constantFrom("a", ":", " ", "\t", "\r", "\n", "\0", "\x85", "\u010a", "\u010d", "\u2028")
  }),
  FieldLine.value
)

const anyFields: fc.Arbitrary<ResponseEvent.Fields> = fc
  .array(
    fc.tuple(
      fc.oneof(
        Characters.plainestFirst,
        anyText,
        fieldName,
        fc.constantFrom("connection", "content-length", "Date", "keep-alive")
      ),
      fc.oneof(Characters.plainestFirst, anyText, fc.array(anyText, { maxLength: 2 }))
    ),
    { maxLength: 3 }
  )
  .map(Object.fromEntries)

/** Events with arbitrary text wherever an application can put text, in an order that may be wrong. */
export const anyEvents: fc.Arbitrary<ReadonlyArray<ResponseEvent.ResponseEvent>> = fc.array(
  fc.oneof(
    Characters.plainestFirst,
    fc.record({
      _tag: fc.constant("InterimHead" as const),
      status: fc.constantFrom(100, 103),
      fields: anyFields
    }),
    fc.record({
      _tag: fc.constant("ResponseHead" as const),
      status,
      reasonPhrase: fc.oneof(Characters.plainestFirst, fc.constant(undefined), anyText),
      fields: anyFields,
      bodyLength: fc.oneof(Characters.plainestFirst, fc.constant(undefined), fc.nat(4))
    }),
    fc.record({ _tag: fc.constant("ResponseData" as const), bytes: fc.uint8Array({ maxLength: 4 }) }),
    fc.record({
      _tag: fc.constant("ResponseEnd" as const),
      trailers: fc.oneof(Characters.plainestFirst, fc.constant(undefined), anyFields)
    })
  ),
  { maxLength: 5 }
)
