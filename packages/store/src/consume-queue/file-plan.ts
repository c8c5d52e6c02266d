// Which queues get their units written to files of their own now: those with many. The others keep theirs in memory and in
// the checkpoint, and in packs once these are too many: files are opened and synced by the flow of messages, not by the
// number of queues.
import type { ConsumeQueue } from './consume-queue.ts'

/** Once the bound is reached, so much of it is left: what a queue has in one place is some units. */
const KEPT_SHARE_AFTER = 0.5

export interface FileLimits {
  /** Units of a queue that are worth opening a file for. */
  readonly unitsPerWrite: number
  /** Units that are in no file, over all queues, at most; beyond, the queues with the most go into a pack. */
  readonly keptUnitsMax: number
  /** Packs, at most: beyond, the units of the oldest one get into the files of their queues. */
  readonly packsMax: number
}

export interface FilePlan {
  /** Into files of their own. */
  readonly write: ConsumeQueue[]
  readonly pack: ConsumeQueue[]
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

/** Parts the queues that have units in no file. What ended or is complete is in no part. */
export function planFiles(queues: readonly ConsumeQueue[], limits: FileLimits): FilePlan {
  const { unitsPerWrite, keptUnitsMax } = limits
  const write: ConsumeQueue[] = []
  let keep: ConsumeQueue[] = []
  let kept = 0
  for (const queue of queues) {
    const units = unitsLeft(queue)
    if (queue.ended || units <= 0) continue
    if (queue.max - queue.filed >= unitsPerWrite) {
      write.push(queue)
    } else {
      keep.push(queue)
      kept += units
    }
  }
  if (kept <= keptUnitsMax) return { write, pack: [], keep }
  keep.sort((a, b) => unitsLeft(b) - unitsLeft(a))
  let taken = 0
  for (; kept > keptUnitsMax * KEPT_SHARE_AFTER; taken += 1) kept -= unitsLeft(keep[taken]!)
  const pack = keep.slice(0, taken)
  keep = keep.slice(taken)
  return { write, pack, keep }
}

/** Packs that hold units of these queues. */
export function packsOf(queues: Iterable<ConsumeQueue>): Set<number> {
  const packs = new Set<number>()
  for (const { packed } of queues) for (const { pack } of packed) packs.add(pack)
  return packs
}

/** Makes room for one more pack: of too many the oldest goes, and what it holds is written to the files of its queues. */
export function retireOldest(plan: FilePlan, all: () => Iterable<ConsumeQueue>, { packsMax }: FileLimits): FilePlan {
  const packs = packsOf(all())
  if (packs.size < packsMax) return plan
  const oldest = Math.min(...packs)
  const isThere = ({ packed }: ConsumeQueue): boolean => packed[0]?.pack === oldest
  const written = new Set(plan.write)
  for (const queue of all()) if (isThere(queue)) written.add(queue)
  const isLeft = (queue: ConsumeQueue): boolean => !isThere(queue)
  return { write: [...written], pack: plan.pack.filter(isLeft), keep: plan.keep.filter(isLeft) }
}
