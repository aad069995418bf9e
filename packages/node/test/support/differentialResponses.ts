/** Every kind of response, by name: what the differential test asks of both servers. */

import { Readable } from "node:stream"
import { fileURLToPath } from "node:url"
import { Data, Effect, Stream } from "effect"
import * as Cookies from "effect/http/Cookies"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type { App } from "./serve.ts"

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7) % 256)

const pieces = ["one ", "", "two ", "three — ünïcödé"].map((text) => new TextEncoder().encode(text))
const piecesLength = pieces.reduce((sum, piece) => sum + piece.length, 0)

/** A file whose octets do not change while tests run. */
export const file = fileURLToPath(new URL("./differentialResponses.ts", import.meta.url))

const webStream = () => new Response("from a web stream").body

const form = () => {
  const data = new FormData()
  data.append("name", "value")
  data.append("file", new Blob(["content"], { type: "text/plain" }), "a.txt")
  return data
}

class Teapot extends Data.TaggedError("Teapot")<{}> {
  [HttpServerRespondable.symbol]() {
    return HttpServerResponse.json({ error: this._tag }, { status: 418 })
  }
}

const ok = (response: HttpServerResponse.HttpServerResponse): App => Effect.succeed(response)
const lazy = (make: () => HttpServerResponse.HttpServerResponse): App => Effect.sync(make)
const withRequest = (make: (request: HttpServerRequest.HttpServerRequest) => unknown): App =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => Effect.fail(make(request)))

const statuses = [200, 201, 202, 204, 205, 206, 300, 304, 400, 404, 418, 451, 499, 500, 503, 599]

