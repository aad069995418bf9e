/** The access log and the identity of requests, over real sockets, in every way. */
import { assert, describe, it } from "@effect/vitest"
import type { NvoServer } from "@nvo/node"
import { AccessLine, RequestSource } from "@nvo/server"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as References from "effect/References"
import { everyHttp1Way, everyWay, type Way } from "./support/httpWays.ts"
import * as Observed from "./support/observed.ts"
import * as ReadResponse from "./support/ReadResponse.ts"
import { eventually } from "./support/settle.ts"
import * as WsWire from "./support/wsWire.ts"

const id = Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
  HttpServerResponse.text(
    Option.match(RequestSource.of(request), { onNone: () => "", onSome: ({ requestId }) => requestId })
  )
)

const upload = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
  Effect.map(request.text, (text) => HttpServerResponse.text(text))
)

const routes = Layer.mergeAll(
  HttpRouter.add("GET", "/", HttpServerResponse.text("Hello")),
  HttpRouter.add("GET", "/users/:id", HttpServerResponse.text("user")),
  HttpRouter.add("GET", "/id", id),
  HttpRouter.add("POST", "/upload", upload),
  HttpRouter.add("GET", "/says", Effect.as(Effect.logInfo("said"), HttpServerResponse.empty())),
  HttpRouter.add("GET", "/named", HttpServerResponse.empty({ headers: { "x-request-id": "mine" } })),
  HttpRouter.add("GET", "/broken", Effect.die(new Error("broken")))
)

const serveOver =
  (way: Way) =>
  (options: NvoServer.Options = {}, recorder = Observed.recorder(), served = routes) =>
    Observed.serveRoutes(served, recorder, { accessLogRate: 1, ...way.options, ...options })

/** The lines of the access log: they have a status. */
const access = (seen: Observed.Seen): ReadonlyArray<Observed.Line> =>
  seen.lines.filter(({ annotations }) => "http.response.status_code" in annotations)

const lineOf = (seen: Observed.Seen) =>
  Effect.map(
    eventually("a line of the access log", () => access(seen).length > 0),
    () => access(seen)[0]
  )

/** Without what differs from run to run. */
const stable = ({ annotations, level, message }: Observed.Line) => {
  const {
    "nvo.connection.id": connection,
    "nvo.request.id": request,
    "http.server.request.duration": duration,
    "nvo.response.delay": delay,
    ...rest
  } = annotations
  return { level, message, rest, varying: { connection, request, duration, delay } }
}

