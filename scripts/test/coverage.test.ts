import { assert, describe, it } from "@effect/vitest"
import { held, report, type Summary, sumOf } from "../lib/coverage.ts"

const shares = (lines: number, branches: number, total = 100) => ({
  lines: { total, covered: lines },
  branches: { total, covered: branches }
})

const summary = (protocol: readonly [number, number], server: readonly [number, number]): Summary => ({
  total: shares(0, 0, 10_000),
  "/somewhere/packages/protocol/src/http/Status.ts": shares(...protocol),
  "/somewhere/packages/server/src/Engine.ts": shares(...server),
  "/somewhere/packages/bench/src/bench.ts": shares(0, 0)
})

describe("coverage", () => {
  it("adds up the files of a package, and no others", () => {
    const two = {
      ...summary([90, 80], [1, 2]),
      "/somewhere/packages/protocol/src/index.ts": shares(7, 5, 10)
    }
    assert.deepStrictEqual(sumOf(two, held.protocol.sources), {
      lines: { total: 110, covered: 97 },
      branches: { total: 110, covered: 85 }
    })
  })

  it("says how much of each package was passed, rounded down", () => {
    const { failures, lines } = report({
      ...summary([100, 96], [99, 100]),
      "/somewhere/packages/protocol/src/http/Method.ts": shares(2, 3, 3)
    })
    assert.deepStrictEqual(lines, [
      "coverage of protocol: 99.02 % of 103 lines, 96.11 % of 103 branches",
      "coverage of server: 99.00 % of 100 lines, 100.00 % of 100 branches"
    ])
    assert.deepStrictEqual(failures, [])
  })

  const { protocol, server } = held

  it("fails at a floor, and not one line or branch above it", () => {
    const above = summary(
      [protocol.lines + 1, protocol.branches + 1],
      [server.lines + 1, server.branches + 1]
    )
    assert.deepStrictEqual(report(above).failures, [])
    assert.deepStrictEqual(report(summary([protocol.lines, 100], [100, server.branches])).failures, [
      `protocol: ${protocol.lines}.00 % of the lines is not above ${protocol.lines} %`,
      `server: ${server.branches}.00 % of the branches is not above ${server.branches} %`
    ])
  })

  it("fails where nothing was measured", () => {
    assert.deepStrictEqual(report({}).failures, [
      `protocol: nothing of the lines is not above ${protocol.lines} %`,
      `protocol: nothing of the branches is not above ${protocol.branches} %`,
      `server: nothing of the lines is not above ${server.lines} %`,
      `server: nothing of the branches is not above ${server.branches} %`
    ])
  })
})
