/**
 * What an `effect/http` application may rely on, whatever its peer speaks: one list of tests, over HTTP/1.1 and HTTP/2,
 * each without TLS and with it, and over a poller.
 */
import { assert, describe, it } from "@effect/vitest"
import { EarlyHints, HandlerTimeout, RequestSource, Trailers } from "@nvo/server"
import { Deferred, Effect, Exit, Option, type Scope, Stream } from "effect"
import * as Fiber from "effect/Fiber"
import { HttpEffect, HttpServerError, HttpServerRequest, HttpServerResponse, Multipart } from "effect/http"
import { type Client, type Response, type Way, ways } from "./support/applicationClients.ts"
import { type App, type Running, serve } from "./support/serve.ts"
import { eventually } from "./support/settle.ts"

const { HttpServerRequest: Request } = HttpServerRequest

interface Application {
  readonly app: App
  readonly options?: Parameters<typeof serve>[1]
  readonly test: (client: Client, server: Running, way: Way) => Effect.Effect<void, unknown, Scope.Scope>
}

const text = ({ body }: Response) => body.toString()

const reasons = ({ errors }: Running) => errors.map(({ reason }) => reason._tag)

const isClientAbort = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) &&
  exit.cause.reasons.some(
    (reason) => reason._tag === "Interrupt" && reason.annotations.has(HttpServerError.ClientAbort.key)
  )

const large = Buffer.alloc(1_000_000, "0123456789abcdef")

const withRequest = (use: (request: HttpServerRequest.HttpServerRequest) => App): App =>
  Effect.flatMap(Request, use).pipe(Effect.interruptible)

// State of a test that its application shares.
let started = Deferred.makeUnsafe<void>()
let ended = Deferred.makeUnsafe<Exit.Exit<unknown, unknown>>()
const renew = Effect.sync(() => {
  started = Deferred.makeUnsafe()
  ended = Deferred.makeUnsafe()
})

