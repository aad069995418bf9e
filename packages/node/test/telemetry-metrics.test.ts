/** The metrics of requests and connections, by OpenTelemetry's semantic conventions, over real sockets. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { everyHttp1Way, everyWay, type Way } from "./support/httpWays.ts"
import * as Observed from "./support/observed.ts"
import { eventually } from "./support/settle.ts"
import * as Wire from "./support/Wire.ts"

const DURATION = "http.server.request.duration"
const ACTIVE = "http.server.active_requests"
const REQUEST_SIZE = "http.server.request.body.size"
const RESPONSE_SIZE = "http.server.response.body.size"
const CONNECTIONS = "nvo.server.connections"

const upload = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
  Effect.map(request.text, (text) => HttpServerResponse.text(text.toUpperCase()))
)

const pieces = Stream.make(new Uint8Array(3), new Uint8Array(4))

const routes = Layer.mergeAll(
  HttpRouter.add("GET", "/", HttpServerResponse.text("Hello")),
  HttpRouter.add("GET", "/users/:id", HttpServerResponse.text("user")),
  HttpRouter.add("POST", "/upload", upload),
  HttpRouter.add("GET", "/pieces", HttpServerResponse.stream(pieces)),
  HttpRouter.add("GET", "/broken", Effect.die(new Error("broken"))),
  HttpRouter.add(
    "GET",
    "/cut",
    HttpServerResponse.stream(Stream.concat(pieces, Stream.die(new Error("cut"))))
  ),
  HttpRouter.add("GET", "/unavailable", HttpServerResponse.empty({ status: 503 }))
)

/** The one series of `id` that there is, once there is one. */
const only = (seen: Observed.Observed, id: string) =>
  Effect.map(
    eventually(`a series of ${id}`, () => seen.series(id).some(({ value }) => value > 0)),
    () => {
      const all = seen.series(id)
      assert.strictEqual(all.length, 1)
      return all[0]
    }
  )

const exchangedOver =
  ({ options, scheme, version, Wire }: Way) =>
  (
    what: string,
    request: Buffer,
    attributes: Readonly<Record<string, string>>,
    sizes: { readonly request?: number; readonly response: number }
  ) =>
    it.live(what, () =>
      Effect.gen(function* () {
        const seen = yield* Observed.serveRoutes(routes, Observed.recorder(), options)
        const [method] = request.toString().split(" ")
        yield* Wire.exchange(seen.port, request, method)
        const duration = yield* only(seen, DURATION)
        assert.deepStrictEqual(duration.attributes, {
          "url.scheme": scheme,
          "network.protocol.version": version,
          ...attributes
        })
        assert.strictEqual(duration.value, 1)
        assert.isAbove(duration.sum, 0)
        const response = yield* only(seen, RESPONSE_SIZE)
        assert.deepStrictEqual(response, {
          id: RESPONSE_SIZE,
          attributes: duration.attributes,
          value: 1,
          sum: sizes.response
        })
        assert.deepStrictEqual(
          seen.series(REQUEST_SIZE),
          sizes.request === undefined
            ? []
            : [{ id: REQUEST_SIZE, attributes: duration.attributes, value: 1, sum: sizes.request }]
        )
      })
    )

const get = (status: number, route?: string) => ({
  "http.request.method": "GET",
  "http.response.status_code": String(status),
  ...(route === undefined ? {} : { "http.route": route })
})

everyWay((way) => {
  const exchanged = exchangedOver(way)
  describe("http.server.request.duration and the sizes", () => {
    exchanged("have method, status, scheme, version and route", Wire.request("GET", "/"), get(200, "/"), {
      response: 5
    })
    exchanged(
      "have the route's pattern, not the path",
      Wire.request("GET", "/users/12?token=secret"),
      get(200, "/users/:id"),
      { response: 4 }
    )
    exchanged("have no route where none matched", Wire.request("GET", "/nowhere/12"), get(404), {
      response: 0
    })
    exchanged(
      "count the octets of both bodies",
      Wire.request("POST", "/upload", {}, "some octets"),
      { ...get(200, "/upload"), "http.request.method": "POST" },
      { request: 11, response: 11 }
    )
    exchanged("count a stream without its framing", Wire.request("GET", "/pieces"), get(200, "/pieces"), {
      response: 7
    })
    exchanged(
      "count nothing of a body that HEAD does not send",
      Wire.request("HEAD", "/"),
      { ...get(200, "/"), "http.request.method": "HEAD" },
      { response: 0 }
    )
    exchanged(
      "have error.type for a status of the server's fault",
      Wire.request("GET", "/unavailable"),
      { ...get(503, "/unavailable"), "error.type": "503" },
      { response: 0 }
    )
    exchanged(
      "have error.type for a handler that dies",
      Wire.request("GET", "/broken"),
      { ...get(500, "/broken"), "error.type": "500" },
      { response: 0 }
    )
    exchanged(
      "have error.type for a body that breaks off",
      Wire.request("GET", "/cut"),
      { ...get(200, "/cut"), "error.type": "ResponseBodyFailed" },
      { response: 7 }
    )
  })
})

// Clients of HTTP/2 do not send such methods, and none of them an earlier version.
everyHttp1Way((way) => {
  const exchanged = exchangedOver(way)
  describe("http.server.request.duration and the sizes", () => {
    exchanged(
      "know a method that nobody registered as _OTHER",
      Wire.request("BREW", "/"),
      { ...get(404), "http.request.method": "_OTHER" },
      { response: 0 }
    )
    exchanged(
      "have the version of an HTTP/1.0 request",
      Buffer.from("GET / HTTP/1.0\r\n\r\n"),
      { ...get(200, "/"), "network.protocol.version": "1.0" },
      { response: 5 }
    )
  })
})

