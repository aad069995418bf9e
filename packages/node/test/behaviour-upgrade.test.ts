/** Handing a connection to another protocol (RFC 9110 §7.8 and §9.3.6). */
import { assert, describe, it } from "@effect/vitest"
import { ByteSize, Deferred, Effect, Exit, Fiber, Scope } from "effect"
import { HttpIncomingMessage, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as ReadResponse from "./support/ReadResponse.ts"
import { type App, serve } from "./support/serve.ts"
import { eventually } from "./support/settle.ts"
import * as Wire from "./support/Wire.ts"

const upgradeFields = { Connection: "Upgrade", Upgrade: "echo/1" }

/** Echoes what comes, until the peer ends. */
const echo = (headers: Readonly<Record<string, string>> = {}): App =>
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const socket = yield* request.upgradeWith({ headers })
    yield* Effect.scoped(
      Effect.gen(function* () {
        const reader = yield* socket.reader
        const writer = yield* socket.writer
        while (true) {
          const chunks = yield* reader.pull
          for (const chunk of chunks) yield* writer.write(chunk)
        }
      })
    ).pipe(Effect.ignore)
    return HttpServerResponse.empty()
  })

const switched = (wire: Wire.Wire) =>
  Effect.map(wire.response(), (response) => {
    assert.strictEqual(response.status, 101)
    assert.strictEqual(ReadResponse.value(response.fields, "connection")?.toLowerCase(), "upgrade")
    assert.strictEqual(ReadResponse.value(response.fields, "upgrade"), "echo/1")
    return response
  })