/** By name, so that a counterexample can be read. */
export const responses: Readonly<Record<string, App>> = {
  empty: ok(HttpServerResponse.empty()),
  "empty-200": ok(HttpServerResponse.empty({ status: 200 })),
  bytes: ok(HttpServerResponse.uint8Array(bytes(300))),
  "bytes-typed": ok(HttpServerResponse.uint8Array(bytes(3), { contentType: "image/png" })),
  "bytes-empty": ok(HttpServerResponse.uint8Array(new Uint8Array(0))),
  "bytes-large": ok(HttpServerResponse.uint8Array(bytes(300_000))),
  "bytes-huge": ok(HttpServerResponse.uint8Array(bytes(1_500_000))),
  text: ok(HttpServerResponse.text("Hello, World!")),
  "text-empty": ok(HttpServerResponse.text("")),
  "text-unicode": ok(HttpServerResponse.text("Grüße, 世界 🌍")),
  "text-latin1": ok(HttpServerResponse.text("café")),
  "text-typed": ok(HttpServerResponse.text("a,b", { contentType: "text/csv; charset=utf-8" })),
  html: ok(HttpServerResponse.html("<h1>Hello</h1>")),
  json: HttpServerResponse.json({ a: [1, null, "é"], b: { c: true } }),
  "json-null": HttpServerResponse.json(null),
  "json-unserialisable": HttpServerResponse.json({ n: 1n }),
  urlParams: ok(HttpServerResponse.urlParams({ a: "1 2", b: ["x", "ü&"] })),
  file: HttpServerResponse.file(file),
  "file-part": HttpServerResponse.file(file, { offset: 10, bytesToRead: 100 }),
  "file-missing": HttpServerResponse.file(`${file}.none`),
  "raw-string": ok(HttpServerResponse.raw("raw — text", { contentType: "text/plain" })),
  "raw-bytes": ok(HttpServerResponse.raw(bytes(40))),
  "raw-bytes-length": ok(HttpServerResponse.raw(bytes(40), { contentLength: 40 })),
  "raw-readable": lazy(() => HttpServerResponse.raw(Readable.from([Buffer.from("a"), Buffer.from("bc")]))),
  "raw-readable-length": lazy(() =>
    HttpServerResponse.raw(Readable.from([Buffer.from("a"), Buffer.from("bc")]), { contentLength: 3 })
  ),
  "raw-readable-short": lazy(() =>
    HttpServerResponse.raw(Readable.from([Buffer.from("a")]), { contentLength: 3 })
  ),
  "raw-readable-fails": lazy(() =>
    HttpServerResponse.raw(
      Readable.from(
        (async function* () {
          yield Buffer.from("begun")
          throw new Error("the source broke")
        })()
      )
    )
  ),
  "raw-web-stream": lazy(() => HttpServerResponse.raw(webStream())),
  "raw-blob": lazy(() => HttpServerResponse.raw(new Blob(["from a blob"]))),
  "raw-number": ok(HttpServerResponse.raw(42)),
  "raw-null": ok(HttpServerResponse.raw(null)),
  stream: ok(HttpServerResponse.stream(Stream.fromIterable(pieces))),
  "stream-typed": ok(HttpServerResponse.stream(Stream.fromIterable(pieces), { contentType: "text/plain" })),
  "stream-empty": ok(HttpServerResponse.stream(Stream.empty)),
  "stream-length": ok(
    HttpServerResponse.stream(Stream.fromIterable(pieces), { contentLength: piecesLength })
  ),
  "stream-large": ok(HttpServerResponse.stream(Stream.map(Stream.range(1, 40), () => bytes(20_000)))),
  "stream-short": ok(
    HttpServerResponse.stream(Stream.fromIterable(pieces), { contentLength: piecesLength + 1 })
  ),
  "stream-long": ok(HttpServerResponse.stream(Stream.fromIterable(pieces), { contentLength: 2 })),
  "stream-fails-at-once": ok(HttpServerResponse.stream(Stream.fail("no"))),
  "stream-fails": ok(HttpServerResponse.stream(Stream.concat(Stream.make(bytes(10)), Stream.fail("no")))),
  "stream-fails-length": ok(
    HttpServerResponse.stream(Stream.concat(Stream.make(bytes(10)), Stream.fail("no")), { contentLength: 20 })
  ),
  "stream-dies": ok(HttpServerResponse.stream(Stream.concat(Stream.make(bytes(10)), Stream.die("no")))),
  "html-stream": HttpServerResponse.htmlStream`<p>${Effect.succeed("effect")} ${Stream.make("a", "b")}</p>`,
  "form-data": lazy(() => HttpServerResponse.formData(form())),
  cookies: Effect.map(
    HttpServerResponse.setCookies(HttpServerResponse.text("cookies"), [
      ["a", "1", { path: "/", httpOnly: true, sameSite: "lax" }],
      ["b", "zwei drei;ü", { maxAge: "1 hour", secure: true }]
    ]),
    HttpServerResponse.setHeader("x-after", "yes")
  ),
  "cookies-and-field": HttpServerResponse.setCookie(
    HttpServerResponse.text("x", { headers: { "set-cookie": "raw=1; Path=/" } }),
    "made",
    "2"
  ),
  "cookie-empty-200": ok(
    HttpServerResponse.empty({ status: 200, cookies: Cookies.fromSetCookie(["x=y; Path=/"]) })
  ),
  "cookie-expired": HttpServerResponse.expireCookie(HttpServerResponse.text("x"), "gone"),
  headers: ok(
    HttpServerResponse.text("x", {
      headers: {
        "X-Custom": "a, b",
        Vary: "Accept",
        "Cache-Control": "no-store",
        "x-latin1": "caf\u00e9",
        "x-empty": ""
      }
    })
  ),
  "header-date": ok(HttpServerResponse.text("x", { headers: { date: "Sun, 06 Nov 1994 08:49:37 GMT" } })),
  "header-close": ok(HttpServerResponse.text("x", { headers: { connection: "close" } })),
  "header-length-wrong": ok(HttpServerResponse.text("four", { headers: { "content-length": "5" } })),
  "header-length-set": ok(
    HttpServerResponse.setHeader(HttpServerResponse.text("four"), "content-length", "5")
  ),
  "header-name-invalid": ok(HttpServerResponse.text("x", { headers: { "a b": "c" } })),
  "header-value-splits": ok(HttpServerResponse.text("x", { headers: { "x-a": "b\r\nx-injected: 1" } })),
  "header-value-wide": ok(HttpServerResponse.text("x", { headers: { "x-a": "→" } })),
  redirect: ok(HttpServerResponse.redirect("/elsewhere?a=1")),
  "redirect-301": ok(HttpServerResponse.redirect(new URL("http://example.com/ü"), { status: 301 })),
  "status-text": ok(HttpServerResponse.text("x", { status: 299, statusText: "Quite Fine" })),
  "status-text-splits": ok(HttpServerResponse.text("x", { statusText: "OK\r\nx: y" })),
  "status-101": ok(HttpServerResponse.text("x", { status: 101 })),
  "status-600": ok(HttpServerResponse.text("x", { status: 600 })),
  "status-fraction": ok(HttpServerResponse.text("x", { status: 200.5 })),
  ...Object.fromEntries(
    statuses.flatMap(
      (status): ReadonlyArray<[string, App]> => [
        [`text-${status}`, ok(HttpServerResponse.text("body", { status }))],
        [`empty-${status}`, ok(HttpServerResponse.empty({ status }))],
        [`stream-${status}`, ok(HttpServerResponse.stream(Stream.fromIterable(pieces), { status }))]
      ]
    )
  ),
  failure: Effect.fail({ _tag: "SomethingElse" }),
  defect: Effect.die(new Error("boom")),
  throws: Effect.sync(() => {
    throw new Error("thrown")
  }),
  interrupt: Effect.interrupt,
  respondable: Effect.fail(new Teapot()),
  "respondable-defect": Effect.die(new Teapot()),
  "response-defect": Effect.die(HttpServerResponse.text("early exit", { status: 202 })),
  "parse-error": withRequest(
    (request) =>
      new HttpServerError.HttpServerError({ reason: new HttpServerError.RequestParseError({ request }) })
  ),
  "too-large-error": withRequest(
    (request) =>
      new HttpServerError.HttpServerError({
        reason: new HttpServerError.RequestParseError({ request, reason: "BodyTooLarge" })
      })
  ),
  "internal-error": withRequest(
    (request) =>
      new HttpServerError.HttpServerError({ reason: new HttpServerError.InternalError({ request }) })
  ),
  "not-found-error": withRequest(
    (request) =>
      new HttpServerError.HttpServerError({ reason: new HttpServerError.RouteNotFound({ request }) })
  )
}
