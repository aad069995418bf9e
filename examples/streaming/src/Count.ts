/** An upload of any size, counted while it arrives: no more of it is in memory than one chunk. */
import { Effect, Stream } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"

export const Count = HttpRouter.add(
  "POST",
  "/count",
  Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const counts = yield* Stream.runFold(
      request.stream,
      () => ({ bytes: 0, lines: 0 }),
      (counts, chunk) => ({ bytes: counts.bytes + chunk.length, lines: counts.lines + newlines(chunk) })
    )
    return yield* HttpServerResponse.json(counts)
  })
)

const newlines = (chunk: Uint8Array): number =>
  chunk.reduce((count, byte) => (byte === 10 ? count + 1 : count), 0)
