// A reporter of jest: one line of JSON for each test and each file that ends, at once, on the pipe it is given as file
// descriptor 3. What was told is known also when the process is ended in the middle.
import { writeSync } from 'node:fs'

const PIPE = 3

function tell(event) {
  writeSync(PIPE, `${JSON.stringify(event)}\n`)
}

export default class JestEvents {
  onTestCaseResult({ path }, { fullName, status, failureMessages }) {
    if (status !== 'passed' && status !== 'failed') return
    tell({ kind: 'test', path, name: fullName, status, messages: failureMessages })
  }

  onTestResult({ path }, { testResults, failureMessage, perfStats }) {
    const durationMs = perfStats.end - perfStats.start
    // A file without any test could not be loaded, which is no verdict on its tests.
    tell({ kind: 'file', path, durationMs, ...(testResults.length === 0 && { broken: failureMessage ?? 'no test' }) })
  }

  getLastError() {
    return undefined
  }
}
