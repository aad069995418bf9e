/**
 * Answers every method and path with the request as the server understood it:
 * `{ method, target, fields, bodyLength, trailers }`.
 *
 * `target` is the request target as it was sent. `fields` are `[name, value]` pairs, in the order and case in which
 * they were sent, lines of the same name kept apart. `bodyLength` counts octets without their transfer coding, however
 * many they are. `trailers` is an object with names in lower case. CONNECT is answered with 501, since 2xx would
 * open a tunnel (RFC 9110 §9.3.6).
 */
import { IncomingMessage } from "node:http"
import { RequestSource, Trailers } from "@nvo/server"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

interface Head {
  readonly target: string
  readonly fields: ReadonlyArray<readonly [name: string, value: string]>
}

/** The head as it was sent, from what each server keeps of it. */
const headOf = (request: HttpServerRequest.HttpServerRequest): Head => {
  const { source } = request
  if (source instanceof IncomingMessage) {
    const { rawHeaders } = source
    return {
      target: source.url ?? "",
      fields: rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [[name, rawHeaders[index + 1]]] : []))
    }
  }
  return Option.match(RequestSource.of(request), {
    onNone: () => ({ target: request.originalUrl, fields: Object.entries(request.headers) }),
    onSome: ({ head }) => ({ target: head.rawTarget, fields: [...head.fields] })
  })
}

const app = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const { fields, target } = headOf(request)
  const bodyLength = yield* Stream.runFold(
    request.stream,
    () => 0,
    (length, chunk) => length + chunk.length
  )
  const trailers = yield* Trailers.request
  const { method } = request
  return HttpServerResponse.jsonUnsafe(
    { method, target, fields, bodyLength, trailers },
    { status: method === "CONNECT" ? 501 : 200 }
  )
})

// No router: it does not know every method.
export const layer = HttpServer.serve(app)
