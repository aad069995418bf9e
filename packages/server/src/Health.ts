/**
 * Whether the server is alive, and whether it wants more requests: for those who start, stop and balance it.
 *
 * `/livez` fails when the process should be started anew, `/readyz` when no more requests should be sent here:
 * while the server drains, or a check of its own fails. Neither is ever turned away by an overload.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Shutdown from "./Shutdown.ts"

/** How the server is. The engine writes it, `layerRoutes` shows it. */
export class Health extends Context.Service<
  Health,
  {
    /** Where the server is between serving and its end. */
    readonly stage: Effect.Effect<Shutdown.Stage>
    /**
     * What the engine moves on.
     *
     * @internal
     */
    readonly shutdown: { stage: Shutdown.Stage }
    /**
     * Paths that are answered whatever the load.
     *
     * @internal
     */
    readonly paths: Set<string>
  }
>()("@nvo/server/Health") {
  static readonly layer: Layer.Layer<Health> = Layer.sync(Health)(() => {
    const shutdown = { stage: Shutdown.initial }
    return { shutdown, stage: Effect.sync(() => shutdown.stage), paths: new Set() }
  })
}

/** Checks by name. One that fails, dies or takes too long is not passed. */
export type Checks<R> = Readonly<Record<string, Effect.Effect<unknown, unknown, R>>>

/** The endpoints and what they check. */
export interface Options<R1, R2> {
  /** Default: `/livez`. */
  readonly livePath?: HttpRouter.PathInput | undefined
  /** Default: `/readyz`. */
  readonly readyPath?: HttpRouter.PathInput | undefined
  /** What a live process passes. Default: nothing; that it answers is enough. */
  readonly live?: Checks<R1> | undefined
  /** What a ready one passes besides: a database that answers, a cache that is warm. Default: nothing. */
  readonly ready?: Checks<R2> | undefined
  /** How long one check may take. Default: 2 seconds. */
  readonly timeout?: Duration.Input | undefined
}

// Runs a check and gives why it was not passed. What it says stays out of the answer, which anybody may ask for.
const passed = <R>(name: string, check: Effect.Effect<unknown, unknown, R>, timeout: Duration.Input) =>
  check.pipe(
    Effect.timeout(timeout),
    Effect.exit,
    Effect.tap((exit) =>
      Exit.isFailure(exit)
        ? Effect.logWarning(`The health check ${name} failed`, Cause.squash(exit.cause))
        : Effect.void
    ),
    Effect.map((exit) => [name, Exit.isSuccess(exit)] as const)
  )

const answer = (results: ReadonlyArray<readonly [string, boolean]>) => {
  const ok = results.every(([_, pass]) => pass)
  const status = (pass: boolean) => (pass ? "pass" : "fail")
  return HttpServerResponse.text(
    JSON.stringify({
      status: status(ok),
      checks: Object.fromEntries(results.map(([name, pass]) => [name, { status: status(pass) }]))
    }),
    {
      status: ok ? 200 : 503,
      contentType: "application/health+json",
      headers: { "cache-control": "no-store" }
    }
  )
}

/**
 * The two endpoints. The answer is 200 or 503, with the names of the checks and whether each was passed.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { HttpRouter, HttpServerResponse } from "effect/http"
 * import { NvoServer } from "@nvo/node"
 * import { Health } from "@nvo/server"
 *
 * const App = HttpRouter.add("GET", "/", HttpServerResponse.text("Hello"))
 * const Endpoints = Health.layerRoutes({ ready: { database: Effect.void } })
 *
 * export const Main = HttpRouter.serve(Layer.mergeAll(App, Endpoints)).pipe(
 *   Layer.provide(NvoServer.layer({ port: 3000, drainDelay: "5 seconds" }))
 * )
 * ```
 */
export const layerRoutes = <R1 = never, R2 = never>(
  options: Options<R1, R2> = {}
): Layer.Layer<never, never, HttpRouter.HttpRouter | Health | R1 | R2> => {
  const { live = {}, livePath = "/livez", ready = {}, readyPath = "/readyz", timeout = "2 seconds" } = options
  return Layer.effectDiscard(
    Effect.gen(function* () {
      const health = yield* Health
      const router = yield* HttpRouter.HttpRouter
      const context = yield* Effect.context<R1 | R2>()
      const run = (checks: Checks<R1 | R2>): Effect.Effect<ReadonlyArray<readonly [string, boolean]>> =>
        Effect.provideContext(
          Effect.forEach(Object.entries(checks), ([name, check]) => passed(name, check, timeout), {
            concurrency: "unbounded"
          }),
          context
        )
      health.paths.add(livePath).add(readyPath)
      yield* router.add("GET", livePath, Effect.map(run(live), answer))
      yield* router.add(
        "GET",
        readyPath,
        Effect.map(run(ready), (results) =>
          answer([["serving", health.shutdown.stage === "Serving"], ...results])
        )
      )
    })
  )
}
