/** The contract of an API finds every bug that is planted in a sample, and none in the sample as it is. */

import { assert, describe, it } from "@effect/vitest"
import { ApiContract } from "@nvo/testing"
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Shop from "./support/shop.ts"

const options: ApiContract.Options = {
  credentials: HttpClientRequest.bearerToken(Shop.TOKEN),
  maxBodyBytes: Shop.MAX_BODY,
  held: Effect.sync(() => Shop.held.count)
}

const findings = (bug?: Shop.Bug) =>
  Effect.suspend(() => {
    Shop.held.count = 0
    return ApiContract.findings(Shop.Api, Shop.layer(bug), options)
  })

describe("the contract of an API", () => {
  it.live("is kept by the sample as it is", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* findings()).map(ApiContract.format), [])
    })
  )

  for (const [name, { bug, rule }] of Object.entries(Shop.bugs)) {
    it.live(`finds ${name}, and nothing else`, () =>
      Effect.gen(function* () {
        const found = yield* findings(bug)
        assert.deepStrictEqual(
          [...new Set(found.map((one) => one.rule as string))],
          [rule],
          JSON.stringify(found, null, 1)
        )
      })
    )
  }

  it.live("reports the smallest request, as a command", () =>
    Effect.gen(function* () {
      const { bug } = Shop.bugs["a failure for some valid input"]
      const [found] = yield* findings(bug)
      assert.match(found.curl, /^curl -i -X GET 'http:\/\/.*\/items\/500'/)
    })
  )

  it.live("fails with everything it found", () =>
    Effect.gen(function* () {
      const { bug } = Shop.bugs["500 for malformed JSON"]
      const error = yield* Effect.flip(ApiContract.check(Shop.Api, Shop.layer(bug), options))
      assert.instanceOf(error, ApiContract.ContractBroken)
      assert.match(
        error.message,
        /items\.create: RefusesInvalid\n {2}expected: 4xx: the payload is no JSON\n {2}got: {6}500 /
      )
      assert.match(error.message, /curl -i -X POST 'http:\/\/[^']*\/items' .*--data-binary '/)
    })
  )
})
