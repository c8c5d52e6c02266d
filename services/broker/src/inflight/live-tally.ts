// Counts the live messages of a queue from its entries alone, so that the ledger has something to agree with.
import { addDigest } from './digest.ts'
import { BLOCK, EntryKind } from './entries.ts'
import type { EntryTable } from './entries.ts'
import { tallyOfMask } from './ledger.ts'
import type { LiveTally, Tally } from './ledger.ts'
import type { LiveQueue } from './queue-state.ts'

export function liveTally(queue: LiveQueue, table: EntryTable): LiveTally {
  const ready: Tally = { count: 0, sum: 0, squares: 0 }
  const inFlight: Tally = { count: 0, sum: 0, squares: 0 }
  const scratch: Tally = { count: 0, sum: 0, squares: 0 }
  for (let slot = queue.head; slot >= 0; slot = table.next[slot]!) {
    const into = table.kind[slot] === EntryKind.ready ? ready : inFlight
    tallyOfMask(table.block[slot]! * BLOCK, table.mask[slot]!, scratch)
    into.count += scratch.count
    into.sum = addDigest(into.sum, scratch.sum)
    into.squares = addDigest(into.squares, scratch.squares)
  }
  return { ready, inFlight }
}
