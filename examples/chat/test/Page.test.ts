/** People with a browser: the page of a room in Chromium, in three tabs. */
import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Chromium from "./chromium.ts"
import * as Support from "./support.ts"

type Tab = (expression: string) => Effect.Effect<unknown, Support.Missing>

/** Waits until an expression has a value in the page. */
const until = (tab: Tab, expression: string, value: unknown) =>
  Effect.gen(function* () {
    let seen: unknown
    for (let i = 0; i < 300; i++) {
      seen = yield* tab(expression)
      if (JSON.stringify(seen) === JSON.stringify(value)) return
      yield* Effect.sleep("100 millis")
    }
    assert.deepStrictEqual(seen, value)
  })

const messages = `[...document.querySelectorAll("li")].map((item) => item.textContent)`
const connected = `document.querySelector("button")?.disabled === false`

const say = (tab: Tab, author: string, text: string) =>
  tab(`{
    document.querySelector("#author").value = ${JSON.stringify(author)}
    document.querySelector("#text").value = ${JSON.stringify(text)}
    document.querySelector("form").requestSubmit()
  }`)

const chats = (path: string) =>
  Effect.gen(function* () {
    const file = `${yield* Support.folder}/chat.sqlite`
    const chat = yield* Support.start(file)
    const browser = yield* Chromium.launch(path)
    const enter = (path: string) =>
      Effect.tap(browser.open(`http://${chat.at}${path}`), (tab) => until(tab, connected, true))
    const ada = yield* enter("/rooms/tea")
    const ben = yield* enter("/rooms/tea")
    const cyd = yield* enter("/")
    assert.strictEqual(yield* cyd("document.title"), "lobby")

    yield* say(ada, "Ada", "<b>Earl Grey?</b>")
    for (const tab of [ada, ben]) yield* until(tab, messages, ["Ada: <b>Earl Grey?</b>"])
    yield* say(ben, "Ben", "Always.")
    for (const tab of [ada, ben]) yield* until(tab, messages, ["Ada: <b>Earl Grey?</b>", "Ben: Always."])
    yield* say(cyd, "Cyd", "Alone?")
    yield* until(cyd, messages, ["Cyd: Alone?"])

    assert.strictEqual(yield* chat.stop, 130)
    yield* until(ada, connected, false)
    yield* Support.start(file, chat.port)
    // The tabs come back by themselves; a new one finds what was said.
    for (const tab of [ada, ben, yield* enter("/rooms/tea")]) {
      yield* until(tab, connected, true)
      yield* until(tab, messages, ["Ada: <b>Earl Grey?</b>", "Ben: Always."])
    }
    yield* say(ada, "Ada", "Still here?")
    yield* until(ben, messages, ["Ada: <b>Earl Grey?</b>", "Ben: Always.", "Ada: Still here?"])
    assert.deepStrictEqual(yield* cyd(messages), ["Cyd: Alone?"])
  }).pipe(Effect.provide(NodeServices.layer))

const title = "the page tells each room its own messages, and comes back after a restart"
const { found } = Chromium
if (found === undefined && process.env.NVO_REQUIRE_PEERS !== "1") {
  console.warn(`skipped, chromium is not installed: ${title}`)
}
it.live.skipIf(found === undefined && process.env.NVO_REQUIRE_PEERS !== "1")(title, () =>
  found === undefined ? Effect.die(new Error("chromium is not installed")) : chats(found)
)
