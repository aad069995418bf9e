/** What counts of vitest's JSON report. */
export interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: ReadonlyArray<{
    readonly status: string
    readonly assertionResults: ReadonlyArray<unknown>
  }>
}

export interface Counts {
  readonly passed: number
  readonly failed: number
}

/**
 * Counts a run in which everything has to run: a skipped test is a failed one, and so is a file that could not be
 * loaded. A run that failed without a failed test (the compiler, the linter, an unhandled error, no report at
 * all) counts as one failure.
 */
export const count = (report: Report | undefined, exitCode: number): Counts => {
  const failed =
    report === undefined
      ? 0
      : report.numFailedTests +
        report.numPendingTests +
        report.numTodoTests +
        report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0)
          .length
  return {
    passed: report?.numPassedTests ?? 0,
    failed: failed === 0 && (exitCode !== 0 || report === undefined) ? 1 : failed
  }
}
