/**
 * The body of a request, read on demand: as a pull of octets and as a whole.
 */
import { Http1Error } from "@nvo/protocol"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import { HttpServerError, RequestParseError } from "effect/http/HttpServerError"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Respondable from "effect/http/HttpServerRespondable"
import * as Pull from "effect/Pull"
import * as DeadlineError from "../DeadlineError.ts"
import type { TransportError } from "../TransportError.ts"
import type { Exchange } from "./exchange.ts"
import { bodyRefused, type Refusal } from "./refusal.ts"

/** The body is larger than its reader allows. */
export class BodyTooLarge extends Error {
  override readonly name = "BodyTooLarge"
  constructor(limit: number) {
    super(`The request body is larger than ${limit} octets`)
  }
}

/** The body is asked for after its exchange: what was left of it is gone. */
export class ExchangeEnded extends Error {
  override readonly name = "ExchangeEnded"
  constructor() {
    super("The exchange has ended, and with it what was not read of the request body")
  }
}

// Answers with the status of its own reason, which is not always 400.
class BodyRefused extends RequestParseError {
  override [Respondable.symbol]() {
    return Effect.succeed(bodyRefused(this.cause as Refusal))
  }
}

const parseError = (request: HttpServerRequest, cause: unknown) =>
  new HttpServerError({
    reason:
      Http1Error.isHttp1Error(cause) || DeadlineError.isDeadlineError(cause)
        ? new BodyRefused({ request, reason: "Parse", cause })
        : new RequestParseError({
            request,
            reason: cause instanceof BodyTooLarge ? "BodyTooLarge" : "Parse",
            cause
          })
  })

/** What a reader of the pieces of a body accepts: `MaxBodySize`, which is not set by default. */
export const streamLimit = (fiber: Fiber.Fiber<unknown, unknown>): number | undefined => {
  const limit = fiber.getRef(HttpIncomingMessage.MaxBodySize)
  return limit === undefined ? undefined : Number(limit)
}

/** What a reader of the whole body accepts: `MaxBodySize`, or `bufferedBodyBytes` where it is not set. */
export const bufferLimit = (exchange: Exchange, fiber: Fiber.Fiber<unknown, unknown>): number =>
  streamLimit(fiber) ?? exchange.engine.config.bufferedBodyBytes

type Octets = Arr.NonEmptyReadonlyArray<Uint8Array>

// What has come of the body, its end, or why there is none; `undefined` where that has to be waited for.
const take = (
  exchange: Exchange,
  request: HttpServerRequest,
  limit: number | undefined
): Exit.Exit<Octets, HttpServerError | Cause.Done> | undefined => {
  if (exchange.isOver) {
    return exchange.bodyEnded && !exchange.discarded
      ? done
      : Exit.fail(parseError(request, new ExchangeEnded()))
  }
  const data = exchange.takeBody()
  if (limit !== undefined && exchange.bodyBytes > limit) {
    return Exit.fail(parseError(request, new BodyTooLarge(limit)))
  }
  if (Arr.isArrayNonEmpty(data)) return Exit.succeed(data)
  if (exchange.bodyEnded) return done
  if (exchange.bodyError !== undefined) return Exit.fail(parseError(request, exchange.bodyError))
  if (exchange.awaitsContinue) exchange.sendContinue()
  return undefined
}

const done: Exit.Exit<never, Cause.Done> = Exit.fail(Cause.Done())

// No octet is read of a body that says itself that it is too large.
const refused = (
  exchange: Exchange,
  request: HttpServerRequest,
  limit: number | undefined
): Exit.Exit<never, HttpServerError> | undefined => {
  const { framing } = exchange.head
  return limit !== undefined && framing._tag === "Length" && framing.length > limit
    ? Exit.fail(parseError(request, new BodyTooLarge(limit)))
    : undefined
}

