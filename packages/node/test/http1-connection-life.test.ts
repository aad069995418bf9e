/** How long a connection of HTTP/1.1 lives, and how it is told to end, to the millisecond. Every way: `behaviour-connection-life`. */
import { assert, describe, it } from "@effect/vitest"
import { HandlerTimeout } from "@nvo/server"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { type App, eventually, reasons, simulate, untilLeft, untilText } from "./support/faultsWorld.ts"

const hello: App = Effect.succeed(HttpServerResponse.text("hello"))
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
const closes = /\r\nconnection: close\r\n/i

describe("a connection", () => {
  it("ends with its last request: requestsPerConnection n is answered with close, n - 1 without", () =>
    simulate((world) =>
      Effect.gen(function* () {
        const server = yield* world.serve(hello, { requestsPerConnection: 3 })
        const client = yield* server.connect
        for (let i = 1; i <= 2; i++) {
          yield* client.send(get("/"))
          assert.notMatch(yield* untilText(client, "hello"), closes)
        }
        // The fourth is not answered: it was sent before the third told its sender.
        yield* client.send(get("/") + get("/"))
        const { departure, text } = yield* untilLeft(client)
        assert.match(text, closes)
        assert.strictEqual(text.split("hello").length, 2)
        assert.strictEqual(departure, "Ended")
      })
    ))

  it("ends with the response that comes after connectionAge, and not before", () =>
    simulate((world) =>
      Effect.gen(function* () {
        const server = yield* world.serve(hello, { connectionAge: "20 seconds" })
        const client = yield* server.connect
        yield* client.send(get("/"))
        yield* untilText(client, "hello")
        yield* Effect.sleep(19_900)
        yield* client.send(get("/"))
        assert.notMatch(yield* untilText(client, "hello"), closes)
        // Nothing more comes: it ends at its age, before it has been idle for long.
        const { after, departure } = yield* untilLeft(client)
        assert.strictEqual(departure, "Ended")
        assert.isAtMost(after, 200)
        const busy = yield* server.connect
        yield* Effect.forkScoped(Effect.forever(Effect.andThen(busy.send(get("/")), Effect.sleep(9_000))))
        const texts = yield* untilLeft(busy)
        assert.strictEqual(texts.text.split("hello").length - 1, 3, "at 0, 9 and 18 seconds; idle at 20")
      })
    ))

  for (const [request, phase] of [
    ["GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", undefined],
    ["GET / HTTP/1.0\r\n\r\n", undefined],
    // The peer may be sending: what comes on a closed connection is answered with a reset.
    ["POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\na", "Lingering"],
    [`GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n${get("/")}`, "Lingering"],
    [get("/last"), "Lingering"]
  ] as const) {
    it(`is ${phase ?? "closed"} after ${JSON.stringify(request)} and its answer (RFC 9112 §9.6)`, () =>
      simulate((world) =>
        Effect.gen(function* () {
          const server = yield* world.serve(
            Effect.map(HttpServerRequest.HttpServerRequest, ({ url }) =>
              HttpServerResponse.text("hello", url === "/last" ? { headers: { connection: "close" } } : {})
            )
          )
          const client = yield* server.connect
          yield* client.send(request)
          assert.match(yield* untilText(client, "hello"), closes)
          yield* Effect.sleep(10)
          assert.strictEqual((yield* server.connections.list)[0]?.phase, phase)
          assert.strictEqual((yield* untilLeft(client)).departure, "Ended")
          assert.deepStrictEqual(reasons(server), [])
        })
      ))
  }

  it("is told to end by Connections.drain, with the response that is under way", () =>
    simulate((world) =>
      Effect.gen(function* () {
        const go = yield* Deferred.make<void>()
        const server = yield* world.serve(
          Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
            url === "/wait" ? Effect.andThen(Deferred.await(go), hello) : hello
          )
        )
        const idle = yield* server.connect
        yield* idle.send(get("/"))
        yield* untilText(idle, "hello")
        const busy = yield* server.connect
        yield* busy.send(get("/wait"))
        yield* eventually("two", () => Effect.runSync(server.connections.count) === 2)
        const draining = yield* Effect.forkScoped(server.connections.drain)
        assert.strictEqual((yield* untilLeft(idle)).departure, "Ended")
        const late = yield* server.connect
        yield* late.send(get("/"))
        assert.notMatch(yield* untilText(late, "hello"), closes)
        assert.isUndefined(draining.pollUnsafe())
        yield* Deferred.succeed(go, undefined)
        assert.match((yield* untilLeft(busy)).text, closes)
        yield* Fiber.join(draining)
        assert.strictEqual(yield* server.connections.count, 1)
        assert.strictEqual(yield* server.connections.closeIdle, 1)
        assert.strictEqual((yield* untilLeft(late)).departure, "Ended")
        assert.deepStrictEqual(reasons(server), [])
      })
    ))

  it("is known with its octets in both directions, and since when it is idle", () =>
    simulate((world) =>
      Effect.gen(function* () {
        const server = yield* world.serve(hello)
        const client = yield* server.connect
        yield* Effect.sleep(5_000)
        yield* client.send(get("/"))
        const text = yield* untilText(client, "hello")
        yield* Effect.sleep(2_000)
        const [info] = yield* server.connections.list
        assert.strictEqual(info.protocol, "http/1.1")
        assert.strictEqual(info.bytesRead, get("/").length)
        assert.strictEqual(info.bytesWritten, text.length)
        assert.strictEqual(info.since - info.acceptedAt, 5_000)
      })
    ))
})

