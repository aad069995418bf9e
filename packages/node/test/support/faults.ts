/**
 * Faults and attacks, and what the server does: the list behind the table in docs/guides/faults-and-attacks.md. Each
 * runs over real sockets and in simulated time, where "after" is exact and the limits are the defaults.
 */
import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import {
  type App,
  type Client,
  eventually,
  inTime,
  nothingLeft,
  reasons,
  type Server,
  untilLeft,
  untilText,
  type World
} from "./faultsWorld.ts"

export interface Fault {
  /** What the peer, the handler or the machine does. */
  readonly name: string
  /** What the server does. */
  readonly does: string
  /** After how long, in the words of the configuration. */
  readonly after: string
  readonly test: (world: World) => Effect.Effect<void, unknown, Scope.Scope>
}

const hello: App = Effect.succeed(HttpServerResponse.text("hello"))

// Reads the body, and says how long it was.
const reads: App = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  return HttpServerResponse.text(`${(yield* request.text).length}`)
})

const piece = new Uint8Array(16_384).fill(0x2e)
const endless = HttpServerResponse.stream(Stream.forever(Stream.make(piece)))

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
const last = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`

/** Sends a piece again and again while the server listens. */
const trickle = (client: Client, text: string, millis: number) =>
  Effect.forkScoped(Effect.forever(Effect.andThen(client.send(text), Effect.sleep(millis))))

/** Another peer is served all the while. */
const otherIsServed = (server: Server) =>
  Effect.scoped(
    Effect.gen(function* () {
      const other = yield* server.connect
      yield* other.send(last("/other"))
      assert.match((yield* untilLeft(other)).text, /^HTTP\/1\.1 200 /)
    })
  )

/** A handler that waits for a sign that never comes, and notes whether it was interrupted. */
const waits = Effect.gen(function* () {
  const started = yield* Deferred.make<void>()
  const interrupted = yield* Deferred.make<void>()
  const app: App = Effect.onInterrupt(
    Effect.andThen(Deferred.succeed(started, undefined), Effect.never),
    () => Deferred.succeed(interrupted, undefined)
  )
  return { app, started, interrupted }
})

/** The phases of a connection, and how a peer brings one there. */
const phases: Readonly<
  Record<string, { readonly app: App; readonly send: string; readonly phase: string; readonly error: string }>
> = {
  "before a request": { app: hello, send: "", phase: "Idle", error: "" },
  "in a head": { app: hello, send: "GET / HTTP/1.1\r\nHos", phase: "Reading", error: "IncompleteMessage" },
  "in a body": {
    app: reads,
    send: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345",
    phase: "Handling",
    error: "IncompleteMessage"
  },
  "while a handler is at work": {
    app: Effect.never,
    send: get("/"),
    phase: "Handling",
    error: "ClientAborted"
  },
  "in a response": {
    app: Effect.succeed(endless),
    send: get("/"),
    phase: "Responding",
    error: "ClientAborted"
  },
  "after a response": { app: hello, send: get("/"), phase: "Idle", error: "" }
}

/** Leaves in each phase, and looks for what is left. */
const leavesInEachPhase = (leave: (client: Client) => Effect.Effect<void>, lost: boolean) => (world: World) =>
  Effect.forEach(
    Object.entries(phases),
    ([name, { app, error, phase, send }]) =>
      Effect.scoped(
        Effect.gen(function* () {
          const server = yield* world.serve(app)
          const client = yield* server.connect
          if (send !== "") yield* client.send(send)
          if (name === "after a response") yield* untilText(client, "hello")
          yield* eventually(`${phase}, ${name}`, () =>
            Effect.runSync(server.connections.list).some(
              (info) => info.phase === phase && (send === "" || info.bytesRead >= send.length)
            )
          )
          yield* leave(client)
          yield* nothingLeft(server)
          // A reset is an error of the transport where no handler is at work.
          const expected = lost
            ? name === "in a body" || error !== "ClientAborted"
              ? "ConnectionReset"
              : error
            : error
          const told = reasons(server).filter((reason) => reason !== "HandlerFailed")
          if (expected === "") assert.deepStrictEqual(told, [], name)
          else
            assert.include(
              told,
              name === "in a body" && told.includes("ClientAborted") ? "ClientAborted" : expected,
              name
            )
        })
      ),
    { discard: true }
  )

export const faults: ReadonlyArray<Fault> = [
  {
    name: "a head that comes slowly",
    does: "408, and the connection ends",
    after: "headTimeout",
    test: (world) =>
      Effect.gen(function* () {
        const server = yield* world.serve(hello)
        const client = yield* server.connect
        yield* client.send("GET / HTTP/1.1\r\nHost: a\r\n")
        yield* trickle(client, "a: b\r\n", world.simulated ? 900 : 90)
        yield* otherIsServed(server)
        const { after, text } = yield* untilLeft(client)
        assert.match(text, /^HTTP\/1\.1 408 Request Timeout\r\n/)
        assert.include(text, '"reason":"HeadTimeout"')
        if (world.simulated) assert.isAtLeast(after, 9_800)
        assert.deepStrictEqual(reasons(server), ["HeadTimeout"])
        yield* nothingLeft(server)
      })
  },
  {
    name: "a request line that comes slowly",
    does: "the connection closes without an answer",
    after: "headTimeout",
    test: (world) =>
      Effect.gen(function* () {
        const server = yield* world.serve(hello)
        const client = yield* server.connect
        yield* client.send("GET /")
        yield* trickle(client, "a", 70)
        const { after, text } = yield* untilLeft(client)
        assert.strictEqual(text, "")
        inTime(world, after, server.config.headTimeout)
        assert.deepStrictEqual(reasons(server), ["HeadTimeout"])
        yield* nothingLeft(server)
      })
  },
  {
    name: "a connection on which nothing comes",
    does: "the connection closes without an answer",
    after: "idleTimeout",
    test: (world) =>
      Effect.gen(function* () {
        const server = yield* world.serve(hello)
        const client = yield* server.connect
        const { after, departure, text } = yield* untilLeft(client)
        assert.deepStrictEqual([text, departure], ["", "Ended"])
        inTime(world, after, server.config.idleTimeout)
        assert.deepStrictEqual(reasons(server), [])
        yield* nothingLeft(server)
      })
  },
  {
    name: "a connection on which nothing more comes",
    does: "the connection closes",
    after: "idleTimeout, from the last response on",
    test: (world) =>
      Effect.gen(function* () {
        const server = yield* world.serve(hello)
        const client = yield* server.connect
        yield* Effect.sleep(200)
        yield* client.send(get("/"))
        yield* untilText(client, "hello")
        const { after, departure, text } = yield* untilLeft(client)
        assert.deepStrictEqual([text, departure], ["", "Ended"])
        if (world.simulated) inTime(world, after, server.config.idleTimeout)
        yield* nothingLeft(server)
      })
  },
  {
    name: "a body that comes slowly",
    does: "408, and the connection ends",
    after: "bodyTimeout, for what is slower than bodyRate",
    test: (world) =>
      Effect.gen(function* () {
        const server = yield* world.serve(reads)
        const client = yield* server.connect
        yield* client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        yield* trickle(client, "x", 50)
        yield* otherIsServed(server)
        const { text } = yield* untilLeft(client)
        assert.match(text, /^HTTP\/1\.1 408 Request Timeout\r\n/)
        assert.include(text, '"reason":"BodyTimeout"')
        assert.include(reasons(server), "BodyTimeout")
        yield* nothingLeft(server)
      })
  },
  {
    name: "a body that stops",
    does: "408, and the connection ends",
    after: "bodyTimeout",
    test: (world) =>
      Effect.gen(function* () {
        const server = yield* world.serve(reads)
        const client = yield* server.connect
        yield* client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel")
        const { after, text } = yield* untilLeft(client)
        assert.match(text, /^HTTP\/1\.1 408 /)
        if (world.simulated) assert.isAtLeast(after, 10_000)
        yield* nothingLeft(server)
      })
  },
  {
    name: "a body that nobody reads",
    does: "the peer waits; it is not to blame, and is not cut",
    after: "never, for as long as the handler takes",
    test: (world) =>
      Effect.gen(function* () {
        const go = yield* Deferred.make<void>()
        const app: App = Effect.andThen(Deferred.await(go), reads)
        const server = yield* world.serve(app)
        const client = yield* server.connect
        yield* client.send("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\n12")
        yield* Effect.sleep(world.simulated ? 3_600_000 / 2 : 900)
        yield* Deferred.succeed(go, undefined)
        yield* client.send("345")
        assert.match((yield* untilLeft(client)).text, /^HTTP\/1\.1 200 .*\r\n\r\n5$/s)
        assert.deepStrictEqual(reasons(server), [])
      })
  },
  {
    name: "a peer that does not read its response",
    does: "the handler's stream waits, then the connection is reset",
    after: "writeTimeout",
    test: (world) =>
      Effect.gen(function* () {
        let released = false
        const stream = Stream.ensuring(
          Stream.forever(Stream.make(piece)),
          Effect.sync(() => {
            released = true
          })
        )
        const server = yield* world.serve(Effect.succeed(HttpServerResponse.stream(stream)))
        const client = yield* server.connect
        yield* client.send(get("/"))
        yield* eventually("a response", () => busy(server) === 1)
        yield* nothingLeft(server)
        assert.deepStrictEqual(reasons(server), ["WriteTimeout"])
        assert.isTrue(released)
        yield* otherHello(server)
      })
  },
  {
    name: "a peer that reads its response too slowly",
    does: "the connection is reset",
    after: "writeTimeout, for what is slower than writeRate",
    test: (world) =>
      Effect.gen(function* () {
        const body = new Uint8Array(64 * 1_048_576)
        const server = yield* world.serve(Effect.succeed(HttpServerResponse.uint8Array(body)), {
          // More than real sockets hold at once, so that only steady reading keeps to it.
          writeRate: 1_000_000_000
        })
        const client = yield* server.connect
        yield* client.send(get("/"))
        yield* Effect.forkScoped(Effect.forever(Effect.andThen(client.receive, Effect.sleep(100))))
        yield* eventually("WriteTimeout", () => reasons(server).includes("WriteTimeout"))
        yield* nothingLeft(server)
      })
  },
  {
    name: "a peer that ends its side, in each phase",
    does: "what is done for it is interrupted; with halfClose it is answered",
    after: "at once",
    test: leavesInEachPhase((client) => client.end, false)
  },
  {
    name: "a peer that resets, in each phase",
    does: "what is done for it is interrupted, and nothing is left",
    after: "at once",
    test: leavesInEachPhase((client) => client.reset, true)
  },
  {
    name: "1,000 pipelined requests",
    does: "all are answered in order, and another connection has its turn after turnRequests of them",
    after: "at once",
    test: (world) =>
      Effect.gen(function* () {
        const order: Array<string> = []
        const app: App = Effect.map(HttpServerRequest.HttpServerRequest, ({ url }) => {
          order.push(url)
          return HttpServerResponse.text(url)
        })
        const server = yield* world.serve(app)
        const busy = yield* server.connect
        const other = yield* server.connect
        yield* eventually("both", () => Effect.runSync(server.connections.count) === 2)
        const all = Array.from({ length: 1_000 }, (_, i) => get(`/busy/${i}`)).join("")
        yield* Effect.forkScoped(busy.send(all))
        yield* other.send(get("/other"))
        yield* untilText(other, "/other")
        const place = order.indexOf("/other")
        assert.isAtMost(place, world.simulated ? 2 * server.config.turnRequests : 500)
        const text = yield* untilText(busy, "\r\n\r\n/busy/999")
        assert.deepStrictEqual(
          [...text.matchAll(/\r\n\r\n\/busy\/(\d+)/g)].map(([_, i]) => Number(i)),
          Array.from({ length: 1_000 }, (_, i) => i)
        )
      })
  },
  {
    name: "one huge field",
    does: "431, and the connection ends",
    after: "at once, at headBytes",
    test: (world) =>
      Effect.gen(function* () {
        const server = yield* world.serve(hello)
        const client = yield* server.connect
        yield* client.send(`GET / HTTP/1.1\r\nHost: a\r\nX: `)
        yield* trickle(client, "x".repeat(4_000), 1)
        assert.match((yield* untilLeft(client)).text, /^HTTP\/1\.1 431 /)
        assert.include(reasons(server), "HeadTooLarge")
        yield* nothingLeft(server)
      })
  },
  {
    name: "chunk extensions without end",
    does: "400, and the connection ends",
    after: "at once, at chunkExtensionBytes",
    test: (world) =>
      Effect.gen(function* () {
        const server = yield* world.serve(reads)
        const client = yield* server.connect
        yield* client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1")
        yield* trickle(client, `;${"x".repeat(500)}`, 1)
        assert.match((yield* untilLeft(client)).text, /^HTTP\/1\.1 400 /)
        assert.include(reasons(server), "ChunkExtensionsTooLarge")
        yield* nothingLeft(server)
      })
  },
  {
    name: "trailers without end",
    does: "431, and the connection ends",
    after: "at once, at trailerBytes",
    test: (world) =>
      Effect.gen(function* () {
        const server = yield* world.serve(reads)
        const client = yield* server.connect
        yield* client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
        yield* trickle(client, `a: ${"x".repeat(1_000)}\r\n`, 1)
        assert.match((yield* untilLeft(client)).text, /^HTTP\/1\.1 431 /)
        assert.include(reasons(server), "TrailersTooLarge")
        yield* nothingLeft(server)
      })
  },
  {
    name: "more connections than the limit, some of them idle",
    does: "the one that has been idle for longest is closed for each new one",
    after: "at once, at connectionCount",
    test: (world) =>
      Effect.gen(function* () {
        const server = yield* world.serve(hello, { connectionCount: 3 })
        const clients: Array<Client> = []
        for (let i = 0; i < 3; i++) {
          const client = yield* server.connect
          yield* client.send(get("/"))
          yield* untilText(client, "hello")
          clients.push(client)
          yield* Effect.sleep(10)
        }
        // The first becomes the last used.
        yield* clients[0].send(get("/"))
        yield* untilText(clients[0], "hello")
        const fourth = yield* server.connect
        yield* fourth.send(get("/"))
        yield* untilText(fourth, "hello")
        assert.deepStrictEqual((yield* untilLeft(clients[1])).departure, "Ended")
        for (const client of [clients[0], clients[2]]) {
          yield* client.send(get("/"))
          yield* untilText(client, "hello")
        }
        assert.strictEqual(yield* server.connections.count, 3)
        assert.deepStrictEqual(reasons(server), ["ConnectionEvicted"])
      })
  },
  {
    name: "more connections than the limit, all of them busy",
    does: "503 with Retry-After; a health endpoint is answered; beyond surplusCount a reset",
    after: "at once, at connectionCount",
    test: (world) =>
      Effect.gen(function* () {
        const { app } = yield* waits
        const server = yield* world.serve(app, {
          connectionCount: 2,
          connectionPolicy: "refuse",
          surplusCount: 2,
          retryAfter: "7 seconds"
        })
        for (let i = 0; i < 2; i++) yield* (yield* server.connect).send(get("/"))
        yield* eventually("two at work", () => busy(server) === 2)
        const told = yield* server.connect
        yield* told.send(get("/"))
        const answer = yield* untilLeft(told)
        assert.match(answer.text, /^HTTP\/1\.1 503 /)
        assert.match(answer.text, /\r\nretry-after: 7\r\n/i)
        assert.include(answer.text, '"reason":"ConnectionRefused"')
        const probe = yield* server.connect
        yield* probe.send(get("/livez"))
        assert.match((yield* untilLeft(probe)).text, /^HTTP\/1\.1 200 /)
        yield* eventually("room", () => Effect.runSync(server.connections.count) === 2)
        const silent = yield* server.connect
        const silent2 = yield* server.connect
        yield* eventually("four", () => Effect.runSync(server.connections.count) === 4)
        // The reset may come while the peer still connects.
        const over = yield* Effect.exit(server.connect)
        if (Exit.isSuccess(over)) assert.strictEqual((yield* untilLeft(over.value)).text, "")
        assert.strictEqual(yield* server.connections.count, 4)
        // Those that say nothing do not keep their places.
        for (const one of [silent, silent2]) assert.strictEqual((yield* untilLeft(one)).text, "")
        assert.include(reasons(server), "ConnectionRefused")
      })
  },
  {
    name: "a handler that never ends, with a deadline",
    does: "it is interrupted; 503, and the connection ends",
    after: "handlerTimeout",
    test: (world) =>
      Effect.gen(function* () {
        const { app, interrupted } = yield* waits
        const server = yield* world.serve(app, { handlerTimeout: "250 millis" })
        const client = yield* server.connect
        yield* client.send(get("/"))
        const { after, text } = yield* untilLeft(client)
        assert.match(text, /^HTTP\/1\.1 503 Service Unavailable\r\n/)
        assert.include(text, '"reason":"HandlerTimeout"')
        if (world.simulated) assert.isAtLeast(after, 250)
        yield* Deferred.await(interrupted)
        assert.deepStrictEqual(reasons(server), ["HandlerTimeout"])
        yield* nothingLeft(server)
      })
  },
  {
    name: "a handler that never ends, without a deadline",
    does: "others are served; it is interrupted when its peer leaves",
    after: "when the peer leaves",
    test: (world) =>
      Effect.gen(function* () {
        const { app, interrupted, started } = yield* waits
        const server = yield* world.serve(
          Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) => (url === "/other" ? hello : app))
        )
        const client = yield* server.connect
        yield* client.send(get("/"))
        yield* Deferred.await(started)
        yield* otherIsServed(server)
        yield* client.reset
        yield* Deferred.await(interrupted)
        yield* nothingLeft(server)
      })
  },
  {
    name: "a handler that blocks the event loop",
    does: "requests that have waited for longer: 503; health endpoints are answered; it recovers by itself",
    after: "loopDelay",
    test: (world) =>
      Effect.gen(function* () {
        const app: App = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
          Effect.as(url === "/block" ? world.block(120) : Effect.void, HttpServerResponse.text("done"))
        )
        const server = yield* world.serve(app, { loopDelay: "100 millis", idleTimeout: "1 minute" })
        const clients = yield* Effect.forEach(Array.from({ length: 20 }), () => server.connect)
        const probe = yield* server.connect
        yield* eventually("all", () => Effect.runSync(server.connections.count) === 21)
        const statuses: Array<string> = []
        // The load goes on until the delay has been noticed.
        for (let round = 0; round < 50 && !statuses.includes("503"); round++) {
          yield* Effect.forEach(clients, (client) => client.send(get("/block")), { discard: true })
          yield* probe.send(get("/livez"))
          for (const client of clients) {
            const text = yield* untilText(client, "\r\n\r\n")
            statuses.push(text.slice(9, 12))
            if (text.startsWith("HTTP/1.1 503")) assert.match(text, /retry-after: 1\r\n/i)
          }
          assert.match(yield* untilText(probe, "}"), /^HTTP\/1\.1 200 /)
          yield* Effect.sleep(world.simulated ? 100 : 1)
        }
        assert.include(statuses, "200")
        assert.include(statuses, "503")
        assert.include(reasons(server), "LoopDelayed")
        // Without the load, everything is as before.
        yield* Effect.sleep(1_500)
        for (let i = 0; i < 3; i++) {
          const again = yield* server.connect
          yield* again.send(last("/"))
          assert.match((yield* untilLeft(again)).text, /^HTTP\/1\.1 200 /)
        }
      })
  },
  {
    name: "more requests than the limit",
    does: "they wait in a queue; one too many, or one that waits for too long: 503 with Retry-After",
    after: "queueTimeout, at inFlightCount and queueCount",
    test: (world) =>
      Effect.gen(function* () {
        const go = yield* Deferred.make<void>()
        const app: App = Effect.as(Deferred.await(go), HttpServerResponse.text("done"))
        const server = yield* world.serve(app, { inFlightCount: 2, queueCount: 1 })
        const [first, second, waiting, over] = yield* Effect.forEach([1, 2, 3, 4], () => server.connect)
        for (const client of [first, second]) yield* client.send(get("/"))
        yield* eventually("two", () => busy(server) === 2)
        yield* waiting.send(get("/"))
        yield* eventually("three", () => busy(server) === 3)
        yield* over.send(get("/"))
        assert.include(yield* untilText(over, "}"), '"reason":"QueueFull"')
        const late = yield* untilText(waiting, "}")
        assert.match(late, /^HTTP\/1\.1 503 .*"reason":"QueueTimeout"/s)
        const probe = yield* server.connect
        yield* probe.send(get("/readyz"))
        assert.match(yield* untilText(probe, "}"), /^HTTP\/1\.1 200 /)
        // Who waits is served when a place is free.
        yield* waiting.send(get("/"))
        yield* eventually("three again", () => busy(server) === 3)
        yield* Deferred.succeed(go, undefined)
        for (const client of [first, second, waiting]) {
          assert.match(yield* untilText(client, "done"), /^HTTP\/1\.1 200 /)
        }
        // And the places are all free again.
        for (const client of [first, second]) yield* client.send(get("/"))
        for (const client of [first, second]) yield* untilText(client, "done")
      })
  },
  {
    name: "a response body that never ends",
    does: "it goes as fast as its peer reads, and is released when the peer leaves",
    after: "when the peer leaves",
    test: (world) =>
      Effect.gen(function* () {
        let released = false
        const stream = Stream.ensuring(
          Stream.forever(Stream.make(piece)),
          Effect.sync(() => {
            released = true
          })
        )
        const server = yield* world.serve(
          Effect.map(HttpServerRequest.HttpServerRequest, ({ url }) =>
            url === "/other" ? HttpServerResponse.text("hello") : HttpServerResponse.stream(stream)
          )
        )
        const client = yield* server.connect
        yield* client.send(get("/"))
        for (let got = 0; got < 1_000_000; ) {
          const next = yield* client.receive
          assert.ok(typeof next !== "string")
          got += next.length
        }
        yield* otherIsServed(server)
        yield* client.reset
        yield* nothingLeft(server)
        assert.isTrue(released)
      })
  },
  {
    name: "a request body that never ends, and that nobody reads",
    does: "it is read up to drainBytes, then the connection ends",
    after: "lingerTimeout",
    test: (world) =>
      Effect.gen(function* () {
        const server = yield* world.serve(hello)
        const client = yield* server.connect
        yield* client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        yield* trickle(client, `2000\r\n${"x".repeat(8_192)}\r\n`, 5)
        assert.match((yield* untilLeft(client)).text, /^HTTP\/1\.1 200 .*hello$/s)
        yield* nothingLeft(server)
      })
  },
  {
    name: "silent peers, half-sent requests and endless responses when the server stops",
    does: "idle ones are closed; what is left is cut, and each is reported",
    after: "drainTimeout",
    test: (world) =>
      Effect.gen(function* () {
        const { app, interrupted } = yield* waits
        const server = yield* world.serve(
          Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
            url === "/wait"
              ? app
              : Effect.succeed(url === "/endless" ? endless : HttpServerResponse.text("hello"))
          )
        )
        const idle = yield* server.connect
        yield* idle.send(get("/"))
        yield* untilText(idle, "hello")
        const half = yield* server.connect
        yield* half.send("GET / HT")
        const waiting = yield* server.connect
        yield* waiting.send(get("/wait"))
        const deaf = yield* server.connect
        yield* deaf.send(get("/endless"))
        yield* eventually("three at work", () => busy(server) === 2 && reading(server) === 1)
        const began = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
        const stopping = yield* Effect.forkScoped(server.stop)
        assert.strictEqual((yield* untilLeft(idle)).departure, "Ended")
        yield* Fiber.join(stopping)
        const after = (yield* Effect.clockWith((clock) => clock.currentTimeMillis)) - began
        if (world.simulated) {
          // The half-sent request ends at its own deadline before.
          assert.isAtLeast(after, 30_000)
          assert.isAtMost(after, 31_100)
        }
        yield* Deferred.await(interrupted)
        assert.include(reasons(server), "DrainTimeout")
        // Why they ended has been told: none of them failed by itself.
        assert.notInclude(reasons(server), "ResponseBodyFailed")
        assert.strictEqual(yield* server.connections.count, 0)
      })
  },
  {
    name: "descriptors run out",
    does: "idle connections make room before; an accept that fails all the same pauses accepting, told once for a burst",
    after: "at once; acceptPause",
    test: (world) => world.exhausted
  }
]

const busy = (server: Server): number =>
  Effect.runSync(server.connections.list).filter(
    ({ phase }) => phase === "Handling" || phase === "Responding"
  ).length

const reading = (server: Server): number =>
  Effect.runSync(server.connections.list).filter(({ phase }) => phase === "Reading").length

// As `otherIsServed`, where every path is endless: the connection is accepted and the head of an answer comes.
const otherHello = (server: Server) =>
  Effect.scoped(
    Effect.gen(function* () {
      const other = yield* server.connect
      yield* other.send(get("/livez"))
      yield* untilText(other, "}")
    })
  )
