// In the end: no half message is left, and the buckets of their ledger are what became of each.
import type { QueueLedger } from '@rocketmq-ts/broker'
import { noteArrived } from './check-waits.ts'
import type { LogImage } from './log-image.ts'
import type { Model } from './model.ts'
import type { Verdict } from './verdict.ts'
import { halvesIn } from './waiting.ts'

export interface HalvesFacts {
  readonly image: LogImage
  /** Undefined where there never was a half message. */
  readonly row: QueueLedger | undefined
}

export function checkHalves(model: Model, { image, row }: HalvesFacts, verdict: Verdict): void {
  noteArrived(model, image, verdict)
  if (row === undefined) return
  const { lag, balanced, faults, sum, max, buckets } = row
  if (!balanced || sum !== max) verdict.add('ledger', `half messages: ${faults.join('; ')}, ${sum} of ${max}`)
  if (lag > 0) verdict.add('ledger', `${lag} half messages are undecided after their last question`)
  const halves = halvesIn(model).filter(({ isGone }) => !isGone)
  if (halves.some(({ wait }) => wait.isFuzzy)) return
  const committed = halves.filter(({ position }) => position !== undefined).length
  const givenUp = halves.filter(({ wait }) => wait.over?.by === 'limit').length
  const rolledBack = halves.filter(({ wait }) => wait.over?.by === 'rollback')
  const sure = rolledBack.filter(({ wait }) => wait.over?.isSure === true).length
  expectBucket('acked', buckets.acked, [committed, committed], verdict)
  expectBucket('dead', buckets.dead, [givenUp, givenUp], verdict)
  // Of a topic that was deleted they may be either.
  const dropped = halves.filter(({ wait }) => wait.over?.by === 'deletion').length
  expectBucket('rolledBack', buckets.rolledBack, [sure, rolledBack.length + dropped], verdict)
}

function expectBucket(name: string, count: number, [min, max]: readonly [number, number], verdict: Verdict): void {
  if (count < min || count > max)
    verdict.add('ledger', `half messages: ${count} are ${name}, it should be ${min === max ? min : `${min} to ${max}`}`)
}
