/** The life of an HTTP/2 connection, in simulated time: its age, its peer's leaving, and peers that do not read. */
import { assert, describe, it } from "@effect/vitest"
import { FaultPlan } from "@nvo/testing"
import { Effect, Stream } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import { type Fields, greet, request } from "./support/http2Client.ts"
import { type App, simulate } from "./support/simulated.ts"

const hello = HttpServerResponse.text("hello")
const quick: App = Effect.succeed(hello)
const slow: App = Effect.as(Effect.sleep("2 seconds"), hello)

describe("an HTTP/2 connection that is as old as it may be", () => {
  const ofAge = (app: App) =>
    simulate(
      app,
      (server) =>
        Effect.gen(function* () {
          const http2 = yield* greet(server.connect)
          yield* http2.send(http2.headers(1, request("GET")))
          return { departure: yield* http2.ends, lines: http2.lines }
        }),
      { config: { connectionAge: "1 second" } }
    )

  it("ends where nothing is under way", () => {
    const { departure, lines } = ofAge(quick)
    assert.deepStrictEqual(
      lines.filter((line) => /^(DATA|GOAWAY)/.test(line)),
      ["DATA 1 END", "GOAWAY 1 NO_ERROR"]
    )
    assert.strictEqual(departure, "Ended")
  })

  it("finishes what is under way, and says at once that it takes no more", () => {
    const { departure, lines } = ofAge(slow)
    assert.deepStrictEqual(
      lines.filter((line) => /^(DATA|GOAWAY|PING)/.test(line)),
      ["GOAWAY 2147483647 NO_ERROR", "PING", "DATA 1 END", "GOAWAY 1 NO_ERROR"]
    )
    assert.strictEqual(departure, "Ended")
  })
})

describe("a peer that ends its side of an HTTP/2 connection", () => {
  const left = (halfClose: boolean) =>
    simulate(
      slow,
      (server) =>
        Effect.gen(function* () {
          const http2 = yield* greet(server.connect)
          yield* http2.send(http2.headers(1, request("GET")))
          yield* Effect.sleep(10)
          yield* http2.client.end
          const departure = yield* http2.ends
          return { body: http2.bodies.get(1), departure, errors: server.errors }
        }),
      { config: { halfClose } }
    )

  it("still gets its answer with `halfClose`", () => {
    assert.deepStrictEqual(left(true), { body: "hello", departure: "Ended", errors: [] })
  })

  it("has left otherwise", () => {
    assert.deepStrictEqual(left(false), {
      body: undefined,
      departure: "Ended",
      errors: ["ClientAborted"]
    })
  })
})

describe("a peer of HTTP/2 that takes nothing", () => {
  // Answers to PING are outside of flow control: only not to read holds up who asks for them.
  it("is not read from until it takes what it made the server say", () => {
    simulate(
      quick,
      (server) =>
        Effect.gen(function* () {
          const http2 = yield* greet(server.connect)
          const pings = Array.from({ length: 100 }, () => http2.ping())
          const sent = yield* Effect.forkScoped(
            Effect.forEach(Array.from({ length: 40 }), () => http2.send(...pings))
          )
          yield* Effect.sleep("1 second")
          const [before] = yield* server.connections.list
          yield* Effect.sleep("1 second")
          const [{ bytesRead }] = yield* server.connections.list
          assert.strictEqual(bytesRead, before.bytesRead)
          assert.isBelow(bytesRead, 30_000)
          assert.isUndefined(sent.pollUnsafe())
          yield* Effect.forkScoped(http2.ends)
          yield* Effect.sleep("1 second")
          assert.strictEqual(http2.lines.filter((line) => line === "PING ack").length, 4_000)
        }),
      {
        config: { http2Pings: 100_000, writeHighWaterMark: 1_000 },
        network: {
          plan: FaultPlan.make({ toServer: { buffer: 1_700 }, toClient: { buffer: 1_000 } }),
          writeHighWaterMark: 1_000
        }
      }
    )
  })

  it("and keeps its window closed has its stream reset, and what is done for it interrupted", () => {
    let interrupted = false
    const endless = Stream.forever(Stream.make(new Uint8Array(10_000))).pipe(
      Stream.ensuring(Effect.sync(() => (interrupted = true)))
    )
    const { errors, octets } = simulate(
      Effect.succeed(HttpServerResponse.stream(endless)),
      (server) =>
        Effect.gen(function* () {
          const http2 = yield* greet(server.connect)
          yield* http2.send(http2.headers(1, request("GET")))
          yield* http2.sees("RST_STREAM 1 CANCEL")
          yield* http2.send(http2.ping())
          yield* http2.sees("PING ack")
          return { errors: server.errors, octets: http2.bodies.get(1)?.length }
        }),
      { config: { writeTimeout: "1 second" } }
    )
    assert.isTrue(interrupted)
    assert.strictEqual(octets, 65_535)
    assert.deepStrictEqual(errors, ["WriteTimeout", "ClientAborted"])
  })
})

