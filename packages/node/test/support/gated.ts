/** A server that can be ended, with a handler that waits. */
import { Deferred, Effect, Exit, Scope } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import type { App, serve } from "./serve.ts"

/** A server in a Scope of its own, and a handler of `/wait` that waits for a sign. */
export const gated = (serving: typeof serve, options: Parameters<typeof serve>[1] = {}) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
    const started = yield* Deferred.make<void>()
    const go = yield* Deferred.make<void>()
    const app: App = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
      url === "/wait"
        ? Effect.andThen(Deferred.succeed(started, undefined), Deferred.await(go)).pipe(
            Effect.as(HttpServerResponse.text("finished")),
            Effect.interruptible
          )
        : Effect.succeed(HttpServerResponse.text("quick"))
    )
    const running = yield* Scope.provide(serving(app, options), scope)
    return { ...running, close: Scope.close(scope, Exit.void), started, go }
  })