describe("a handler's deadline", () => {
  it("can be set for one route, and taken away", () =>
    simulate((world) =>
      Effect.gen(function* () {
        const slow = Effect.delay(hello, "1 minute")
        const server = yield* world.serve(
          Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }): App => {
            if (url === "/short") return HandlerTimeout.within("5 seconds")(slow)
            return url === "/long" ? HandlerTimeout.within(Duration.zero)(slow) : slow
          }),
          { handlerTimeout: "20 seconds" }
        )
        const after = Effect.fnUntraced(function* (path: string) {
          const client = yield* server.connect
          yield* client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
          const { after, text } = yield* untilLeft(client)
          return [text.slice(9, 12), Math.floor(after / 1_000)]
        })
        assert.deepStrictEqual(yield* after("/short"), ["503", 5])
        assert.deepStrictEqual(yield* after("/other"), ["503", 20])
        assert.deepStrictEqual(yield* after("/long"), ["200", 60])
      })
    ))

  it("ends when the head of the response is sent", () =>
    simulate((world) =>
      Effect.gen(function* () {
        const slowly = Stream.fromSchedule(Schedule.spaced("10 seconds")).pipe(
          Stream.take(3),
          Stream.map((n) => new TextEncoder().encode(`${n};`))
        )
        const server = yield* world.serve(Effect.succeed(HttpServerResponse.stream(slowly)), {
          handlerTimeout: "5 seconds"
        })
        const client = yield* server.connect
        yield* client.send(get("/"))
        assert.include(yield* untilText(client, "2;"), "200 OK")
        assert.deepStrictEqual(reasons(server), [])
      })
    ))
})

describe("a server that stops", () => {
  it("is not ready at once, goes on serving for drainDelay, and says close meanwhile", () =>
    simulate((world) =>
      Effect.gen(function* () {
        const server = yield* world.serve(hello, { drainDelay: "5 seconds" })
        const probe = Effect.scoped(
          Effect.gen(function* () {
            const client = yield* server.connect
            yield* client.send(get("/readyz"))
            return (yield* untilText(client, "}")).slice(9, 12)
          })
        )
        assert.strictEqual(yield* probe, "200")
        assert.strictEqual(yield* server.health.stage, "Serving")
        const kept = yield* server.connect
        yield* kept.send(get("/"))
        assert.notMatch(yield* untilText(kept, "hello"), closes)
        const stopping = yield* Effect.forkScoped(server.stop)
        yield* Effect.sleep(1)
        assert.strictEqual(yield* server.health.stage, "Unready")
        assert.strictEqual(yield* probe, "503")
        yield* Effect.sleep(3_000)
        yield* kept.send(get("/"))
        assert.match((yield* untilLeft(kept)).text, closes)
        const late = yield* server.connect
        yield* late.send(get("/livez"))
        assert.match(yield* untilText(late, "}"), /^HTTP\/1\.1 200 /)
        yield* Fiber.join(stopping)
        assert.strictEqual(yield* server.health.stage, "Stopped")
      })
    ))

  it("gives a connection that has just come the time to send its request", () =>
    simulate((world) =>
      Effect.gen(function* () {
        const server = yield* world.serve(hello)
        const old = yield* server.connect
        yield* Effect.sleep(1_500)
        const fresh = yield* server.connect
        yield* eventually("two", () => Effect.runSync(server.connections.count) === 2)
        const stopping = yield* Effect.forkScoped(server.stop)
        assert.isAtMost((yield* untilLeft(old)).after, 1)
        yield* Effect.sleep(500)
        yield* fresh.send(get("/"))
        const { text } = yield* untilLeft(fresh)
        assert.match(text, /^HTTP\/1\.1 200 /)
        assert.match(text, closes)
        yield* Fiber.join(stopping)
      })
    ))
})
