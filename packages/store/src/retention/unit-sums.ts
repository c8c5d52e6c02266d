// Bytes of the records of one queue, as running sums over its units: one number per block, so that a sum up to any offset
// looks at one block only.
import type { ConsumeQueue } from '../consume-queue/consume-queue.ts'
import type { QueueFiles } from '../consume-queue/queue-files.ts'
import { isFillerUnit } from '../consume-queue/unit.ts'

/** Units of a block. */
const BLOCK_UNITS = 256
/** Blocks in front of the queue's min that are forgotten together. */
const FORGOTTEN_BLOCKS = 1024
/** Units looked at between two pauses, in which other work runs. */
const UNITS_PER_PAUSE = 8192

export interface UnitSums {
  /** Takes in the units up to `end`. */
  extendTo(end: number): Promise<void>
  /** Bytes of the records in front of `offset`, from a fixed place on. `offset` is not below the queue's min. */
  at(offset: number): Promise<number>
}

/** Nothing is measured yet. */
export function createUnitSums(
  queue: ConsumeQueue,
  files: Pick<QueueFiles, 'load'>,
  breathe: () => Promise<void>,
): UnitSums {
  /** First offset of the first block. */
  let base = queue.nextMin
  /** Sum in front of each block. */
  let sums: number[] = [0]
  let measured = base
  let total = 0

  /** Adds up the sizes of [from, to). */
  async function sizeOf(from: number, to: number): Promise<number> {
    let bytes = 0
    for (let next = from; next < to;) {
      const result = queue.walk(next, to, to - next, (unit) => {
        if (!isFillerUnit(unit)) bytes += unit.size
        next = unit.queueOffset + 1
        return 'take'
      })
      if (result.kind === 'missing') await files.load(queue, result.at)
      else next = Math.max(result.next, next)
    }
    return bytes
  }

  function forget(): void {
    const blocks = Math.floor((queue.min - base) / BLOCK_UNITS)
    if (blocks < FORGOTTEN_BLOCKS) return
    base += blocks * BLOCK_UNITS
    sums = sums.slice(blocks)
  }

  return {
    async extendTo(end) {
      forget()
      let unpaused = 0
      while (measured < end) {
        const blockEnd = base + sums.length * BLOCK_UNITS
        const to = Math.min(end, blockEnd)
        total += await sizeOf(measured, to)
        unpaused += to - measured
        measured = to
        if (to === blockEnd) sums.push(total)
        if (unpaused < UNITS_PER_PAUSE) continue
        unpaused = 0
        await breathe()
      }
    },
    async at(offset) {
      // From the end of the block: its first units may be below the min by now.
      const block = Math.floor((offset - base) / BLOCK_UNITS)
      const blockEnd = Math.min(base + (block + 1) * BLOCK_UNITS, measured)
      return (sums[block + 1] ?? total) - (await sizeOf(offset, blockEnd))
    },
  }
}
