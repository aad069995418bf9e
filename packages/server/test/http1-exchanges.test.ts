/** Exchanges of HTTP/1.1 that do not simply go well, in simulated time. */
import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@nvo/testing"
import { Effect, Stream } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import * as EarlyHints from "../src/EarlyHints.ts"
import * as TransportError from "../src/TransportError.ts"
import { Answered, failing, hurriedTooLate } from "./support/apps.ts"
import { type App, type Client, simulate } from "./support/simulated.ts"

const hello = HttpServerResponse.text("hello")
const endless = HttpServerResponse.stream(Stream.concat(Stream.make(Bytes.fromText("part")), Stream.never))
const closing = Bytes.fromText("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
const get = Bytes.fromText("GET / HTTP/1.1\r\nHost: a\r\n\r\n")

/** Everything that comes, with the way in which the server left at the end. */
const readAll = Effect.fnUntraced(function* (client: Client) {
  let text = ""
  while (true) {
    const next = yield* client.receive
    if (typeof next === "string") return `${text} ${next}`
    text += Bytes.toText(next)
  }
})

describe("a pre-response handler that fails", () => {
  it("ends as others do where the response that it became fails, too", () => {
    const broken = HttpServerResponse.stream(Stream.die(new Error("broken")), { status: 418 })
    const { errors, text } = simulate(failing(new Answered(broken)), (server) =>
      Effect.gen(function* () {
        const client = yield* server.connect
        yield* client.send(get)
        return { text: yield* readAll(client), errors: server.errors }
      })
    )
    assert.match(text, /^HTTP\/1\.1 418 .*\r\n\r\n Ended$/s)
    assert.deepStrictEqual(errors, ["ResponseBodyFailed"])
  })

  it("is interrupted where the response that it became goes on when its peer leaves", () => {
    const errors = simulate(failing(new Answered(endless)), (server) =>
      Effect.gen(function* () {
        const client = yield* server.connect
        yield* client.send(get)
        yield* client.receive
        yield* client.reset
        yield* Effect.sleep(100)
        assert.strictEqual(yield* server.connections.count, 0)
        return server.errors
      })
    )
    assert.deepStrictEqual(errors, ["ClientAborted"])
  })
})

describe("a response that cannot be sent as it is", () => {
  for (const [what, response] of [
    ["a stream with a field that may not be", HttpServerResponse.setHeader(endless, "x", "a\nb")],
    ["what is no body", HttpServerResponse.raw(Symbol("no body"))]
  ] as const) {
    it(`is 500 for ${what}, and told`, () => {
      const { errors, text } = simulate(Effect.succeed(response), (server) =>
        Effect.gen(function* () {
          const client = yield* server.connect
          yield* client.send(closing)
          return { text: yield* readAll(client), errors: server.errors }
        })
      )
      assert.match(text, /^HTTP\/1\.1 500 .*\r\n\r\n Ended$/s)
      assert.deepStrictEqual(errors, ["HandlerFailed"])
    })
  }
})

describe("a response that the transport does not take", () => {
  for (const [what, response, reason] of [
    ["a whole", hello, "WriteFailed"],
    ["a stream", endless, "WriteFailed"],
    ["one that cannot be sent", HttpServerResponse.raw(Symbol("no body")), "ClientAborted"]
  ] as const) {
    it(`is told as the loss of the connection: ${what}`, () => {
      const errors = simulate(
        Effect.succeed(response),
        (server) =>
          Effect.gen(function* () {
            const client = yield* server.connect
            yield* client.send(get)
            yield* readAll(client)
            assert.strictEqual(yield* server.connections.count, 0)
            return server.errors
          }),
        {
          connection: ({ id }) => ({
            writeUnsafe: () => TransportError.make({ _tag: "WriteFailed", cause: new Error("EPIPE") }, id)
          })
        }
      )
      assert.deepStrictEqual(errors, [reason])
    })
  }
})

describe("a piece of a response without octets", () => {
  // RFC 9112 §7.1: the chunk of size zero is the last one.
  it("does not end a chunked body", () => {
    const pieces = [Bytes.fromText("a"), new Uint8Array(0), Bytes.fromText("b")]
    const text = simulate(
      Effect.succeed(HttpServerResponse.stream(Stream.rechunk(Stream.fromIterable(pieces), 1))),
      (server) =>
        Effect.gen(function* () {
          const client = yield* server.connect
          yield* client.send(closing)
          return yield* readAll(client)
        })
    )
    assert.match(text, /\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n Ended$/)
  })
})

describe("the time that a handler has", () => {
  it("is over when the head of the response is out, whatever is asked for then", () => {
    const { errors, text } = simulate(hurriedTooLate, (server) =>
      Effect.gen(function* () {
        const client = yield* server.connect
        yield* client.send(closing)
        return { text: yield* readAll(client), errors: server.errors }
      })
    )
    assert.match(text, /\r\n3\r\nall\r\n0\r\n\r\n Ended$/)
    assert.deepStrictEqual(errors, [])
  })

  it("says nothing more once the peer has left", () => {
    const errors = simulate(
      Effect.uninterruptible(Effect.as(Effect.sleep("2 seconds"), hello)),
      (server) =>
        Effect.gen(function* () {
          const client = yield* server.connect
          yield* client.send(get)
          yield* Effect.sleep(500)
          yield* client.reset
          yield* Effect.sleep("5 seconds")
          return server.errors
        }),
      { config: { handlerTimeout: "1 second" } }
    )
    assert.deepStrictEqual(errors, ["ClientAborted"])
  })
})

describe("a peer that waits for 100 (Continue)", () => {
  const head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 8\r\n\r\n"
  const text = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ text }) =>
    Effect.map(Effect.andThen(Effect.sleep(10), text), (body) => HttpServerResponse.text(body))
  )
  const answered = (app: App, together: boolean) =>
    simulate(
      app,
      (server) =>
        Effect.gen(function* () {
          const client = yield* server.connect
          yield* client.send(Bytes.fromText(together ? `${head}some` : head))
          yield* Effect.sleep(20)
          if (!together) yield* client.send(Bytes.fromText("some"))
          yield* Effect.sleep(20)
          yield* client.send(Bytes.fromText("more"))
          yield* client.end
          return yield* readAll(client)
        }),
      { config: { halfClose: true } }
    )

  // RFC 9110 §10.1.1: there is no need once the content has come.
  it("is told to go on, but where a part of its content has come", () => {
    assert.match(answered(text, false), /^HTTP\/1\.1 100 .*HTTP\/1\.1 200 .*somemore Ended$/s)
    assert.match(answered(text, true), /^HTTP\/1\.1 200 .*somemore Ended$/s)
  })

  // The final status says it all, and 100 behind it would be taken for another response.
  it("is not told so within the response", () => {
    const app = Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
      HttpServerResponse.stream(request.stream)
    )
    const answer = answered(app, false)
    assert.notInclude(answer, "HTTP/1.1 100")
    assert.match(answer, /^HTTP\/1\.1 200 .*\r\n4\r\nsome\r\n4\r\nmore\r\n0\r\n\r\n Ended$/s)
  })
})

