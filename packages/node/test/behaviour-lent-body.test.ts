/** A body that is lent: every octet of it, each piece for as long as its reader works on it. */
import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { LentBody } from "@nvo/server"
import { ByteSize, Effect } from "effect"
import { HttpIncomingMessage, type HttpServerRequest, HttpServerResponse } from "effect/http"
import { everyWay } from "./support/httpWays.ts"
import type { App } from "./support/serve.ts"

const sha = (...pieces: ReadonlyArray<Uint8Array>) => {
  const hash = createHash("sha256")
  for (const piece of pieces) hash.update(piece)
  return hash.digest("hex")
}

const LENGTH = 4 * 1_048_576 + 7
const bodies = [1, 2, 3].map((step) => Buffer.from(Uint8Array.from({ length: LENGTH }, (_, at) => at * step)))

type Read = Effect.Effect<unknown, unknown, HttpServerRequest.HttpServerRequest>

const answering = (read: Read): App => Effect.flatMap(read, (value) => HttpServerResponse.json(value))

const folded = Effect.suspend(() =>
  Effect.map(
    LentBody.runFold(
      () => createHash("sha256"),
      (hash, octets) => hash.update(octets)
    ),
    (hash) => hash.digest("hex")
  )
)

// Each piece is looked at when it comes, and again when others have had time to come.
const slowly = Effect.gen(function* () {
  const hash = createHash("sha256")
  yield* LentBody.runForEach((octets) =>
    Effect.gen(function* () {
      const before = sha(octets)
      hash.update(octets)
      yield* Effect.sleep(1)
      assert.strictEqual(sha(octets), before)
    })
  )
  return hash.digest("hex")
})

everyWay(({ Wire, serve }) => {
  const post = (port: number, body: string | Uint8Array) =>
    Wire.exchange(port, Wire.request("POST", "/", {}, body), "POST")

  describe("a lent body", () => {
    for (const [name, read] of Object.entries({ runFold: folded, runForEach: slowly })) {
      it.live(`${name} gives every octet, on many connections at once`, () =>
        Effect.gen(function* () {
          const { port } = yield* serve(answering(read))
          const answers = yield* Effect.forEach(bodies, (body) => post(port, body), {
            concurrency: "unbounded"
          })
          assert.deepStrictEqual(
            answers.map(({ body }) => JSON.parse(body.toString())),
            bodies.map((body) => sha(body))
          )
        })
      )

      it.live(`${name} gives every octet of chunks`, () =>
        Effect.gen(function* () {
          const { port } = yield* serve(answering(read))
          const pieces = [bodies[0].subarray(0, 100_000), bodies[1].subarray(0, 200_000), bodies[2]]
          const octets = Buffer.concat([
            Wire.request("POST", "/", { "Transfer-Encoding": "chunked" }),
            Wire.chunked(pieces)
          ])
          const { body } = yield* Wire.exchange(port, octets, "POST")
          assert.strictEqual(JSON.parse(body.toString()), sha(...pieces))
        })
      )

      it.live(`${name} reads as much as MaxBodySize allows, and not an octet more`, () =>
        Effect.gen(function* () {
          const app = Effect.provideService(
            answering(read),
            HttpIncomingMessage.MaxBodySize,
            ByteSize.fromInputUnsafe(10)
          )
          const { port } = yield* serve(app)
          assert.strictEqual((yield* post(port, "1234567890")).status, 200)
          assert.strictEqual((yield* post(port, "1234567890a")).status, 413)
        })
      )
    }

    it.live("runForEach ends with the first failure of its reader", () =>
      Effect.gen(function* () {
        const failing = LentBody.runForEach((octets) => Effect.fail(octets.length))
        const { port } = yield* serve(
          answering(Effect.catch(failing, (error) => Effect.succeed({ failed: error })))
        )
        assert.deepStrictEqual(JSON.parse((yield* post(port, "12345")).body.toString()), { failed: 5 })
      })
    )
  })
})
