// What a suite counts: each check is one line when it fails, and the last line is `N passed, N failed[, N skipped]`.

export interface Checks {
  /** One check; `detail` is shown when it failed. */
  check(name: string, passed: boolean, detail?: string): void
  /** A part that can not run here is named, never passed over in silence. */
  skip(name: string, reason: string): void
  readonly failed: number
  /** The last line of the output. */
  summary(): string
}

export function createChecks(tell: (line: string) => void): Checks {
  let passed = 0
  let failed = 0
  let skipped = 0
  return {
    check(name, isPassed, detail = '') {
      if (isPassed) passed += 1
      else failed += 1
      tell(`${isPassed ? 'passed' : 'FAILED'}  ${name}${isPassed || detail === '' ? '' : `: ${detail}`}`)
    },
    skip(name, reason) {
      skipped += 1
      tell(`SKIPPED  ${name}: ${reason}`)
    },
    get failed() {
      return failed
    },
    summary: () => `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
  }
}

/** The first few of a list, for the detail of a check. */
export function someOf(items: readonly string[], shown = 5): string {
  const rest = items.length - shown
  return `${items.length}: ${items.slice(0, shown).join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`
}