describe("a bug of the engine", () => {
  it("at the end of an exchange is told, ends this connection only, and leaves no request in flight", () => {
    let first = true
    const { errors, text } = simulate(
      Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
        Effect.succeed(url === "/broken" ? HttpServerResponse.stream(Stream.die(new Error("broken"))) : hello)
      ),
      (server) =>
        Effect.gen(function* () {
          const client = yield* server.connect
          yield* client.send(Bytes.fromText("GET /broken HTTP/1.1\r\nHost: a\r\n\r\n"))
          yield* readAll(client)
          const other = yield* server.connect
          yield* other.send(closing)
          return { text: yield* readAll(other), errors: server.errors }
        }),
      {
        config: { inFlightCount: 1, queueCount: 0 },
        connection: () => {
          if (!first) return {}
          first = false
          return { end: Effect.die(new Error("a bug")) }
        }
      }
    )
    assert.match(text, /^HTTP\/1\.1 200 .*hello Ended$/s)
    assert.deepStrictEqual(errors, ["ResponseBodyFailed", "EngineDefect"])
  })
})

describe("without telemetry", () => {
  it("an exchange that fails is answered and told as with it", () => {
    const { errors, text } = simulate(
      Effect.die(new Error("broken")),
      (server) =>
        Effect.gen(function* () {
          const client = yield* server.connect
          yield* client.send(closing)
          return { text: yield* readAll(client), errors: server.errors }
        }),
      { config: { metrics: false, accessLogRate: 0, requestIdResponse: false } }
    )
    assert.match(text, /^HTTP\/1\.1 500 .*\r\n\r\n Ended$/s)
    assert.deepStrictEqual(errors, ["HandlerFailed"])
  })
})

describe("a request in absolute form", () => {
  // RFC 9112 §3.2.2: the target's authority is what counts.
  it("has the authority of its target as Host", () => {
    const app = Effect.map(HttpServerRequest.HttpServerRequest, ({ headers, url }) =>
      HttpServerResponse.text(`${headers.host} ${url}`)
    )
    const text = simulate(app, (server) =>
      Effect.gen(function* () {
        const client = yield* server.connect
        yield* client.send(
          Bytes.fromText("GET http://b/c?d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        )
        return yield* readAll(client)
      })
    )
    assert.match(text, /b \/c\?d Ended$/)
  })
})

describe("early hints", () => {
  it("say nothing once the response has begun", () => {
    const app = Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
      HttpServerResponse.stream(
        Stream.fromEffect(
          EarlyHints.send({ link: "</a>" }).pipe(
            Effect.as(Bytes.fromText("all")),
            Effect.provideService(HttpServerRequest.HttpServerRequest, request)
          )
        )
      )
    )
    const text = simulate(app, (server) =>
      Effect.gen(function* () {
        const client = yield* server.connect
        yield* client.send(closing)
        return yield* readAll(client)
      })
    )
    assert.notInclude(text, "103")
    assert.match(text, /\r\n3\r\nall\r\n0\r\n\r\n Ended$/)
  })
})

describe("an access log without metrics", () => {
  it("has its lines, of requests and of what was refused", () => {
    const lines = simulate(
      Effect.succeed(hello),
      (server) =>
        Effect.gen(function* () {
          const client = yield* server.connect
          yield* client.send(Bytes.concat([get, Bytes.fromText("GET / HTTP/1.1\r\n\r\n")]))
          yield* readAll(client)
          yield* Effect.sleep("1 second")
          return server.lines.filter(({ annotations }) => "http.response.status_code" in annotations)
        }),
      { config: { metrics: false, accessLogRate: 1 } }
    )
    assert.deepStrictEqual(
      lines.map(({ annotations, message }) => [message, annotations["error.type"]]),
      [
        ["GET / 200", undefined],
        ["- - 400", "MissingHost"]
      ]
    )
  })
})
