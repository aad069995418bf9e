/**
 * Contract tests of an `HttpApi`, from its schemas: whatever is valid is answered as the API declares, and whatever is
 * not is refused by the client's fault, for every endpoint, with generated requests that shrink.
 *
 * @example
 * ```ts
 * import { Effect, Layer, Schema } from "effect"
 * import { HttpRouter } from "effect/http"
 * import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
 * import * as NvoServer from "@nvo/node/NvoServer"
 * import * as ApiContract from "@nvo/testing/ApiContract"
 *
 * const Api = HttpApi.make("math").add(
 *   HttpApiGroup.make("math").add(
 *     HttpApiEndpoint.get("square", "/square/:n", {
 *       params: { n: Schema.Finite },
 *       success: Schema.Struct({ square: Schema.Number })
 *     })
 *   )
 * )
 *
 * const MathLive = HttpApiBuilder.group(
 *   Api,
 *   "math",
 *   Effect.fn(function* (handlers) {
 *     return handlers.handleAll({ square: ({ params }) => Effect.succeed({ square: params.n ** 2 }) })
 *   })
 * )
 *
 * const App = HttpRouter.serve(HttpApiBuilder.layer(Api).pipe(Layer.provide(MathLive)))
 *
 * export const test = ApiContract.check(Api, Layer.provideMerge(App, NvoServer.layerTest))
 * ```
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpClient from "effect/http/HttpClient"
import { isHttpClientError } from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import type * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Curl from "./internal/contract/Curl.ts"
import * as Endpoint from "./internal/contract/Endpoint.ts"
import * as Invalid from "./internal/contract/Invalid.ts"

/** What a contract promises. */
export type Rule =
  /** A valid request is answered with a declared status and a body of its schema. */
  | "AnswersAsDeclared"
  /** An invalid request is refused as the client's fault (4xx): no success, no failure of the server. */
  | "RefusesInvalid"
  /** Nobody gets in without credentials. */
  | "AsksForCredentials"
  /** HEAD answers as GET does, without the body. */
  | "HeadIsLikeGet"
  /** Concurrent requests get what each would get alone. */
  | "KeepsRequestsApart"
  /** Nothing that a request acquired is held after it. */
  | "ReleasesAll"

/** Where a contract is broken. */
export interface Finding {
  /** Group and name of the endpoint. */
  readonly endpoint: string
  readonly rule: Rule
  readonly expected: string
  readonly got: string
  /** The smallest request that shows it, as a command. */
  readonly curl: string
}

/** How to ask. Everything has a default. */
export interface Options {
  /** Valid requests for each endpoint. Default: 20. */
  readonly runs?: number | undefined
  /** Repeats the requests of another run. Default: 0. */
  readonly seed?: number | undefined
  /** Adds valid credentials to a request. Default: none are needed. */
  readonly credentials?:
    | ((request: HttpClientRequest.HttpClientRequest) => HttpClientRequest.HttpClientRequest)
    | undefined
  /** The largest body that the app is to take, in octets. Default: not looked at. */
  readonly maxBodyBytes?: number | undefined
  /** What the app holds at the moment: connections of a pool, open files. Default: not looked at. */
  readonly held?: Effect.Effect<unknown> | undefined
  /** Endpoints that are not looked at, as `group.name`. */
  readonly skip?: ReadonlyArray<string> | undefined
}

/** The contract is broken. */
export class ContractBroken extends Data.TaggedError("ContractBroken")<{
  readonly findings: ReadonlyArray<Finding>
}> {
  override get message(): string {
    return `\n${this.findings.map(format).join("\n\n")}\n`
  }
}

/** A finding for people. */
export const format = ({ curl, endpoint, expected, got, rule }: Finding): string =>
  `${endpoint}: ${rule}\n  expected: ${expected}\n  got:      ${got}\n  ${curl}`

interface Answer {
  readonly status: number
  readonly contentType: string | undefined
  readonly body: string
}

// Thrown by a property, and what it found.
class Broken extends Data.TaggedError("Broken")<{ readonly finding: Finding }> {}

