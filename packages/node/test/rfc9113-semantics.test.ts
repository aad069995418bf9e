/**
 * RFC 9113 §5, §8 and §9.1 as an application sees them: what it is given of a request, and how its streams end. What every
 * protocol has in common is in the tests that run over each (`everyWay`).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpServerRequestModule from "effect/http/HttpServerRequest"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import { connect, type Fields, get, post } from "./support/http2Wire.ts"
import { type App, serve } from "./support/serve.ts"
import { eventually } from "./support/settle.ts"

/** What an application sees of a request. */
const seen = (fields: Fields) =>
  Effect.gen(function* () {
    const request = yield* Deferred.make<{ readonly headers: Record<string, string>; readonly url: string }>()
    const { port } = yield* serve(
      Effect.gen(function* () {
        const own = yield* HttpServerRequest
        const url = Option.map(HttpServerRequestModule.toURL(own), String)
        yield* Deferred.succeed(request, {
          headers: { ...own.headers },
          url: Option.getOrElse(url, () => "")
        })
        return HttpServerResponse.empty()
      })
    )
    const wire = yield* connect(port)
    wire.send(wire.headers(1, fields))
    return yield* Deferred.await(request)
  })

const tunnel: Fields = [
  [":method", "CONNECT"],
  [":authority", "a:1"]
]

describe("RFC 9113 §8.2.3 cookies", () => {
  it.live("fields of cookies are one field, joined by a semicolon and a space", () =>
    Effect.gen(function* () {
      const { headers } = yield* seen([
        ...get(),
        ["cookie", "a=b"],
        ["accept", "*/*"],
        ["cookie", "c=d; e=f"],
        ["cookie", "g=h"]
      ])
      assert.strictEqual(headers.cookie, "a=b; c=d; e=f; g=h")
    })
  )
})

describe("RFC 9113 §8.3.1 the target of a request", () => {
  it.live("is what :scheme, :authority and :path say, and Host is :authority", () =>
    Effect.gen(function* () {
      const { headers, url } = yield* seen(get("/a?b"))
      assert.deepStrictEqual([headers.host, url], ["a", "http://a/a?b"])
    })
  )

  it.live("is not what Host says where there is :authority", () =>
    Effect.gen(function* () {
      const { headers, url } = yield* seen([...get("/a"), ["host", "A:80"]])
      assert.deepStrictEqual([headers.host, url], ["a", "http://a/a"])
    })
  )

  it.live("is what Host says where there is no :authority", () =>
    Effect.gen(function* () {
      const { headers, url } = yield* seen([
        ...get("/a").filter(([name]) => name !== ":authority"),
        ["host", "b"]
      ])
      assert.deepStrictEqual([headers.host, url], ["b", "http://b/a"])
    })
  )
})

describe("RFC 9113 §8.1.1 malformed requests", () => {
  it.live("a handler that has begun does not see the end of a body that is too short", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const exit = yield* Deferred.make<Exit.Exit<unknown, unknown>>()
      const { port } = yield* serve(
        Effect.flatMap(HttpServerRequest, (request) =>
          Deferred.succeed(begun, undefined).pipe(
            Effect.andThen(Effect.onExit(request.text, (own) => Deferred.succeed(exit, own))),
            Effect.as(HttpServerResponse.empty())
          )
        ).pipe(Effect.interruptible)
      )
      const wire = yield* connect(port)
      wire.send(wire.headers(1, [...post(), ["content-length", "5"]], false))
      yield* Deferred.await(begun)
      wire.send(wire.data(1, 4, true))
      yield* wire.sees("RST_STREAM 1 PROTOCOL_ERROR")
      assert.isTrue(Exit.isFailure(yield* Deferred.await(exit)))
    })
  )

  it.live("a request that is malformed in its head is not seen by the application", () =>
    Effect.gen(function* () {
      let begun = 0
      const { port } = yield* serve(
        Effect.sync(() => {
          begun++
          return HttpServerResponse.empty()
        })
      )
      const wire = yield* connect(port)
      wire.send(wire.headers(1, [...get(), ["X-Upper", "case"]]), wire.headers(3, get()))
      yield* wire.sees("RST_STREAM 1 PROTOCOL_ERROR")
      yield* wire.sees("HEADERS 3 204 END")
      assert.strictEqual(begun, 1)
    })
  )
})

