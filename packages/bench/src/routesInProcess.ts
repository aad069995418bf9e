/**
 * `npm run bench:routes`: what a typed route costs in process, as Effect makes it and compiled, for apps of 1, 30 and
 * 300 services and routes. No socket and no parsing: a request object goes in, a response object comes out.
 *
 * Each variant has a process of its own, since Effect shares what it has compiled for a schema. Rounds are
 * interleaved; the median of the ratios is what counts.
 */
import { spawnSync } from "node:child_process"
import { Routes } from "@nvo/routes"
import { Context, Effect, Layer, Schema } from "effect"
import { HttpEffect, HttpRouter, HttpServer, HttpServerRequest, type HttpServerResponse } from "effect/http"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"

const User = Schema.Struct({ id: Schema.Int, name: Schema.String, email: Schema.String })
const NewUser = Schema.Struct({
  name: Schema.NonEmptyString,
  email: Schema.String.check(Schema.isPattern(/^[^\s@]+@[^\s@]+$/)),
  age: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 150 })))
})

const makeApi = (routes: number) => {
  let group = HttpApiGroup.make("users").add(
    HttpApiEndpoint.get("get", "/users/:id", { params: { id: Schema.Int }, success: User }),
    HttpApiEndpoint.post("create", "/users", { payload: NewUser, success: User })
  )
  for (let index = 1; index < routes; index++) {
    group = group.add(
      HttpApiEndpoint.get(`more${index}`, `/more${index}/:id`, {
        params: { id: Schema.Int },
        success: User
      }) as never
    )
  }
  return HttpApi.make("api").add(group)
}

const body = JSON.stringify({ name: "Ada", email: "ada@example.com", age: 36 })

const requests = {
  get: { method: "GET", url: "/users/42", headers: { host: "localhost", accept: "*/*" } },
  create: {
    method: "POST",
    url: "/users",
    headers: { host: "localhost", "content-type": "application/json", "content-length": `${body.length}` },
    text: Effect.succeed(body)
  }
} as const

type Kind = keyof typeof requests

/** What an app of this many services has: in the context of its groups and in that of its server. */
const servicesOf = (count: number) =>
  Layer.mergeAll(
    HttpServer.layerServices,
    Layer.succeedContext(
      Context.makeUnsafe<never>(
        new Map(Array.from({ length: count }, (_, index) => [`bench/Service${index}`, { index }]))
      )
    )
  )

const handlers = {
  get: ({ params }: { readonly params: { readonly id: number } }) =>
    Effect.succeed({ id: params.id, name: `User ${params.id}`, email: `user${params.id}@example.com` }),
  create: ({ payload }: { readonly payload: typeof NewUser.Type }) =>
    Effect.succeed({ id: 1, name: payload.name, email: payload.email })
}

const build = (group: typeof HttpApiBuilder.group, routes: number) => {
  const api = makeApi(routes)
  const users = group(api, "users", (unhandled) => {
    let handled = unhandled.handleAll(handlers)
    for (let index = 1; index < routes; index++) {
      handled = handled.handle(`more${index}` as never, handlers.get as never) as typeof handled
    }
    return handled
  })
  return HttpRouter.toHttpEffect(HttpApiBuilder.layer(api).pipe(Layer.provide(users)))
}

const WARM_UP = 60_000
const REQUESTS = 200_000

/** Nanoseconds for a request. */
const measure = (variant: string, kind: Kind, services: number, routes: number) =>
  Effect.gen(function* () {
    const base = yield* Layer.build(servicesOf(services))
    const app = yield* build(variant === "compiled" ? Routes.group : HttpApiBuilder.group, routes).pipe(
      Effect.provide(base)
    )
    let length = 0
    const handled = HttpEffect.toHandled(
      app as Effect.Effect<HttpServerResponse.HttpServerResponse>,
      (_, response) => {
        if (response.status !== 200) throw new Error(`${response.status}`)
        length = (response.body as { readonly contentLength: number }).contentLength
        return Effect.void
      }
    )
    const run = (times: number) => {
      for (let index = 0; index < times; index++) {
        const request = { ...requests[kind] } as unknown as HttpServerRequest.HttpServerRequest
        const context = Context.add(base, HttpServerRequest.HttpServerRequest, request)
        Effect.runForkWith(context)(handled as Effect.Effect<void>)
      }
    }
    run(WARM_UP)
    if (length === 0) throw new Error("nothing was answered")
    const before = process.hrtime.bigint()
    run(REQUESTS)
    return Number(process.hrtime.bigint() - before) / REQUESTS
  }).pipe(Effect.scoped)

const median = (values: ReadonlyArray<number>): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1]

const ROUNDS = 5

const compare = (kind: Kind, services: number, routes: number): void => {
  const times: Record<string, Array<number>> = { original: [], compiled: [] }
  for (let round = 0; round < ROUNDS; round++) {
    for (const variant of round % 2 === 0 ? ["original", "compiled"] : ["compiled", "original"]) {
      const child = spawnSync(
        process.execPath,
        [import.meta.filename, variant, kind, String(services), String(routes)],
        { encoding: "utf8" }
      )
      if (child.status !== 0) throw new Error(child.stderr)
      times[variant].push(Number(child.stdout))
    }
  }
  const ratio = median(times.original.map((original, round) => times.compiled[round] / original))
  const [original, compiled] = [median(times.original), median(times.compiled)].map((ns) =>
    (ns / 1000).toFixed(2)
  )
  console.log(
    `${kind.padEnd(6)} ${String(services).padStart(4)} services ${String(routes).padStart(4)} routes   ` +
      `Effect ${original} µs   compiled ${compiled} µs   ratio ${ratio.toFixed(2)}`
  )
}

const [variant, kind, services, routes] = process.argv.slice(2)
if (variant === "original" || variant === "compiled") {
  console.log(await Effect.runPromise(measure(variant, kind as Kind, Number(services), Number(routes))))
} else {
  for (const kind of ["get", "create"] as const) {
    for (const services of [0, 1, 30, 300]) compare(kind, services, 1)
    for (const routes of [30, 300]) compare(kind, 30, routes)
  }
}
