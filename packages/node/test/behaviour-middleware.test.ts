/** Tracing, and the middleware that comes with effect/http. */

import * as Zlib from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import { NvoServer } from "@nvo/node"
import { Context, Effect, Layer, Logger, Option, References, Tracer } from "effect"
import { HttpMiddleware, HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as IpNetwork from "effect/net/IpNetwork"
import { everyWay } from "./support/httpWays.ts"
import * as ReadResponse from "./support/ReadResponse.ts"
import { type App, portOf } from "./support/serve.ts"
import { eventually } from "./support/settle.ts"
import { withTransport } from "./support/transport.ts"
import * as OneWire from "./support/Wire.ts"

everyWay(({ Wire, serve }) => {
  const TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
  const SPAN_ID = "b7ad6b7169203331"

  const recording = () => {
    const spans: Array<Tracer.Span> = []
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        spans.push(span)
        return span
      }
    })
    return { spans, tracer }
  }

  const traced = (app: App) =>
    Effect.gen(function* () {
      const { spans, tracer } = recording()
      const running = yield* Effect.provideService(serve(app), Tracer.Tracer, tracer)
      return { ...running, spans: () => spans.filter(({ kind }) => kind === "server") }
    })

  describe("tracing", () => {
    it.live("goes on with the trace of an incoming traceparent, and the handler sees it", () =>
      Effect.gen(function* () {
        const { port, spans } = yield* traced(
          Effect.flatMap(Effect.currentSpan, (span) =>
            HttpServerResponse.json({ traceId: span.traceId })
          ) as App
        )
        const response = yield* Wire.exchange(
          port,
          Wire.request("GET", "/path?q=1", { traceparent: `00-${TRACE_ID}-${SPAN_ID}-01` })
        )
        assert.deepStrictEqual(JSON.parse(response.body.toString()), { traceId: TRACE_ID })
        yield* eventually("the span's end", () => spans()[0]?.status._tag === "Ended")
        const [span] = spans()
        assert.strictEqual(Option.getOrUndefined(span.parent)?.spanId, SPAN_ID)
      })
    )

    it.live("names method, path and status in the span's attributes", () =>
      Effect.gen(function* () {
        const { port, spans } = yield* traced(Effect.succeed(HttpServerResponse.text("x", { status: 418 })))
        yield* Wire.exchange(port, Wire.request("POST", "/path?q=1", { "User-Agent": "test" }), "POST")
        yield* eventually("the span's end", () => spans()[0]?.status._tag === "Ended")
        const { attributes, name } = spans()[0]
        assert.include(name, "POST")
        assert.strictEqual(attributes.get("http.request.method"), "POST")
        assert.strictEqual(attributes.get("url.path"), "/path")
        assert.strictEqual(attributes.get("http.response.status_code"), 418)
        assert.strictEqual(attributes.get("user_agent.original"), "test")
        assert.strictEqual(attributes.get("client.address"), "127.0.0.1")
      })
    )

    it.live("names the connection and the request in the span's attributes", () =>
      Effect.gen(function* () {
        const { connections, port, spans } = yield* traced(Effect.succeed(HttpServerResponse.text("x")))
        const wire = yield* Wire.connect(port)
        for (const path of ["/1", "/2"]) {
          yield* wire.send(Wire.request("GET", path))
          yield* wire.response()
        }
        const [{ id }] = yield* connections.list
        yield* eventually("both spans", () => spans().length === 2)
        assert.deepStrictEqual(
          spans().map(({ attributes }) => [
            attributes.get("nvo.connection.id"),
            attributes.get("nvo.request.index")
          ]),
          [
            [id, 1],
            [id, 2]
          ]
        )
      })
    )

    it.live("names the connection in the annotations of what a handler logs", () =>
      Effect.gen(function* () {
        const { connections, port } = yield* serve(
          Effect.flatMap(References.CurrentLogAnnotations, (annotations) =>
            HttpServerResponse.json(annotations)
          )
        )
        const wire = yield* Wire.connect(port)
        yield* wire.send(Wire.request("GET", "/"))
        const response = yield* wire.response()
        const [{ id }] = yield* connections.list
        assert.deepStrictEqual(JSON.parse(response.body.toString()), { "nvo.connection.id": id })
      })
    )

    it.live("begins a trace of its own for each request without one", () =>
      Effect.gen(function* () {
        const { port, spans } = yield* traced(Effect.succeed(HttpServerResponse.text("x")))
        const wire = yield* Wire.connect(port)
        yield* wire.send(Buffer.concat([Wire.request("GET", "/1"), Wire.request("GET", "/2")]))
        yield* wire.response()
        yield* wire.response()
        yield* eventually("both spans", () => spans().length === 2)
        assert.notStrictEqual(spans()[0].traceId, spans()[1].traceId)
      })
    )

    it.live("marks the span of a handler that fails", () =>
      Effect.gen(function* () {
        const { port, spans } = yield* traced(Effect.die(new Error("boom")))
        yield* Wire.exchange(port, Wire.request("GET", "/"))
        yield* eventually("the span's end", () => spans()[0]?.status._tag === "Ended")
        const { attributes, status } = spans()[0]
        assert.strictEqual(attributes.get("http.response.status_code"), 500)
        assert.isTrue(status._tag === "Ended" && status.exit._tag === "Failure")
      })
    )
  })

  describe("middleware", () => {
    it.live("cors answers a preflight and marks a response", () =>
      Effect.gen(function* () {
        const app = HttpMiddleware.cors({ allowedOrigins: ["https://a.example"], allowedMethods: ["PUT"] })(
          Effect.succeed(HttpServerResponse.text("x"))
        )
        const { port } = yield* serve(app as App)
        const preflight = yield* Wire.exchange(
          port,
          Wire.request("OPTIONS", "/", {
            Origin: "https://a.example",
            "Access-Control-Request-Method": "PUT"
          }),
          "OPTIONS"
        )
        assert.strictEqual(preflight.status, 204)
        assert.strictEqual(ReadResponse.value(preflight.fields, "access-control-allow-methods"), "PUT")
        const response = yield* Wire.exchange(port, Wire.request("GET", "/", { Origin: "https://a.example" }))
        assert.strictEqual(
          ReadResponse.value(response.fields, "access-control-allow-origin"),
          "https://a.example"
        )
      })
    )

    it.live("compression encodes what is large enough and accepted, in chunks", () =>
      Effect.gen(function* () {
        const text = "compress me ".repeat(1000)
        const app = HttpMiddleware.compression()(
          Effect.map(HttpServerRequest.HttpServerRequest, ({ url }) =>
            HttpServerResponse.text(url === "/" ? text : "x")
          )
        )
        const { port } = yield* serve(app as App)
        const response = yield* Wire.exchange(port, Wire.request("GET", "/", { "Accept-Encoding": "gzip" }))
        assert.strictEqual(ReadResponse.value(response.fields, "content-encoding"), "gzip")
        assert.strictEqual(Zlib.gunzipSync(response.body).toString(), text)
        for (const octets of [
          Wire.request("GET", "/"),
          Wire.request("GET", "/small", { "Accept-Encoding": "gzip" })
        ]) {
          const plain = yield* Wire.exchange(port, octets)
          assert.strictEqual(ReadResponse.value(plain.fields, "content-encoding"), undefined)
        }
      })
    )

    it.live("decompression gives the handler what was meant", () =>
      Effect.gen(function* () {
        const app = HttpMiddleware.decompression()(
          Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
            Effect.map(request.text, (text) => HttpServerResponse.text(text))
          )
        )
        const { port } = yield* serve(app as App)
        const octets = Wire.request("POST", "/", { "Content-Encoding": "gzip" }, Zlib.gzipSync("plain text"))
        assert.strictEqual((yield* Wire.exchange(port, octets, "POST")).body.toString(), "plain text")
      })
    )

    it.live("xForwardedHeaders takes the client's address from a trusted proxy", () =>
      Effect.gen(function* () {
        const app = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
          HttpServerResponse.json({
            remote: Option.getOrUndefined(request.remoteAddress),
            peer: Option.getOrUndefined(request.peerAddress),
            host: request.headers.host,
            url: String(Option.getOrUndefined(HttpServerRequest.toURL(request)))
          })
        )
        const trusted = yield* Effect.fromResult(IpNetwork.fromString("127.0.0.0/8"))
        const { port } = yield* serve(
          HttpMiddleware.xForwardedHeaders({ trustedProxies: [trusted] })(app) as App
        )
        const response = yield* Wire.exchange(
          port,
          Wire.request("GET", "/path", {
            "X-Forwarded-For": "203.0.113.7",
            "X-Forwarded-Host": "shop.example",
            "X-Forwarded-Proto": "https"
          })
        )
        assert.deepStrictEqual(JSON.parse(response.body.toString()), {
          remote: "203.0.113.7",
          peer: "127.0.0.1",
          host: "shop.example",
          url: "https://shop.example/path"
        })
      })
    )
  })
})

