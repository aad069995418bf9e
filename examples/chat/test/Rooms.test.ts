import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"
import { Told } from "../src/Message.ts"
import * as Support from "./support.ts"

const enter = Effect.fnUntraced(function* (at: string, room: string) {
  const { closed, send, soon } = yield* Support.connect(`ws://${at}/rooms/${room}/socket`)
  const told = Effect.map(Effect.flatMap(soon, Schema.decodeUnknownEffect(Told)), (messages) =>
    messages.map(({ author, text }) => `${author}: ${text}`)
  )
  return { told, closed, send, say: (author: string, text: string) => send({ author, text }) }
})

describe("rooms", () => {
  it.live("tell everyone in them what is said, and nobody else, and remember it", () =>
    Effect.gen(function* () {
      const file = `${yield* Support.folder}/chat.sqlite`
      const chat = yield* Support.start(file)
      const ada = yield* enter(chat.at, "tea")
      const ben = yield* enter(chat.at, "tea")
      const cyd = yield* enter(chat.at, "coffee")
      for (const { told } of [ada, ben, cyd]) assert.deepStrictEqual(yield* told, [])

      yield* ada.say("Ada", "Earl Grey?")
      for (const { told } of [ada, ben]) assert.deepStrictEqual(yield* told, ["Ada: Earl Grey?"])
      yield* ben.say("Ben", "Always.")
      for (const { told } of [ada, ben]) assert.deepStrictEqual(yield* told, ["Ben: Always."])
      // Had anything of the other room been told here, it would have come first.
      yield* cyd.say("Cyd", "Alone?")
      assert.deepStrictEqual(yield* cyd.told, ["Cyd: Alone?"])

      assert.strictEqual(yield* chat.stop, 130)
      for (const { closed } of [ada, ben, cyd]) assert.strictEqual(yield* closed, 1001)

      const again = yield* Support.start(file)
      const dot = yield* enter(again.at, "tea")
      assert.deepStrictEqual(yield* dot.told, ["Ada: Earl Grey?", "Ben: Always."])
      assert.deepStrictEqual(yield* (yield* enter(again.at, "coffee")).told, ["Cyd: Alone?"])
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.live("tell who comes the last 50 messages", () =>
    Effect.gen(function* () {
      const chat = yield* Support.start(`${yield* Support.folder}/chat.sqlite`)
      const texts = Array.from({ length: 51 }, (_, index) => `Ada: ${index}`)
      // No client may say more than ten a second.
      for (let from = 0; from < texts.length; from += 10) {
        const ada = yield* enter(chat.at, "tea")
        yield* ada.told
        for (const text of texts.slice(from, from + 10)) {
          yield* ada.say("Ada", text.slice("Ada: ".length))
          assert.deepStrictEqual(yield* ada.told, [text])
        }
      }
      assert.deepStrictEqual(yield* (yield* enter(chat.at, "tea")).told, texts.slice(1))
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.live("close on what is no message, and have names that can be named", () =>
    Effect.gen(function* () {
      const chat = yield* Support.start(`${yield* Support.folder}/chat.sqlite`)
      const bad = [
        { author: "", text: "Who?" },
        { author: "Ada", text: "" },
        { author: "Ada", text: "a".repeat(2001) },
        { author: "a".repeat(41), text: "Hello" },
        ["Ada", "Hello"]
      ]
      for (const message of bad) {
        const client = yield* enter(chat.at, "tea")
        yield* client.send(message)
        assert.strictEqual(yield* client.closed, 1007)
      }
      const client = yield* enter(chat.at, "r".repeat(40))
      yield* client.told
      yield* client.say("a".repeat(40), "💬".repeat(1000))
      assert.deepStrictEqual(yield* client.told, [`${"a".repeat(40)}: ${"💬".repeat(1000)}`])
      for (const room of ["r".repeat(41), "a%20room"]) {
        for (const path of [room, `${room}/socket`]) {
          assert.strictEqual((yield* HttpClient.get(`http://${chat.at}/rooms/${path}`)).status, 400)
        }
      }
    }).pipe(Effect.provide([NodeServices.layer, FetchHttpClient.layer]))
  )

  it.live("are for the chat's own page, not for those of others", () =>
    Effect.gen(function* () {
      const chat = yield* Support.start(`${yield* Support.folder}/chat.sqlite`)
      const statusFrom = (origin: string) =>
        Effect.map(
          HttpClient.get(`http://${chat.at}/rooms/tea/socket`, { headers: { origin } }),
          ({ status }) => status
        )
      assert.strictEqual(yield* statusFrom("https://elsewhere.example"), 403)
      // Its own page gets as far as the handshake, which this request is none of.
      assert.strictEqual(yield* statusFrom(`http://${chat.at}`), 426)
    }).pipe(Effect.provide([NodeServices.layer, FetchHttpClient.layer]))
  )
})