// Requests that are broken in every way, of so many valid ones: enough to meet every shape of a union.
const BROKEN_OF = 4
// Fields that carry credentials in the schemes of `HttpApiSecurity`, and what keys are often called.
const CREDENTIALS = ["authorization", "cookie", "x-api-key", "api-key"]
// Requests at once.
const CONCURRENT = 8

const session = Effect.fnUntraced(function* (api: HttpApi.Top, options: Options) {
  const base = yield* HttpClient.HttpClient
  const credentials = options.credentials ?? ((request) => request)
  let last: HttpClientRequest.HttpClientRequest | undefined
  let status = 0
  const recording = base.pipe(
    HttpClient.mapRequest(credentials),
    HttpClient.transform((effect, request) => {
      last = request
      return Effect.tap(effect, (response) =>
        Effect.sync(() => {
          status = response.status
        })
      )
    })
  )
  const making = HttpApiClient.makeWith(api as never, { httpClient: recording }) as Effect.Effect<unknown>
  const client = (yield* making) as Record<
    string,
    Record<string, (input: unknown) => Effect.Effect<unknown, unknown>>
  >

  const answerOf = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<Answer> =>
    Effect.map(
      Effect.orElseSucceed(response.text, () => "(no body)"),
      (body) => ({
        status: response.status,
        contentType: response.headers["content-type"],
        body
      })
    )
  return {
    /** Asks as it is: what was recorded has its host already. */
    ask: (request: HttpClientRequest.HttpClientRequest): Effect.Effect<Answer | undefined> =>
      Effect.matchEffect(base.postprocess(Effect.succeed(request)), {
        onSuccess: answerOf,
        onFailure: () => Effect.succeed(undefined)
      }),
    /** Asks through the typed client. */
    call: ({ group, name, topLevel }: Endpoint.Endpoint, input: Endpoint.Input) =>
      Effect.suspend(() => {
        last = undefined
        status = 0
        const of = topLevel ? (client as never as (typeof client)[string]) : client[group]
        return Effect.map(Effect.exit(of[name](input)), (exit) => ({ exit, request: last, status }))
      }),
    credentials
  }
})

type Session = Effect.Success<ReturnType<typeof session>>

const nameOf = (endpoint: Endpoint.Endpoint): string => `${endpoint.group}.${endpoint.name}`

// Whether every parameter stands in the path: a router or a client does away with empty segments and with dots.
const isRoutable = (
  { endpoint }: Endpoint.Endpoint,
  request: HttpClientRequest.HttpClientRequest
): boolean => {
  const parts = request.url.split("/").reverse()
  return endpoint.path
    .split("/")
    .reverse()
    .every((part, i) => !part.startsWith(":") || !/^(?:(?:\.|%2e){1,2})?$/i.test(parts[i] ?? ""))
}

// Whether a typed client took the answer: a success, or an error that is declared.
const isDeclared = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isSuccess(exit) ||
  exit.cause.reasons.every(
    (reason) =>
      reason._tag === "Fail" && !isHttpClientError(reason.error) && !Schema.isSchemaError(reason.error)
  )

const why = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isSuccess(exit)
    ? ""
    : exit.cause.reasons
        .map((reason) => String(reason._tag === "Fail" ? reason.error : reason._tag))
        .join("; ")
        .slice(0, 300)

const answersAsDeclared = Effect.fnUntraced(function* (
  { call }: Session,
  endpoint: Endpoint.Endpoint,
  options: Options
) {
  const valid: Array<HttpClientRequest.HttpClientRequest> = []
  if (endpoint.inputs === undefined) return { valid, findings: [] }
  const result = yield* Arbitrary.checkEffect(
    endpoint.inputs,
    (input) =>
      Effect.gen(function* () {
        const { exit, request, status } = yield* call(endpoint, input)
        // What cannot be sent, as a header with a line end in it, says nothing of the server.
        if (request === undefined || (status === 0 && endpoint.endpoint.headers !== undefined)) return true
        if (!isRoutable(endpoint, request)) return true
        if (isDeclared(exit)) {
          if (valid.length < Math.max(BROKEN_OF, CONCURRENT)) valid.push(request)
          return true
        }
        return yield* new Broken({
          finding: {
            endpoint: nameOf(endpoint),
            rule: "AnswersAsDeclared",
            expected: `a status of ${[...endpoint.statuses].join(", ")} and a body of its schema`,
            got: `${status === 0 ? "no answer" : status}: ${why(exit)}`,
            curl: Curl.format(request)
          }
        })
      }),
    { runs: options.runs ?? 20, seed: options.seed ?? 0 }
  )
  const findings =
    result._tag === "Falsified" && result.failure._tag === "PropertyError"
      ? [(result.failure.error as Broken).finding]
      : []
  return { valid, findings }
})

