/**
 * Valid requests broken in one way each. What is not invalid by the schema of its part is left out: an optional field
 * that is missing breaks nothing.
 */
import * as Effect from "effect/Effect"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as UrlParams from "effect/http/UrlParams"
import * as Schema from "effect/Schema"
import * as Curl from "./Curl.ts"
import type { Endpoint } from "./Endpoint.ts"

/** A request that must be refused, and what is wrong with it. */
export interface Invalid {
  readonly what: string
  readonly request: HttpClientRequest.HttpClientRequest
}

const WRONG: ReadonlyArray<unknown> = [null, {}, [], "\u0000wrong", -1.5, true]
const WRONG_TEXTS = ["", "-1", "0x10", "1e999", "not-a-value"]

const decodes = (schema: Schema.Top, value: unknown, options?: object): boolean =>
  Effect.runSyncExit(Schema.decodeUnknownEffect(schema as Schema.Codec<unknown, unknown>, options)(value))
    ._tag === "Success"

const withJson = (request: HttpClientRequest.HttpClientRequest, value: unknown) =>
  HttpClientRequest.setBody(request, HttpBody.text(JSON.stringify(value), "application/json"))

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const brokenJson = ({ json, payloadOptions }: Endpoint, request: HttpClientRequest.HttpClientRequest) => {
  const text = Curl.bodyText(request.body)
  if (json === undefined || text === undefined || text === "") return []
  const value: unknown = JSON.parse(text)
  const candidates: Array<readonly [what: string, value: unknown]> = [
    ...WRONG.map((wrong) => [`the payload is ${JSON.stringify(wrong)}`, wrong] as const),
    ...(isRecord(value)
      ? Object.keys(value).flatMap((key) => {
          const { [key]: _, ...rest } = value
          return [
            [`the payload has no ${key}`, rest] as const,
            ...WRONG.map(
              (wrong) => [`${key} is ${JSON.stringify(wrong)}`, { ...value, [key]: wrong }] as const
            )
          ]
        })
      : [])
  ]
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
    ...candidates
      .filter(([, candidate]) => !decodes(json, candidate, payloadOptions))
      .map(([what, candidate]) => ({ what, request: withJson(request, candidate) }))
  ]
}

const brokenQuery = ({ endpoint }: Endpoint, request: HttpClientRequest.HttpClientRequest) => {
  const { query } = endpoint
  if (query === undefined) return []
  const codec = Schema.toCodecArrayFromSingle(query as never) as Schema.Top
  const record = Object.fromEntries(request.urlParams.params)
  return Object.keys((query as { readonly fields?: object }).fields ?? {}).flatMap((name) =>
    WRONG_TEXTS.filter((wrong) => !decodes(codec, { ...record, [name]: wrong })).map((wrong) => ({
      what: `the query's ${name} is ${JSON.stringify(wrong)}`,
      request: HttpClientRequest.setUrlParams(
        request,
        UrlParams.toRecord(UrlParams.set(request.urlParams, name, wrong)) as Record<string, string>
      )
    }))
  )
}

const brokenParams = ({ endpoint }: Endpoint, request: HttpClientRequest.HttpClientRequest) => {
  const { params, path } = endpoint
  if (params === undefined) return []
  const base = new URL(request.url, "http://host")
  const template = path.split("/").reverse()
  const parts = base.pathname.split("/").reverse()
  const named = template.flatMap((part, i) => (part.startsWith(":") ? [[part.slice(1), i] as const] : []))
  const record = Object.fromEntries(named.map(([name, i]) => [name, decodeURIComponent(parts[i] ?? "")]))
  return named.flatMap(([name, i]) =>
    WRONG_TEXTS.filter((wrong) => wrong !== "" && !decodes(params, { ...record, [name]: wrong })).map(
      (wrong) => {
        const broken = parts.map((part, j) => (i === j ? encodeURIComponent(wrong) : part)).reverse()
        return {
          what: `the path's ${name} is ${JSON.stringify(wrong)}`,
          request: HttpClientRequest.setUrl(request, request.url.replace(base.pathname, broken.join("/")))
        }
      }
    )
  )
}

/** What must be refused, made of one valid request. */
export const all = (
  endpoint: Endpoint,
  request: HttpClientRequest.HttpClientRequest
): ReadonlyArray<Invalid> => [
  ...brokenJson(endpoint, request),
  ...brokenQuery(endpoint, request),
  ...brokenParams(endpoint, request)
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
