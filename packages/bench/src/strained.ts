/**
 * `node --expose-gc strained.ts PORT`: what `bench:overload` and `soak` put under strain. The limits are the server's
 * own, or come from the environment (`NVO_LOOP_DELAY=100ms`…).
 */
import { NodeRuntime } from "@effect/platform-node"
import { NvoServer } from "@nvo/node"
import { Health } from "@nvo/server"
import { Effect, Layer, Stream } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"

/** Milliseconds that a request for /work keeps the loop busy. */
const WORK = 1

const work = Effect.sync(() => {
  const until = performance.now() + WORK
  while (performance.now() < until);
  return HttpServerResponse.text("done")
})

const echo = Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
  HttpServerResponse.stream(request.stream)
)

// More than the kernel's buffers hold, so that a slow reader is felt.
const piece = new Uint8Array(65_536).fill(0x61)
const large = HttpServerResponse.stream(Stream.range(1, 256).pipe(Stream.map(() => piece)))

const memory = Effect.sync(() => {
  globalThis.gc?.()
  return HttpServerResponse.jsonUnsafe(process.memoryUsage())
})

const app = Layer.mergeAll(
  HttpRouter.add("GET", "/", HttpServerResponse.text("Hello, World!")),
  HttpRouter.add("GET", "/work", work),
  HttpRouter.add("GET", "/large", large),
  HttpRouter.add("GET", "/memory", memory),
  HttpRouter.add("POST", "/echo", echo),
  Health.layerRoutes()
)

const server = Layer.unwrap(
  Effect.map(NvoServer.config, (options) =>
    NvoServer.layer({ ...options, port: Number(process.argv[2]), host: "127.0.0.1" })
  )
)

Layer.launch(
  Layer.provide(HttpRouter.serve(app, { disableLogger: true, disableListenLog: true }), server)
).pipe(NodeRuntime.runMain)
