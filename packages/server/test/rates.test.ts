/** How many may come in a second, and how slow a peer may be: at the limit and one beyond it. */
import { assert, describe, it } from "@effect/vitest"
import * as Pace from "../src/internal/pace.ts"
import { Rate } from "../src/internal/webSocket/rate.ts"

describe("how many come within a second", () => {
  it("are as many as the limit, not one more, and as many again after it", () => {
    let now = 5_000
    const rate = new Rate(3, () => now)
    assert.deepStrictEqual([rate.take(), rate.take(), rate.take(), rate.take()], [true, true, true, false])
    now += 999
    assert.isFalse(rate.take())
    now += 1
    assert.deepStrictEqual([rate.take(), rate.take(), rate.take(), rate.take()], [true, true, true, false])
  })

  it("a second begins with the first that comes, however long nothing came", () => {
    let now = 0
    const rate = new Rate(1, () => now)
    now = 60_000
    assert.isTrue(rate.take())
    now = 60_999
    assert.isFalse(rate.take())
    now = 61_000
    assert.isTrue(rate.take())
  })

  it("are any number without a limit, and nobody asks for the time", () => {
    const rate = new Rate(0, () => assert.fail("the time was asked for"))
    for (let i = 0; i < 10_000; i++) assert.isTrue(rate.take())
  })
})

describe("how slow a peer may be", () => {
  it("octets at the rate give back the time that they took", () => {
    const pace = Pace.make(1_000)
    assert.strictEqual(Pace.wait(pace, 100), 1_100)
    Pace.progress(pace, 600, 50, 1_000, 100)
    assert.strictEqual(pace.credit, 1_000)
    assert.strictEqual(Pace.wait(pace, 600), 1_600)
  })

  it("fewer octets cost the rest of it, and more give no more than there was", () => {
    const pace = Pace.make(1_000)
    Pace.wait(pace, 0)
    Pace.progress(pace, 500, 20, 1_000, 100)
    assert.strictEqual(pace.credit, 700)
    Pace.progress(pace, 500, 1_000, 1_000, 100)
    assert.strictEqual(pace.credit, 1_000)
  })

  it("without a rate any octet gives all of it back, and none gives nothing", () => {
    const pace = Pace.make(1_000)
    Pace.wait(pace, 0)
    Pace.progress(pace, 400, 0, 1_000, 0)
    assert.strictEqual(pace.credit, 600)
    Pace.progress(pace, 900, 1, 1_000, 0)
    assert.strictEqual(pace.credit, 1_000)
  })
})
