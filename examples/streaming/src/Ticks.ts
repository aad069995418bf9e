/** Events that are sent as they happen: the time, once a second, for as long as the client listens. */
import { DateTime, Effect, Stream } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"

const ticks = Stream.tick("1 second").pipe(
  Stream.mapEffect(() => Effect.map(DateTime.now, DateTime.formatIso)),
  Stream.map((time) => `event: tick\ndata: ${time}\n\n`),
  Stream.encodeText
)

export const Ticks = HttpRouter.add(
  "GET",
  "/ticks",
  HttpServerResponse.stream(ticks, {
    contentType: "text/event-stream",
    headers: { "cache-control": "no-store" }
  })
)
