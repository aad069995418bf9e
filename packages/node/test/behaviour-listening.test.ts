/** Where a server listens, how it is configured, and how it says that it cannot. */

import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { NvoServer } from "@nvo/node"
import { Config, ConfigProvider, Context, Effect, Exit, Layer, Option, Scope } from "effect"
import { HttpClient, HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { type App, portOf, serve } from "./support/serve.ts"
import * as Wire from "./support/Wire.ts"

const hello: App = Effect.succeed(HttpServerResponse.text("hello"))

const remote: App = Effect.map(HttpServerRequest.HttpServerRequest, ({ remoteAddress }) =>
  HttpServerResponse.text(Option.getOrElse(remoteAddress, () => "none"))
)

const bodyOf = (port: number) =>
  Effect.map(Wire.exchange(port, Wire.request("GET", "/")), ({ body }) => body.toString())

const codeOf = (cause: unknown): unknown => (cause as { readonly code?: unknown }).code

const temporaryPath = Effect.acquireRelease(
  Effect.sync(() => Path.join(Fs.mkdtempSync(Path.join(Os.tmpdir(), "nvo-socket-")), "s")),
  (path) => Effect.sync(() => Fs.rmSync(Path.dirname(path), { recursive: true, force: true }))
)

const hasIpv6 = Object.values(Os.networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === "::1")
)

describe("a server listens", () => {
  it.live("on port 0: a free port, which its address says", () =>
    Effect.gen(function* () {
      const first = yield* serve(hello, { port: 0 })
      const second = yield* serve(hello)
      assert.isAbove(first.port, 0)
      assert.notStrictEqual(first.port, second.port)
      assert.strictEqual(yield* bodyOf(first.port), "hello")
    })
  )

  it.live("on a unix socket, which is gone afterwards", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath
      const scope = yield* Scope.make()
      const { address } = yield* Scope.provide(serve(remote, { path }), scope)
      assert.include(JSON.stringify(address), path)
      const wire = yield* Wire.connectPath(path)
      yield* wire.send(Wire.request("GET", "/"))
      assert.strictEqual((yield* wire.response()).body.toString(), "none")
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(yield* wire.end)
      assert.isFalse(Fs.existsSync(path))
    })
  )

  it.live.skipIf(!hasIpv6)("on ::1", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(remote, { host: "::1" })
      const wire = yield* Wire.connect(port, "::1")
      yield* wire.send(Wire.request("GET", "/"))
      assert.strictEqual((yield* wire.response()).body.toString(), "::1")
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Wire.connect(port, "127.0.0.1"))))
    })
  )

  it.live.skipIf(!hasIpv6)("on IPv6 only where asked", () =>
    Effect.gen(function* () {
      const both = yield* serve(hello, { host: "::" })
      yield* Wire.connect(both.port, "127.0.0.1")
      const only = yield* serve(hello, { host: "::", ipv6Only: true })
      yield* Wire.connect(only.port, "::1")
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Wire.connect(only.port, "127.0.0.1"))))
    })
  )

  it.live("twice on one port with reusePort", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const first = yield* Scope.provide(serve(hello, { reusePort: true }), scope)
      const second = yield* serve(hello, { port: first.port, reusePort: true })
      assert.strictEqual(second.port, first.port)
      for (let i = 0; i < 20; i++) assert.strictEqual(yield* bodyOf(first.port), "hello")
      yield* Scope.close(scope, Exit.void)
      for (let i = 0; i < 5; i++) assert.strictEqual(yield* bodyOf(second.port), "hello")
    })
  )
})

describe("a server that cannot listen fails with ServeError and the platform's code", () => {
  it.live("EADDRINUSE where the port is taken", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(hello)
      const error = yield* Effect.flip(serve(hello, { port }))
      assert.strictEqual(error._tag, "ServeError")
      assert.strictEqual(codeOf(error.cause), "EADDRINUSE")
      assert.strictEqual(yield* bodyOf(port), "hello", "the first one goes on")
    })
  )

  it.live("EADDRINUSE where the unix socket is taken", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath
      yield* serve(hello, { path })
      assert.strictEqual(codeOf((yield* Effect.flip(serve(hello, { path }))).cause), "EADDRINUSE")
    })
  )

  it.live("EADDRNOTAVAIL where the address is not of this machine", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(serve(hello, { host: "192.0.2.1" }))
      assert.strictEqual(codeOf(error.cause), "EADDRNOTAVAIL")
    })
  )

  // libuv turns ENOENT into EACCES here.
  it.live("EACCES where the directory of the unix socket is missing", () =>
    Effect.gen(function* () {
      const path = yield* temporaryPath
      const error = yield* Effect.flip(serve(hello, { path: Path.join(path, "none", "s") }))
      assert.strictEqual(codeOf(error.cause), "EACCES")
    })
  )
})

