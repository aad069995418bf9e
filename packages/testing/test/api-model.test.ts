/** Sequences of commands against a model. */

import { assert, describe, it } from "@effect/vitest"
import { NvoServer } from "@nvo/node"
import { ApiModel } from "@nvo/testing"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

// A stack of numbers. The broken one loses what is below a second zero.
const stack = (broken: boolean) =>
  HttpRouter.serve(
    Layer.unwrap(
      Effect.sync(() => {
        let items: Array<string> = []
        return Layer.mergeAll(
          HttpRouter.add(
            "POST",
            "/push",
            Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
              Effect.map(request.text, (text) => {
                if (broken && text === "0" && items.includes("0")) items = []
                items.push(text)
                return HttpServerResponse.empty()
              })
            )
          ),
          HttpRouter.add(
            "POST",
            "/pop",
            Effect.sync(() => HttpServerResponse.text(items.pop() ?? "empty"))
          )
        )
      })
    ),
    { disableListenLog: true, disableLogger: true }
  ).pipe(Layer.provideMerge(NvoServer.layerTest))

type Model = ReadonlyArray<number>

const push: ApiModel.Command<Model> = {
  name: "push",
  input: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 })),
  run: (model, input: number) =>
    Effect.as(
      HttpClient.execute(HttpClientRequest.post("/push").pipe(HttpClientRequest.bodyText(String(input)))),
      [...model, input]
    )
}

const pop: ApiModel.Command<Model> = {
  name: "pop",
  input: Schema.Null,
  when: (model) => model.length > 0,
  run: (model) =>
    Effect.gen(function* () {
      const text = yield* (yield* HttpClient.post("/pop")).text
      const due = String(model.at(-1))
      return text === due ? model.slice(0, -1) : yield* Effect.fail(`${text}, ${due} is due`)
    })
}

const options = { initial: [] as Model, commands: [push, pop], runs: 60 }

describe("commands against a model", () => {
  it.live("agree with a server that does what the model says", () => ApiModel.check(stack(false), options))

  it.live("show the shortest sequence where it does not", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(ApiModel.check(stack(true), options))
      assert.instanceOf(error, ApiModel.ModelBroken)
      assert.strictEqual(error.message, "push 0, push 0, pop, pop → empty, 0 is due")
    })
  )
})
