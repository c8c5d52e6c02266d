// Which queues get their units written to files now: those with many. The others keep theirs in memory and in the
// checkpoint, so that files are opened and synced by the flow of messages, not by the number of queues.
import type { ConsumeQueue } from './consume-queue.ts'
import { UNIT_BYTES } from './unit.ts'

/** Units that are in no file, over all queues, at most; beyond, the queues with the most go first. */
export const KEPT_BYTES_MAX = 16 * 1024 * 1024
const KEPT_UNITS_MAX = Math.floor(KEPT_BYTES_MAX / UNIT_BYTES)
/** Once the bound is reached, so much of it is left: each visit is worth some units. */
const KEPT_UNITS_AFTER = KEPT_UNITS_MAX / 2

export interface FilePlan {
  readonly write: ConsumeQueue[]
  readonly keep: ConsumeQueue[]
}

/** Units of a queue that are in no file. */
export function unitsLeft({ max, persisted }: Pick<ConsumeQueue, 'max' | 'persisted'>): number {
  return max - persisted
}

/** Units of many queues that are in no file. */
export function sumUnitsLeft(queues: Iterable<ConsumeQueue>): number {
  let units = 0
  for (const queue of queues) units += unitsLeft(queue)
  return units
}

/**
 * Parts the queues that have units in no file; `unitsPerWrite` are worth opening one for. What ended or is complete is in
 * neither part.
 */
export function planFiles(queues: readonly ConsumeQueue[], unitsPerWrite: number): FilePlan {
  const write: ConsumeQueue[] = []
  let keep: ConsumeQueue[] = []
  let kept = 0
  for (const queue of queues) {
    const units = unitsLeft(queue)
    if (queue.ended || units <= 0) continue
    if (units >= unitsPerWrite) {
      write.push(queue)
    } else {
      keep.push(queue)
      kept += units
    }
  }
  if (kept <= KEPT_UNITS_MAX) return { write, keep }
  keep.sort((a, b) => unitsLeft(b) - unitsLeft(a))
  let taken = 0
  for (; kept > KEPT_UNITS_AFTER; taken += 1) kept -= unitsLeft(keep[taken]!)
  write.push(...keep.slice(0, taken))
  keep = keep.slice(taken)
  return { write, keep }
}
