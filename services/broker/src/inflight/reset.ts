// A group goes on elsewhere in a queue. Invariant: what was delivered before means nothing afterwards, for no handle names a
// pop time that is given again.
import { bitsBelow, BLOCK, EntryKind } from './entries.ts'
import { BucketId, subtractTally, type Tally, tallyOfMask, tallyOfRange } from './ledger.ts'
import type { LiveQueue } from './queue-state.ts'
import type { Transitions } from './transitions.ts'

/**
 * Nothing is in flight or ready any more, and `to` is delivered next. What is passed over counts as skipped, what was
 * settled and comes again waits; attempts are counted from the first one again.
 */
export function resetQueue(transitions: Transitions, queue: LiveQueue, to: number): void {
  transitions.changing(queue)
  const { entries } = transitions
  const { ledger, cursor } = queue
  const comesAgain = tallyOfRange(Math.min(to, cursor), cursor)
  const tally: Tally = { count: 0, sum: 0, squares: 0 }
  queue.closeLines()
  while (queue.head >= 0) {
    const slot = queue.head
    const block = entries.block[slot]!
    const mask = entries.mask[slot]!
    const below = bitsBelow(block, to)
    ledger.removeMask(entries.kind[slot] === EntryKind.ready ? BucketId.ready : BucketId.inFlight, block * BLOCK, mask)
    ledger.addMask(BucketId.skipped, block * BLOCK, mask & below)
    subtractTally(comesAgain, tallyOfMask(block * BLOCK, mask & ~below, tally))
    entries.drop(queue, slot, -1)
  }
  if (to > cursor) ledger.addRange(BucketId.skipped, cursor, to)
  else ledger.removeVanished(comesAgain)
  queue.ready = 0
  queue.inFlight = 0
  queue.readyQueues.clear(queue.queueId)
  queue.attemptId = ''
  queue.batches = []
  queue.cursor = to
  queue.epoch += 1
  transitions.popTimeFloor = Math.max(transitions.popTimeFloor, transitions.popTimeMax)
}