describe("what is left of requests that nobody wants", () => {
  // The memory of those that have ended makes room for others, and those that go on keep their time.
  it("has its time, however many streams came before", () => {
    const lines = simulate(
      quick,
      (server) =>
        Effect.gen(function* () {
          const http2 = yield* greet(server.connect)
          const post = (id: number) => http2.headers(id, request("POST"), false)
          yield* http2.send(post(1), post(3))
          yield* http2.sees("DATA 3 END")
          yield* http2.send(http2.data(3, "", true), post(5))
          yield* http2.sees("DATA 5 END")
          yield* Effect.sleep(900)
          yield* http2.send(http2.ping())
          yield* http2.sees("PING ack")
          yield* http2.sees("RST_STREAM 1 NO_ERROR")
          yield* http2.sees("RST_STREAM 5 NO_ERROR")
          return http2.lines
        }),
      { config: { http2Streams: 2, bodyTimeout: "1 second" } }
    )
    assert.deepStrictEqual(lines.slice(lines.indexOf("PING ack")), [
      "PING ack",
      "RST_STREAM 1 NO_ERROR",
      "RST_STREAM 5 NO_ERROR"
    ])
  })
})

describe("a bug of the engine on an HTTP/2 connection", () => {
  for (const [what, pull, told] of [
    ["a pull that dies", Effect.die(new Error("a bug")), ["EngineDefect"]],
    ["a pull that fails", undefined, ["ClientAborted"]]
  ] as const) {
    it(`is told, and ends this connection only: ${what}`, () => {
      let first = true
      const errors = simulate(
        slow,
        (server) =>
          Effect.gen(function* () {
            const broken = yield* greet(server.connect)
            yield* broken.send(broken.headers(1, request("GET")))
            yield* Effect.sleep(10)
            if (pull === undefined) yield* broken.client.reset
            else assert.strictEqual(yield* broken.ends, "Ended")
            const other = yield* greet(server.connect)
            yield* other.send(other.headers(1, request("GET")))
            yield* other.sees("DATA 1 END")
            assert.strictEqual(yield* server.connections.count, 1)
            return server.errors
          }),
        {
          connection: (connection) => {
            if (!first || pull === undefined) return {}
            first = false
            let pulls = 0
            return { pull: Effect.suspend(() => (++pulls < 2 ? connection.pull : pull)) }
          }
        }
      )
      assert.deepStrictEqual(errors, told)
    })
  }

  it("is the only one to be told of where nothing was under way", () => {
    const errors = simulate(Effect.succeed(hello), (server) =>
      Effect.gen(function* () {
        const http2 = yield* greet(server.connect)
        yield* http2.send(http2.headers(1, request("GET")))
        yield* http2.sees("DATA 1 END")
        yield* http2.client.reset
        yield* Effect.sleep(10)
        assert.strictEqual(yield* server.connections.count, 0)
        return server.errors
      })
    )
    assert.deepStrictEqual(errors, ["ConnectionReset"])
  })
})

describe("without telemetry", () => {
  it("what a handler of HTTP/2 logs names its connection, and no request", () => {
    const annotations = simulate(
      Effect.as(Effect.logInfo("said"), hello),
      (server) =>
        Effect.gen(function* () {
          const http2 = yield* greet(server.connect)
          yield* http2.send(http2.headers(1, request("GET")))
          yield* http2.sees("DATA 1 END")
          return server.lines.filter(({ message }) => message === "said").map((line) => line.annotations)
        }),
      { config: { metrics: false, accessLogRate: 0, requestIdResponse: false } }
    )
    assert.deepStrictEqual(annotations, [{ "nvo.connection.id": 1 }])
  })
})

describe("a tunnel through HTTP/2", () => {
  const connectTo = [
    [":method", "CONNECT"],
    [":authority", "a:1"]
  ] as const

  const upgrading = (headers: Readonly<Record<string, string>> = {}): App =>
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const socket = yield* request.upgradeWith({ headers })
      const reader = yield* socket.reader
      yield* Effect.sleep(100)
      const [octets] = yield* reader.pull
      const writer = yield* socket.writer
      yield* writer.write(octets)
      return HttpServerResponse.empty()
    })

  const opened = (app: App, head: Fields) =>
    simulate(app, (server) =>
      Effect.gen(function* () {
        const http2 = yield* greet(server.connect)
        yield* http2.send(http2.headers(1, head, false))
        yield* Effect.sleep(10)
        yield* http2.send(http2.data(1, "one "))
        yield* Effect.sleep(10)
        yield* http2.send(http2.data(1, "two"))
        yield* Effect.sleep("1 second")
        yield* http2.send(http2.ping())
        yield* http2.sees("PING ack")
        return { body: http2.bodies.get(1), errors: server.errors, lines: http2.lines }
      })
    )

  it("gives what came meanwhile as one", () => {
    const { body, errors } = opened(upgrading(), connectTo)
    assert.strictEqual(body, "one two")
    assert.deepStrictEqual(errors, [])
  })

  // RFC 9113 §8.6.
  it("is not what another method asks for: there is no Upgrade", () => {
    const { lines } = opened(upgrading(), request("GET"))
    assert.include(lines, "HEADERS 1 400 END")
  })

  it("is not opened with a field that would frame it", () => {
    const { errors, lines } = opened(upgrading({ "content-length": "1" }), connectTo)
    assert.include(lines, "HEADERS 1 500 END")
    assert.deepStrictEqual(errors, ["HandlerFailed"])
  })

  it("is opened once", () => {
    const twice: App = Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      yield* (yield* request.upgrade).reader
      const again = yield* Effect.flip((yield* request.upgrade).reader)
      return HttpServerResponse.text(String(again.message))
    })
    const { errors, lines } = opened(twice, connectTo)
    assert.include(lines, "HEADERS 1 200")
    assert.deepStrictEqual(errors, [])
  })
})
