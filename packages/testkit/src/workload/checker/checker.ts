// The verdict over one run. Pure: facts in, violations out.
import { type CheckInput, Verdict, type Violation } from './check-input.ts'
import { checkDeliveries, type RuleCounts } from './delivery-rules.ts'
import { checkEnd, type EndCounts } from './end-rules.ts'
import { checkAcknowledged, checkOffsets, checkRun, checkSent } from './message-rules.ts'
import { Places } from './places.ts'

export interface Judgement {
  readonly violations: readonly Violation[]
  readonly counts: RuleCounts & EndCounts
}

/** Applies every rule; those about the end only when the run has come to it. */
export function judge(input: CheckInput): Judgement {
  const verdict = new Verdict()
  const places = new Places(input)
  checkRun(input, verdict)
  const ruleCounts = checkDeliveries(places, verdict)
  if (input.broken !== undefined) {
    return { violations: verdict.violations, counts: { ...ruleCounts, deadLetters: 0, expiredHandles: 0 } }
  }
  checkAcknowledged(places, verdict)
  checkSent(places, verdict)
  checkOffsets(places, verdict)
  const endCounts = checkEnd(places, verdict)
  return { violations: verdict.violations, counts: { ...ruleCounts, ...endCounts } }
}
