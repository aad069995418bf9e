/**
 * Idempotency keys (the IETF's draft-ietf-httpapi-idempotency-key-header): a client that does not know whether its POST
 * or PATCH was carried out sends it again with the same `Idempotency-Key`, and gets the answer of the first time; the
 * handler does not run again. While the first is still at work the answer is 409, and 422 for a key that was used for
 * another method or target.
 *
 * Whole answers below 500 are kept, without their cookies; after a failure of the server, a stream or a client that
 * left, the key is free again. Payloads are not compared.
 *
 * @example
 * ```ts
 * import { IdempotencyKeys } from "@nvo/routes"
 * import { Layer } from "effect"
 * import { HttpRouter, HttpServerResponse } from "effect/http"
 *
 * export const App = Layer.mergeAll(
 *   HttpRouter.add("POST", "/payments", HttpServerResponse.jsonUnsafe({ paid: true })),
 *   IdempotencyKeys.layer()
 * ).pipe(Layer.provide(IdempotencyKeys.layerStoreMemory()))
 * ```
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"

/** What was answered, as it can be kept anywhere. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
}

/** What a store knows of a key. `request` is the method and target that it was used for. */
export type Claim =
  | { readonly _tag: "Free" }
  | { readonly _tag: "Running"; readonly request: string }
  | { readonly _tag: "Answered"; readonly request: string; readonly answer: Answer }

/** Where answers are kept. */
export class Store extends Context.Service<
  Store,
  {
    /** Gives what is known of a key. A free one is claimed with that: the next claim finds it running. */
    readonly claim: (key: string, request: string) => Effect.Effect<Claim>
    /** Keeps the answer to a claim. */
    readonly keep: (key: string, answer: Answer) => Effect.Effect<void>
    /** Ends a claim without an answer. */
    readonly release: (key: string) => Effect.Effect<void>
  }
>()("@nvo/routes/IdempotencyKeys/Store") {}

export interface MemoryOptions {
  /** How long an answer is kept. Default: a day. */
  readonly timeToLive?: Duration.Input | undefined
  /** The most keys that are kept; the oldest goes first. Default: 10,000. */
  readonly capacity?: number | undefined
}

/** Keeps answers in the memory of the process. */
export const layerStoreMemory = ({
  capacity = 10_000,
  timeToLive = "1 day"
}: MemoryOptions = {}): Layer.Layer<Store> =>
  Layer.sync(Store, () => {
    const entries = new Map<string, { readonly claim: Claim; readonly expires: number }>()
    const life = Duration.toMillis(Duration.fromInputUnsafe(timeToLive))
    const put = (key: string, claim: Claim, now: number): void => {
      // What is written anew is the youngest.
      entries.delete(key)
      entries.set(key, { claim, expires: now + life })
      const [oldest] = entries.keys()
      if (entries.size > capacity && oldest !== undefined) entries.delete(oldest)
    }
    return Store.of({
      claim: (key, request) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const known = entries.get(key)
          if (known !== undefined && known.expires > now) return known.claim
          put(key, { _tag: "Running", request }, now)
          return { _tag: "Free" }
        }),
      keep: (key, answer) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const known = entries.get(key)?.claim
          if (known?._tag === "Running") put(key, { _tag: "Answered", request: known.request, answer }, now)
        }),
      release: (key) => Effect.sync(() => void entries.delete(key))
    })
  })

export interface Options {
  /**
   * Whose keys they are, so that nobody gets the answer of somebody else: the name of the user, for one. Default: the
   * field `Authorization`, whatever it holds.
   */
  readonly owner?: ((request: HttpServerRequest.HttpServerRequest) => string) | undefined
}

/** Octets of a key: as many as a UUID in quotes needs, and some more. */
export const maxKeyLength = 255

const methods = new Set(["POST", "PATCH"])

// Said by the server for the moment, not about the request.
const passing = new Set([408, 425, 429, 499])

/** The answer, where it is whole and final. */
const answerOf = ({ body, headers, status }: HttpServerResponse.HttpServerResponse): Answer | undefined => {
  if (status >= 500 || passing.has(status)) return undefined
  if (body._tag === "Empty") return { status, headers, body: undefined }
  return body._tag === "Uint8Array" ? { status, headers, body: body.body } : undefined
}

const replay = ({ body, headers, status }: Answer): HttpServerResponse.HttpServerResponse =>
  body === undefined
    ? HttpServerResponse.empty({ status, headers })
    : HttpServerResponse.uint8Array(body, { status, headers, contentType: headers["content-type"] })

const empty = (status: number) => Effect.succeed(HttpServerResponse.empty({ status }))

export const layer = ({ owner }: Options = {}): Layer.Layer<never, never, HttpRouter.HttpRouter | Store> =>
  HttpRouter.middleware(
    Effect.map(
      Store,
      (store) => (effect) =>
        Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
          const given = request.headers["idempotency-key"]
          if (given === undefined || !methods.has(request.method)) return effect
          if (given === "" || given.length > maxKeyLength) return empty(400)
          const key = JSON.stringify([
            (owner ?? (({ headers }) => headers.authorization ?? ""))(request),
            given
          ])
          const target = `${request.method} ${request.url}`
          return Effect.flatMap(store.claim(key, target), (claim) => {
            if (claim._tag === "Free") {
              return HttpEffect.withPreResponseHandler(effect, (_, response) => {
                const answer = answerOf(response)
                return Effect.as(
                  answer === undefined ? store.release(key) : store.keep(key, answer),
                  response
                )
              })
            }
            if (claim.request !== target) return empty(422)
            return claim._tag === "Running" ? empty(409) : Effect.succeed(replay(claim.answer))
          })
        })
    ),
    { global: true }
  )
