import { assert, describe, it } from "@effect/vitest"
import { NvoServer } from "@nvo/node"
import { Effect, Layer } from "effect"
import { HttpClient, HttpRouter } from "effect/http"
import { Routes } from "../src/Routes.ts"

const layer = HttpRouter.serve(Routes, { disableListenLog: true }).pipe(
  Layer.provideMerge(NvoServer.layerTest)
)

const get = Effect.fnUntraced(function* (path: string) {
  const response = yield* HttpClient.get(path)
  return [response.status, yield* response.text] as const
})

describe("hello", () => {
  it.effect("greets the world, whom it is told to, and nobody else", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* get("/"), [200, "Hello, World!\n"])
      assert.deepStrictEqual(yield* get("/hello/Ada%20Lovelace"), [200, "Hello, Ada Lovelace!\n"])
      assert.deepStrictEqual(yield* get("/nobody"), [404, ""])
    }).pipe(Effect.provide(layer))
  )
})
