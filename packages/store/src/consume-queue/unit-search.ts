// Finds units of one queue, wherever they are, by halving: positions in the log grow with the queue offset. Fillers
// stand for lost records and have no position: a search passes over them.
import type { Unit } from '../message-store.ts'
import type { ConsumeQueue } from './consume-queue.ts'
import type { QueueFiles } from './queue-files.ts'
import { isFillerUnit } from './unit.ts'

/** The part of a queue in front of `end`, which is not beyond its max. */
export interface QueuePart {
  readonly queue: ConsumeQueue
  readonly end: number
}

type Loader = Pick<QueueFiles, 'load'>

/** The unit at `offset`, or the first one behind it that stands for a record. */
export async function unitFrom(files: Loader, { queue, end }: QueuePart, offset: number): Promise<Unit | undefined> {
  let next = Math.max(offset, queue.min)
  while (next < end) {
    const found: Unit[] = []
    const result = queue.walk(next, end, end - next, (unit) => {
      if (isFillerUnit(unit)) return 'skip'
      found.push(unit)
      return 'stop'
    })
    if (found[0] !== undefined) return found[0]
    if (result.kind === 'missing') await files.load(queue, result.at)
    else next = result.next
  }
  return undefined
}

/** The first unit at or behind a position of the log. */
export async function unitAtPosition(files: Loader, part: QueuePart, position: number): Promise<Unit | undefined> {
  return unitFrom(files, part, await offsetAtPosition(files, part, position))
}

/** The first offset from `from` (or the queue's min) on whose record lies at or behind a position; `end` without one. */
export async function offsetAtPosition(
  files: Loader,
  part: QueuePart,
  position: number,
  from: number = part.queue.min,
): Promise<number> {
  let low = from
  let high = part.end
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2)
    const unit = await unitFrom(files, part, middle)
    if (unit !== undefined && unit.commitLogOffset < position) low = unit.queueOffset + 1
    else high = middle
  }
  return low
}

/** The first offset of the queue whose record lies at or behind `logMin`; its end where all of it is below. */
export async function minOffsetAt(files: Loader, queue: ConsumeQueue, logMin: number): Promise<number> {
  const part = { queue, end: queue.max }
  const first = await unitFrom(files, part, queue.min)
  if (first !== undefined && first.commitLogOffset >= logMin) return queue.min
  return offsetAtPosition(files, part, logMin)
}