const refuse = Effect.fnUntraced(function* (
  { ask }: Session,
  endpoint: Endpoint.Endpoint,
  rule: Rule,
  { request, what }: Invalid.Invalid
) {
  const answer = yield* ask(request)
  if (answer !== undefined && answer.status >= 400 && answer.status < 500) return []
  const finding: Finding = {
    endpoint: nameOf(endpoint),
    rule,
    expected: `4xx: ${what}`,
    got: answer === undefined ? "no answer" : `${answer.status} ${answer.body.slice(0, 200)}`,
    curl: Curl.format(request)
  }
  return [finding]
})

// One finding for each way of being wrong is enough to be read.
const firstOfEach = (findings: ReadonlyArray<Finding>): ReadonlyArray<Finding> =>
  findings.filter(
    (one, i) => findings.findIndex((other) => other.rule === one.rule && other.got[0] === one.got[0]) === i
  )

const refusesInvalid = Effect.fnUntraced(function* (
  session: Session,
  endpoint: Endpoint.Endpoint,
  valid: ReadonlyArray<HttpClientRequest.HttpClientRequest>,
  { maxBodyBytes }: Options
) {
  const invalid = valid.slice(0, BROKEN_OF).flatMap((request) => {
    const large = maxBodyBytes === undefined ? undefined : Invalid.tooLarge(request, maxBodyBytes)
    return [...Invalid.all(endpoint, request), ...(large === undefined ? [] : [large])]
  })
  const found = yield* Effect.forEach(invalid, (one) => refuse(session, endpoint, "RefusesInvalid", one))
  return firstOfEach(found.flat())
})

const asksForCredentials = Effect.fnUntraced(function* (
  session: Session,
  endpoint: Endpoint.Endpoint,
  valid: ReadonlyArray<HttpClientRequest.HttpClientRequest>
) {
  const [request] = valid
  if (!endpoint.isSecured || request === undefined) return []
  const bare = CREDENTIALS.reduce(HttpClientRequest.removeHeader, request)
  const forged = HttpClientRequest.setHeader(bare, "authorization", "Bearer forged")
  const found = yield* Effect.forEach(
    [
      { what: "there are no credentials", request: bare },
      { what: "the credentials are forged", request: forged }
    ],
    (one) => refuse(session, endpoint, "AsksForCredentials", one)
  )
  return firstOfEach(found.flat())
})

const headIsLikeGet = Effect.fnUntraced(function* (
  { ask }: Session,
  endpoint: Endpoint.Endpoint,
  valid: ReadonlyArray<HttpClientRequest.HttpClientRequest>
) {
  const [request] = valid
  if (endpoint.endpoint.method !== "GET" || request === undefined) return []
  const head = HttpClientRequest.setMethod(request, "HEAD")
  const got = yield* ask(request)
  const asked = yield* ask(head)
  if (got?.status === asked?.status && got?.contentType === asked?.contentType && asked?.body === "")
    return []
  const finding: Finding = {
    endpoint: nameOf(endpoint),
    rule: "HeadIsLikeGet",
    expected: `${got?.status} and ${got?.contentType}, without a body`,
    got: `${asked?.status ?? "no answer"} and ${asked?.contentType}, ${asked?.body.length ?? 0} characters`,
    curl: Curl.format(head)
  }
  return [finding]
})

