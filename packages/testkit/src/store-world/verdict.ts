// What a run did wrong.

export interface Violation {
  readonly rule: string
  readonly detail: string
}

/** More of them say nothing new. */
const VIOLATIONS_MAX = 20

export class Verdict {
  readonly violations: Violation[] = []
  /** Told about each, when it is found: where in the run it was. */
  place: () => string = () => ''

  add(rule: string, detail: string): void {
    if (this.violations.length < VIOLATIONS_MAX) this.violations.push({ rule, detail: `${detail}${this.place()}` })
  }
}
