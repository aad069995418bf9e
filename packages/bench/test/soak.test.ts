/** A short form of `npm run soak`, and what it judges by. */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { growth } from "../src/measure/Trend.ts"
import { runScript } from "./support.ts"

describe("npm run soak", () => {
  it("tells what rises from what is flat", () => {
    assert.strictEqual(growth([10, 10, 10, 10, 10, 10]), 1)
    assert.strictEqual(growth([10, 90, 10, 11, 9, 10, 10, 50, 10]), 1)
    assert.isAbove(growth([10, 11, 12, 13, 14, 15, 16, 17, 18]), 1.5)
  })

  it.live.runIf(process.platform === "linux")(
    "good, broken and slow clients leave neither memory nor descriptors behind",
    () =>
      Effect.gen(function* () {
        const { exitCode, said } = yield* runScript("soak", "--minutes 0.15 --rounds 6")
        assert.strictEqual(exitCode, 0, said)
        assert.include(said, "descriptors left over: 0")
      }).pipe(Effect.provide(NodeServices.layer)),
    120_000
  )
})
