// Takes a queue as another broker left it: a cursor, and the deliveries that were neither acknowledged nor given up.
// What was known before holds up to the first offset that is in doubt; the rest is the other broker's word.
import type { AdoptedQueue, QueueRef } from './api.ts'
import { lowestBit, subtractDigest } from './digest.ts'
import { BLOCK, bitOf, blockOf } from './entries.ts'
import type { EntryFields, EntryTable } from './entries.ts'
import type { JournalWriter } from './journal/encode.ts'
import { BucketId, Ledger, tallyOfMask, tallyOfRange } from './ledger.ts'
import type { Tally } from './ledger.ts'
import type { LiveQueue } from './queue-state.ts'
import { encodeState } from './state-record.ts'
import type { Transitions } from './transitions.ts'

interface Rows {
  readonly entries: readonly (EntryFields & { readonly ready: false })[]
  /** The first offset that did not fit, or the cursor. */
  readonly end: number
}

/** Neighbours of one delivery share a row, as if they had been popped here. Rows beyond the bound are not begun. */
function rowsOf({ cursor, claimed }: AdoptedQueue, rowsMax: number): Rows {
  const rows = new Map<string, { -readonly [Field in keyof EntryFields]: EntryFields[Field] } & { ready: false }>()
  for (const { offset, popTime, deadlineMs, attempts } of claimed) {
    const block = blockOf(offset)
    const key = `${block} ${popTime} ${deadlineMs} ${attempts}`
    const row = rows.get(key)
    if (row !== undefined) row.mask |= bitOf(offset)
    else if (rows.size >= rowsMax) return { entries: [...rows.values()], end: offset }
    else rows.set(key, { block, mask: bitOf(offset), attempts, popTime, deadline: deadlineMs, ready: false })
  }
  return { entries: [...rows.values()], end: cursor }
}

/** True when the queue is already so: taking over was interrupted behind it. */
function isSame(queue: LiveQueue, table: EntryTable, { entries, end }: Rows): boolean {
  if (queue.cursor !== end || queue.ready > 0 || queue.entries !== entries.length) return false
  return entries.every(({ block, mask, attempts, popTime, deadline }) => {
    const slot = table.find(queue, block * BLOCK + lowestBit(mask))
    if (slot < 0 || table.mask[slot] !== mask || table.attempts[slot] !== attempts) return false
    return table.popTime[slot] === popTime && table.deadline[slot] === deadline
  })
}

/** See `Inflight.adopt`. */
export function adoptQueue(
  transitions: Transitions,
  journal: JournalWriter,
  ref: QueueRef,
  adopted: AdoptedQueue,
  rowsMax: number,
): LiveQueue {
  const { registry, entries: table } = transitions
  const rows = rowsOf(adopted, rowsMax)
  const { entries, end } = rows
  const known = registry.exact(ref)
  if (known !== undefined && isSame(known, table, rows)) return known
  const ledger = new Ledger()
  let from = 0
  if (known !== undefined) {
    from = Math.min(table.lowMark(known), end, adopted.claimed[0]?.offset ?? end)
    if (transitions.clamp(known, from)) journal.clamp(known, from)
    ledger.values.set(known.ledger.values)
  }
  const passed = tallyOfRange(from, end)
  const tally: Tally = { count: 0, sum: 0, squares: 0 }
  for (const { block, mask } of entries) {
    tallyOfMask(block * BLOCK, mask, tally)
    ledger.add(BucketId.inFlight, tally)
    passed.count -= tally.count
    passed.sum = subtractDigest(passed.sum, tally.sum)
    passed.squares = subtractDigest(passed.squares, tally.squares)
  }
  ledger.add(known === undefined ? BucketId.beforeStart : BucketId.acked, passed)
  const epoch = known === undefined ? 0 : known.epoch + 1
  transitions.restore({
    ...ref,
    epoch,
    attemptId: '',
    batches: [],
    cursor: end,
    entries,
    readyOrder: [],
    ledger: ledger.values,
  })
  const queue = registry.exact(ref)!
  journal.state(encodeState(queue, table))
  return queue
}
