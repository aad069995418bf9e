/**
 * The same requests through the routes that Effect makes and through compiled ones: status, fields, body, reported
 * causes, exit and what the handler saw have to be equal.
 */
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import { pair } from "./support/observe.ts"
import { request } from "./support/requests.ts"

const REQUESTS = 10_000

/** Everything that the api answers with. */
const STATUSES = [200, 201, 202, 203, 204, 299, 400, 401, 402, 403, 404, 409, 413, 415, 418, 426, 500]

/** Sends the requests to both and gives the statuses that came back. */
const law = Effect.fnUntraced(function* (shadowed: boolean) {
  const { compiled, original } = yield* pair(shadowed)
  const statuses = new Set<number>()
  yield* Effect.promise(() =>
    fc.assert(
      fc.asyncProperty(request, async (sent) => {
        const expected = await original.observe(sent)
        expect(await compiled.observe(sent)).toEqual(expected)
        statuses.add(expected.status)
      }),
      { numRuns: REQUESTS }
    )
  )
  return statuses
})

describe("a compiled route behaves as the original", () => {
  it.live(`for ${REQUESTS} generated requests`, () =>
    Effect.gen(function* () {
      const statuses = yield* law(false)
      // The generator reaches all of the api, or the law would say less than it seems to. Some of it is reached seldom,
      // so that there are runs which need more requests; a part that is never reached fails.
      for (let more = 0; more < 5 && STATUSES.some((status) => !statuses.has(status)); more++) {
        for (const status of yield* law(false)) statuses.add(status)
      }
      for (const status of STATUSES) {
        expect(statuses).toContain(status)
      }
    })
  )

  it.live(`for ${REQUESTS} generated requests, in a context that has a service of the group`, () => law(true))
})
