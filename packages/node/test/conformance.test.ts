/** nvo meets every MUST and every SHOULD of the conformance suite. */
import { assert, describe, it } from "@effect/vitest"
import { Conformance } from "@nvo/testing"
import { Effect } from "effect"
import { HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Peers from "./support/peersSocket.ts"
import { serve } from "./support/serve.ts"

const app = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  return HttpServerResponse.text(`${(yield* request.text).length} octets`)
})

describe("conformance of nvo", () => {
  for (const one of Conformance.cases) {
    it.live(`${one.section}, ${one.level}: ${one.title}`, () =>
      Effect.gen(function* () {
        const { address } = yield* serve(app)
        const { failure } = yield* Conformance.runCase(one, Peers.connect(address))
        assert.isUndefined(failure)
      })
    )
  }
})