describe("RFC 9113 §8.5 tunnels", () => {
  const opened = (then: Effect.Effect<void, Error>): App =>
    Effect.flatMap(HttpServerRequest, (request) =>
      Effect.scoped(
        Effect.gen(function* () {
          const socket = yield* request.upgrade
          const { pull } = yield* socket.reader
          const { writeAll } = yield* socket.writer
          yield* writeAll(["hello"])
          yield* Effect.ignore(pull)
          yield* then
          return HttpServerResponse.empty()
        })
      )
    )

  it.live("one whose application is done ends with END_STREAM", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(opened(Effect.void))
      const wire = yield* connect(port)
      wire.send(wire.headers(1, tunnel, false))
      yield* eventually("the greeting", () => wire.received.get(1) === 5)
      wire.send(wire.data(1, 1))
      yield* wire.sees("DATA 1 0 END")
      assert.isFalse(wire.lines.some((line) => /^RST_STREAM 1 CONNECT_ERROR/.test(line)))
    })
  )

  for (const [name, then] of [
    ["fails", Effect.fail(new Error("the connection behind it was reset"))],
    ["has a defect", Effect.die(new Error("a bug"))]
  ] as const) {
    it.live(`one whose application ${name} is a stream error CONNECT_ERROR, and other streams go on`, () =>
      Effect.gen(function* () {
        const { port } = yield* serve(
          Effect.flatMap(HttpServerRequest, ({ method }) =>
            method === "CONNECT" ? opened(then) : Effect.succeed(HttpServerResponse.empty())
          )
        )
        const wire = yield* connect(port)
        wire.send(wire.headers(1, tunnel, false))
        yield* eventually("the greeting", () => wire.received.get(1) === 5)
        wire.send(wire.data(1, 1))
        yield* wire.sees("RST_STREAM 1 CONNECT_ERROR")
        wire.send(wire.headers(3, get()))
        yield* wire.sees("HEADERS 3 204 END")
      })
    )
  }
})

describe("RFC 9113 §8.7 request reliability", () => {
  it.live("a stream that was given to the application is not refused, and GOAWAY names it", () =>
    Effect.gen(function* () {
      const begun: Array<string> = []
      const { connections, port } = yield* serve(
        Effect.flatMap(HttpServerRequest, ({ url }) => {
          begun.push(url)
          return Effect.never
        }).pipe(Effect.interruptible),
        { http2Streams: 2 }
      )
      const wire = yield* connect(port)
      wire.send(wire.headers(1, get("/1")), wire.headers(3, get("/3")), wire.headers(5, get("/5")))
      yield* wire.sees("RST_STREAM 5 REFUSED_STREAM")
      assert.deepStrictEqual(begun, ["/1", "/3"])
      wire.send({ _tag: "WindowUpdate", streamId: 0, increment: 0 })
      yield* wire.sees("GOAWAY 5 PROTOCOL_ERROR")
      yield* wire.ends
      yield* eventually("the end", () => Effect.runSync(connections.count) === 0)
    })
  )
})

describe("RFC 9113 §5.2.2 and §6.7: frames are acted on as they come", () => {
  it.live("windows open and PING is answered while a handler is at work and reads nothing", () =>
    Effect.gen(function* () {
      const { port } = yield* serve(
        Effect.flatMap(HttpServerRequest, ({ url }) =>
          url === "/never" ? Effect.never : Effect.succeed(HttpServerResponse.text("Hello, World!"))
        ).pipe(Effect.interruptible)
      )
      const wire = yield* connect(port, [[4, 0]])
      wire.send(wire.headers(1, post("/never"), false), wire.data(1, 16_384), wire.headers(3, get()))
      yield* wire.sees("HEADERS 3 200")
      wire.send({ _tag: "WindowUpdate", streamId: 3, increment: 13 })
      yield* wire.sees("DATA 3 13 END")
      wire.send({ _tag: "Ping", ack: false, data: new Uint8Array(8) })
      yield* wire.sees("PING ack")
    })
  )
})

describe("RFC 9113 §6.8 and §9.1: the end of a connection", () => {
  it.live("a peer that ends its side is told which streams were looked at", () =>
    Effect.gen(function* () {
      const exit = yield* Deferred.make<Exit.Exit<unknown, unknown>>()
      const { port } = yield* serve(
        Effect.never.pipe(
          Effect.interruptible,
          Effect.onExit((own) => Deferred.succeed(exit, own))
        )
      )
      const wire = yield* connect(port)
      wire.send(wire.headers(1, get()))
      wire.end()
      yield* wire.sees("GOAWAY 1 NO_ERROR")
      yield* wire.ends
      const ended = yield* Deferred.await(exit)
      assert.isTrue(Exit.isFailure(ended) && Cause.hasInterruptsOnly(ended.cause))
    })
  )

  it.live(
    "a peer that opens no more streams gets what is under way, and then the connection may be ended by it",
    () =>
      Effect.gen(function* () {
        const release = yield* Deferred.make<void>()
        const { port } = yield* serve(
          Effect.as(Deferred.await(release), HttpServerResponse.text("Hello, World!"))
        )
        const wire = yield* connect(port)
        wire.send(wire.headers(1, get()), {
          _tag: "GoAway",
          lastStreamId: 0,
          code: 0,
          debug: new Uint8Array(0)
        })
        wire.send({ _tag: "Ping", ack: false, data: new Uint8Array(8) })
        yield* wire.sees("PING ack")
        yield* Deferred.succeed(release, undefined)
        yield* wire.sees("DATA 1 13 END")
        wire.end()
        yield* wire.sees("GOAWAY 1 NO_ERROR")
        yield* wire.ends
      })
  )
})