describe("an upgrade", () => {
  it.live("switches, echoes, and ends with the peer", () =>
    Effect.gen(function* () {
      const { connections, port } = yield* serve(echo({ "x-proto": "yes" }))
      const wire = yield* Wire.connect(port)
      yield* wire.send(Wire.request("GET", "/", upgradeFields))
      const response = yield* switched(wire)
      assert.strictEqual(ReadResponse.value(response.fields, "x-proto"), "yes")
      assert.strictEqual(ReadResponse.value(response.fields, "content-length"), undefined)
      yield* wire.send("hello")
      assert.strictEqual((yield* wire.octets(5)).toString(), "hello")
      assert.deepStrictEqual(
        (yield* connections.list).map(({ phase }) => phase),
        ["Upgraded"]
      )
      yield* wire.finish
      assert.isTrue(yield* wire.end)
      yield* eventually("the connection's end", () => Effect.runSync(connections.count) === 0)
    })
  )

  it.live("gives what came behind the request first, whatever it looks like", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(echo())
      const wire = yield* Wire.connect(port)
      const behind = "GET / HTTP/1.1\r\nHost: a\r\n\r\nand \u0000\u00ff more"
      yield* wire.send(
        Buffer.concat([Wire.request("GET", "/", upgradeFields), Buffer.from(behind, "latin1")])
      )
      yield* switched(wire)
      assert.strictEqual((yield* wire.octets(behind.length)).toString("latin1"), behind)
      yield* wire.send("later")
      assert.strictEqual((yield* wire.octets(5)).toString(), "later")
    })
  )

  it.live("waits for the request's body, which the handler may read", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(
        Effect.gen(function* () {
          const request = yield* HttpServerRequest.HttpServerRequest
          return yield* echo({ "x-body": yield* request.text })
        })
      )
      const wire = yield* Wire.connect(port)
      yield* wire.send(Wire.request("POST", "/", { ...upgradeFields, "Content-Length": "4" }))
      yield* wire.send("bo")
      yield* wire.send("dybehind")
      assert.strictEqual(ReadResponse.value((yield* switched(wire)).fields, "x-body"), "body")
      assert.strictEqual((yield* wire.octets(6)).toString(), "behind")
    })
  )

  it.live("throws away a body that nobody read, in chunks too", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(echo())
      const wire = yield* Wire.connect(port)
      yield* wire.send(Wire.request("POST", "/", { ...upgradeFields, "Transfer-Encoding": "chunked" }))
      yield* wire.send(Buffer.concat([Wire.chunked(["a body"]), Buffer.from("behind")]))
      yield* switched(wire)
      assert.strictEqual((yield* wire.octets(6)).toString(), "behind")
    })
  )

  it.live("does not throw away more than MaxBodySize", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(
        Effect.provideService(echo(), HttpIncomingMessage.MaxBodySize, ByteSize.fromInputUnsafe(3))
      )
      const wire = yield* Wire.connect(port)
      yield* wire.send(Wire.request("POST", "/", upgradeFields, "1234"))
      const response = yield* wire.response("POST")
      assert.notStrictEqual(response.status, 101)
    })
  )

  it.live("that is not asked for answers as always", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(Effect.succeed(HttpServerResponse.text("no")))
      const wire = yield* Wire.connect(port)
      yield* wire.send(Wire.request("GET", "/", upgradeFields))
      assert.strictEqual((yield* wire.response()).body.toString(), "no")
      yield* wire.send(Wire.request("GET", "/"))
      assert.strictEqual((yield* wire.response()).body.toString(), "no")
    })
  )

  const refusedRequests: Readonly<Record<string, Buffer | string>> = {
    "no Upgrade": Wire.request("GET", "/"),
    "an Upgrade that Connection does not name": Wire.request("GET", "/", { Upgrade: "echo/1" }),
    "HTTP/1.0": "GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n"
  }
  for (const [name, octets] of Object.entries(refusedRequests)) {
    it.live(`for a request with ${name} is 400`, () =>
      Effect.gen(function* () {
        const { port } = yield* serve(echo())
        assert.strictEqual((yield* Wire.exchange(port, octets)).status, 400)
      })
    )
  }

  for (const name of ["connection", "upgrade", "content-length", "transfer-encoding"]) {
    it.live(`with the reserved field ${name} is 500, and the connection is not switched`, () =>
      Effect.gen(function* () {
        const { port } = yield* serve(echo({ [name]: "1" }))
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("GET", "/", upgradeFields))
        assert.strictEqual((yield* wire.response()).status, 500)
      })
    )
  }

  it.live("with a field that would split the response is 500", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(echo({ "x-a": "1\r\nx-b: 2" }))
      const wire = yield* Wire.connect(port)
      yield* wire.send(Wire.request("GET", "/", upgradeFields))
      assert.strictEqual((yield* wire.response()).status, 500)
      assert.notInclude(wire.received.toString(), "x-b")
    })
  )

  it.live("taken twice fails the second time and keeps the first", () =>
    Effect.gen(function* () {
      const second = yield* Deferred.make<Exit.Exit<unknown, unknown>>()
      const { port } = yield* serve(
        Effect.gen(function* () {
          const request = yield* HttpServerRequest.HttpServerRequest
          const socket = yield* request.upgrade
          yield* Effect.scoped(
            Effect.gen(function* () {
              const reader = yield* socket.reader
              const again = Effect.flatMap(request.upgrade, (other) => Effect.scoped(other.reader))
              yield* Deferred.succeed(second, yield* Effect.exit(again))
              const writer = yield* socket.writer
              yield* writer.write((yield* reader.pull)[0])
            })
          ).pipe(Effect.ignore)
          return HttpServerResponse.empty()
        })
      )
      const wire = yield* Wire.connect(port)
      yield* wire.send(Wire.request("GET", "/", upgradeFields))
      yield* switched(wire)
      assert.isTrue(Exit.isFailure(yield* Deferred.await(second)))
      yield* wire.send("still mine")
      assert.strictEqual((yield* wire.octets(10)).toString(), "still mine")
      assert.isTrue(yield* wire.end)
    })
  )

  it.live("whose peer is lost fails its reader and leaves nothing", () =>
    Effect.gen(function* () {
      const ended = yield* Deferred.make<Exit.Exit<unknown, unknown>>()
      const { connections, port } = yield* serve(
        Effect.gen(function* () {
          const request = yield* HttpServerRequest.HttpServerRequest
          const socket = yield* request.upgrade
          const reading = Effect.scoped(Effect.flatMap(socket.reader, ({ pull }) => Effect.forever(pull)))
          yield* Deferred.succeed(ended, yield* Effect.exit(reading))
          return HttpServerResponse.empty()
        })
      )
      const wire = yield* Wire.connect(port)
      yield* wire.send(Wire.request("GET", "/", upgradeFields))
      yield* switched(wire)
      yield* wire.reset
      assert.isTrue(Exit.isFailure(yield* Deferred.await(ended)))
      yield* eventually("the connection's end", () => Effect.runSync(connections.count) === 0)
    })
  )

  it.live("does not hold up the end of the server", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { port } = yield* Scope.provide(serve(echo(), { drainTimeout: "50 millis" }), scope)
      const wire = yield* Wire.connect(port)
      yield* wire.send(Wire.request("GET", "/", upgradeFields))
      yield* switched(wire)
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* wire.end
      yield* Fiber.join(closing)
    })
  )
})

describe("CONNECT", () => {
  it.live("opens a tunnel with 200 and nothing about a body", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(echo())
      const wire = yield* Wire.connect(port)
      yield* wire.send("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\nfirst octets")
      const head = yield* wire.contains("\r\n\r\n")
      assert.match(head, /^HTTP\/1\.1 200 /)
      assert.notMatch(head, /content-length|transfer-encoding|upgrade/i)
      yield* wire.contains("first octets")
      yield* wire.send(" second")
      yield* wire.contains("first octets second")
    })
  )

  it.live("without a tunnel may be refused, and a 200 without one is 501", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(
        Effect.map(HttpServerRequest.HttpServerRequest, ({ url }) =>
          HttpServerResponse.text("x", { status: url.startsWith("forbidden") ? 403 : 200 })
        )
      )
      const connect = (host: string) => `CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`
      assert.strictEqual((yield* Wire.exchange(port, connect("forbidden.com"), "CONNECT")).status, 403)
      assert.strictEqual((yield* Wire.exchange(port, connect("example.com"), "CONNECT")).status, 501)
    })
  )
})
