/** Topics without their subscribers: nobody is counted, and what is no WebSocket of this server is told so. */
import { assert, describe, it } from "@effect/vitest"
import { ConnectionId } from "@nvo/protocol"
import { Cause, Effect, Exit, Stream } from "effect"
import * as Topics from "../src/Topics.ts"
import type { WebSocket } from "../src/WebSocket.ts"

const stranger: WebSocket<unknown, never> = {
  connectionId: ConnectionId.none,
  protocol: undefined,
  messages: Stream.empty,
  send: () => Effect.succeed(true),
  close: () => Effect.void
}

describe("a topic", () => {
  it.effect("that nobody has subscribed to has no subscribers, and what is published is sent to none", () =>
    Effect.gen(function* () {
      const topics = yield* Topics.Topics
      assert.strictEqual(yield* topics.count("a"), 0)
      assert.strictEqual(yield* topics.publish("a", "hello"), 0)
    }).pipe(Effect.provide(Topics.Topics.layer))
  )

  it.effect("is not for WebSockets of others", () =>
    Effect.gen(function* () {
      const topics = yield* Topics.Topics
      const exit = yield* Effect.exit(topics.subscribe("a", stranger))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.strictEqual(yield* topics.count("a"), 0)
    }).pipe(Effect.scoped, Effect.provide(Topics.Topics.layer))
  )
})
