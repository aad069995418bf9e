import { assert, describe, it } from "@effect/vitest"
import { type Counts, count, type Report } from "../lib/results.ts"

const clean: Report = {
  numPassedTests: 7,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [{ status: "passed", assertionResults: [{}] }]
}

const runs: ReadonlyArray<readonly [name: string, report: Report | undefined, exit: number, counts: Counts]> =
  [
    ["a clean run passes", clean, 0, { passed: 7, failed: 0 }],
    ["failed tests are counted", { ...clean, numFailedTests: 2 }, 1, { passed: 7, failed: 2 }],
    ["a skipped test is a failed one", { ...clean, numPendingTests: 1 }, 0, { passed: 7, failed: 1 }],
    ["a test without a body is a failed one", { ...clean, numTodoTests: 1 }, 0, { passed: 7, failed: 1 }],
    [
      "a file that cannot be loaded is a failure",
      { ...clean, testResults: [{ status: "failed", assertionResults: [] }] },
      1,
      { passed: 7, failed: 1 }
    ],
    [
      "a file with failed tests is not counted twice",
      { ...clean, numFailedTests: 1, testResults: [{ status: "failed", assertionResults: [{}] }] },
      1,
      { passed: 7, failed: 1 }
    ],
    ["a run that fails without a failed test is one failure", clean, 1, { passed: 7, failed: 1 }],
    ["a run that ends before the tests is one failure", undefined, 2, { passed: 0, failed: 1 }],
    ["a run without a report is a failure, whatever it claims", undefined, 0, { passed: 0, failed: 1 }]
  ]

describe("results", () => {
  for (const [name, report, exit, counts] of runs) {
    it(name, () => {
      assert.deepStrictEqual(count(report, exit), counts)
    })
  }
})
