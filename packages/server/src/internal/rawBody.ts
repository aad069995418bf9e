/**
 * Bodies that the application gave as something of its platform: bytes, text, web streams, Node streams.
 */
import * as Effect from "effect/Effect"
import type { HttpBody } from "effect/http/HttpBody"
import * as Stream from "effect/Stream"

const encoder = new TextEncoder()

const isAsyncIterable = (u: unknown): u is AsyncIterable<Uint8Array | string> =>
  typeof u === "object" && u !== null && Symbol.asyncIterator in u

const toBytes = (item: Uint8Array | string): Uint8Array =>
  typeof item === "string" ? encoder.encode(item) : item

/** The octets, at once where they are at hand; an error for what is not known to be a body. */
export const rawBody = (body: unknown): Uint8Array | Stream.Stream<Uint8Array, unknown> | TypeError => {
  if (body === undefined || body === null) return new Uint8Array(0)
  if (typeof body === "string") return encoder.encode(body)
  if (body instanceof Uint8Array) return body
  if (body instanceof ArrayBuffer) return new Uint8Array(body)
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
  if (body instanceof URLSearchParams) return encoder.encode(body.toString())
  if (Stream.isStream(body)) return body as Stream.Stream<Uint8Array, unknown>
  if (body instanceof ReadableStream) {
    return Stream.fromReadableStream<Uint8Array, unknown>({ evaluate: () => body, onError: (error) => error })
  }
  if (body instanceof Blob) return rawBody(body.stream())
  if (body instanceof Response) return rawBody(body.body)
  if (isAsyncIterable(body)) {
    return Stream.map(
      Stream.fromAsyncIterable(body, (error) => error),
      toBytes
    )
  }
  return new TypeError(`Not a response body: ${Object.prototype.toString.call(body)}`)
}

/** The octets as a stream. */
export const rawStream = (body: unknown): Stream.Stream<Uint8Array, unknown> => {
  const raw = rawBody(body)
  if (raw instanceof TypeError) return Stream.fail(raw)
  return raw instanceof Uint8Array ? Stream.succeed(raw) : raw
}

/** Releases a body that will not be read to its end. A stream that was never run holds nothing; one of the platform may. */
export const cancelBody = (body: HttpBody): Effect.Effect<void> => {
  const raw = body._tag === "Raw" ? body.body : undefined
  if (raw instanceof ReadableStream) {
    // A stream that is being read is locked, and its reader cancels it.
    return Effect.sync(() => void (raw.locked || raw.cancel().catch(() => undefined)))
  }
  if (typeof raw === "object" && raw !== null && "destroy" in raw && typeof raw.destroy === "function") {
    return Effect.sync(() => (raw as { destroy(): void }).destroy())
  }
  return Effect.void
}