const applications: Readonly<Record<string, Application>> = {
  "a text": {
    app: Effect.succeed(HttpServerResponse.text("Hello, World!")),
    test: (client) =>
      Effect.gen(function* () {
        const response = yield* client.request()
        assert.deepStrictEqual([response.status, text(response)], [200, "Hello, World!"])
        assert.strictEqual(response.headers["content-length"], "13")
        assert.strictEqual(response.headers["content-type"], "text/plain")
        assert.match(String(response.headers.date), / GMT$/)
      })
  },
  "an empty response": {
    app: Effect.succeed(HttpServerResponse.empty()),
    test: (client) =>
      Effect.gen(function* () {
        const response = yield* client.request()
        assert.deepStrictEqual([response.status, text(response)], [204, ""])
        assert.isUndefined(response.headers["content-length"])
      })
  },
  "method, path, query, fields and host are the request's": {
    app: withRequest((request) =>
      Effect.succeed(
        HttpServerResponse.jsonUnsafe({
          method: request.method,
          url: request.url,
          original: request.originalUrl,
          host: request.headers.host,
          field: request.headers["x-field"],
          cookie: request.cookies.a
        })
      )
    ),
    test: (client, { port }, { scheme }) =>
      Effect.gen(function* () {
        const response = yield* client.request({
          method: "DELETE",
          path: "/a%20b?c=d&c=e",
          headers: { "X-Field": "v, w", cookie: "a=1; b=2" }
        })
        assert.deepStrictEqual(JSON.parse(text(response)), {
          method: "DELETE",
          url: "/a%20b?c=d&c=e",
          original: `${scheme}://127.0.0.1:${port}/a%20b?c=d&c=e`,
          host: `127.0.0.1:${port}`,
          field: "v, w",
          cookie: "1"
        })
      })
  },
  "the source of a request": {
    app: withRequest((request) =>
      Effect.succeed(
        HttpServerResponse.jsonUnsafe(
          Option.match(RequestSource.of(request), {
            onNone: () => null,
            onSome: ({ head }) => ["streamId" in head, head.rawTarget]
          })
        )
      )
    ),
    test: (client, _, { version }) =>
      Effect.gen(function* () {
        const response = yield* client.request({ path: "/a" })
        assert.deepStrictEqual(JSON.parse(text(response)), [version === "2", "/a"])
      })
  },
  "cookies and fields that come more than once": {
    app: Effect.succeed(
      HttpServerResponse.text("", { headers: { "x-a": "b" } }).pipe(
        HttpServerResponse.setCookieUnsafe("one", "1"),
        HttpServerResponse.setCookieUnsafe("two", "2")
      )
    ),
    test: (client) =>
      Effect.gen(function* () {
        const { headers } = yield* client.request()
        assert.deepStrictEqual(headers["set-cookie"], ["one=1", "two=2"])
        assert.strictEqual(headers["x-a"], "b")
      })
  },
  "HEAD has the head of GET and no body": {
    app: Effect.succeed(HttpServerResponse.text("Hello, World!")),
    test: (client) =>
      Effect.gen(function* () {
        const response = yield* client.request({ method: "HEAD" })
        assert.deepStrictEqual([response.status, text(response)], [200, ""])
        assert.strictEqual(response.headers["content-length"], "13")
      })
  },
  "a body that is read as a whole": {
    app: withRequest((request) =>
      Effect.map(request.json, (json) => HttpServerResponse.jsonUnsafe({ got: json }))
    ),
    test: (client) =>
      Effect.gen(function* () {
        const response = yield* client.request({ method: "POST", body: '{"a":[1,2]}' })
        assert.deepStrictEqual(JSON.parse(text(response)), { got: { a: [1, 2] } })
      })
  },
  "a large body, up and down, while it comes": {
    app: withRequest((request) => Effect.succeed(HttpServerResponse.stream(request.stream))),
    test: (client) =>
      Effect.gen(function* () {
        const response = yield* client.request({ method: "PUT", body: large })
        assert.isTrue(response.body.equals(large))
      })
  },
  "a body over its limit is answered with 413": {
    app: withRequest((request) => Effect.map(request.text, () => HttpServerResponse.empty())),
    options: { bufferedBodyBytes: 10 },
    test: (client) =>
      Effect.gen(function* () {
        const exact = yield* client.request({ method: "POST", body: "0123456789" })
        assert.strictEqual(exact.status, 204)
        const over = yield* client.request({
          method: "POST",
          body: "0123456789a",
          headers: { "content-length": "11" }
        })
        assert.strictEqual(over.status, 413)
      })
  },
  "a body that nobody reads does not stop the next request": {
    app: Effect.succeed(HttpServerResponse.text("ok")),
    test: (client) =>
      Effect.gen(function* () {
        for (let i = 0; i < 3; i++) {
          const response = yield* client.request({ method: "POST", body: "x".repeat(10_000) })
          assert.strictEqual(text(response), "ok")
        }
      })
  },
  "a form": {
    app: withRequest((request) =>
      Effect.map(request.urlParamsBody, (params) => HttpServerResponse.jsonUnsafe([...params]))
    ),
    test: (client) =>
      Effect.gen(function* () {
        const response = yield* client.request({
          method: "POST",
          headers: { "content-type": "application/x-www-form-urlencoded" },
          body: "a=1&b=%20"
        })
        assert.deepStrictEqual(JSON.parse(text(response)), [
          ["a", "1"],
          ["b", " "]
        ])
      })
  },
  multipart: {
    app: withRequest((request) =>
      Effect.map(
        Stream.runFold(
          request.multipartStream,
          () => "",
          (all, part) => all + (Multipart.isField(part) ? `${part.key}=${part.value};` : "")
        ),
        (fields) => HttpServerResponse.text(fields)
      )
    ),
    test: (client) =>
      Effect.gen(function* () {
        const part = (name: string, value: string) =>
          `--X\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
        const response = yield* client.request({
          method: "POST",
          headers: { "content-type": "multipart/form-data; boundary=X" },
          body: `${part("a", "1")}${part("b", "2")}--X--\r\n`
        })
        assert.strictEqual(text(response), "a=1;b=2;")
      })
  },
  "a stream of unknown length, and one that is empty": {
    app: withRequest(({ url }) =>
      Effect.succeed(
        HttpServerResponse.stream(
          url === "/empty" ? Stream.empty : Stream.encodeText(Stream.fromIterable(["one ", "two ", "three"]))
        )
      )
    ),
    test: (client) =>
      Effect.gen(function* () {
        const response = yield* client.request()
        assert.strictEqual(text(response), "one two three")
        assert.isUndefined(response.headers["content-length"])
        assert.strictEqual(text(yield* client.request({ path: "/empty" })), "")
      })
  },
  "a stream that fails in the middle cannot be taken for a whole": {
    app: Effect.succeed(
      HttpServerResponse.stream(Stream.concat(Stream.encodeText(Stream.make("some")), Stream.fail("broken")))
    ),
    test: (client, server) =>
      Effect.gen(function* () {
        assert.isTrue(Exit.isFailure(yield* Effect.exit(client.request())))
        yield* eventually("the report", () => server.errors.length > 0)
        assert.deepStrictEqual(reasons(server), ["ResponseBodyFailed"])
      })
  },
  "a body that is not as long as was said cannot be taken for a whole": {
    app: Effect.succeed(
      HttpServerResponse.stream(Stream.encodeText(Stream.make("some")), { contentLength: 10 })
    ),
    test: (client, server) =>
      Effect.gen(function* () {
        assert.isTrue(Exit.isFailure(yield* Effect.exit(client.request())))
        yield* eventually("the report", () => server.errors.length > 0)
        assert.deepStrictEqual(reasons(server), ["ResponseBodyFailed"])
      })
  },
  "a handler that fails or dies is answered with 500, and the next one is not": {
    app: withRequest(({ url }) =>
      url === "/fail"
        ? Effect.fail("no")
        : url === "/die"
          ? Effect.die("no")
          : Effect.succeed(HttpServerResponse.text("ok"))
    ),
    test: (client, server) =>
      Effect.gen(function* () {
        assert.strictEqual((yield* client.request({ path: "/fail" })).status, 500)
        assert.strictEqual((yield* client.request({ path: "/die" })).status, 500)
        assert.strictEqual(text(yield* client.request()), "ok")
        yield* eventually("both reports", () => server.errors.length > 1)
        assert.deepStrictEqual(reasons(server), ["HandlerFailed", "HandlerFailed"])
      })
  },
  "a field that cannot be sent is answered with 500, and nothing of it is": {
    app: Effect.succeed(HttpServerResponse.text("x", { headers: { "x-a": "b\r\nx-c: d" } })),
    test: (client) =>
      Effect.gen(function* () {
        const response = yield* client.request()
        assert.strictEqual(response.status, 500)
        assert.isUndefined(response.headers["x-c"])
      })
  },
  "a pre-response handler may change the response": {
    app: Effect.gen(function* () {
      yield* HttpEffect.appendPreResponseHandler((_, response) =>
        Effect.succeed(HttpServerResponse.setHeader(response, "x-late", "yes"))
      )
      return HttpServerResponse.text("ok")
    }),
    test: (client) =>
      Effect.gen(function* () {
        assert.strictEqual((yield* client.request()).headers["x-late"], "yes")
      })
  },
  "the Scope of a request ends with it": {
    app: Effect.gen(function* () {
      yield* Effect.addFinalizer((exit) => Deferred.succeed(ended, exit))
      return HttpServerResponse.text("ok")
    }),
    test: (client) =>
      Effect.gen(function* () {
        yield* client.request()
        assert.isTrue(Exit.isSuccess(yield* Deferred.await(ended)))
      })
  },
  "a client that leaves interrupts its handler, as ClientAbort": {
    app: Effect.andThen(
      Effect.suspend(() => Deferred.succeed(started, undefined)),
      Effect.never
    ).pipe(
      Effect.onExit((exit) => Deferred.succeed(ended, exit)),
      Effect.interruptible
    ),
    test: (client, server) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(client.request())
        yield* Deferred.await(started)
        yield* Fiber.interrupt(fiber)
        assert.isTrue(isClientAbort(yield* Deferred.await(ended)))
        yield* eventually("the report", () => server.errors.length > 0)
        assert.deepStrictEqual(reasons(server), ["ClientAborted"])
      })
  },
  "a handler that takes too long is interrupted, and answered with 503": {
    app: Effect.onExit(Effect.never, (exit) => Deferred.succeed(ended, exit)).pipe(
      HandlerTimeout.within("50 millis"),
      Effect.interruptible
    ),
    test: (client, server) =>
      Effect.gen(function* () {
        assert.strictEqual((yield* client.request()).status, 503)
        assert.isTrue(Exit.isFailure(yield* Deferred.await(ended)))
        yield* eventually("the report", () => server.errors.length > 0)
        assert.deepStrictEqual(reasons(server), ["HandlerTimeout"])
      })
  },
  "a full server turns requests away with 503 and Retry-After": {
    app: Effect.andThen(
      Effect.suspend(() => Deferred.succeed(started, undefined)),
      Effect.never
    ).pipe(Effect.interruptible),
    options: { inFlightCount: 1, queueCount: 0 },
    test: (client) =>
      Effect.gen(function* () {
        yield* Effect.forkScoped(Effect.ignore(client.request()))
        yield* Deferred.await(started)
        const response = yield* client.request()
        assert.deepStrictEqual([response.status, response.headers["retry-after"]], [503, "1"])
      })
  },
  "early hints come before the response": {
    app: Effect.gen(function* () {
      yield* EarlyHints.send({ link: "</style.css>; rel=preload" })
      return HttpServerResponse.text("ok")
    }),
    test: (client) =>
      Effect.gen(function* () {
        const response = yield* client.request()
        assert.deepStrictEqual(response.interim, [[103, "</style.css>; rel=preload"]])
        assert.strictEqual(text(response), "ok")
      })
  },
  "100 (Continue) is sent when the body is asked for": {
    app: withRequest((request) => Effect.map(request.text, (body) => HttpServerResponse.text(body))),
    test: (client) =>
      Effect.gen(function* () {
        const response = yield* client.request({
          method: "POST",
          headers: { expect: "100-continue" },
          body: "late"
        })
        assert.deepStrictEqual([text(response), response.interim], ["late", [[100, undefined]]])
      })
  },
  "trailers, both ways": {
    app: withRequest((request) =>
      Effect.map(
        Effect.flatMap(request.text, () => Trailers.request),
        (trailers) =>
          HttpServerResponse.stream(Stream.encodeText(Stream.make("body"))).pipe(
            Trailers.withTrailers(Effect.succeed({ "x-sum": `${trailers["x-sum"]}!` }))
          )
      )
    ),
    test: (client) =>
      Effect.gen(function* () {
        const response = yield* client.request({
          method: "POST",
          body: "abc",
          headers: {},
          trailers: { "x-sum": "3" }
        })
        assert.deepStrictEqual([text(response), response.trailers["x-sum"]], ["body", "3!"])
      })
  },
  "trailers behind a body of a known length, where there is room for them": {
    app: Effect.succeed(
      HttpServerResponse.stream(Stream.encodeText(Stream.make("body")), { contentLength: 4 }).pipe(
        Trailers.withTrailers(Effect.succeed({ "x-sum": "4" }))
      )
    ),
    test: (client, _, { expected }) =>
      Effect.gen(function* () {
        const response = yield* client.request()
        assert.deepStrictEqual(
          [text(response), response.headers["content-length"], response.trailers["x-sum"]],
          ["body", "4", expected.trailersBehindLength ? "4" : undefined]
        )
      })
  },
  "many requests at a time, each with its own answer": {
    app: withRequest(({ url }) =>
      Effect.delay(Effect.succeed(HttpServerResponse.text(url)), `${url.length % 7} millis`)
    ),
    test: (client) =>
      Effect.gen(function* () {
        const paths = Array.from({ length: 200 }, (_, i) => `/${"x".repeat(i)}`)
        const answers = yield* Effect.forEach(paths, (path) => client.request({ path }), { concurrency: 50 })
        assert.deepStrictEqual(answers.map(text), paths)
      })
  }
}

for (const way of ways) {
  describe(`an application over ${way.name}`, () => {
    for (const [name, { app, options, test }] of Object.entries(applications)) {
      it.live(name, () =>
        Effect.gen(function* () {
          yield* renew
          const server = yield* serve(app, { ...way.options, ...options })
          const client = yield* way.connect(server.port)
          yield* test(client, server, way)
        })
      )
    }
  })
}
