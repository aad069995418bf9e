/** What the peers talk to. */
import * as Effect from "effect/Effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import type { App } from "./serve.ts"

const piece = new Uint8Array(16_384).fill(97)

const count = Effect.flatMap(HttpServerRequest, (request) =>
  Effect.map(
    Stream.runFold(
      request.stream,
      () => 0,
      (sum, bytes) => sum + bytes.length
    ),
    (octets) => HttpServerResponse.jsonUnsafe({ octets })
  )
)

/**
 * `/`: a text. `/echo`: the body, streamed back. `/count`: how many octets came. `/read`: the body, read as a whole.
 * `/stream`: a million octets of unknown length. `/tell/…`: the rest of the path.
 */
export const app: App = Effect.flatMap(HttpServerRequest, (request): App => {
  switch (request.url) {
    case "/":
      return Effect.succeed(HttpServerResponse.text("Hello, World!"))
    case "/echo":
      return Effect.succeed(HttpServerResponse.stream(request.stream))
    case "/count":
      return count
    case "/read":
      return Effect.map(request.text, (text) => HttpServerResponse.text(text))
    case "/stream":
      return Effect.succeed(HttpServerResponse.stream(Stream.take(Stream.forever(Stream.make(piece)), 64)))
  }
  return Effect.succeed(
    request.url.startsWith("/tell/")
      ? HttpServerResponse.text(request.url.slice(6))
      : HttpServerResponse.empty({ status: 404 })
  )
}).pipe(Effect.interruptible)