describe("middleware of a server that is made here", () => {
  it.live("the logger of HttpRouter.serve writes one line for each request, with its status", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const capture = Logger.make(({ message }) => {
        lines.push(JSON.stringify(message))
      })
      const routes = HttpRouter.add("GET", "/", HttpServerResponse.text("x"))
      const context = yield* Layer.build(
        HttpRouter.serve(routes, { disableListenLog: true }).pipe(
          Layer.provideMerge(NvoServer.layer(withTransport({ port: 0, host: "127.0.0.1" }))),
          Layer.provideMerge(Logger.layer([capture]))
        )
      )
      const port = portOf(Context.get(context, HttpServer.HttpServer).address)
      yield* OneWire.exchange(port, OneWire.request("GET", "/"))
      yield* eventually("the line", () => lines.length > 0)
      assert.strictEqual(lines.length, 1)
      assert.include(lines[0], "HTTP response")
    })
  )

  it.live("given to serve wraps the app, and sees what was sent", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const context = yield* Layer.build(NvoServer.layer(withTransport({ port: 0, host: "127.0.0.1" })))
      const app = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
        url === "/fail" ? Effect.fail("no") : Effect.succeed(HttpServerResponse.text("x", { status: 201 }))
      )
      yield* Effect.provideContext(
        HttpServer.serveEffect(app, (wrapped) =>
          Effect.tap(wrapped, (response) =>
            Effect.sync(() => {
              seen.push(response.status)
            })
          )
        ),
        Context.add(context, Logger.CurrentLoggers, new Set())
      )
      const port = portOf(Context.get(context, HttpServer.HttpServer).address)
      yield* OneWire.exchange(port, OneWire.request("GET", "/"))
      assert.strictEqual((yield* OneWire.exchange(port, OneWire.request("GET", "/fail"))).status, 500)
      assert.deepStrictEqual(seen, [201])
    })
  )
})