describe("configuration", () => {
  const fromEnvironment = (env: Record<string, string>) =>
    Effect.provide(NvoServer.config, ConfigProvider.layer(ConfigProvider.fromEnv({ env })))

  it.live("reads every option from the environment", () =>
    Effect.gen(function* () {
      const options = yield* fromEnvironment({
        NVO_PORT: "8080",
        NVO_HOST: "127.0.0.1",
        NVO_BACKLOG: "10",
        NVO_REUSE_PORT: "true",
        NVO_TRANSPORT: "poll",
        NVO_HEAD_BYTES: "32768",
        NVO_DRAIN_TIMEOUT: "5 seconds"
      })
      assert.deepInclude(options, {
        port: 8080,
        host: "127.0.0.1",
        backlog: 10,
        reusePort: true,
        transport: "poll",
        headBytes: 32_768,
        fieldCount: 100
      })
    })
  )

  it.live("has a default for everything", () =>
    Effect.gen(function* () {
      const { bufferedBodyBytes, halfClose, port } = yield* fromEnvironment({})
      assert.deepStrictEqual([port, bufferedBodyBytes, halfClose], [undefined, 1_048_576, false])
    })
  )

  for (const [name, value] of Object.entries({
    NVO_PORT: "eighty",
    NVO_HEAD_BYTES: "0",
    NVO_FIELD_COUNT: "1.5",
    NVO_DRAIN_TIMEOUT: "soon",
    NVO_HALF_CLOSE: "perhaps",
    NVO_TRANSPORT: "pigeon"
  })) {
    it.live(`refuses ${name}=${value} with a ConfigError that names it`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(fromEnvironment({ [name]: value }))
        assert.strictEqual(error._tag, "ConfigError")
        assert.include(String(error), name)
      })
    )
  }

  it.live("of the limits holds on the wire", () =>
    Effect.gen(function* () {
      const options = yield* fromEnvironment({ NVO_FIELD_COUNT: "2" })
      const { port } = yield* serve(hello, { ...options, host: "127.0.0.1" })
      const ask = (fields: Record<string, string>) => Wire.exchange(port, Wire.request("GET", "/", fields))
      assert.strictEqual((yield* ask({ a: "1" })).status, 200)
      assert.strictEqual((yield* ask({ a: "1", b: "2" })).status, 431)
    })
  )

  it.live("out of range in code is a defect that says so", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(serve(hello, { headBytes: -1 }))
      assert.isTrue(Exit.isFailure(exit))
      assert.include(JSON.stringify(exit), "headBytes")
    })
  )

  it.live("by layerConfig takes any Config", () =>
    Effect.gen(function* () {
      const routes = HttpRouter.add("GET", "/", HttpServerResponse.text("configured"))
      const server = NvoServer.layerConfig({
        port: Config.succeed(0),
        host: Config.NonEmptyString("BIND"),
        drainTimeout: Config.succeed("1 second")
      })
      const context = yield* Layer.build(
        HttpRouter.serve(routes, { disableListenLog: true, disableLogger: true }).pipe(
          Layer.provideMerge(server),
          Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: { BIND: "127.0.0.1" } })))
        )
      )
      const { address } = Context.get(context, HttpServer.HttpServer)
      assert.strictEqual(yield* bodyOf(portOf(address)), "configured")
    })
  )
})

describe("layerTest", () => {
  it.live("serves on a free port with a client that is bound to it", () =>
    Effect.gen(function* () {
      yield* HttpServer.serveEffect(
        Effect.map(HttpServerRequest.HttpServerRequest, ({ url }) => HttpServerResponse.text(`at ${url}`))
      )
      const response = yield* HttpClient.get("/path?q=1")
      assert.strictEqual(yield* response.text, "at /path?q=1")
    }).pipe(Effect.provide(NvoServer.layerTest))
  )
})
