// Counts of tests and checks, and the one plain line that every suite ends with.

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** The part of jest's `--json` output that is counted. */
export interface JestResults {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  /** Suites that could not run at all, e.g. for a syntax error. */
  readonly numRuntimeErrorTestSuites: number
}

/** Without results, jest itself failed. A suite that could not run is one failure. */
export function countsOfJest(results: JestResults | undefined): Counts {
  if (results === undefined) return { passed: 0, failed: 1, skipped: 0 }
  return {
    passed: results.numPassedTests,
    failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
    skipped: results.numPendingTests + results.numTodoTests,
  }
}

export function addCounts(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped }
}

/** `3 passed, 0 failed`, with `, 1 skipped` only where something was. */
export function formatCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`
}