const keepsRequestsApart = Effect.fnUntraced(function* (
  { ask }: Session,
  endpoint: Endpoint.Endpoint,
  valid: ReadonlyArray<HttpClientRequest.HttpClientRequest>
) {
  if (endpoint.endpoint.method !== "GET" || endpoint.isStreamed || valid.length < 2) return []
  const requests = Array.from({ length: CONCURRENT }, (_, i) => valid[i % valid.length])
  const alone = yield* Effect.forEach(requests, ask)
  const together = yield* Effect.forEach(requests, ask, { concurrency: "unbounded" })
  const again = yield* Effect.forEach(requests, ask)
  return firstOfEach(
    requests.flatMap((request, i): ReadonlyArray<Finding> => {
      const text = JSON.stringify(alone[i])
      // An answer that changes by itself, as the time of day, says nothing.
      if (JSON.stringify(again[i]) !== text || JSON.stringify(together[i]) === text) return []
      return [
        {
          endpoint: nameOf(endpoint),
          rule: "KeepsRequestsApart",
          expected: `what it gets alone: ${alone[i]?.body.slice(0, 200)}`,
          got: `among ${CONCURRENT} requests at once: ${together[i]?.body.slice(0, 200)}`,
          curl: Curl.format(request)
        }
      ]
    })
  )
})

const releasesAll = Effect.fnUntraced(function* (
  endpoint: Endpoint.Endpoint,
  valid: ReadonlyArray<HttpClientRequest.HttpClientRequest>,
  before: string | undefined,
  held: Effect.Effect<unknown> | undefined
) {
  if (held === undefined) return []
  let now = JSON.stringify(yield* held)
  // The last finalizers run when their response is already with the client.
  for (let i = 0; i < 100 && now !== before; i++) {
    yield* Effect.yieldNow
    now = JSON.stringify(yield* held)
  }
  if (now === before) return []
  const finding: Finding = {
    endpoint: nameOf(endpoint),
    rule: "ReleasesAll",
    expected: `what was held before: ${before}`,
    got: now,
    curl: valid[0] === undefined ? "" : Curl.format(valid[0])
  }
  return [finding]
})

const findingsOf = Effect.fnUntraced(function* (api: HttpApi.Top, options: Options) {
  const one = yield* session(api, options)
  const found: Array<Finding> = []
  for (const endpoint of Endpoint.all(api)) {
    if (options.skip?.includes(nameOf(endpoint)) === true) continue
    const before = options.held === undefined ? undefined : JSON.stringify(yield* options.held)
    const { findings, valid } = yield* answersAsDeclared(one, endpoint, options)
    found.push(
      ...findings,
      ...(yield* refusesInvalid(one, endpoint, valid, options)),
      ...(yield* asksForCredentials(one, endpoint, valid)),
      ...(yield* headIsLikeGet(one, endpoint, valid)),
      ...(yield* keepsRequestsApart(one, endpoint, valid)),
      ...(yield* releasesAll(endpoint, valid, before, options.held))
    )
  }
  return found as ReadonlyArray<Finding>
})

/** Everything that is wrong, as data. `layer` serves the API and gives an `HttpClient` that is bound to it. */
export const findings = <Id extends string, Groups extends HttpApiGroup.Constraint, E, R>(
  api: HttpApi.HttpApi<Id, Groups>,
  layer: Layer.Layer<HttpClient.HttpClient, E, R>,
  options: Options = {}
): Effect.Effect<ReadonlyArray<Finding>, E, R> =>
  Effect.scoped(
    Effect.flatMap(Layer.build(layer), (context) =>
      Effect.provideContext(findingsOf(api as never, options), context)
    )
  ) as Effect.Effect<ReadonlyArray<Finding>, E, R>

/**
 * Fails with `ContractBroken` where something is wrong: what, where, and how to repeat it by hand. `layer` serves
 * the API and gives an `HttpClient` that is bound to it, as `NvoServer.layerTest` does.
 */
export const check = <Id extends string, Groups extends HttpApiGroup.Constraint, E, R>(
  api: HttpApi.HttpApi<Id, Groups>,
  layer: Layer.Layer<HttpClient.HttpClient, E, R>,
  options?: Options
): Effect.Effect<void, E | ContractBroken, R> =>
  Effect.flatMap(findings(api, layer, options), (found) =>
    found.length === 0 ? Effect.void : Effect.fail(new ContractBroken({ findings: found }))
  )
