/** Bodies that an app gave as something of its platform: what is sent of each, and what is released. */
import { assert, describe, it } from "@effect/vitest"
import { Bytes } from "@nvo/testing"
import { Effect, Stream } from "effect"
import { HttpBody } from "effect/http"
import { cancelBody, rawBody, rawStream } from "../src/internal/rawBody.ts"

const hello = Bytes.fromText("hello")

const webStream = () => new Blob(["hello"]).stream()

const generated = async function* () {
  yield "hel"
  yield Bytes.fromText("lo")
}

const bodies: ReadonlyArray<readonly [what: string, body: unknown, text: string]> = [
  ["nothing", undefined, ""],
  ["null", null, ""],
  ["text", "héllo", Bytes.toText(new TextEncoder().encode("héllo"))],
  ["bytes", hello, "hello"],
  ["a buffer", hello.slice().buffer, "hello"],
  ["a view into a buffer", new DataView(Bytes.fromText("a hello b").buffer, 2, 5), "hello"],
  ["a form", new URLSearchParams({ a: "1 2" }), "a=1+2"],
  ["a stream of Effect", Stream.make(hello, hello), "hellohello"],
  ["a web stream", webStream(), "hello"],
  ["a blob", new Blob(["hel", "lo"]), "hello"],
  ["a response of the web", new Response("hello"), "hello"],
  ["a response without a body", new Response(null), ""],
  ["what is iterated over, of text and bytes", generated(), "hello"]
]

describe("a raw body", () => {
  for (const [what, body, text] of bodies) {
    it.effect(`${what} is sent as its octets`, () =>
      Effect.gen(function* () {
        const chunks = yield* Stream.runCollect(rawStream(body))
        assert.strictEqual(Bytes.toText(Bytes.concat([...chunks])), text)
      })
    )
  }

  for (const [what, body, shown] of [
    ["a number", 5, "[object Number]"],
    ["an object", {}, "[object Object]"]
  ] as const) {
    it.effect(`${what} is none, and an error says so`, () =>
      Effect.gen(function* () {
        assert.instanceOf(rawBody(body), TypeError)
        const error = yield* Effect.flip(Stream.runDrain(rawStream(body)))
        assert.strictEqual((error as TypeError).message, `Not a response body: ${shown}`)
      })
    )
  }

  it.effect("an error of a web stream, or of what is iterated over, is that of the stream", () =>
    Effect.gen(function* () {
      const broken = new Error("broken")
      const web = new ReadableStream({ start: (controller) => controller.error(broken) })
      assert.strictEqual(yield* Effect.flip(Stream.runDrain(rawStream(web))), broken)
      const iterated = (async function* () {
        throw broken
      })()
      assert.strictEqual(yield* Effect.flip(Stream.runDrain(rawStream(iterated))), broken)
    })
  )
})

describe("a raw body that is not read to its end", () => {
  it.effect("is cancelled where it is a web stream, once", () =>
    Effect.gen(function* () {
      let cancelled = 0
      const body = new ReadableStream({
        cancel: () => {
          cancelled++
          throw new Error("what is thrown there is nobody's concern")
        }
      })
      yield* cancelBody(HttpBody.raw(body))
      assert.strictEqual(cancelled, 1)
    })
  )

  it.effect("is left to its reader where a web stream has one", () =>
    Effect.gen(function* () {
      let cancelled = 0
      const body = new ReadableStream({ cancel: () => void cancelled++ })
      const reader = body.getReader()
      yield* cancelBody(HttpBody.raw(body))
      assert.strictEqual(cancelled, 0)
      yield* Effect.promise(() => reader.cancel())
      assert.strictEqual(cancelled, 1)
    })
  )

  it.effect("is destroyed where it can be", () =>
    Effect.gen(function* () {
      let destroyed = 0
      yield* cancelBody(HttpBody.raw({ destroy: () => destroyed++ }))
      assert.strictEqual(destroyed, 1)
    })
  )

  for (const [what, body] of [
    ["text", HttpBody.text("hello")],
    ["no body", HttpBody.empty],
    ["raw text", HttpBody.raw("hello")],
    ["what only names its destruction", HttpBody.raw({ destroy: true })],
    ["nothing", HttpBody.raw(null)]
  ] as const) {
    it.effect(`is left alone where it is ${what}`, () => cancelBody(body))
  }
})