everyWay((way) => {
  const { Wire, version } = way
  const serve = serveOver(way)

  describe("the access log", () => {
    it.live("has one line for a request, with what is known of it", () =>
      Effect.gen(function* () {
        const seen = yield* serve()
        const wire = yield* Wire.connect(seen.port)
        wire.sendUnsafe(Wire.request("GET", "/users/12", { "User-Agent": "test" }))
        yield* wire.response()
        const { level, message, rest, varying } = stable(yield* lineOf(seen))
        assert.deepStrictEqual([level, message], ["Info", "GET /users/12 200"])
        assert.deepStrictEqual(rest, {
          "http.request.method": "GET",
          "http.route": "/users/:id",
          "url.path": "/users/12",
          "network.protocol.version": version,
          "network.peer.address": "127.0.0.1",
          "http.response.status_code": 200,
          "http.response.body.size": 4,
          "user_agent.original": "test"
        })
        assert.isAbove(varying.connection as number, 0)
        assert.match(varying.request as string, /^[0-9a-z]{11}-\d+-1$/)
        assert.isAbove(varying.duration as number, 0)
        assert.isAtMost(varying.delay as number, varying.duration as number)
        assert.strictEqual(access(seen).length, 1)
      })
    )

    it.live("has the octets of both bodies, and each request of a connection", () =>
      Effect.gen(function* () {
        const seen = yield* serve()
        const wire = yield* Wire.connect(seen.port)
        const request = Wire.request("POST", "/upload", {}, "twelve chars")
        wire.sendUnsafe(Buffer.concat([request, request]))
        for (let i = 0; i < 2; i++) yield* wire.response("POST")
        yield* eventually("two lines", () => access(seen).length === 2)
        assert.deepStrictEqual(
          access(seen).map(({ annotations }) => [
            String(annotations["nvo.request.id"]).split("-")[2],
            annotations["http.request.body.size"],
            annotations["http.response.body.size"]
          ]),
          [
            ["1", 12, 12],
            ["2", 12, 12]
          ]
        )
      })
    )

    it.live("has nothing of a query, of credentials, of cookies", () =>
      Effect.gen(function* () {
        const seen = yield* serve()
        const fields = { Authorization: "Basic s3cr3t", Cookie: "s=s3cr3t", "X-Api-Key": "s3cr3t" }
        yield* Wire.exchange(seen.port, Wire.request("GET", "/?token=s3cr3t", fields))
        const line = yield* lineOf(seen)
        assert.strictEqual(line.message, "GET /?<redacted> 200")
        assert.strictEqual(line.annotations["url.path"], "/")
        assert.notInclude(JSON.stringify(seen.lines), "s3cr3t")
      })
    )

    it.live("says why an exchange failed, and that a peer left without an answer", () =>
      Effect.gen(function* () {
        const { began, route: waits } = yield* Observed.waiting
        const seen = yield* serve({}, Observed.recorder(), Layer.merge(routes, waits))
        yield* Wire.exchange(seen.port, Wire.request("GET", "/broken"))
        const wire = yield* Wire.connect(seen.port)
        wire.sendUnsafe(Wire.request("GET", "/waits"))
        yield* began
        yield* wire.leave
        yield* eventually("two lines", () => access(seen).length === 2)
        assert.deepStrictEqual(
          access(seen).map(({ annotations, message }) => [message, annotations["error.type"]]),
          [
            ["GET /broken 500", "500"],
            ["GET /waits -", "ClientAborted"]
          ]
        )
      })
    )

    const rates: ReadonlyArray<readonly [rate: number, of: number, lines: number]> = [
      [1, 20, 20],
      [0.5, 20, 10],
      [0.25, 20, 5],
      [0.3, 20, 6],
      [0, 20, 0]
    ]
    for (const [rate, of, lines] of rates) {
      it.live(`has ${lines} lines of ${of} requests at a rate of ${rate}`, () =>
        Effect.gen(function* () {
          const seen = yield* serve({ accessLogRate: rate })
          const wire = yield* Wire.connect(seen.port)
          for (let i = 0; i < of; i++) wire.sendUnsafe(Wire.request("GET", "/"))
          for (let i = 0; i < of; i++) yield* wire.response()
          const duration = () => seen.series("http.server.request.duration")[0]?.value
          yield* eventually("the end of all", () => duration() === of)
          assert.strictEqual(access(seen).length, lines)
        })
      )
    }

    it.live("is silent where the log wants less than Info", () =>
      Effect.gen(function* () {
        const recorder = Observed.recorder()
        const quiet = {
          ...recorder,
          layer: Layer.merge(recorder.layer, Layer.succeed(References.MinimumLogLevel)("Warn"))
        }
        const seen = yield* serve({}, quiet)
        yield* Wire.exchange(seen.port, Wire.request("GET", "/"))
        yield* eventually("its end", () => seen.series("http.server.request.duration")[0]?.value === 1)
        assert.deepStrictEqual(access(seen), [])
      })
    )

    it.live("names the trace and the span of the request", () =>
      Effect.gen(function* () {
        const seen = yield* serve({}, Observed.recorder({ traces: true }))
        const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        yield* Wire.exchange(seen.port, Wire.request("GET", "/", { traceparent }))
        const { annotations } = yield* lineOf(seen)
        assert.strictEqual(annotations.trace_id, "0af7651916cd43dd8448eb211c80319c")
        assert.strictEqual(annotations.span_id, seen.spans.find(({ kind }) => kind === "server")?.spanId)
      })
    )
  })

  describe("the identity of a request", () => {
    const given = (options: NvoServer.Options, fields: Readonly<Record<string, string>>) =>
      Effect.gen(function* () {
        const seen = yield* serve(options)
        const response = yield* Wire.exchange(seen.port, Wire.request("GET", "/id", fields))
        const line = yield* lineOf(seen)
        const body = response.body.toString()
        assert.strictEqual(line.annotations["nvo.request.id"], body)
        return { id: body, response }
      })

    const made = /^[0-9a-z]{11}-\d+-1$/

    it.live("is the peer's, in the log and in the handler", () =>
      Effect.gen(function* () {
        const { id, response } = yield* given({}, { "X-Request-Id": "0b7a1c52-5c0f" })
        assert.strictEqual(id, "0b7a1c52-5c0f")
        assert.isUndefined(ReadResponse.value(response.fields, "x-request-id"))
      })
    )

    it.live("is taken from the field that the configuration names", () =>
      Effect.gen(function* () {
        const fields = { "X-Request-Id": "other", "X-Correlation-Id": "this" }
        assert.strictEqual((yield* given({ requestIdHeader: "X-Correlation-Id" }, fields)).id, "this")
      })
    )

    it.live("is made where no field is believed", () =>
      Effect.gen(function* () {
        assert.match((yield* given({ requestIdHeader: "" }, { "X-Request-Id": "other" })).id, made)
      })
    )

    it.live("of 128 characters is taken, and of 129 is not", () =>
      Effect.gen(function* () {
        const longest = "a".repeat(128)
        assert.strictEqual((yield* given({}, { "X-Request-Id": longest })).id, longest)
        assert.match((yield* given({}, { "X-Request-Id": `${longest}a` })).id, made)
      })
    )

    for (const text of ["a b", "a,b", 'a"b', "a\\b", "<a>", "é", "a;b", ""]) {
      it.live(`is made where the peer says ${JSON.stringify(text)}`, () =>
        Effect.gen(function* () {
          assert.match((yield* given({}, { "X-Request-Id": text })).id, made)
        })
      )
    }

    it.live("is said by the response where that is asked for, whoever made it", () =>
      Effect.gen(function* () {
        for (const fields of [{}, { "X-Request-Id": "theirs" }]) {
          const { id, response } = yield* given({ requestIdResponse: true }, fields)
          assert.strictEqual(ReadResponse.value(response.fields, "x-request-id"), id)
        }
        const { id, response } = yield* given({ requestIdResponse: true, requestIdHeader: "" }, {})
        assert.strictEqual(ReadResponse.value(response.fields, "x-request-id"), id)
      })
    )

    it.live("does not replace what the application says in that field", () =>
      Effect.gen(function* () {
        const seen = yield* serve({ requestIdResponse: true })
        const response = yield* Wire.exchange(seen.port, Wire.request("GET", "/named"))
        assert.strictEqual(ReadResponse.value(response.fields, "x-request-id"), "mine")
      })
    )

    it.live("stands in every line that the handler logs, with its connection's", () =>
      Effect.gen(function* () {
        const seen = yield* serve()
        yield* Wire.exchange(seen.port, Wire.request("GET", "/says", { "X-Request-Id": "theirs" }))
        const { annotations } = yield* lineOf(seen)
        const said = seen.lines.find(({ message }) => message === "said")
        assert.deepStrictEqual(said?.annotations, {
          "nvo.connection.id": annotations["nvo.connection.id"],
          "nvo.request.id": "theirs"
        })
      })
    )
  })

  it.live(
    "a logger that writes lines by itself gets the line, the others its entry, with the same in both",
    () =>
      Effect.gen(function* () {
        const lines: Array<AccessLine.AccessLine> = []
        const writer = AccessLine.writing(
          Logger.make(() => undefined),
          (line) => void lines.push(line)
        )
        const recorder = Observed.recorder()
        const both = Logger.layer([writer], { mergeWithExisting: true })
        const seen = yield* serve({}, { ...recorder, layer: Layer.provideMerge(both, recorder.layer) })
        yield* Wire.exchange(seen.port, Wire.request("GET", "/users/12", { "User-Agent": "test" }))
        const entry = yield* lineOf(seen)
        assert.strictEqual(lines.length, 1)
        assert.strictEqual(AccessLine.message(lines[0]), entry.message)
        assert.deepStrictEqual(AccessLine.annotations(lines[0]), entry.annotations)
      })
  )
})

