/** Runs an app for one request, and writes down all that can be seen of it. */
import { NodeHttpServer } from "@effect/platform-node"
import { Routes } from "@nvo/routes"
import { type Cause, Context, Effect, ErrorReporter, Exit, Layer, type Scope, Stream } from "effect"
import { HttpEffect, HttpRouter, HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder, HttpApiError } from "effect/http-api"
import * as Surface from "./surface.ts"

export interface Observed {
  /** 0 where there was no response. */
  readonly status: number
  readonly response: unknown
  readonly exit: unknown
  readonly reports: ReadonlyArray<unknown>
  readonly seen: ReadonlyArray<unknown>
}

/** What is sent to an app in memory. */
export interface Sent {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
  /** When the peer leaves: at once, when the handler waits, or not. */
  readonly leaves: "at once" | "in the handler" | "never"
  readonly maxBodySize: number | undefined
}

export interface App {
  readonly observe: (sent: Sent) => Promise<Observed>
}

const text = new TextDecoder("latin1")

const bodyOf = (response: HttpServerResponse.HttpServerResponse): Effect.Effect<unknown> => {
  const { body } = response
  switch (body._tag) {
    case "Uint8Array":
      return Effect.succeed(["octets", body.contentType, body.contentLength, text.decode(body.body)])
    case "Stream":
      return Effect.map(Effect.exit(Stream.runCollect(body.stream)), (exit) => [
        "stream",
        body.contentType,
        body.contentLength,
        Exit.isSuccess(exit) ? exit.value.map((chunk) => text.decode(chunk)) : describeCause(exit.cause)
      ])
    default:
      return Effect.succeed([body._tag])
  }
}

const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, inner) =>
      typeof inner === "bigint"
        ? `${inner}n`
        : inner instanceof Uint8Array
          ? text.decode(inner)
          : inner === undefined
            ? "undefined"
            : Number.isNaN(inner)
              ? "NaN"
              : inner
    ) ?? '"undefined"'
  )

const describe = (value: unknown): unknown => {
  if (HttpServerResponse.isHttpServerResponse(value)) {
    return { response: value.status, headers: { ...value.headers }, body: value.body._tag }
  }
  if (HttpApiError.HttpApiSchemaError.is(value)) {
    return { part: value.kind, cause: String(value.cause), issue: String(value.cause.issue) }
  }
  if (value instanceof Error) {
    return { name: value.name, message: value.message, cause: describe(value.cause), ...fieldsOf(value) }
  }
  return typeof value === "object" && value !== null ? plain(value) : String(value)
}

const fieldsOf = (value: object): object =>
  Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "request" && key !== "cause" && key !== "reason")
      .map(([key, inner]) => [key, typeof inner === "object" ? "object" : String(inner)])
  )

const describeCause = (cause: Cause.Cause<unknown>): unknown =>
  cause.reasons.map((reason) => [
    reason._tag,
    reason._tag === "Fail"
      ? describe(reason.error)
      : reason._tag === "Die"
        ? describe(reason.defect)
        : reason.fiberId === undefined
          ? "nobody"
          : "somebody",
    [...reason.annotations.keys()].sort()
  ])

type Group = typeof HttpApiBuilder.group

/** Provides `Shadowed` for each request: what the group was built with has to win. */
const shadow = HttpRouter.middleware<{ provides: Surface.Shadowed }>()((effect) =>
  Effect.provideService(effect, Surface.Shadowed, { by: "request" })
)

const make = (group: Group, shadowed: boolean): Effect.Effect<App, never, Scope.Scope> =>
  Effect.gen(function* () {
    let seen: Array<unknown> = []
    let waiting: (() => void) | undefined
    const record: Surface.Record_ = (what) => {
      seen.push(plain(what))
      const resume = waiting
      waiting = undefined
      resume?.()
    }
    const routes = Surface.routes(group, record)
    const services = yield* Layer.build(Layer.mergeAll(Surface.services, NodeHttpServer.layerHttpServices))
    const app = yield* HttpRouter.toHttpEffect(
      (shadowed ? Layer.provide(routes, shadow.layer) : routes) as Layer.Layer<never>
    ).pipe(Effect.provide(services))

    let status = 0
    let response: unknown
    const handled = HttpEffect.toHandled(
      app as Effect.Effect<HttpServerResponse.HttpServerResponse>,
      (_, sent) =>
        Effect.map(bodyOf(sent), (body) => {
          status = sent.status
          response = {
            statusText: sent.statusText,
            headers: { ...sent.headers },
            cookies: plain(sent.cookies),
            body
          }
        })
    )
    let reports: Array<unknown> = []
    const reporter: ErrorReporter.ErrorReporter = {
      [ErrorReporter.TypeId]: ErrorReporter.TypeId,
      report: ({ cause, fiber }) =>
        void reports.push([describeCause(cause), [...fiber.context.mapUnsafe.keys()].sort()])
    }
    const base = Context.add(services, ErrorReporter.CurrentErrorReporters, new Set([reporter]))

    const observe = async (sent: Sent): Promise<Observed> => {
      status = 0
      response = undefined
      reports = []
      seen = []
      const request = HttpServerRequest.fromWeb(
        new Request(`http://localhost${sent.path}`, {
          method: sent.method,
          headers: sent.headers,
          ...(sent.body === undefined ? {} : { body: sent.body as Uint8Array<ArrayBuffer> })
        })
      )
      let context: Context.Context<never> = Context.add(base, HttpServerRequest.HttpServerRequest, request)
      if (sent.maxBodySize !== undefined) {
        context = Context.add(context, HttpServerRequest.MaxBodySize, sent.maxBodySize as never)
      }
      const reached = new Promise<void>((resume) => {
        waiting = resume
      })
      const fiber = Effect.runForkWith(context)(handled as Effect.Effect<void>)
      const ended = new Promise<Exit.Exit<unknown, unknown>>((resume) => void fiber.addObserver(resume))
      if (sent.leaves !== "never" && fiber.pollUnsafe() === undefined) {
        if (sent.leaves === "in the handler") await Promise.race([reached, ended])
        fiber.interruptUnsafe(undefined, HttpServerError.ClientAbort.annotation)
      }
      const exit = fiber.pollUnsafe() ?? (await ended)
      return {
        status,
        response,
        exit: Exit.isSuccess(exit) ? "success" : describeCause(exit.cause),
        reports,
        seen
      }
    }
    return { observe }
  })

/** The surface as Effect builds it, and as this package does. */
export const pair = (shadowed: boolean) =>
  Effect.all({
    original: make(HttpApiBuilder.group, shadowed),
    compiled: make(Routes.group, shadowed)
  })
