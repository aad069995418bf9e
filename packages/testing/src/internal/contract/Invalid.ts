/**
 * Valid requests broken in one way each: what `SchemaGenerator` breaks of a payload, query, path or field, as far as it
 * can be sent.
 */
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as UrlParams from "effect/http/UrlParams"
import * as Schema from "effect/Schema"
import * as SchemaGenerator from "../../SchemaGenerator.ts"
import * as Candidates from "../schema/Candidates.ts"
import * as Verdict from "../schema/Verdict.ts"
import * as Curl from "./Curl.ts"
import type { Endpoint } from "./Endpoint.ts"

/** A request that must be refused, and what is wrong with it. */
export interface Invalid {
  readonly what: string
  readonly request: HttpClientRequest.HttpClientRequest
}

const withJson = (request: HttpClientRequest.HttpClientRequest, value: unknown) =>
  HttpClientRequest.setBody(request, HttpBody.text(JSON.stringify(value), "application/json"))

const isString = (value: unknown): value is string => typeof value === "string"

// What JSON can carry: it has no NaN, and leaves out what is undefined.
const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const whatOf = (part: string, broken: SchemaGenerator.Invalid): string =>
  `the ${part}'s ${SchemaGenerator.format(broken)} is broken: ${JSON.stringify(broken.value)?.slice(0, 200)}`

const brokenJson = ({ json, payloadOptions }: Endpoint, request: HttpClientRequest.HttpClientRequest) => {
  const text = Curl.bodyText(request.body)
  if (json === undefined || text === undefined || text === "") return []
  const breaks = SchemaGenerator.breaks(json, payloadOptions)(JSON.parse(text))
  const verdictsOf = Verdict.of(json, payloadOptions)
  return [
    {
      what: "the payload is no JSON",
      request: HttpClientRequest.setBody(
        request,
        HttpBody.text(`${text.slice(0, -1)}\u0001`, "application/json")
      )
    },
    {
      what: "the payload's media type is text/plain",
      request: HttpClientRequest.setBody(request, HttpBody.text(text, "text/plain"))
    },
    ...breaks
      .filter(({ value }) => verdictsOf(throughJson(value)).length > 0)
      .map((broken) => ({ what: whatOf("payload", broken), request: withJson(request, broken.value) }))
  ]
}

const isText = (value: unknown): value is string | ReadonlyArray<string> =>
  isString(value) || (Array.isArray(value) && value.length > 0 && value.every(isString))

// Records of texts that break a schema: those of a query, a path or of fields.
const brokenTexts = (
  part: string,
  schema: Schema.Top,
  record: Readonly<Record<string, unknown>>
): ReadonlyArray<{
  readonly what: string
  readonly record: Readonly<Record<string, string | ReadonlyArray<string>>>
}> =>
  SchemaGenerator.breaks(schema)(record).flatMap((broken) =>
    Candidates.isRecord(broken.value) && Object.values(broken.value).every(isText)
      ? [{ what: whatOf(part, broken), record: broken.value as Readonly<Record<string, string>> }]
      : []
  )

const brokenQuery = ({ endpoint }: Endpoint, request: HttpClientRequest.HttpClientRequest) => {
  const { query } = endpoint
  if (query === undefined) return []
  const codec = Schema.toCodecArrayFromSingle(query as never) as Schema.Top
  return brokenTexts("query", codec, UrlParams.toRecord(request.urlParams)).map(({ record, what }) => ({
    what,
    request: HttpClientRequest.setUrlParams(
      { ...request, urlParams: UrlParams.empty } as typeof request,
      record
    )
  }))
}

const brokenParams = ({ endpoint }: Endpoint, request: HttpClientRequest.HttpClientRequest) => {
  const { params, path } = endpoint
  if (params === undefined) return []
  const base = new URL(request.url, "http://host")
  const parts = base.pathname.split("/").reverse()
  const template = path.split("/").reverse()
  const named = template.flatMap((part, i) => (part.startsWith(":") ? [[part.slice(1), i] as const] : []))
  const record = Object.fromEntries(named.map(([name, i]) => [name, decodeURIComponent(parts[i] ?? "")]))
  return brokenTexts("path", params, record).flatMap(({ record, what }) => {
    // Without a segment, or with an empty one, it is another path.
    if (named.some(([name]) => !isString(record[name]) || /^\.{0,2}$/.test(record[name]))) return []
    const broken = [...parts]
    for (const [name, i] of named) broken[i] = encodeURIComponent(record[name] as string)
    return [
      {
        what,
        request: HttpClientRequest.setUrl(
          request,
          request.url.replace(base.pathname, broken.reverse().join("/"))
        )
      }
    ]
  })
}

// RFC 9110 §5.5; whitespace around a value is not part of it.
const FIELD_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/

const brokenHeaders = ({ endpoint }: Endpoint, request: HttpClientRequest.HttpClientRequest) => {
  const { headers } = endpoint
  if (headers === undefined) return []
  const names = Object.keys(request.headers)
  return brokenTexts("header", headers, { ...request.headers }).flatMap(({ record, what }) =>
    Object.values(record).every((value) => isString(value) && FIELD_VALUE.test(value))
      ? [
          {
            what,
            request: HttpClientRequest.setHeaders(
              names.reduce(HttpClientRequest.removeHeader, request),
              record as Readonly<Record<string, string>>
            )
          }
        ]
      : []
  )
}

/** What must be refused, made of one valid request. */
export const all = (
  endpoint: Endpoint,
  request: HttpClientRequest.HttpClientRequest
): ReadonlyArray<Invalid> => [
  ...brokenJson(endpoint, request),
  ...brokenQuery(endpoint, request),
  ...brokenParams(endpoint, request),
  ...brokenHeaders(endpoint, request)
]

/** A valid JSON request with whitespace in front, so that its body has more octets than the limit. */
export const tooLarge = (
  request: HttpClientRequest.HttpClientRequest,
  limit: number
): Invalid | undefined => {
  const text = Curl.bodyText(request.body)
  if (text === undefined || text === "") return undefined
  return {
    what: `the body has more than ${limit} octets`,
    request: HttpClientRequest.setBody(request, HttpBody.text(" ".repeat(limit) + text, "application/json"))
  }
}
