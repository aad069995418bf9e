/** The decoder and the encoder as transforms of streams. */
import { assert, describe, it } from "@effect/vitest"
import * as ConnectionId from "@nvo/protocol/http/ConnectionId"
import * as RequestDecoder from "@nvo/protocol/http1/RequestDecoder"
import * as ResponseEncoder from "@nvo/protocol/http1/ResponseEncoder"
import type * as ResponseEvent from "@nvo/protocol/http1/ResponseEvent"
import { Bytes } from "@nvo/testing"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { plainEvents } from "./support/observe.ts"

class AskedForMore {
  readonly _tag = "AskedForMore"
}

// Whoever pulls behind what is given is noticed.
const askedForMore = Stream.fromEffect(Effect.fail(new AskedForMore()))

// Everything that a stream gives before it ends or fails, in the arrays in which it comes.
const drain = <A, E>(stream: Stream.Stream<A, E>) =>
  Effect.gen(function* () {
    const arrays: Array<ReadonlyArray<A>> = []
    const error = yield* Stream.chunks(stream).pipe(
      Stream.runForEach((array) => Effect.sync(() => arrays.push(array))),
      Effect.as(undefined),
      Effect.catch((error) => Effect.succeed(error))
    )
    return { arrays, error }
  })

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

describe("the decoder as a transform of streams", () => {
  const decode = (...chunks: ReadonlyArray<Uint8Array>) =>
    Stream.fromIterable(chunks).pipe(RequestDecoder.decode())

  it.effect("gives all messages of a connection, however it is cut", () =>
    Effect.gen(function* () {
      const bytes = Bytes.fromText(`${GET}POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab${GET}`)
      const [whole] = (yield* drain(decode(bytes))).arrays
      assert.deepStrictEqual(
        whole.map(({ _tag }) => _tag),
        ["RequestHead", "RequestEnd", "RequestHead", "BodyData", "RequestEnd", "RequestHead", "RequestEnd"]
      )
      for (const halves of Bytes.halves(bytes)) {
        const { arrays, error } = yield* drain(decode(...halves))
        assert.isUndefined(error)
        assert.deepStrictEqual(plainEvents(arrays.flat()), plainEvents(whole))
      }
    })
  )

  it.effect("gives nothing where a chunk ends no part of a message, and waits for the next one", () =>
    Effect.gen(function* () {
      const chunks = Bytes.octets(Bytes.fromText(GET)).map((octet) => Stream.make(octet))
      const { arrays, error } = yield* drain(
        chunks
          .reduce((before, next) => Stream.concat(before, next), Stream.make(new Uint8Array(0)))
          .pipe(RequestDecoder.decode())
      )
      assert.isUndefined(error)
      assert.deepStrictEqual(
        arrays.map((array) => array.map(({ _tag }) => _tag)),
        [["RequestHead", "RequestEnd"]]
      )
    })
  )

  it.effect("gives what precedes a refused message, then the error, and asks for nothing more", () =>
    Effect.gen(function* () {
      const octets = Stream.make(Bytes.fromText(`${GET}@`), Bytes.fromText(GET))
      const { arrays, error } = yield* drain(
        Stream.concat(octets, askedForMore).pipe(RequestDecoder.decode())
      )
      assert.deepStrictEqual(
        arrays.flat().map(({ _tag }) => _tag),
        ["RequestHead", "RequestEnd"]
      )
      assert.strictEqual(error?._tag === "Http1Error" && error.reason._tag, "InvalidMethod")
    })
  )

  it.effect("fails with what its octets fail with", () =>
    Effect.gen(function* () {
      const octets = Stream.concat(Stream.make(Bytes.fromText("GET")), askedForMore)
      const { error } = yield* drain(octets.pipe(RequestDecoder.decode()))
      assert.strictEqual(error?._tag, "AskedForMore")
    })
  )

  it.effect("ends between two messages, and fails inside one", () =>
    Effect.gen(function* () {
      for (const text of ["", "\r\n", GET, `${GET}\r\n`]) {
        assert.isUndefined((yield* drain(decode(Bytes.fromText(text)))).error)
      }
      for (const text of ["G", GET.slice(0, -1), `${GET}G`]) {
        const { error } = yield* drain(decode(Bytes.fromText(text)))
        assert.strictEqual(error?.reason._tag, "IncompleteMessage")
      }
    })
  )
})

describe("the encoder as a transform of streams", () => {
  const exchange: ResponseEncoder.Exchange = {
    ...ResponseEncoder.unknownExchange(ConnectionId.none, 3),
    persistent: true
  }

  const head = (bodyLength?: number): ResponseEvent.ResponseHead => ({
    _tag: "ResponseHead",
    status: 200,
    fields: {},
    bodyLength
  })

  const data = (text: string): ResponseEvent.ResponseData => ({
    _tag: "ResponseData",
    bytes: Bytes.fromText(text)
  })

  const END: ResponseEvent.ResponseEnd = { _tag: "ResponseEnd" }

  const textOf = (arrays: ReadonlyArray<ReadonlyArray<Uint8Array>>) =>
    Bytes.toText(Bytes.concat(arrays.flat()))

  it.effect("gives what was encoded before it fails, then the error, and nothing behind it", () =>
    Effect.gen(function* () {
      const events = Stream.concat(Stream.make(head(1), data("ab"), END), askedForMore)
      const { arrays, error } = yield* drain(events.pipe(ResponseEncoder.encode(exchange, { date: "today" })))
      assert.strictEqual(error?._tag === "Http1Error" && error.reason._tag, "ResponseTooLong")
      assert.strictEqual(textOf(arrays), "HTTP/1.1 200 OK\r\ndate: today\r\ncontent-length: 1\r\n\r\n")
    })
  )

  it.effect("gives nothing for what has no octets, and waits for the next event", () =>
    Effect.gen(function* () {
      const events = [head(1), data(""), data("a"), END]
      const { arrays, error } = yield* drain(
        events
          .map((event) => Stream.make<[ResponseEvent.ResponseEvent]>(event))
          .reduce((before, next) => Stream.concat(before, next))
          .pipe(ResponseEncoder.encode(exchange))
      )
      assert.isUndefined(error)
      assert.deepStrictEqual(
        arrays.map((array) => array.map((octets) => Bytes.toText(octets))),
        [["HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n"], ["a"]]
      )
    })
  )

  it.effect("ends with the response", () =>
    Effect.gen(function* () {
      const events: ReadonlyArray<ResponseEvent.ResponseEvent> = [head(1), data("a"), END]
      const { arrays, error } = yield* drain(
        Stream.fromIterable(events).pipe(ResponseEncoder.encode(exchange))
      )
      assert.isUndefined(error)
      assert.strictEqual(textOf(arrays), "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na")
    })
  )
})