const echo = Effect.gen(function* () {
  const { upgrade } = yield* HttpServerRequest.HttpServerRequest
  const socket = yield* upgrade
  const reader = yield* socket.reader
  const writer = yield* socket.writer
  return yield* Effect.forever(Effect.flatMap(reader.pull, writer.writeAll))
})

// A message that HTTP/2 refuses is no octets of HTTP/1.1: `refusals-http2`.
everyHttp1Way((way) => {
  const { Wire } = way
  const serve = serveOver(way)

  describe("the access log", () => {
    it.live("has a line for a message that was refused, with the reason", () =>
      Effect.gen(function* () {
        const seen = yield* serve()
        yield* Wire.exchange(seen.port, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n")
        const { annotations, message } = yield* lineOf(seen)
        assert.strictEqual(message, "- - 400")
        assert.strictEqual(annotations["http.response.status_code"], 400)
        assert.strictEqual(annotations["error.type"], "InvalidHost")
        assert.strictEqual(annotations["network.peer.address"], "127.0.0.1")
      })
    )
  })
})

describe("the access log", () => {
  it.live("has the status that began a WebSocket, also where its handler failed with its loss", () =>
    Effect.gen(function* () {
      const seen = yield* Observed.serveRoutes(HttpRouter.add("GET", "/", echo), Observed.recorder(), {
        accessLogRate: 1
      })
      const peer = yield* WsWire.connect(seen.port)
      yield* peer.text("a")
      yield* peer.next
      yield* peer.wire.reset
      const { message } = yield* lineOf(seen)
      assert.strictEqual(message, "GET / 101")
    })
  )
})