describe("http.server.request.duration and the sizes", () => {
  it.live("have no status for a peer that leaves before the answer", () =>
    Effect.gen(function* () {
      const { began, route: waits } = yield* Observed.waiting
      const seen = yield* Observed.serveRoutes(waits, Observed.recorder())
      const wire = yield* Wire.connect(seen.port)
      wire.sendUnsafe(Wire.request("GET", "/waits"))
      yield* began
      yield* wire.leave
      const { attributes } = yield* only(seen, DURATION)
      assert.deepStrictEqual(attributes, {
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "http.request.method": "GET",
        "http.route": "/waits",
        "error.type": "ClientAborted"
      })
      assert.deepStrictEqual(
        seen.series(ACTIVE).map(({ value }) => value),
        [0]
      )
    })
  )

  it.live("count every request of a connection in its series", () =>
    Effect.gen(function* () {
      const seen = yield* Observed.serveRoutes(routes, Observed.recorder())
      const wire = yield* Wire.connect(seen.port)
      const request = Wire.request("GET", "/")
      wire.sendUnsafe(Buffer.concat([request, request, request]))
      for (let i = 0; i < 3; i++) yield* wire.response()
      const { value } = yield* only(seen, DURATION)
      assert.strictEqual(value, 3)
    })
  )

  it.live("are shared by the servers of one registry", () =>
    Effect.gen(function* () {
      const recorder = Observed.recorder()
      const first = yield* Observed.serveRoutes(routes, recorder)
      const second = yield* Observed.serveRoutes(routes, recorder)
      for (const { port } of [first, second]) yield* Wire.exchange(port, Wire.request("GET", "/"))
      yield* eventually("both", () => recorder.series(DURATION)[0]?.value === 2)
      assert.strictEqual(recorder.series(DURATION).length, 1)
    })
  )

  it.live("are not there where metrics are off", () =>
    Effect.gen(function* () {
      const seen = yield* Observed.serveRoutes(routes, Observed.recorder(), { metrics: false })
      const wire = yield* Wire.connect(seen.port)
      wire.sendUnsafe(Wire.request("GET", "/"))
      yield* wire.response()
      for (const id of [DURATION, ACTIVE, RESPONSE_SIZE, CONNECTIONS])
        assert.deepStrictEqual(seen.series(id), [])
    })
  )
})

describe("http.server.active_requests", () => {
  it.live("is the number under way, and nothing when they have ended", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const held = HttpRouter.add(
        "GET",
        "/held",
        Effect.as(Deferred.await(gate), HttpServerResponse.text("released"))
      )
      const seen = yield* Observed.serveRoutes(held, Observed.recorder())
      const wires = yield* Effect.forEach([1, 2, 3], () => Wire.connect(seen.port))
      for (const wire of wires) wire.sendUnsafe(Wire.request("GET", "/held"))
      const active = () => seen.series(ACTIVE).map(({ attributes, value }) => ({ attributes, value }))
      const attributes = { "http.request.method": "GET", "url.scheme": "http" }
      yield* eventually("three requests", () => active()[0]?.value === 3)
      assert.deepStrictEqual(active(), [{ attributes, value: 3 }])
      yield* Deferred.succeed(gate, undefined)
      for (const wire of wires) yield* wire.response()
      yield* eventually("their end", () => active()[0]?.value === 0)
      assert.deepStrictEqual(active(), [{ attributes, value: 0 }])
    })
  )
})

describe("nvo.server.connections", () => {
  it.live("are the open connections by state, of all servers of the registry", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const held = HttpRouter.add("GET", "/held", Effect.as(Deferred.await(gate), HttpServerResponse.empty()))
      const recorder = Observed.recorder()
      const first = yield* Observed.serveRoutes(held, recorder)
      const second = yield* Observed.serveRoutes(held, recorder)
      const idle = yield* Wire.connect(first.port)
      const reading = yield* Wire.connect(first.port)
      yield* reading.send("GET /held HT")
      const handling = yield* Effect.forEach([first, second], ({ port }) => Wire.connect(port))
      for (const wire of handling) wire.sendUnsafe(Wire.request("GET", "/held"))
      const counts = () =>
        Object.fromEntries(
          recorder.series(CONNECTIONS).map(({ attributes, value }) => [attributes.state, value])
        )
      const expected = {
        Idle: 1,
        Reading: 1,
        Handling: 2,
        Responding: 0,
        Draining: 0,
        Lingering: 0,
        Upgraded: 0
      }
      yield* eventually(
        "four connections",
        () => counts().Idle === 1 && counts().Reading === 1 && counts().Handling === 2
      )
      assert.deepStrictEqual(counts(), expected)
      for (const wire of [idle, reading, ...handling]) yield* wire.leave
      yield* eventually("none", () => Object.values(counts()).every((count) => count === 0))
    })
  )
})

describe("nvo.server.event_loop.delay", () => {
  it.live("is measured while there are connections", () =>
    Effect.gen(function* () {
      const seen = yield* Observed.serveRoutes(routes, Observed.recorder())
      yield* Wire.connect(seen.port)
      const { sum } = yield* only(seen, "nvo.server.event_loop.delay")
      assert.isAtLeast(sum, 0)
    })
  )
})