const waiting = <A, E, R>(
  exchange: Exchange,
  request: HttpServerRequest,
  onSuccess: () => Effect.Effect<A, E, R>
): Effect.Effect<A, E | HttpServerError, R> =>
  Effect.matchCauseEffect(exchange.awaitBody, {
    onSuccess,
    onFailure: (cause) =>
      Effect.failCause(Cause.map(cause as Cause.Cause<TransportError>, (error) => parseError(request, error)))
  })

/** The next octets of the body; ends with the body. `limit` counts the whole body. */
export const pull = (
  exchange: Exchange,
  request: HttpServerRequest,
  limit: number | undefined
): Pull.Pull<Octets, HttpServerError> => {
  const next: Pull.Pull<Octets, HttpServerError> = Effect.suspend(
    (): typeof next => take(exchange, request, limit) ?? waiting(exchange, request, () => next)
  )
  return refused(exchange, request, limit) ?? next
}

// Why there will be no more of the body; `undefined` at its end.
const failed = (
  exit: Exit.Failure<Octets, HttpServerError | Cause.Done>
): Exit.Exit<never, HttpServerError> | undefined =>
  Pull.isDoneCause(exit.cause) ? undefined : Exit.failCause(exit.cause as Cause.Cause<HttpServerError>)

/** Hands what comes of the body to `use`, and takes its memory back when that is done. */
export const runForEachLent = <E, R>(
  exchange: Exchange,
  request: HttpServerRequest,
  limit: number | undefined,
  use: (octets: Uint8Array) => Effect.Effect<unknown, E, R>
): Effect.Effect<void, E | HttpServerError, R> => {
  const loop = (): Effect.Effect<void, E | HttpServerError, R> => {
    const taken = take(exchange, request, limit)
    if (taken === undefined) return waiting(exchange, request, loop)
    if (Exit.isFailure(taken)) return failed(taken) ?? Exit.void
    const { batch } = exchange
    const { value } = taken
    return Effect.flatMap(
      value.length === 1 ? use(value[0]) : Effect.forEach(value, use, { discard: true }),
      () => {
        exchange.giveBack(batch)
        return loop()
      }
    )
  }
  return refused(exchange, request, limit) ?? Effect.suspend(loop)
}

/** Folds what comes of the body, and takes its memory back after each step. */
export const runFoldLent = <S>(
  exchange: Exchange,
  request: HttpServerRequest,
  limit: number | undefined,
  initial: S,
  step: (state: S, octets: Uint8Array) => S
): Effect.Effect<S, HttpServerError> => {
  let state = initial
  const loop = (): Effect.Effect<S, HttpServerError> => {
    while (true) {
      const taken = take(exchange, request, limit)
      if (taken === undefined) return waiting(exchange, request, loop)
      if (Exit.isFailure(taken)) return failed(taken) ?? Exit.succeed(state)
      const { batch } = exchange
      for (const octets of taken.value) state = step(state, octets)
      exchange.giveBack(batch)
    }
  }
  return refused(exchange, request, limit) ?? Effect.suspend(loop)
}

const concat = (chunks: ReadonlyArray<Uint8Array>, length: number): Uint8Array => {
  if (chunks.length === 1) return chunks[0]
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

/** The whole body. Gives a finished effect where all of it has come. */
export const readAll = (
  exchange: Exchange,
  request: HttpServerRequest,
  limit: number | undefined
): Effect.Effect<Uint8Array, HttpServerError> => {
  const chunks: Array<Uint8Array> = []
  let length = 0
  const loop = (): Effect.Effect<Uint8Array, HttpServerError> => {
    while (true) {
      const taken = take(exchange, request, limit)
      if (taken === undefined) return waiting(exchange, request, loop)
      if (Exit.isFailure(taken)) return failed(taken) ?? Exit.succeed(concat(chunks, length))
      for (const chunk of taken.value) {
        chunks.push(chunk)
        length += chunk.length
      }
      if (exchange.bodyEnded) return Exit.succeed(concat(chunks, length))
    }
  }
  return refused(exchange, request, limit) ?? loop()
}
