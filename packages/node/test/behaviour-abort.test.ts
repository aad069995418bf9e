/** Peers that leave, request Scopes, and what runs before a response is sent. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, type Scope, Stream } from "effect"
import { HttpEffect, HttpRouter, HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import { everyWay } from "./support/httpWays.ts"
import * as ReadResponse from "./support/ReadResponse.ts"
import type { App } from "./support/serve.ts"
import { eventually } from "./support/settle.ts"

const waiting = (
  started: Deferred.Deferred<void>,
  ended: Deferred.Deferred<Exit.Exit<unknown, unknown>>
): App =>
  Effect.andThen(Deferred.succeed(started, undefined), Effect.never).pipe(
    Effect.onExit((exit) => Deferred.succeed(ended, exit)),
    Effect.interruptible
  )

const isClientAbort = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) &&
  exit.cause.reasons.some(
    (reason) => reason._tag === "Interrupt" && reason.annotations.has(HttpServerError.ClientAbort.key)
  )

const latch = <A>() => Deferred.makeUnsafe<A>()

everyWay(({ Wire, departures, expected, serve }) => {
  describe("a peer that leaves", () => {
    for (const { ends, leave, name } of departures) {
      it.live(`by ${name} interrupts its handler as ClientAbort, and nothing else`, () =>
        Effect.gen(function* () {
          const started = latch<void>()
          const ended = latch<Exit.Exit<unknown, unknown>>()
          const bystander = latch<void>()
          const release = latch<void>()
          const { connections, errors, port } = yield* serve(
            Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
              url === "/bystander"
                ? Effect.as(
                    Effect.andThen(Deferred.succeed(bystander, undefined), Deferred.await(release)),
                    HttpServerResponse.text("untouched")
                  )
                : waiting(started, ended)
            )
          )
          const other = yield* Wire.connect(port)
          yield* other.send(Wire.request("GET", "/bystander"))
          yield* Deferred.await(bystander)
          const wire = yield* Wire.connect(port)
          yield* wire.send(Wire.request("GET", "/"))
          yield* Deferred.await(started)
          yield* leave(wire)
          assert.isTrue(isClientAbort(yield* Deferred.await(ended)))
          yield* eventually("the report", () => errors.length > 0)
          assert.deepStrictEqual(
            errors.map(({ reason }) => reason._tag),
            ["ClientAborted"]
          )
          const left = ends === "connection" ? 1 : 2
          yield* eventually("the connection's end", () => Effect.runSync(connections.count) === left)
          yield* Deferred.succeed(release, undefined)
          assert.strictEqual((yield* other.response()).body.toString(), "untouched")
        })
      )
    }

    for (const { leave, name } of departures) {
      it.live(`by ${name} is noticed behind octets that nobody has asked for`, () =>
        Effect.gen(function* () {
          const started = latch<void>()
          const ended = latch<Exit.Exit<unknown, unknown>>()
          const { port } = yield* serve(waiting(started, ended))
          const wire = yield* Wire.connect(port)
          yield* wire.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
          yield* Deferred.await(started)
          yield* wire.send("abc")
          yield* Effect.sleep(50)
          yield* wire.send("def")
          yield* Effect.sleep(50)
          yield* leave(wire)
          assert.isTrue(isClientAbort(yield* Deferred.await(ended)))
        })
      )
    }

    it.live("runs the handler's onInterrupt finalizers, in order, to their end", () =>
      Effect.gen(function* () {
        const started = latch<void>()
        const done = latch<void>()
        const order: Array<string> = []
        const { port } = yield* serve(
          Effect.andThen(Deferred.succeed(started, undefined), Effect.never).pipe(
            Effect.onInterrupt(() =>
              Effect.andThen(
                Effect.sleep(20),
                Effect.sync(() => order.push("inner"))
              )
            ),
            Effect.onInterrupt(() =>
              Effect.andThen(
                Effect.sync(() => order.push("outer")),
                Deferred.succeed(done, undefined)
              )
            ),
            Effect.interruptible
          )
        )
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("GET", "/"))
        yield* Deferred.await(started)
        yield* wire.leave
        yield* Deferred.await(done)
        assert.deepStrictEqual(order, ["inner", "outer"])
      })
    )

    it.live("interrupts the handler of a route", () =>
      Effect.gen(function* () {
        const started = latch<void>()
        const ended = latch<Exit.Exit<unknown, unknown>>()
        const app = yield* HttpRouter.toHttpEffect(
          HttpRouter.add(
            "GET",
            "/",
            Effect.andThen(Deferred.succeed(started, undefined), Effect.never).pipe(
              Effect.onExit((exit) => Deferred.succeed(ended, exit))
            )
          )
        )
        const { port } = yield* serve(app as App)
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("GET", "/"))
        yield* Deferred.await(started)
        yield* wire.leave
        assert.isTrue(isClientAbort(yield* Deferred.await(ended)))
      })
    )

    it.live("lets the handler of an uninterruptible route run to its end", () =>
      Effect.gen(function* () {
        const started = latch<void>()
        const go = latch<void>()
        const done = latch<string>()
        const app = yield* HttpRouter.toHttpEffect(
          HttpRouter.add(
            "POST",
            "/",
            Effect.gen(function* () {
              yield* Deferred.succeed(started, undefined)
              yield* Deferred.await(go)
              yield* Deferred.succeed(done, "written")
              return HttpServerResponse.text("nobody hears")
            }),
            { uninterruptible: true }
          )
        )
        const { connections, errors, port } = yield* serve(app as App)
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("POST", "/"))
        yield* Deferred.await(started)
        yield* Effect.sleep(50)
        yield* wire.reset
        yield* Effect.sleep(50)
        assert.isFalse(yield* Deferred.isDone(done))
        yield* Deferred.succeed(go, undefined)
        assert.strictEqual(yield* Deferred.await(done), "written")
        yield* eventually("the connection's end", () => Effect.runSync(connections.count) === 0)
        // Nobody was interrupted, and that the peer is gone is told all the same, once.
        assert.deepStrictEqual(
          errors.map(({ reason }) => reason._tag),
          [expected.broken === "connection" ? "WriteFailed" : "ConnectionReset"]
        )
      })
    )

    it.live("while its body is read interrupts the reader", () =>
      Effect.gen(function* () {
        const started = latch<void>()
        const ended = latch<Exit.Exit<unknown, unknown>>()
        const { port } = yield* serve(
          Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
            Effect.andThen(Deferred.succeed(started, undefined), request.text).pipe(
              Effect.map((text) => HttpServerResponse.text(text)),
              Effect.onExit((exit) => Deferred.succeed(ended, exit))
            )
          )
        )
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("POST", "/", { "Content-Length": "10" }))
        yield* Deferred.await(started)
        yield* wire.reset
        assert.isTrue(Exit.isFailure(yield* Deferred.await(ended)))
      })
    )

    it.live("between requests is no error", () =>
      Effect.gen(function* () {
        const { connections, errors, port } = yield* serve(Effect.succeed(HttpServerResponse.text("x")))
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("GET", "/"))
        yield* wire.response()
        yield* wire.finish
        assert.isTrue(yield* wire.end)
        yield* eventually("the connection's end", () => Effect.runSync(connections.count) === 0)
        assert.deepStrictEqual(errors, [])
      })
    )
  })

  describe("halfClose: true", () => {
    it.live("answers a peer that ended its side", () =>
      Effect.gen(function* () {
        const started = latch<void>()
        const go = latch<void>()
        const { port } = yield* serve(
          Effect.andThen(Deferred.succeed(started, undefined), Deferred.await(go)).pipe(
            Effect.as(HttpServerResponse.text("still here"))
          ),
          { halfClose: true }
        )
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("GET", "/"))
        yield* Deferred.await(started)
        yield* wire.finish
        yield* Effect.sleep(50)
        yield* Deferred.succeed(go, undefined)
        assert.strictEqual((yield* wire.response()).body.toString(), "still here")
        assert.isTrue(yield* wire.end)
      })
    )

    it.live("answers all pipelined requests of a peer that ended its side behind them", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
            Effect.as(Effect.sleep(5), HttpServerResponse.text(url))
          ),
          { halfClose: true }
        )
        const wire = yield* Wire.connect(port)
        wire.socket.end(Buffer.concat(["/1", "/2", "/3"].map((url) => Wire.request("GET", url))))
        for (const url of ["/1", "/2", "/3"])
          assert.strictEqual((yield* wire.response()).body.toString(), url)
        assert.isTrue(yield* wire.end)
      })
    )

    it.live("still interrupts for a peer that is gone", () =>
      Effect.gen(function* () {
        const started = latch<void>()
        const ended = latch<Exit.Exit<unknown, unknown>>()
        const { port } = yield* serve(waiting(started, ended), { halfClose: true })
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("GET", "/"))
        yield* Deferred.await(started)
        // Node has what is left of the handshake of TLS to write, and takes a reset that this runs into for an end.
        yield* Effect.sleep(50)
        yield* wire.reset
        assert.isTrue(isClientAbort(yield* Deferred.await(ended)))
      })
    )
  })

  describe("the Scope of a request", () => {
    const scoped = (
      order: Array<string>,
      make: Effect.Effect<HttpServerResponse.HttpServerResponse, unknown, any>
    ): App =>
      Effect.gen(function* () {
        yield* Effect.addFinalizer((exit) => Effect.sync(() => order.push(`first:${exit._tag}`)))
        yield* Effect.addFinalizer((exit) => Effect.sync(() => order.push(`second:${exit._tag}`)))
        return yield* make as Effect.Effect<HttpServerResponse.HttpServerResponse, unknown, Scope.Scope>
      })

    const endings: Readonly<
      Record<
        string,
        readonly [make: Effect.Effect<HttpServerResponse.HttpServerResponse, unknown>, exit: string]
      >
    > = {
      "a response": [Effect.succeed(HttpServerResponse.text("x")), "Success"],
      "a stream": [Effect.succeed(HttpServerResponse.stream(Stream.make(Buffer.from("x")))), "Success"],
      "a failure": [Effect.fail("no"), "Failure"],
      "a defect": [Effect.die("no"), "Failure"],
      "a stream that fails": [Effect.succeed(HttpServerResponse.stream(Stream.fail("no"))), "Failure"],
      "a response that cannot be sent": [
        Effect.succeed(HttpServerResponse.text("x", { status: 99 })),
        "Failure"
      ]
    }
    for (const [name, [make, exit]] of Object.entries(endings)) {
      it.live(`closes once, last finalizer first, after ${name}`, () =>
        Effect.gen(function* () {
          const order: Array<string> = []
          const { port } = yield* serve(scoped(order, make))
          yield* Wire.exchange(port, Wire.request("GET", "/"))
          yield* eventually("both finalizers", () => order.length >= 2)
          yield* Effect.sleep(20)
          assert.deepStrictEqual(order, [`second:${exit}`, `first:${exit}`])
        })
      )
    }

    it.live("closes once when the peer leaves", () =>
      Effect.gen(function* () {
        const order: Array<string> = []
        const started = latch<void>()
        const { port } = yield* serve(
          scoped(
            order,
            Effect.interruptible(Effect.andThen(Deferred.succeed(started, undefined), Effect.never))
          )
        )
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("GET", "/"))
        yield* Deferred.await(started)
        yield* wire.reset
        yield* eventually("both finalizers", () => order.length >= 2)
        yield* Effect.sleep(20)
        assert.deepStrictEqual(order, ["second:Failure", "first:Failure"])
      })
    )

    it.live("stays open while a stream is sent", () =>
      Effect.gen(function* () {
        const order: Array<string> = []
        const go = latch<void>()
        const { port } = yield* serve(
          scoped(
            order,
            Effect.succeed(
              HttpServerResponse.stream(
                Stream.concat(
                  Stream.make(Buffer.from("begun")),
                  Stream.fromEffect(Effect.as(Deferred.await(go), Buffer.from("ended")))
                )
              )
            )
          )
        )
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("GET", "/"))
        yield* wire.contains("begun")
        assert.deepStrictEqual(order, [])
        yield* Deferred.succeed(go, undefined)
        yield* wire.response()
        yield* eventually("both finalizers", () => order.length === 2)
      })
    )

    it.live("is another one for each request of a connection", () =>
      Effect.gen(function* () {
        const all = latch<void>()
        const order: Array<string> = []
        const { port } = yield* serve(
          Effect.gen(function* () {
            const { url } = yield* HttpServerRequest.HttpServerRequest
            yield* Effect.sync(() => order.push(`open ${url}`))
            if (order.length === 3) yield* Deferred.succeed(all, undefined)
            yield* Effect.addFinalizer(() => Effect.sync(() => order.push(`close ${url}`)))
            if (expected.handled === "at once") yield* Deferred.await(all)
            return HttpServerResponse.text(url)
          })
        )
        const wire = yield* Wire.connect(port)
        yield* wire.send(Buffer.concat(["/1", "/2", "/3"].map((url) => Wire.request("GET", url))))
        for (let i = 0; i < 3; i++) yield* wire.response()
        yield* eventually("all finalizers", () => order.length === 6)
        const urls = ["/1", "/2", "/3"]
        const opened = urls.map((url) => `open ${url}`)
        const closed = urls.map((url) => `close ${url}`)
        if (expected.handled === "one after the other") {
          assert.deepStrictEqual(
            order,
            urls.flatMap((_, i) => [opened[i], closed[i]])
          )
        } else {
          assert.deepStrictEqual(order.slice(0, 3), opened)
          assert.sameMembers(order.slice(3), closed)
        }
      })
    )
  })

  describe("a pre-response handler", () => {
    it.live("changes the response, in the order of registration", () =>
      Effect.gen(function* () {
        const add = (value: string) =>
          HttpEffect.appendPreResponseHandler((_, response) =>
            Effect.succeed(
              HttpServerResponse.setHeader(
                response,
                "x-order",
                `${response.headers["x-order"] ?? ""}${value}`
              )
            )
          )
        const { port } = yield* serve(
          Effect.gen(function* () {
            yield* add("a")
            yield* add("b")
            return HttpServerResponse.text("x")
          })
        )
        const response = yield* Wire.exchange(port, Wire.request("GET", "/"))
        assert.strictEqual(ReadResponse.value(response.fields, "x-order"), "ab")
      })
    )

    it.live("sees the response that a failure became", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          Effect.andThen(
            HttpEffect.appendPreResponseHandler((_, response) =>
              Effect.succeed(HttpServerResponse.setHeader(response, "x-status", String(response.status)))
            ),
            Effect.fail("no")
          )
        )
        const response = yield* Wire.exchange(port, Wire.request("GET", "/"))
        assert.strictEqual(response.status, 500)
        assert.strictEqual(ReadResponse.value(response.fields, "x-status"), "500")
      })
    )

    it.live("that dies is answered with 500, and the connection goes on", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
            Effect.as(
              url === "/die" ? HttpEffect.appendPreResponseHandler(() => Effect.die("no")) : Effect.void,
              HttpServerResponse.text(url)
            )
          )
        )
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("GET", "/die"))
        assert.strictEqual((yield* wire.response()).status, 500)
        yield* wire.send(Wire.request("GET", "/live"))
        assert.strictEqual((yield* wire.response()).body.toString(), "/live")
      })
    )
  })

  describe("an interruption from inside", () => {
    it.live("is 503, not an abort of the peer", () =>
      Effect.gen(function* () {
        const { port } = yield* serve(Effect.interrupt)
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("GET", "/"))
        assert.strictEqual((yield* wire.response()).status, 503)
        yield* wire.send(Wire.request("GET", "/"))
        assert.strictEqual((yield* wire.response()).status, 503)
      })
    )

    it.live("reports the cause of a handler that failed", () =>
      Effect.gen(function* () {
        const { errors, port } = yield* serve(Effect.die(new Error("boom")))
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("GET", "/"))
        yield* wire.response()
        yield* eventually("the report", () => errors.length > 0)
        const [error] = errors
        assert.isTrue(error._tag === "ApplicationError" && error.reason._tag === "HandlerFailed")
        assert.include(error.message, "boom")
        assert.notInclude(error.message, "HttpServerResponse")
        if (error._tag === "ApplicationError" && error.reason._tag === "HandlerFailed") {
          assert.isTrue(Cause.hasDies(error.reason.cause))
        }
      })
    )
  })
})
