/**
 * A download that is made while it is sent, and no faster than the client takes it: `generated` counts what
 * was made, `downloads` who is still being served.
 */
import { Effect, Metric, Schema, Stream } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"

export const generated = Metric.counter("generated_bytes")
export const downloads = Metric.gauge("downloads")

const chunkSize = 64 * 1024
const chunksPerMebibyte = 16

/** Each chunk is filled with its own number, so that one that is lost or doubled shows. */
const generate = (mebibytes: number) =>
  Stream.range(0, mebibytes * chunksPerMebibyte - 1, 1).pipe(
    Stream.map((index) => new Uint8Array(chunkSize).fill(index)),
    Stream.tap((chunk) => Metric.update(generated, chunk.length))
  )

const counted = Effect.acquireRelease(Metric.modify(downloads, 1), () => Metric.modify(downloads, -1))

const Mebibytes = Schema.Struct({
  mebibytes: Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: 4096 }))
})

export const Download = HttpRouter.add(
  "GET",
  "/download/:mebibytes",
  Effect.map(HttpRouter.schemaPathParams(Mebibytes), ({ mebibytes }) =>
    HttpServerResponse.stream(Stream.unwrap(Effect.as(counted, generate(mebibytes))), {
      contentType: "application/octet-stream"
    })
  )
)
