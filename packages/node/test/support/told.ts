/** What every failure owes: it is provoked on a running server, and has to arrive as a value, in the metric and in the log. */
import { NodeHttpServer } from "@effect/platform-node"
import { assert } from "@effect/vitest"
import { NetTransport, NvoServer } from "@nvo/node"
import { Connections, type ServerError, ServerErrors, Transport } from "@nvo/server"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Observed from "./observed.ts"
import { type App, portOf } from "./serve.ts"
import { eventually } from "./settle.ts"
import * as Wire from "./Wire.ts"

export interface Server {
  readonly port: number
  readonly connections: Connections.Connections["Service"]
  /** Stops the server. */
  readonly stop: Effect.Effect<void>
  /** Completes when a handler has begun. */
  readonly began: Effect.Effect<void>
}

/** What provokes a reason. */
export interface Provoked {
  readonly options?: NvoServer.Options
  readonly transport?: (inner: Transport.Transport["Service"]) => Transport.Transport["Service"]
  readonly app?: App
  readonly act: (server: Server) => Effect.Effect<unknown, unknown, Scope.Scope>
}

const reads: App = Effect.flatMap(HttpServerRequest, (request) =>
  Effect.as(request.text, HttpServerResponse.empty())
)

export const get = Wire.request("GET", "/")

// A server that does not wait for what a test has left behind.
const hasty: NvoServer.Options = {
  host: "127.0.0.1",
  // No request is turned away because the machine is busy.
  loopDelay: 0,
  drainDelay: 0,
  drainTimeout: "50 millis",
  lingerTimeout: "50 millis"
}

/** Serves, provokes, and looks for the reason in the three places. */
export const told = (
  layer: ServerError.ServerError["_tag"],
  reason: string,
  initiator: string,
  provoked: Provoked
) =>
  Effect.gen(function* () {
    const recorder = Observed.recorder()
    const began = yield* Deferred.make<void>()
    const scope = yield* Scope.make()
    const { app = reads, options, transport = (inner) => inner } = provoked
    const context = yield* NvoServer.layerServerWith({ ...hasty, ...options }).pipe(
      Layer.provideMerge(
        Layer.succeed(Transport.Transport)(transport(NetTransport.make({ tls: options?.tls })))
      ),
      Layer.provideMerge(NodeHttpServer.layerHttpServices),
      Layer.provideMerge(recorder.layer),
      Layer.build,
      Scope.provide(scope)
    )
    const errors: Array<ServerError.ServerError> = []
    const stream = yield* Context.get(context, ServerErrors.ServerErrors).subscribe
    yield* Effect.forkScoped(Stream.runForEach(stream, (error) => Effect.sync(() => errors.push(error))))
    yield* HttpServer.serveEffect(Effect.andThen(Deferred.succeed(began, undefined), app)).pipe(
      Effect.provideContext(context),
      Scope.provide(scope)
    )
    const stop = Scope.close(scope, Effect.runSync(Effect.exit(Effect.void)))
    yield* provoked.act({
      port: portOf(Context.get(context, HttpServer.HttpServer).address),
      connections: Context.get(context, Connections.Connections),
      stop,
      began: Deferred.await(began)
    })

    yield* eventually(`${reason} as a value`, () => errors.some((error) => error.reason._tag === reason))
    const error = errors.find((one) => one.reason._tag === reason)
    assert.deepStrictEqual([error?._tag, error?.initiator], [layer, initiator])
    const attributes = { error: layer, reason, initiator }
    const series = () => recorder.series("nvo.server.errors").find((one) => one.attributes.reason === reason)
    assert.deepStrictEqual(series()?.attributes, attributes)
    assert.isAtLeast(series()?.value ?? 0, 1)
    const line = () => recorder.lines.find(({ annotations }) => annotations["nvo.error.reason"] === reason)
    yield* eventually(`${reason} in the log`, () => line() !== undefined)
    assert.include(line()?.message, reason)
    assert.strictEqual(line()?.annotations["nvo.error.initiator"], initiator)
    assert.strictEqual(line()?.annotations["nvo.connection.id"], error?.connectionId)
    yield* stop
    // Once in each, also behind the end. Of a burst of requests that are turned away only the first is more than counted.
    if (layer !== "OverloadError") {
      const counts = [
        errors.filter((one) => one.reason._tag === reason).length,
        series()?.value,
        recorder.lines.filter(({ annotations }) => annotations["nvo.error.reason"] === reason).length
      ]
      assert.deepStrictEqual(counts, [1, 1, 1])
    }
    return error as ServerError.ServerError
  }).pipe(Effect.scoped)

export const requestOn = (server: Server, request: string | Uint8Array = get) =>
  Effect.tap(Wire.connect(server.port), (wire) => Effect.sync(() => wire.sendUnsafe(request)))

export const never: App = Effect.interruptible(Effect.never)
