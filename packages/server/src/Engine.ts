/**
 * The engine: accepts connections from a listener, runs one program for each, and is the `HttpServer` that
 * `effect/http` apps are served on.
 *
 * Its end is orderly: it stops accepting, lets idle connections go, waits for requests in flight and cuts what
 * is left at `drainTimeout`.
 */
import { HttpDate } from "@nvo/protocol"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServer from "effect/http/HttpServer"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { Connections } from "./Connections.ts"
import { Connection } from "./internal/connection.ts"
import type { EngineContext } from "./internal/engineContext.ts"
import { handleResponse } from "./internal/responseWriter.ts"
import { ServerRequest } from "./internal/serverRequest.ts"
import type { ServerConfig } from "./ServerConfig.ts"
import { ServerErrors } from "./ServerErrors.ts"
import type * as Transport from "./Transport.ts"

/** The Date field's value by a clock, made once a second (RFC 9110 §6.6.1). */
const makeDate = (clock: Clock.Clock): (() => string) => {
  let second = Number.NaN
  let text = ""
  return () => {
    const now = Math.floor(clock.currentTimeMillisUnsafe() / 1000)
    if (now !== second) {
      second = now
      text = HttpDate.format(now * 1000)
    }
    return text
  }
}

// Whether spans are seen by anybody: the native tracer has no backend.
const isTraced = (context: Context.Context<never>): boolean => {
  const tracer = Context.getOrUndefined(context, Tracer.Tracer)
  return tracer !== undefined && tracer !== Tracer.nativeTracer
}

// Names the connection and the request in the span of the request.
const withSpanAttributes = <E, R>(
  app: Effect.Effect<HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse, E, R> =>
  Effect.withFiber((fiber) => {
    const { span } = fiber.cache
    if (span !== undefined && span._tag === "Span") {
      const request = Context.getUnsafe(fiber.context, HttpServerRequest)
      if (request instanceof ServerRequest) {
        span.attribute("nvo.connection.id", request.exchange.connectionId)
        span.attribute("nvo.request.index", request.exchange.requestIndex)
      }
    }
    return app
  })

// One `serve` under way: its connections, and who waits for the last of them.
interface Serving {
  readonly engine: EngineContext
  readonly active: Set<Active>
  drained: Deferred.Deferred<void> | undefined
}

interface Active {
  readonly connection: Connection
  readonly cut: Effect.Effect<void>
}

const start = (
  serving: Serving,
  registry: Connections["Service"],
  transport: Transport.Connection,
  scope: Scope.Closeable,
  acceptedAt: number
): void => {
  const connection = new Connection(serving.engine, transport, acceptedAt)
  const program = Effect.onExit(connection.run, (exit) =>
    Effect.andThen(
      Scope.close(scope, exit),
      Effect.suspend(() => {
        registry.entries.delete(transport.id)
        serving.active.delete(active)
        return serving.active.size === 0 && serving.drained !== undefined
          ? Deferred.succeed(serving.drained, undefined)
          : Effect.void
      })
    )
  )
  const active: Active = {
    connection,
    cut: Effect.suspend(() =>
      Effect.andThen(
        transport.close,
        Effect.sync(() => fiber.interruptUnsafe())
      )
    )
  }
  serving.active.add(active)
  registry.entries.set(transport.id, {
    id: transport.id,
    info: Effect.sync(() => connection.info),
    close: active.cut
  })
  const fiber = Effect.runForkWith(serving.engine.context)(program)
}

const accepting = (serving: Serving, registry: Connections["Service"], listener: Transport.Listener) =>
  Effect.forever(
    Effect.suspend(() => {
      const scope = Scope.makeUnsafe()
      return Effect.matchEffect(Scope.provide(listener.accept, scope), {
        onSuccess: (transport) =>
          Effect.clockWith((clock) =>
            Effect.sync(() => start(serving, registry, transport, scope, clock.currentTimeMillisUnsafe()))
          ),
        onFailure: (error) =>
          Effect.andThen(Scope.close(scope, Exit.void), serving.engine.errors.report(error))
      })
    }),
    { disableYield: true }
  )

// How long connections that were cut may take to finish. One that cannot be interrupted must not keep the server
// from stopping; chosen by feel.
const CUT_TIMEOUT = "1 second"

const stop = (serving: Serving, listener: Transport.Listener) =>
  Effect.gen(function* () {
    const { active, engine } = serving
    engine.draining = true
    yield* listener.close
    yield* Effect.forEach(
      [...active].filter((one) => one.connection.phase === "Idle"),
      (one) => one.connection.transport.close,
      { discard: true }
    )
    if (active.size === 0) return
    const drained = Deferred.makeUnsafe<void>()
    serving.drained = drained
    yield* Effect.timeoutOption(Deferred.await(drained), engine.config.drainTimeout)
    yield* Effect.forEach([...active], (one) => Effect.andThen(one.cut, one.connection.transport.reset), {
      discard: true
    })
    // What was cut runs its finalizers while the services that it was given are there.
    yield* Effect.timeoutOption(Deferred.await(drained), CUT_TIMEOUT)
  })

/**
 * Makes the `HttpServer` of a listener. Connections are served from the call of `serve` until its Scope
 * closes; those that come before wait in the listener.
 */
export const make = Effect.fnUntraced(function* (
  listener: Transport.Listener,
  config: ServerConfig
): Effect.fn.Return<HttpServer.HttpServer["Service"], never, ServerErrors | Connections> {
  const errors = yield* ServerErrors
  const registry = yield* Connections
  return HttpServer.make({
    address: listener.address,
    serve: Effect.fnUntraced(function* (httpEffect, middleware) {
      const context = (yield* Effect.context()) as Context.Context<never>
      const clock = yield* Clock.Clock
      const serving: Serving = {
        engine: {
          config,
          handled: HttpEffect.toHandled(
            isTraced(context) ? withSpanAttributes(httpEffect) : httpEffect,
            handleResponse,
            middleware
          ) as Effect.Effect<unknown>,
          context,
          errors,
          date: makeDate(clock),
          draining: false
        },
        active: new Set(),
        drained: undefined
      }
      yield* Effect.addFinalizer(() => stop(serving, listener))
      yield* Effect.forkScoped(accepting(serving, registry, listener))
    })
  })
})
