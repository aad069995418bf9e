/** A request as a command that repeats it. */
import type { HttpBody } from "effect/http/HttpBody"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import * as UrlParams from "effect/http/UrlParams"
import * as Option from "effect/Option"

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** The body as text; `undefined` where it has none or cannot be shown. */
export const bodyText = (body: HttpBody): string | undefined =>
  body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : undefined

/** The target of a request with its query. */
export const urlOf = (request: HttpClientRequest): string => {
  const query = UrlParams.toString(request.urlParams)
  const hash = Option.getOrElse(request.hash, () => "")
  return `${request.url}${query === "" ? "" : `?${query}`}${hash === "" ? "" : `#${hash}`}`
}

/** The command. A host that is missing is `$HOST`. */
export const format = (request: HttpClientRequest): string => {
  const url = urlOf(request)
  const body = bodyText(request.body)
  const contentType = "contentType" in request.body ? request.body.contentType : undefined
  return [
    request.method === "HEAD" ? "curl -i --head" : `curl -i -X ${request.method}`,
    quote(/^https?:/.test(url) ? url : `http://$HOST${url}`),
    ...Object.entries(request.headers)
      .filter(([name]) => name !== "content-length" && name !== "traceparent" && name !== "b3")
      .map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
    ...(contentType !== undefined && request.headers["content-type"] === undefined
      ? [`-H ${quote(`content-type: ${contentType}`)}`]
      : []),
    ...(body === undefined || body === "" ? [] : [`--data-binary ${quote(body)}`])
  ].join(" ")
}
