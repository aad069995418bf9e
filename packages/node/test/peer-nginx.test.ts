/** nginx as a reverse proxy in front, with connections that it keeps. */

import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { inFront } from "./support/nginx.ts"
import { app } from "./support/peersApp.ts"
import { peerTest } from "./support/peersPrograms.ts"
import { type App, serve } from "./support/serve.ts"
import * as Wire from "./support/Wire.ts"

const proxied = Effect.fnUntraced(function* (nginx: string, behind: App) {
  const server = yield* serve(behind)
  const { port, wire } = yield* inFront(nginx, { upstreams: [server.port], keepalive: 4, streams: true })
  return { server, wire, port }
})

describe("nginx in front", () => {
  peerTest("nginx", "keeps its connections to the server over many requests", (nginx) =>
    Effect.gen(function* () {
      const { server, wire } = yield* proxied(nginx, app)
      for (let i = 0; i < 200; i++) {
        wire.sendUnsafe(Wire.request("GET", `/tell/${i}`))
        const response = yield* wire.response()
        assert.deepStrictEqual([response.status, response.body.toString()], [200, String(i)])
      }
      const connections = yield* server.connections.list
      assert.strictEqual(connections.length, 1)
      assert.strictEqual(connections[0].requests, 200)
      assert.deepStrictEqual(server.errors, [])
    })
  )

  peerTest("nginx", "serves many clients at once", (nginx) =>
    Effect.gen(function* () {
      const { port, server } = yield* proxied(nginx, app)
      yield* Effect.forEach(
        Array.from({ length: 20 }, (_, client) => client),
        (client) =>
          Effect.scoped(
            Effect.gen(function* () {
              const wire = yield* Wire.connect(port)
              for (let i = 0; i < 20; i++) {
                const body = `${client}:${i}`.repeat(1_000)
                wire.sendUnsafe(Wire.request("POST", "/echo", {}, body))
                assert.strictEqual((yield* wire.response()).body.toString(), body)
              }
            })
          ),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(server.errors, [])
    })
  )

  peerTest("nginx", "passes an upload on piece by piece", (nginx) =>
    Effect.gen(function* () {
      const came = yield* Queue.unbounded<number>()
      const { wire } = yield* proxied(
        nginx,
        Effect.flatMap(HttpServerRequest, (request) =>
          request.stream.pipe(
            Stream.runForEach((bytes) => Queue.offer(came, bytes.length)),
            Effect.as(HttpServerResponse.text("all of it"))
          )
        )
      )
      wire.sendUnsafe("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
      for (let i = 0; i < 5; i++) {
        // The next piece leaves when the handler has the one before.
        yield* wire.send(`3e8\r\n${"a".repeat(1_000)}\r\n`)
        for (let octets = 0; octets < 1_000; ) octets += yield* Queue.take(came)
      }
      wire.sendUnsafe("0\r\n\r\n")
      assert.strictEqual((yield* wire.response()).body.toString(), "all of it")
    })
  )

  peerTest("nginx", "passes a download on piece by piece", (nginx) =>
    Effect.gen(function* () {
      const steps = Array.from({ length: 5 }, () => Deferred.makeUnsafe<void>())
      const { wire } = yield* proxied(
        nginx,
        Effect.sync(() =>
          HttpServerResponse.stream(
            Stream.fromIterable(steps.keys()).pipe(
              Stream.mapEffect((i) => Effect.as(Deferred.await(steps[i]), Buffer.from(`<piece ${i}>`)))
            )
          )
        )
      )
      wire.sendUnsafe(Wire.request("GET", "/"))
      for (const [i, step] of steps.entries()) {
        assert.notInclude(wire.received.toString(), `<piece ${i}>`)
        yield* Deferred.succeed(step, undefined)
        yield* wire.contains(`<piece ${i}>`)
      }
      const response = yield* wire.response()
      assert.isTrue(response.complete)
    })
  )

  peerTest("nginx", "moves large bodies both ways unchanged", (nginx) =>
    Effect.gen(function* () {
      const { wire } = yield* proxied(nginx, app)
      wire.sendUnsafe(Wire.request("POST", "/count", {}, Buffer.alloc(5_000_000)))
      assert.deepStrictEqual(JSON.parse((yield* wire.response()).body.toString()), { octets: 5_000_000 })
      wire.sendUnsafe(Wire.request("GET", "/stream"))
      const { body } = yield* wire.response()
      assert.isTrue(body.equals(Buffer.alloc(1_048_576, 97)))
    })
  )

  peerTest("nginx", "tells the server when a client has left, and the handler is interrupted", (nginx) =>
    Effect.gen(function* () {
      const running = Deferred.makeUnsafe<void>()
      const interrupted = Deferred.makeUnsafe<void>()
      const { wire } = yield* proxied(
        nginx,
        Deferred.succeed(running, undefined).pipe(
          Effect.andThen(Effect.never),
          Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined)),
          Effect.interruptible
        )
      )
      wire.sendUnsafe(Wire.request("GET", "/"))
      yield* Deferred.await(running)
      yield* wire.leave
      yield* Deferred.await(interrupted)
    })
  )
})
