/** A request has a fiber of its own, whatever else comes on its connection. */

import { assert, describe, it } from "@effect/vitest"
import { Bytes, SimulatedNetwork, SimulatedTime } from "@nvo/testing"
import { Effect, Fiber, Layer, Logger } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Engine from "../src/Engine.ts"
import * as ServerConfig from "../src/ServerConfig.ts"
import { Transport } from "../src/Transport.ts"

const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

/** Sends requests in batches, and gives what happened in the handlers until all of them are answered. */
const served = (batches: ReadonlyArray<number>, turnRequests: number) =>
  SimulatedTime.run(
    Effect.gen(function* () {
      const told: Array<string> = []
      const fibers = new Set<number>()
      const app = Effect.gen(function* () {
        const fiber = Fiber.getCurrent()
        if (fiber !== undefined) fibers.add(fiber.id)
        const { requestIndex } = (yield* HttpServerRequest.HttpServerRequest).source as {
          readonly requestIndex: number
        }
        yield* Effect.forkChild(
          Effect.onInterrupt(Effect.never, () => Effect.sync(() => told.push(`child ${requestIndex} ends`))),
          { startImmediately: true }
        )
        told.push(`handler ${requestIndex}`)
        return HttpServerResponse.text("x")
      })
      const listener = yield* (yield* Transport).listen({ port: 80 })
      const server = yield* Engine.make(listener, { ...ServerConfig.defaults, turnRequests })
      yield* server.serve(app)
      const client = yield* (yield* SimulatedNetwork.SimulatedNetwork).connect(listener.address)
      let text = ""
      let expected = 0
      for (const requests of batches) {
        yield* client.send(Bytes.fromText(request.repeat(requests)))
        expected += requests
        while (text.split("HTTP/1.1 200").length <= expected) {
          text += Bytes.toText((yield* client.receive) as Uint8Array)
        }
      }
      return { told, fibers: fibers.size }
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.mergeAll(SimulatedNetwork.layer(), Engine.layerServices, Logger.layer([])))
    )
  )

const inTurn = (requests: number) =>
  Array.from({ length: requests }, (_, i) => [`handler ${i + 1}`, `child ${i + 1} ends`]).flat()

describe("what a handler leaves in its fiber ends with its request", () => {
  for (const [what, batches, turnRequests] of [
    ["when the next comes later", [1, 1, 1], 16],
    ["when the next came with it", [3], 16],
    ["when the others have their turn after each", [3], 1],
    ["in any mixture", [2, 1, 4], 2]
  ] as const) {
    it(what, () => {
      const requests = batches.reduce((sum, n) => sum + n, 0)
      assert.deepStrictEqual(served(batches, turnRequests), { told: inTurn(requests), fibers: requests })
    })
  }
})
