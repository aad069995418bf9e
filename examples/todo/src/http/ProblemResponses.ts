/**
 * Errors that no endpoint declares (an unknown route, a body over the limit, a bug) come as bare status
 * codes. This middleware gives them a body that says what happened, as problem+json like all the others.
 */
import { Effect } from "effect"
import {
  HttpEffect,
  HttpRouter,
  type HttpServerRequest,
  HttpServerResponse,
  ProblemDetails
} from "effect/http"

/** Bytes of a JSON body: the largest todo there can be, several times over. */
export const maxJsonBytes = 64 * 1024

interface Words {
  readonly title: string
  readonly detail: (request: HttpServerRequest.HttpServerRequest) => string
}

const words: Record<number, Words> = {
  400: { title: "Bad Request", detail: () => "The request could not be read" },
  404: {
    title: "Not Found",
    detail: ({ method, url }) =>
      `Nothing answers ${method} ${url.split("?", 1)[0]}: what there is, is listed at /docs`
  },
  413: { title: "Content Too Large", detail: () => `The body is larger than ${maxJsonBytes} bytes` },
  415: {
    title: "Unsupported Media Type",
    detail: ({ headers }) => `The body has the wrong content type: ${headers["content-type"] ?? "none"}`
  },
  500: {
    title: "Internal Server Error",
    detail: () => "Something went wrong on the server: its log says what"
  },
  503: { title: "Service Unavailable", detail: () => "The server is stopping: try again soon" }
}

const toProblem: HttpEffect.PreResponseHandler = (request, response) => {
  const known = words[response.status]
  return Effect.succeed(
    known === undefined || response.headers["content-type"] === ProblemDetails.contentType
      ? response
      : ProblemDetails.toResponse({
          type: ProblemDetails.blankType,
          status: response.status,
          title: known.title,
          detail: known.detail(request)
        }).pipe(HttpServerResponse.setHeaders(connectionOf(response)))
  )
}

/** `Connection: close` is about the connection, so it outlives the body it came with. */
const connectionOf = ({ headers }: HttpServerResponse.HttpServerResponse) =>
  headers.connection === undefined ? {} : { connection: headers.connection }

export const ProblemResponses = HttpRouter.middleware(HttpEffect.withPreResponseHandler(toProblem), {
  global: true
})
