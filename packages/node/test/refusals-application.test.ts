/**
 * Every reason for which an application's response is refused: what the peer gets instead, and the typed error.
 */
import { assert, describe, it } from "@effect/vitest"
import { Http1Error } from "@nvo/protocol"
import { ApplicationError, EarlyHints, Trailers } from "@nvo/server"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import * as ReadResponse from "./support/ReadResponse.ts"
import { connectionOf, nextError, quiet } from "./support/rawServer.ts"
import { type App, serve } from "./support/serve.ts"
import * as Wire from "./support/Wire.ts"

interface Broken {
  readonly reason: Http1Error.ReasonTag
  readonly section: string
  readonly breaks: string
  readonly app: App
  readonly method?: string
  /** The status, or how the body of a response that had begun breaks off. */
  readonly answer: 500 | 501 | "Length" | "Chunked"
  readonly tag?: ApplicationError.ApplicationErrorReason["_tag"]
}

const octets = (...sizes: ReadonlyArray<number>) =>
  Stream.fromIterable(sizes.map((size) => new Uint8Array(size).fill(97)))

const header = (name: string, value: string): App =>
  Effect.succeed(HttpServerResponse.setHeader(HttpServerResponse.text("abc"), name, value))

const cases: ReadonlyArray<Broken> = [
  {
    reason: "InvalidStatus",
    section: "RFC 9110 §15",
    breaks: "a status above 599",
    app: Effect.sync(() => HttpServerResponse.empty({ status: 600 })),
    answer: 500
  },
  {
    reason: "InvalidInterimStatus",
    section: "RFC 9110 §15.2",
    breaks: "an interim response that is final",
    app: Effect.as(EarlyHints.interim(200 as 102, {}), HttpServerResponse.text("abc")),
    answer: 500
  },
  {
    reason: "InvalidReasonPhrase",
    section: "RFC 9112 §4",
    breaks: "a reason phrase that holds a line end",
    app: Effect.succeed(HttpServerResponse.empty({ status: 200, statusText: "OK\r\nx: y" })),
    answer: 500
  },
  {
    reason: "InvalidResponseFieldName",
    section: "RFC 9110 §5.1",
    breaks: "a field name that is no token",
    app: header("x y", "1"),
    answer: 500
  },
  {
    reason: "InvalidResponseFieldValue",
    section: "RFC 9110 §5.5",
    breaks: "a field value that would begin another response",
    app: header("x", "1\r\n\r\nHTTP/1.1 200 OK"),
    answer: 500
  },
  {
    reason: "InvalidResponseLength",
    section: "RFC 9110 §8.6",
    breaks: "a Content-Length that is no number",
    app: header("content-length", "three"),
    answer: 500
  },
  {
    reason: "ResponseLengthMismatch",
    section: "RFC 9112 §6.3",
    breaks: "a Content-Length that is not the body's",
    app: header("content-length", "4"),
    answer: 500
  },
  {
    reason: "ResponseTooLong",
    section: "RFC 9112 §6.3",
    breaks: "a stream longer than its Content-Length",
    app: Effect.succeed(HttpServerResponse.stream(octets(4, 4), { contentLength: 6 })),
    answer: "Length",
    tag: "ResponseBodyFailed"
  },
  {
    reason: "ResponseTooShort",
    section: "RFC 9112 §8",
    breaks: "a stream shorter than its Content-Length",
    app: Effect.succeed(HttpServerResponse.stream(octets(4), { contentLength: 6 })),
    answer: "Length",
    tag: "ResponseBodyFailed"
  },
  {
    reason: "ConnectWithoutTunnel",
    section: "RFC 9110 §9.3.6",
    breaks: "a 2xx answer to CONNECT that opens no tunnel",
    app: Effect.succeed(HttpServerResponse.text("abc")),
    method: "CONNECT",
    answer: 501
  },
  {
    reason: "ForbiddenResponseTrailer",
    section: "RFC 9110 §6.5.1",
    breaks: "a trailer that frames the message",
    app: Effect.succeed(
      Trailers.withTrailers(HttpServerResponse.stream(octets(4)), Effect.succeed({ "content-length": "4" }))
    ),
    answer: "Chunked",
    tag: "ResponseBodyFailed"
  }
]

// No application says in which order a response is encoded: the encoder's own tests break it.
const unreachable: ReadonlyArray<Http1Error.ReasonTag> = ["ResponseOutOfOrder"]

/** The `Http1Error` for which a response was refused, found in what the application's exchange ended with. */
const http1ErrorOf = (error: unknown): Http1Error.Http1Error | undefined => {
  if (Http1Error.isHttp1Error(error)) return error
  if (Cause.isCause(error)) {
    return error.reasons.flatMap((reason) => (reason._tag === "Fail" ? http1ErrorOf(reason.error) : [])).at(0)
  }
  if (typeof error !== "object" || error === null) return undefined
  const { cause, reason } = error as {
    readonly cause?: unknown
    readonly reason?: { readonly cause?: unknown }
  }
  return http1ErrorOf(reason?.cause) ?? http1ErrorOf(cause)
}

const refused = (case_: Broken) =>
  Effect.gen(function* () {
    const server = yield* serve(case_.app)
    const wire = yield* Wire.connect(server.port)
    const id = yield* connectionOf(server, wire)
    const method = case_.method ?? "GET"
    wire.sendUnsafe(Wire.request(method, method === "CONNECT" ? "a:443" : "/"))

    const response = yield* wire.response()
    if (typeof case_.answer === "number") {
      assert.strictEqual(response.status, case_.answer)
      assert.strictEqual(ReadResponse.value(response.fields, "x"), undefined)
      assert.strictEqual(response.body.length, 0)
      // The message was understood: the connection goes on.
      wire.sendUnsafe(Wire.request("HEAD", "/"))
      yield* wire.response("HEAD")
    } else {
      // The head is out: what is missing tells the peer.
      assert.deepStrictEqual(
        [response.status, response.framing, response.complete],
        [200, case_.answer, false]
      )
      yield* wire.end
    }
    assert.strictEqual(wire.rest, "")

    const error = yield* nextError(server)
    assert.instanceOf(error, ApplicationError.ApplicationError)
    assert.strictEqual(error.reason._tag, case_.tag ?? "HandlerFailed")
    assert.strictEqual(error.initiator, "Application")
    assert.strictEqual(error.connectionId, id)
    const http1Error = http1ErrorOf(error)
    assert.strictEqual(http1Error?.reason._tag, case_.reason)
    assert.strictEqual(http1Error?.connectionId, id)
    assert.strictEqual(http1Error?.requestIndex, 1)
    assert.strictEqual(http1Error?.initiator, "Application")
  })

describe("RFC 9112 refusals of an application's response, over a socket", () => {
  it("have a test for every reason of the application's", () => {
    const reasons = Object.entries(Http1Error.reasons)
      .filter(([, { initiator }]) => initiator === "Application")
      .map(([tag]) => tag)
    assert.deepStrictEqual([...cases.map(({ reason }) => reason), ...unreachable].sort(), [...reasons].sort())
  })

  for (const case_ of cases) {
    it.live(`${case_.section}: ${case_.breaks} is ${case_.reason}`, () => quiet(refused(case_)))
  }
})
