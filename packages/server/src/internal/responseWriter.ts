/**
 * Carries out a response: whatever body the application gave, it is written as a whole or as a stream, in the way of
 * the protocol that the request came by.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Cookies from "effect/http/Cookies"
import { causeResponse, HttpServerError, ResponseError } from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { Exchange, Fields } from "./exchange.ts"
import { cancelBody, rawBody, rawStream } from "./rawBody.ts"
import { problemResponse } from "./refusal.ts"
import type { ServerRequest } from "./serverRequest.ts"

const withCookies = (response: HttpServerResponse.HttpServerResponse, extra: Fields | undefined): Fields => {
  if (response.cookies === Cookies.empty || Cookies.isEmpty(response.cookies)) {
    return extra === undefined ? response.headers : { ...response.headers, ...extra }
  }
  const cookies = Cookies.toSetCookieHeaders(response.cookies)
  const before = response.headers["set-cookie"]
  return {
    ...response.headers,
    ...extra,
    "set-cookie": before === undefined ? cookies : [...cookies, before]
  }
}

/** `HttpEffect.toHandled`'s handler. */
export const handleResponse = (
  request: HttpServerRequest,
  response: HttpServerResponse.HttpServerResponse
): Effect.Effect<unknown, HttpServerError> => {
  const { exchange } = request as ServerRequest
  if (exchange.observation !== undefined) exchange.engine.telemetry?.answer(exchange.observation)
  if (exchange.timedOut !== undefined && exchange.status === 0) {
    const instead = problemResponse(exchange.timedOut, exchange.timedOut.status)
    return Effect.andThen(cancelBody(response.body), respond(exchange, request, instead))
  }
  return respond(exchange, request, response)
}

const respond = (
  exchange: Exchange,
  request: HttpServerRequest,
  response: HttpServerResponse.HttpServerResponse
): Effect.Effect<unknown, HttpServerError> => {
  if (exchange.switched !== undefined) return Effect.succeed(exchange.switched)
  if (exchange.status !== 0) return Effect.void
  if (exchange.aborted) return cancelBody(response.body)
  const { body } = response
  switch (body._tag) {
    case "Empty":
      return exchange.writeWhole(request, response, 0, "")
    case "Uint8Array": {
      const text = body.text
      // A text of as many characters as octets is ASCII, and leaves in one string with the head.
      return exchange.writeWhole(
        request,
        response,
        body.contentLength,
        text !== undefined && text.length === body.contentLength ? text : body.body
      )
    }
    case "Stream":
      return exchange.writeStream(request, response, body.contentLength, body.stream, undefined)
    case "FormData": {
      const web = new Response(body.formData)
      const contentType = web.headers.get("content-type")
      return exchange.writeStream(
        request,
        response,
        undefined,
        rawStream(web.body),
        contentType === null ? undefined : { "content-type": contentType }
      )
    }
    case "Raw": {
      const raw = rawBody(body.body)
      if (raw instanceof TypeError) return exchange.writeFailure(request, response, raw)
      if (raw instanceof Uint8Array) return exchange.writeWhole(request, response, raw.length, raw)
      return exchange.writeStream(request, response, body.contentLength, raw, undefined)
    }
  }
}

/**
 * Answers a failure where nothing was sent although the application had its turn, as when a pre-response handler fails.
 * Gives what is to be told: the failure, and behind it why its answer failed, where it did.
 */
export const answerFailure = (
  request: ServerRequest,
  failure: Cause.Cause<unknown>
): Effect.Effect<Cause.Cause<unknown>> => {
  const { exchange } = request
  if (exchange.status !== 0 || exchange.aborted) return Effect.succeed(failure)
  return Effect.matchCause(
    Effect.flatMap(causeResponse(failure), ([response]) => handleResponse(request, response)),
    {
      onSuccess: () => failure,
      onFailure: (cause) => Cause.fromReasons([...failure.reasons, ...cause.reasons])
    }
  )
}

/** The fields of a response with its cookies, and with the name of its request where that is wanted. */
export const fieldsOf = (
  exchange: Exchange,
  response: HttpServerResponse.HttpServerResponse,
  extra: Fields | undefined
): Fields => {
  const fields = withCookies(response, extra)
  const { requestIdField } = exchange.engine
  return requestIdField === undefined || requestIdField in fields
    ? fields
    : { ...fields, [requestIdField]: exchange.requestId }
}

/** What could not be encoded or whose body failed, as an error of `effect/http`. */
export const responseError = (
  request: HttpServerRequest,
  response: HttpServerResponse.HttpServerResponse,
  error: unknown
): HttpServerError =>
  new HttpServerError({
    reason: new ResponseError({
      request,
      response,
      description: error instanceof Error ? error.message : "The response body failed",
      cause: error
    })
  })

/** A failure that came when the head was out: it carries the response, so that nobody answers again. */
export const bodyFailed = (
  cause: Cause.Cause<unknown>,
  request: HttpServerRequest,
  response: HttpServerResponse.HttpServerResponse
): Effect.Effect<never, HttpServerError> =>
  // A source that waits for more is told: interruption alone does not reach a Node stream.
  Effect.flatMap(Effect.andThen(cancelBody(response.body), causeResponse(cause)), () =>
    // Not `Cause.combine`: it hashes what it combines, and an error leads to the request and all behind it.
    Effect.failCause(
      Cause.fromReasons([
        ...Cause.map(cause, (error) => responseError(request, response, error)).reasons,
        Cause.makeDieReason(response)
      ])
    )
  )
